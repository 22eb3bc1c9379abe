// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "sync/model/row.h"
#include "sync/model/types.h"
#include "sync/protocol/frames.h"

/// What the engine asks of a database. One community per store. Held to tests/unit/store/contract.
namespace linli::sync {

struct StoredRow {
  Seq ver;
  SharedText data;
  /// Buckets with a live entry of this row, ascending.
  std::vector<BucketId> buckets;
};

/// New state of one row. `data` null = deleted (the row record is removed).
struct RowWrite {
  RowKey row;
  Seq ver;
  SharedText data;
};
/// New state of one (bucket, row) entry. `live` false = tombstone at `ver`.
struct EntryWrite {
  BucketId bucket;
  RowKey row;
  Seq ver;
  bool live = true;
};
/// `index` is "<table>.<name>"; values compare bytewise, <= 128 bytes.
struct IndexWrite {
  std::string index;
  std::string value;
  std::string key;
  bool add = true;
};
struct MemberWrite {
  AccountId account;
  BucketId bucket;
  /// Seq of the grant; ignored when `add` is false.
  Seq granted;
  bool add = true;
};
struct ClientWrite {
  Cid cid;
  UpNumbers last_n{};
};
struct StoredResult {
  Cid cid;
  UpLane lane = UpLane::interactive;
  std::uint64_t n = 0;
  Id128 mhash;
  MutationStatus status = MutationStatus::ok;
  Seq seq;
  /// Bit 0 urgent, bit 1 normal.
  std::uint8_t lanes = 0;
  std::string code;
  std::string msg;
  std::string info;
  std::int64_t at = 0;
};
/// Rejected work that staff can review (decision M3).
struct QuarantineWrite {
  Cid cid;
  AccountId account;
  UpLane lane = UpLane::interactive;
  std::uint64_t n = 0;
  std::string name;
  std::string args;
  std::string code;
  std::int64_t at = 0;
};
/// Opaque row for the gateway; ids are gapless (decision B6).
struct OutboxRow {
  std::uint64_t id = 0;
  std::string kind;
  std::string data;
  std::int64_t at = 0;
};
struct DueRow {
  std::int64_t at = 0;
  std::string kind;
  std::string key;
  friend auto operator<=>(const DueRow&, const DueRow&) = default;
};
/// Answer to an HTTP write, kept under (actor, Idempotency-Key) (decision M17).
struct IdempotencyRecord {
  AccountId actor;
  std::string key;
  Id128 request_hash;
  int status = 0;
  std::string response;
  std::int64_t at = 0;
};
/// What a phone durably holds; flushed in batches, not synced (decision M15).
struct DeviceCursor {
  Cid cid;
  Cursors cur{};
  /// Last contact.
  std::int64_t at = 0;
  /// Unsent mutations, as the phone said and the server has not got since.
  std::uint64_t pending = 0;
  /// Program and version, as the phone said.
  std::string app{};
};

/// One storage transaction: mutations (from, to]. All or nothing, durable when apply() returns.
struct WriteBatch {
  Seq from;
  Seq to;
  std::int64_t at = 0;
  std::vector<RowWrite> rows;
  std::vector<EntryWrite> entries;
  std::vector<IndexWrite> indexes;
  /// Full new states, also of new buckets.
  std::vector<BucketInfo> buckets;
  std::vector<MemberWrite> members;
  std::vector<ClientWrite> clients;
  std::vector<StoredResult> results;
  std::vector<QuarantineWrite> quarantine;
  std::vector<OutboxRow> outbox;
  /// Applied before due_adds, by (kind, key); `at` is ignored.
  std::vector<DueRow> due_removes;
  std::vector<DueRow> due_adds;
  std::vector<IdempotencyRecord> idempotency;
};

struct Member {
  AccountId account;
  BucketId bucket;
  Seq granted;
};

/// Everything the engine keeps in memory, read once at start.
struct StoreState {
  Epoch epoch;
  Seq head;
  std::uint64_t outbox_head = 0;
  std::vector<BucketInfo> buckets;
  std::vector<Member> members;
  std::vector<ClientWrite> clients;
};

struct IndexHit {
  std::string value;
  std::string key;
};

/// Entries of one bucket after a cursor, ascending by ver.
struct BucketChunk {
  std::vector<Op> ops;
  /// Complete: the bucket's head in the read transaction. Else: ver of the last op.
  Seq to;
  bool complete = false;
  /// Community head in the read transaction.
  Seq read_head;
  /// Digest of the bucket in the read transaction; meaningful only when complete.
  Digest digest;
};

/// Reads; each call is one short read transaction. Threads: one at a time per reader; several
/// readers and the writer run at once. Errors: io, corrupt.
class StoreReader {
 public:
  virtual ~StoreReader() = default;
  virtual Result<std::optional<StoredRow>> row(const RowKey& row) = 0;
  /// Hits with `value` starting with `prefix`, after the pair (after.value, after.key) when given,
  /// ordered by (value, key), at most `limit`.
  virtual Result<std::vector<IndexHit>> scan(std::string_view index, std::string_view prefix,
                                             const std::optional<IndexHit>& after,
                                             std::size_t limit) = 0;
  /// Live rows of a table ordered by key, keys > `after`.
  virtual Result<std::vector<std::pair<std::string, StoredRow>>> table(std::string_view tbl,
                                                                       std::string_view after,
                                                                       std::size_t limit) = 0;
  /// `tombstones` false: live entries only (the first page of a fill). A page never ends
  /// between two
  /// entries of the same ver, even if that exceeds the bounds a little (one mutation's rows).
  virtual Result<BucketChunk> chunk(BucketId bucket, Seq after, bool tombstones,
                                    std::size_t rows_max, std::size_t bytes_max) = 0;
  /// Stored results of one up-lane with n > after, ascending, at most `limit`.
  virtual Result<std::vector<StoredResult>> results(const Cid& cid, UpLane lane,
                                                    std::uint64_t after, std::size_t limit) = 0;
  virtual Result<std::optional<IdempotencyRecord>> idempotency(const AccountId& actor,
                                                               std::string_view key) = 0;
  /// Rows with id > after, ascending.
  virtual Result<std::vector<OutboxRow>> outbox(std::uint64_t after, std::size_t limit) = 0;
  /// Due at or before `until`, ascending.
  virtual Result<std::vector<DueRow>> due(std::int64_t until, std::size_t limit) = 0;
  /// Newest first.
  virtual Result<std::vector<QuarantineWrite>> quarantine(std::size_t limit) = 0;
  virtual Result<std::vector<DeviceCursor>> cursors() = 0;
  /// Nothing for a device that has never connected.
  virtual Result<std::optional<DeviceCursor>> cursor(const Cid& cid) = 0;
  virtual Result<bool> is_member(const AccountId& account, BucketId bucket) = 0;
};

/// The single writer's side; also reads its own latest commit. Threads: one at a time.
/// Errors: io, disk_full, corrupt; after an error nothing of the batch is stored.
class Store : public StoreReader {
 public:
  /// Reads everything the engine keeps in memory. Not between hold() and its end.
  virtual Result<StoreState> load() = 0;
  /// One transaction from here to the next apply() or release(): a batch's many small reads need
  /// not begin one each. Another process that writes waits meanwhile.
  virtual Result<void> hold() { return {}; }
  virtual void release() {}
  /// Durable on return. Errors: conflict when batch.from is not the stored head or the outbox
  /// ids do
  /// not follow the stored ones; internal when an entry is of an unknown bucket or places a
  /// row that
  /// is not there, or a result is of an unknown client (its ClientWrite may be in the same batch).
  virtual Result<void> apply(const WriteBatch& batch) = 0;
  /// Device cursors and other records outside the log; durability may lag one checkpoint.
  virtual Result<void> save_cursors(const std::vector<DeviceCursor>& cursors) = 0;
  /// Drops tombstones with ver <= floor and records the floor.
  virtual Result<void> raise_floor(BucketId bucket, Seq floor) = 0;
  /// Last seq committed at or before `at` (day granularity), for retention; 0 when unknown.
  virtual Result<Seq> seq_at(std::int64_t at) = 0;
  /// Drops results, quarantine, idempotency older than `before` and outbox rows with
  /// id <= outbox_consumed, whatever their age. Ids go on where they were.
  virtual Result<void> prune(std::int64_t before, std::uint64_t outbox_consumed) = 0;
  /// Sets a new epoch (after a restore).
  virtual Result<void> set_epoch(const Epoch& epoch) = 0;
  /// A reader for another thread.
  virtual Result<std::unique_ptr<StoreReader>> make_reader() = 0;
};

}  // namespace linli::sync
