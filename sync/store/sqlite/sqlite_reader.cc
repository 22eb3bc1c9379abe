// SPDX-License-Identifier: Apache-2.0
#include "sync/store/sqlite/sqlite_reader.h"

#include <algorithm>
#include <limits>

#include "base/limits.h"
#include "sync/store/chunk_page.h"
#include "sync/store/sqlite/places.h"
#include "sync/store/sqlite/result_chain.h"

namespace linli::sync {
namespace {

using sqlite::BlobRef;
using sqlite::Connection;
using sqlite::guarded;
using sqlite::live_buckets;
using sqlite::Names;
using sqlite::parse_places;
using sqlite::Query;
using sqlite::Transaction;

std::int64_t sql_limit(std::size_t limit) {
  constexpr auto kMax = static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max());
  return static_cast<std::int64_t>(std::min(limit, kMax));
}

/// Smallest text above every text with this prefix.
std::string above_prefix(std::string_view prefix) {
  std::string above(prefix);
  while (!above.empty() && static_cast<unsigned char>(above.back()) == 0xff) above.pop_back();
  // No such text: something longer and higher than any value (<= 128 bytes) may be.
  if (above.empty()) return std::string(prefix.size() + 129, '\xff');
  above.back() = static_cast<char>(static_cast<unsigned char>(above.back()) + 1);
  return above;
}

/// Columns cid, u, s, at, pending, app.
DeviceCursor cursor_of(const Query& q) {
  return {Cid{q.id128(0)}, Cursors{q.seq(1), q.seq(2)}, q.i64(3), q.u64(4), q.text(5)};
}

/// Columns ver, places, data from `first` on.
StoredRow stored_row(const Query& q, int first) {
  return {q.seq(first), q.shared(first + 2), live_buckets(parse_places(q.text(first + 1)))};
}

}  // namespace

Result<std::unique_ptr<SqliteReader>> SqliteReader::open(const std::string& path) {
  return guarded("open reader", [&] {
    auto own =
        std::make_unique<Connection>(sqlite::ConnectionOptions{.path = path, .read_only = true});
    return std::unique_ptr<SqliteReader>(new SqliteReader(std::move(own)));
  });
}

SqliteReader::SqliteReader(Connection& connection)
    : connection_(connection),
      tables_(connection, Names::Kind::table),
      indexes_(connection, Names::Kind::index) {}

SqliteReader::SqliteReader(std::unique_ptr<Connection> own)
    : own_(std::move(own)),
      connection_(*own_),
      tables_(connection_, Names::Kind::table),
      indexes_(connection_, Names::Kind::index) {}

Result<std::optional<StoredRow>> SqliteReader::row(const RowKey& row) {
  return guarded("read row", [&]() -> std::optional<StoredRow> {
    // Needs no transaction of its own: a name once given stays.
    const auto tbl = tables_.find(row.tbl);
    if (!tbl) return std::nullopt;
    Query q = connection_.query(
        "SELECT ver, places, data FROM row WHERE tbl=?1 AND key=?2 AND data IS NOT NULL", *tbl,
        row.key);
    if (!q.step()) return std::nullopt;
    return stored_row(q, 0);
  });
}

Result<std::vector<IndexHit>> SqliteReader::scan(std::string_view index, std::string_view prefix,
                                                 const std::optional<IndexHit>& after,
                                                 std::size_t limit) {
  return guarded("scan index", [&] {
    std::vector<IndexHit> hits;
    const auto id = indexes_.find(index);
    if (!id) return hits;
    const std::string end = above_prefix(prefix);
    // Two statements, so that each is one seek: at the prefix or at the pair.
    const bool from_pair = after && after->value >= prefix;
    const std::string no_key;
    const std::string& key = from_pair ? after->key : no_key;
    const std::string_view from = from_pair ? std::string_view(after->value) : prefix;
    Query q = from_pair
                  ? connection_.query(
                        "SELECT value, key FROM idx WHERE index_id=?1 AND (value, key) > (?2, ?3)"
                        " AND value < ?4 ORDER BY value, key LIMIT ?5",
                        *id, BlobRef(from), key, BlobRef(end), sql_limit(limit))
                  : connection_.query(
                        "SELECT value, key FROM idx WHERE index_id=?1 AND value >= ?2 AND key >= ?3"
                        " AND value < ?4 ORDER BY value, key LIMIT ?5",
                        *id, BlobRef(from), key, BlobRef(end), sql_limit(limit));
    while (q.step()) hits.push_back({q.text(0), q.text(1)});
    return hits;
  });
}

