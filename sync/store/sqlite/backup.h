// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>

#include "base/result.h"

namespace linli::sync {

struct BackupOptions {
  /// Running or stopped store.
  std::string from;
  /// Must not exist.
  std::string to;
  /// Pages per step; the disk is free for others between two steps.
  int step_pages = 500;
  /// Called after each step; false stops the backup.
  std::function<bool(int pages_done, int pages_all)> progress;
};

/// Copies a store into one new file, consistent as of the start, while the writer goes on.
///
/// The copy grows as `<to>.part`, is synced, then renamed: what bears the final name is complete.
/// Errors: conflict when `to` exists, timed_out when `progress` stopped it, io, disk_full, corrupt.
/// Cost:   the WAL cannot start over meanwhile; it grows by what is written during the copy.
/// Threads: any; opens its own connections.
Result<void> backup_store(const BackupOptions& options);

}  // namespace linli::sync
