// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "sync/engine/store_port.h"
#include "sync/store/sqlite/connection.h"
#include "sync/store/sqlite/names.h"
#include "sync/store/sqlite/row_writer.h"

namespace linli::sync::sqlite {

/// Writes one WriteBatch inside a transaction the caller began. Throws; after a throw the caller
/// rolls back and calls forget().
class BatchWriter {
 public:
  explicit BatchWriter(Connection& connection);

  /// Throws Fault(conflict) when the batch does not start at the stored head or its outbox ids do
  /// not follow the stored ones, Fault(internal) when it places a row that is not there or has a
  /// result of a client that is not there.
  void write(const WriteBatch& batch);
  /// As Store::raise_floor; same rules as write().
  void raise_floor(BucketId bucket, Seq floor);
  /// Drops what was cached from a transaction that was rolled back.
  void forget();

 private:
  void check(const WriteBatch& batch);
  void write_buckets(const std::vector<BucketInfo>& buckets);
  void write_indexes(const std::vector<IndexWrite>& writes);
  void write_members(const std::vector<MemberWrite>& writes);
  void write_clients(const std::vector<ClientWrite>& clients);
  void write_result(const StoredResult& result);
  void write_quarantine(const std::vector<QuarantineWrite>& writes);
  void write_outbox(const std::vector<OutboxRow>& rows);
  void write_due(const std::vector<DueRow>& removes, const std::vector<DueRow>& adds);
  void write_idempotency(const std::vector<IdempotencyRecord>& records);
  void write_head(const WriteBatch& batch);
  /// The mark of a day is right once a later day has begun: before that it is the seq after the
  /// day's first batch, and seq_at() takes the head. Why: a page less in every commit.
  void mark_day(std::int64_t day, const WriteBatch& batch);

  Connection& connection_;
  Names tables_;
  Names indexes_;
  RowWriter rows_;
  /// Last id given to a stored result; of the transaction at hand.
  std::int64_t result_head_ = 0;
  /// The day that has a mark, as far as this object knows.
  std::optional<std::int64_t> day_;
};

}  // namespace linli::sync::sqlite
