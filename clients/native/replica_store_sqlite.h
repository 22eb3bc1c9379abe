// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "sync/protocol/replica_port.h"

namespace linli::client {

/// Holds a store folder for one process. Why: two processes with one store would give the same
/// mutation numbers twice. Threads: any.
class StoreLock {
 public:
  /// Creates the folder with mode 0700 when missing; waits up to `patience` for another process.
  /// Errors: unavailable when it is still held (detail says by which process), io.
  static Result<StoreLock> take(const std::string& folder, Millis patience);

  StoreLock(StoreLock&& other) noexcept;
  StoreLock& operator=(StoreLock&& other) noexcept;
  StoreLock(const StoreLock&) = delete;
  StoreLock& operator=(const StoreLock&) = delete;
  ~StoreLock();

 private:
  explicit StoreLock(int file) : file_(file) {}
  int file_ = -1;
};

/// A phone's database in one SQLite file, `replica.db` with mode 0600 (it holds the device key).
/// WAL, synchronous=FULL: what commit() took survives power loss; secure_delete: what was purged is
/// overwritten. Cost: a first fill of 600-byte rows takes 6 us a
/// row (tests/bench/client_apply_bench.cc). Threads: one at a time.
/// Errors: io, disk_full, corrupt (message names the file), unsupported_version (made by a newer
/// program).
Result<std::unique_ptr<sync::ReplicaStorage>> open_sqlite_storage(const std::string& folder);

}  // namespace linli::client