Result<std::vector<std::pair<std::string, StoredRow>>> SqliteReader::table(std::string_view tbl,
                                                                           std::string_view after,
                                                                           std::size_t limit) {
  return guarded("read table", [&] {
    std::vector<std::pair<std::string, StoredRow>> rows;
    Transaction read(connection_, Transaction::Kind::read);
    const auto id = tables_.find(tbl);
    if (!id) return rows;
    const std::string from(after);
    Query q = connection_.query(
        "SELECT key, ver, places, data FROM row WHERE tbl=?1 AND key > ?2 AND data IS NOT NULL"
        " ORDER BY key LIMIT ?3",
        *id, from, sql_limit(limit));
    while (q.step()) rows.emplace_back(q.text(0), stored_row(q, 1));
    return rows;
  });
}

Result<BucketChunk> SqliteReader::chunk(BucketId bucket, Seq after, bool tombstones,
                                        std::size_t rows_max, std::size_t bytes_max) {
  return guarded("read chunk", [&] {
    Transaction read(connection_, Transaction::Kind::read);
    return read_chunk(bucket, after, tombstones, rows_max, bytes_max);
  });
}

BucketChunk SqliteReader::read_chunk(BucketId bucket, Seq after, bool tombstones,
                                     std::size_t rows_max, std::size_t bytes_max) {
  BucketChunk chunk;
  {
    Query q = connection_.query("SELECT head FROM meta");
    if (q.step()) chunk.read_head = q.seq(0);
  }
  Seq bucket_head;
  {
    Query q = connection_.query("SELECT head, n, s FROM bucket WHERE id=?1", bucket);
    if (q.step()) {
      bucket_head = q.seq(0);
      chunk.digest = {q.u64(1), q.u64(2)};
    }
  }
  ChunkPage page(rows_max, bytes_max);
  // CROSS JOIN pins the order: range of entry first, then row by its integer key.
  Query q = tombstones
                ? connection_.query(
                      "SELECT e.ver, e.live, r.tbl, r.key, r.data FROM entry e CROSS JOIN row r"
                      " ON r.rid=e.rid WHERE e.bucket=?1 AND e.ver>?2 ORDER BY e.ver, e.rid",
                      bucket, after)
                : connection_.query(
                      "SELECT e.ver, e.live, r.tbl, r.key, r.data FROM entry e CROSS JOIN row r"
                      " ON r.rid=e.rid WHERE e.bucket=?1 AND e.ver>?2 AND e.live=1"
                      " ORDER BY e.ver, e.rid",
                      bucket, after);
  chunk.complete = true;
  while (chunk.complete && q.step()) {
    Op op{{tables_.name(q.i64(2)), q.text(3)}, q.seq(0), nullptr};
    if (q.i64(1) != 0) {
      op.data = q.shared(4);
      if (op.data == nullptr) throw sqlite::Fault{{Errc::corrupt, "live entry of a deleted row"}};
    }
    chunk.complete = page.add(std::move(op));
  }
  chunk.ops = page.take();
  chunk.to = chunk.complete ? bucket_head : chunk.ops.back().ver;
  return chunk;
}

