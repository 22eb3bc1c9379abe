// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace linli::sync {

/// One thing wrong with a store.
struct StoreFinding {
  /// Stable word for scripts: integrity, bucket_digest, bucket_head, entry_orphan, entry_ver,
  /// entry_place,
  /// entry_dead_row, row_leftover, result_chain, idx_orphan, idx_table, head, outbox_gap,
  /// foreign_key.
  std::string what;
  /// Bucket number where one is meant, else 0.
  std::uint32_t bucket = 0;
  /// Counts and numbers; never keys or data.
  std::string detail;
};

/// Reads everything in one transaction: SQLite's own check, every bucket digest from entries and
/// rows, orphans on either side. Empty list = sound.
/// Errors: io, corrupt (so damaged that it cannot be read), unsupported_version.
/// Cost:   a full read; about 1 s per million entries. Threads: any; opens its own connection.
Result<std::vector<StoreFinding>> verify_store(const std::string& path);

}  // namespace linli::sync
