// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "sync/model/types.h"

namespace linli::auth {

/// Reason of a revocation that leaves the hand-over open. DISK: the word is stored.
inline constexpr std::string_view kReplaced = "replaced";

/// Revoked devices, outside the database: a restored backup must not bring them back (decision
/// M11).
/// DISK: one line each, `<unix ms> <cid hex>[ replaced]\n`, append-only; an unfinished last line is
/// ignored. Without `replaced` nothing of the phone is taken any more, whatever other lines say.
/// Threads: any.
class RevocationLog {
 public:
  /// Reads `file` if it exists. Errors: io.
  static Result<std::unique_ptr<RevocationLog>> open(std::filesystem::path file);

  struct Entry {
    Instant at{};
    /// The owner's new phone took its place (ENR-10).
    bool replaced = false;
  };

  /// Durable on return; what it says already is not written again. Errors: io, disk_full.
  Result<void> add(const sync::Cid& cid, const Entry& entry);
  [[nodiscard]] bool contains(const sync::Cid& cid) const { return find(cid).has_value(); }
  [[nodiscard]] std::optional<Entry> find(const sync::Cid& cid) const;
  [[nodiscard]] std::map<sync::Cid, Entry> all() const;

 private:
  explicit RevocationLog(std::filesystem::path file) : file_(std::move(file)) {}
  /// False when it says nothing new.
  bool note(const sync::Cid& cid, const Entry& entry);

  // Constant after construction.
  const std::filesystem::path file_;
  // Guarded by mutex_.
  mutable std::mutex mutex_;
  std::map<sync::Cid, Entry> entries_;
  bool torn_ = false;
};

}  // namespace linli::auth