Result<std::vector<StoredResult>> SqliteReader::results(const Cid& cid, UpLane lane,
                                                        std::uint64_t after, std::size_t limit) {
  return guarded("read results", [&] {
    std::vector<StoredResult> results;
    Transaction read(connection_, Transaction::Kind::read);
    for (const std::int64_t id : sqlite::find_results(connection_, cid, lane, after, limit)) {
      Query q = connection_.query(
          "SELECT n, mhash, status, seq, lanes, code, msg, info, at FROM result WHERE id=?1", id);
      if (!q.step()) throw sqlite::Fault{{Errc::corrupt, "a stored result went away"}};
      results.push_back({.cid = cid,
                         .lane = lane,
                         .n = q.u64(0),
                         .mhash = q.id128(1),
                         .status = static_cast<MutationStatus>(q.i64(2)),
                         .seq = q.seq(3),
                         .lanes = static_cast<std::uint8_t>(q.i64(4)),
                         .code = q.text(5),
                         .msg = q.text(6),
                         .info = q.text(7),
                         .at = q.i64(8)});
    }
    return results;
  });
}

Result<std::optional<IdempotencyRecord>> SqliteReader::idempotency(const AccountId& actor,
                                                                   std::string_view key) {
  return guarded("read idempotency", [&]() -> std::optional<IdempotencyRecord> {
    const std::string text(key);
    Query q = connection_.query(
        "SELECT request_hash, status, response, at FROM idempotency WHERE actor=?1 AND key=?2",
        actor, text);
    if (!q.step()) return std::nullopt;
    return IdempotencyRecord{actor,     text,    q.id128(0), static_cast<int>(q.i64(1)),
                             q.text(2), q.i64(3)};
  });
}

Result<std::vector<OutboxRow>> SqliteReader::outbox(std::uint64_t after, std::size_t limit) {
  return guarded("read outbox", [&] {
    std::vector<OutboxRow> rows;
    Query q = connection_.query(
        "SELECT id, kind, data, at FROM outbox WHERE id > ?1 ORDER BY id LIMIT ?2", after,
        sql_limit(limit));
    while (q.step()) rows.push_back({q.u64(0), q.text(1), q.text(2), q.i64(3)});
    return rows;
  });
}

Result<std::vector<DueRow>> SqliteReader::due(std::int64_t until, std::size_t limit) {
  return guarded("read due", [&] {
    std::vector<DueRow> rows;
    Query q = connection_.query(
        "SELECT at, kind, key FROM due WHERE at <= ?1 ORDER BY at, kind, key LIMIT ?2", until,
        sql_limit(limit));
    while (q.step()) rows.push_back({q.i64(0), q.text(1), q.text(2)});
    return rows;
  });
}

Result<std::vector<QuarantineWrite>> SqliteReader::quarantine(std::size_t limit) {
  return guarded("read quarantine", [&] {
    std::vector<QuarantineWrite> rows;
    Query q = connection_.query(
        "SELECT cid, account, lane, n, name, args, code, at FROM quarantine"
        " ORDER BY id DESC LIMIT ?1",
        sql_limit(limit));
    while (q.step())
      rows.push_back({Cid{q.id128(0)}, AccountId{q.id128(1)}, static_cast<UpLane>(q.i64(2)),
                      q.u64(3), q.text(4), q.text(5), q.text(6), q.i64(7)});
    return rows;
  });
}

Result<std::vector<DeviceCursor>> SqliteReader::cursors() {
  return guarded("read cursors", [&] {
    std::vector<DeviceCursor> cursors;
    Query q =
        connection_.query("SELECT cid, u, s, at, pending, app FROM device_cursor ORDER BY cid");
    while (q.step()) cursors.push_back(cursor_of(q));
    return cursors;
  });
}

Result<std::optional<DeviceCursor>> SqliteReader::cursor(const Cid& cid) {
  return guarded("read cursor", [&]() -> std::optional<DeviceCursor> {
    Query q = connection_.query(
        "SELECT cid, u, s, at, pending, app FROM device_cursor WHERE cid = ?1", cid);
    if (!q.step()) return std::nullopt;
    return cursor_of(q);
  });
}

Result<bool> SqliteReader::is_member(const AccountId& account, BucketId bucket) {
  return guarded("read membership", [&] {
    Query q =
        connection_.query("SELECT 1 FROM member WHERE bucket=?1 AND account=?2", bucket, account);
    return q.step();
  });
}

}  // namespace linli::sync
