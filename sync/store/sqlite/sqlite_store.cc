// SPDX-License-Identifier: Apache-2.0
#include "sync/store/sqlite/sqlite_store.h"

#include <algorithm>
#include <array>

#include "base/log.h"
#include "sync/store/day.h"
#include "sync/store/sqlite/migrations.h"

namespace linli::sync {
namespace {

using sqlite::Connection;
using sqlite::Fault;
using sqlite::guarded;
using sqlite::Query;
using sqlite::Transaction;

/// Records removed per transaction of prune(); bounds the WAL and each turn of the disk.
constexpr int kPruneStep = 5000;

BucketInfo bucket_info(const Query& q) {
  return {.id = BucketId{static_cast<std::uint32_t>(q.i64(0))},
          .spec = {.name = q.text(1),
                   .lane = static_cast<Lane>(q.i64(2)),
                   .pri = static_cast<std::uint8_t>(q.i64(3)),
                   .cls = static_cast<BucketClass>(q.i64(4))},
          .head = q.seq(5),
          .reset_seq = q.seq(6),
          .floor = q.seq(7),
          .digest = {q.u64(8), q.u64(9)}};
}

StoreState read_state(Connection& connection) {
  StoreState state;
  Transaction read(connection, Transaction::Kind::read);
  {
    Query q = connection.query("SELECT epoch, head, outbox_head FROM meta");
    if (!q.step()) throw Fault{{Errc::corrupt, "no meta record"}};
    state.epoch = Epoch{q.id128(0)};
    state.head = q.seq(1);
    state.outbox_head = q.u64(2);
  }
  {
    Query q = connection.query(
        "SELECT id, name, lane, pri, cls, head, reset_seq, floor, n, s FROM bucket ORDER BY id");
    while (q.step()) state.buckets.push_back(bucket_info(q));
  }
  {
    Query q =
        connection.query("SELECT account, bucket, granted FROM member ORDER BY bucket, account");
    while (q.step())
      state.members.push_back(
          {AccountId{q.id128(0)}, BucketId{static_cast<std::uint32_t>(q.i64(1))}, q.seq(2)});
  }
  Query q = connection.query("SELECT cid, n0, n1, n2 FROM client ORDER BY cid");
  while (q.step())
    state.clients.push_back({Cid{q.id128(0)}, UpNumbers{q.u64(1), q.u64(2), q.u64(3)}});
  return state;
}

/// One bounded step; returns whether there may be more.
/// Why by id: results and quarantine are appended in the order of time, so the oldest ids are the
/// oldest records and need no index.
bool prune_step(Connection& connection, std::int64_t before, std::uint64_t outbox_consumed) {
  const std::array removed{
      connection
          .query("DELETE FROM result WHERE at < ?1 AND id IN"
                 " (SELECT id FROM result ORDER BY id LIMIT ?2)",
                 before, kPruneStep)
          .run(),
      connection
          .query("DELETE FROM quarantine WHERE at < ?1 AND id IN"
                 " (SELECT id FROM quarantine ORDER BY id LIMIT ?2)",
                 before, kPruneStep)
          .run(),
      connection
          .query("DELETE FROM idempotency WHERE (actor, key) IN"
                 " (SELECT actor, key FROM idempotency WHERE at < ?1 ORDER BY at LIMIT ?2)",
                 before, kPruneStep)
          .run(),
      connection
          .query("DELETE FROM outbox WHERE id IN"
                 " (SELECT id FROM outbox WHERE id <= ?1 ORDER BY id LIMIT ?2)",
                 outbox_consumed, kPruneStep)
          .run()};
  return std::ranges::max(removed) == kPruneStep;
}

}  // namespace

Result<std::unique_ptr<SqliteStore>> SqliteStore::open(const SqliteStoreOptions& options) {
  return guarded("open store", [&] {
    auto store = std::unique_ptr<SqliteStore>(new SqliteStore(options));
    sqlite::migrate(store->connection_, sqlite::migrations());
    if (options.checkpoint_thread)
      store->checkpointer_ =
          std::make_unique<sqlite::Checkpointer>(options.path, options.checkpoint);
    return store;
  });
}

SqliteStore::SqliteStore(const SqliteStoreOptions& options)
    : options_(options),
      connection_({.path = options.path,
                   .create = options.create,
                   .gather_wal = true,
                   .cache_kib = 64 * 1024}),
      reader_(connection_),
      writer_(connection_),
      poke_at_(options.checkpoint.pages) {}

SqliteStore::~SqliteStore() {
  checkpointer_.reset();
  const auto done = guarded("checkpoint at close", [this] { connection_.checkpoint_truncate(); });
  // Nothing is lost: the WAL is complete and is read at the next start.
  if (!done) log_event(LogLevel::error, "store.checkpoint.failed", {{"why", done.error().detail}});
}

template <class Fn>
Result<void> SqliteStore::write(std::string_view operation, Fn&& fn) {
  if (broken_)
    return fail(Errc::io, std::string(operation) + ": an earlier commit failed; reopen the store");
  bool committing = false;
  auto done = guarded(operation, [&] {
    // SQLite ends a transaction by itself when the disk fails under it.
    if (held_ && !connection_.in_transaction()) held_.reset();
    if (!held_) held_.emplace(connection_, Transaction::Kind::write);
    fn();
    committing = true;
    held_->commit();
  });
  held_.reset();
  if (!done) {
    broken_ = committing && done.error().code == Errc::io;
    return done;
  }
  after_commit();
  return {};
}

void SqliteStore::after_commit() {
  const int pages = connection_.wal_pages();
  const sqlite::CheckpointOptions& bounds = options_.checkpoint;
  if (pages < bounds.pages) poke_at_ = bounds.pages;  // the WAL started over
  if (checkpointer_ != nullptr && pages >= poke_at_) {
    checkpointer_->poke();
    poke_at_ = pages + bounds.pages;
  }
  if (pages < bounds.pages_hard) return;
  const auto done = guarded("checkpoint", [this] {
    if (checkpointer_ != nullptr) return checkpointer_->pass(connection_);
    connection_.checkpoint_passive();
  });
  if (!done) log_event(LogLevel::error, "store.checkpoint.failed", {{"why", done.error().detail}});
}

Result<StoreState> SqliteStore::load() {
  return guarded("load store", [this] { return read_state(connection_); });
}

Result<void> SqliteStore::hold() {
  return guarded("begin", [this] { held_.emplace(connection_, Transaction::Kind::write); });
}

void SqliteStore::release() { held_.reset(); }

Result<void> SqliteStore::apply(const WriteBatch& batch) {
  auto done = write("apply", [&] { writer_.write(batch); });
  if (!done) writer_.forget();
  return done;
}

Result<void> SqliteStore::save_cursors(const std::vector<DeviceCursor>& cursors) {
  return write("save cursors", [&] {
    for (const DeviceCursor& c : cursors) {
      connection_
          .query(
              "INSERT INTO device_cursor(cid, u, s, at, pending, app)"
              " VALUES(?1, ?2, ?3, ?4, ?5, ?6)"
              " ON CONFLICT(cid) DO UPDATE SET u=?2, s=?3, at=?4, pending=?5, app=?6",
              c.cid, c.cur[0], c.cur[1], c.at, c.pending, c.app)
          .run();
    }
  });
}

Result<void> SqliteStore::raise_floor(BucketId bucket, Seq floor) {
  return write("raise floor", [&] { writer_.raise_floor(bucket, floor); });
}

Result<Seq> SqliteStore::seq_at(std::int64_t at) {
  return guarded("read day mark", [&] {
    // The newest day is still open (BatchWriter::mark_day): all there is was committed by its end.
    Query q = connection_.query(
        "SELECT iif(?1 >= (SELECT max(day) FROM day_mark), (SELECT head FROM meta),"
        " (SELECT seq FROM day_mark WHERE day <= ?1 ORDER BY day DESC LIMIT 1))",
        last_whole_day(at));
    return q.step() && !q.is_null(0) ? q.seq(0) : Seq{};
  });
}

Result<void> SqliteStore::prune(std::int64_t before, std::uint64_t outbox_consumed) {
  bool more = true;
  while (more)
    LINLI_CHECK(write("prune", [&] { more = prune_step(connection_, before, outbox_consumed); }));
  return {};
}

Result<void> SqliteStore::set_epoch(const Epoch& epoch) {
  return write("set epoch", [&] { connection_.query("UPDATE meta SET epoch=?1", epoch).run(); });
}

Result<std::unique_ptr<StoreReader>> SqliteStore::make_reader() {
  LINLI_TRY(std::unique_ptr<StoreReader> reader, SqliteReader::open(options_.path));
  return reader;
}

Result<std::optional<StoredRow>> SqliteStore::row(const RowKey& row) { return reader_.row(row); }

Result<std::vector<IndexHit>> SqliteStore::scan(std::string_view index, std::string_view prefix,
                                                const std::optional<IndexHit>& after,
                                                std::size_t limit) {
  return reader_.scan(index, prefix, after, limit);
}

Result<std::vector<std::pair<std::string, StoredRow>>> SqliteStore::table(std::string_view tbl,
                                                                          std::string_view after,
                                                                          std::size_t limit) {
  return reader_.table(tbl, after, limit);
}

Result<BucketChunk> SqliteStore::chunk(BucketId bucket, Seq after, bool tombstones,
                                       std::size_t rows_max, std::size_t bytes_max) {
  return reader_.chunk(bucket, after, tombstones, rows_max, bytes_max);
}

Result<std::vector<StoredResult>> SqliteStore::results(const Cid& cid, UpLane lane,
                                                       std::uint64_t after, std::size_t limit) {
  return reader_.results(cid, lane, after, limit);
}

Result<std::optional<IdempotencyRecord>> SqliteStore::idempotency(const AccountId& actor,
                                                                  std::string_view key) {
  return reader_.idempotency(actor, key);
}

Result<std::vector<OutboxRow>> SqliteStore::outbox(std::uint64_t after, std::size_t limit) {
  return reader_.outbox(after, limit);
}

Result<std::vector<DueRow>> SqliteStore::due(std::int64_t until, std::size_t limit) {
  return reader_.due(until, limit);
}

Result<std::vector<QuarantineWrite>> SqliteStore::quarantine(std::size_t limit) {
  return reader_.quarantine(limit);
}

Result<std::vector<DeviceCursor>> SqliteStore::cursors() { return reader_.cursors(); }
Result<std::optional<DeviceCursor>> SqliteStore::cursor(const Cid& cid) {
  return reader_.cursor(cid);
}

Result<bool> SqliteStore::is_member(const AccountId& account, BucketId bucket) {
  return reader_.is_member(account, bucket);
}

}  // namespace linli::sync
