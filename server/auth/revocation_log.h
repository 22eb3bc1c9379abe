// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <set>

#include "base/clock.h"
#include "base/result.h"
#include "sync/model/types.h"

namespace linli::auth {

/// Revoked devices, outside the database: a restored backup must not bring them back (decision
/// M11).
/// DISK: one line each, `<unix ms> <cid hex>\n`, append-only; an unfinished last line is ignored.
/// Threads: any.
class RevocationLog {
 public:
  /// Reads `file` if it exists. Errors: io.
  static Result<std::unique_ptr<RevocationLog>> open(std::filesystem::path file);

  /// Durable on return; a cid that is in it already is not written again. Errors: io, disk_full.
  Result<void> add(const sync::Cid& cid, Instant at);
  [[nodiscard]] bool contains(const sync::Cid& cid) const;
  [[nodiscard]] std::set<sync::Cid> all() const;

 private:
  explicit RevocationLog(std::filesystem::path file) : file_(std::move(file)) {}

  // Constant after construction.
  const std::filesystem::path file_;
  // Guarded by mutex_.
  mutable std::mutex mutex_;
  std::set<sync::Cid> cids_;
  bool torn_ = false;
};

}  // namespace linli::auth
