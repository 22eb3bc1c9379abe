// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "sync/engine/store_port.h"
#include "sync/store/sqlite/connection.h"
#include "sync/store/sqlite/names.h"
#include "sync/store/sqlite/places.h"

namespace linli::sync::sqlite {

/// Rows and entries of one batch: reads each touched record once, changes it in memory, writes each
/// tree once in key order. Inside the caller's write transaction; throws.
class RowWriter {
 public:
  RowWriter(Connection& connection, Names& tables) : connection_(connection), tables_(tables) {}

  /// Throws Fault(internal) when an entry places a row that is not there.
  void write(const std::vector<RowWrite>& rows, const std::vector<EntryWrite>& entries);
  /// Drops the tombstones of `bucket` with ver <= floor and the records only they needed.
  void drop_tombstones(BucketId bucket, Seq floor);
  void forget();

 private:
  struct Record {
    /// 0 = not stored yet.
    std::int64_t rid = 0;
    std::int64_t tbl = 0;
    const std::string* key = nullptr;
    Seq ver;
    bool live = false;
    /// Set by a RowWrite; else the stored data stays.
    const RowWrite* change = nullptr;
    Places before;
    Places after;
  };
  struct EntryChange {
    BucketId bucket;
    Seq ver;
    std::int64_t rid = 0;
    bool live = false;
    bool add = true;
  };

  Record& record(const RowKey& row);
  void store(Record& record);
  void collect_changes(const Record& record);
  void write_changes();

  Connection& connection_;
  Names& tables_;
  // Of the batch at hand; empty between batches.
  std::unordered_map<RowKey, Record> records_;
  std::vector<Record*> order_;
  std::vector<EntryChange> changes_;
};

}  // namespace linli::sync::sqlite
