// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <set>
#include <shared_mutex>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "sync/store/memory/memory_store.h"

namespace linli::sync {

/// Everything one community stores, as plain ordered maps.
struct MemoryStore::Content {
  struct Row {
    Seq ver;
    SharedText data;
  };
  struct Entry {
    Seq ver;
    bool live = false;
  };
  struct Bucket {
    BucketInfo info;
    std::map<RowKey, Entry> entries;
    std::set<std::pair<Seq, RowKey>> by_ver;
  };

  Epoch epoch;
  Seq head;
  std::uint64_t outbox_head = 0;
  /// Live rows only.
  std::map<RowKey, Row> rows;
  /// Live placements of each row.
  std::map<RowKey, std::set<BucketId>> placed;
  std::map<BucketId, Bucket> buckets;
  std::map<std::string, std::set<std::pair<std::string, std::string>>, std::less<>> indexes;
  std::map<std::pair<BucketId, AccountId>, Seq> members;
  std::map<Cid, UpNumbers> clients;
  std::map<std::tuple<Cid, UpLane, std::uint64_t>, StoredResult> results;
  std::vector<QuarantineWrite> quarantine;
  std::map<std::uint64_t, OutboxRow> outbox;
  std::set<DueRow> due;
  std::map<std::pair<std::string, std::string>, std::int64_t> due_at;
  std::map<std::pair<AccountId, std::string>, IdempotencyRecord> idempotency;
  std::map<Cid, DeviceCursor> cursors;
  std::map<std::int64_t, Seq> day_marks;

  /// Errors: conflict, internal; as SQLite's BatchWriter. Changes nothing.
  [[nodiscard]] Result<void> check(const WriteBatch& batch) const;
  /// `batch` has passed check().
  void apply(const WriteBatch& batch);
  void raise_floor(BucketId bucket, Seq floor);
  void prune(std::int64_t before, std::uint64_t outbox_consumed);

 private:
  void put_row(const RowWrite& write);
  void put_entry(const EntryWrite& write);
  void put_alarms(const WriteBatch& batch);
  void put_bookkeeping(const WriteBatch& batch);
};

struct MemoryStore::Shared {
  mutable std::shared_mutex mutex;
  // Guarded by mutex.
  Content content;
};

}  // namespace linli::sync
