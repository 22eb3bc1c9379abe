// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "sync/engine/store_port.h"
#include "sync/store/sqlite/connection.h"
#include "sync/store/sqlite/names.h"

namespace linli::sync::sqlite {

/// Writes one WriteBatch inside a transaction the caller began. Throws; after a throw the caller
/// rolls back and calls forget().
class BatchWriter {
 public:
  explicit BatchWriter(Connection& connection);

  /// Throws Fault(conflict) when the batch does not start at the stored head or its outbox ids do
  /// not follow the stored ones, Fault(internal) when it places a row that is not there.
  void write(const WriteBatch& batch);
  /// Drops what was cached from a transaction that was rolled back.
  void forget();

 private:
  struct Place {
    std::int64_t rid = 0;
    bool live = false;
  };

  void check(const WriteBatch& batch);
  void write_buckets(const std::vector<BucketInfo>& buckets);
  void write_row(const RowWrite& write);
  void write_entry(const EntryWrite& write);
  void drop_unplaced();
  void write_indexes(const std::vector<IndexWrite>& writes);
  void write_members(const std::vector<MemberWrite>& writes);
  void write_clients(const std::vector<ClientWrite>& clients);
  void write_results(const std::vector<StoredResult>& results);
  void write_quarantine(const std::vector<QuarantineWrite>& writes);
  void write_outbox(const std::vector<OutboxRow>& rows);
  void write_due(const std::vector<DueRow>& removes, const std::vector<DueRow>& adds);
  void write_idempotency(const std::vector<IdempotencyRecord>& records);
  void write_head(const WriteBatch& batch);

  Place& place_of(const RowKey& row);
  std::int64_t insert_row(std::int64_t tbl, const RowWrite& write);

  Connection& connection_;
  Names tables_;
  Names indexes_;
  /// Rows this batch has met; empty between batches.
  std::unordered_map<RowKey, Place> places_;
  /// Rows this batch deleted; their records go unless a tombstone needs them.
  std::vector<std::int64_t> deleted_;
};

}  // namespace linli::sync::sqlite
