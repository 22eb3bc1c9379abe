// SPDX-License-Identifier: Apache-2.0
#include "sync/store/sqlite/batch_writer.h"

#include "base/assert.h"
#include "sync/store/day.h"

namespace linli::sync::sqlite {

BatchWriter::BatchWriter(Connection& connection)
    : connection_(connection),
      tables_(connection, Names::Kind::table),
      indexes_(connection, Names::Kind::index) {}

void BatchWriter::write(const WriteBatch& batch) {
  LINLI_ASSERT(batch.from <= batch.to);
  places_.clear();
  deleted_.clear();
  check(batch);
  write_buckets(batch.buckets);  // first: entries refer to them
  for (const RowWrite& row : batch.rows) write_row(row);
  for (const EntryWrite& entry : batch.entries) write_entry(entry);
  drop_unplaced();
  write_indexes(batch.indexes);
  write_members(batch.members);
  write_clients(batch.clients);
  write_results(batch.results);
  write_quarantine(batch.quarantine);
  write_outbox(batch.outbox);
  write_due(batch.due_removes, batch.due_adds);
  write_idempotency(batch.idempotency);
  write_head(batch);
  places_.clear();
}

void BatchWriter::forget() {
  tables_.forget();
  indexes_.forget();
  places_.clear();
  deleted_.clear();
}

void BatchWriter::check(const WriteBatch& batch) {
  Query q = connection_.query("SELECT head, outbox_head FROM meta");
  if (!q.step()) throw Fault{{Errc::corrupt, "no meta record"}};
  if (q.seq(0) != batch.from)
    throw Fault{{Errc::conflict, "the batch starts at " + std::to_string(batch.from.raw()) +
                                     ", the stored head is " + std::to_string(q.u64(0))}};
  std::uint64_t id = q.u64(1);
  for (const OutboxRow& row : batch.outbox)
    if (row.id != ++id) throw Fault{{Errc::conflict, "outbox ids have a hole"}};
}

void BatchWriter::write_buckets(const std::vector<BucketInfo>& buckets) {
  for (const BucketInfo& b : buckets) {
    connection_
        .query(
            "INSERT INTO bucket(id, name, lane, pri, cls, head, reset_seq, floor, n, s)"
            " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"
            " ON CONFLICT(id) DO UPDATE SET name=?2, lane=?3, pri=?4, cls=?5, head=?6,"
            " reset_seq=?7, floor=?8, n=?9, s=?10",
            b.id, b.spec.name, index(b.spec.lane), b.spec.pri, static_cast<int>(b.spec.cls), b.head,
            b.reset_seq, b.floor, b.digest.n, b.digest.s)
        .run();
  }
}

std::int64_t BatchWriter::insert_row(std::int64_t tbl, const RowWrite& write) {
  connection_
      .query("INSERT INTO row(tbl, key, ver, data) VALUES(?1, ?2, ?3, ?4)", tbl, write.row.key,
             write.ver, write.data)
      .run();
  return connection_.db().getLastInsertRowid();
}

void BatchWriter::write_row(const RowWrite& write) {
  const bool live = write.data != nullptr;
  auto known = places_.find(write.row);
  if (known == places_.end()) {
    const std::int64_t tbl = tables_.find_or_add(write.row.tbl);
    Query q = connection_.query("SELECT rid FROM row WHERE tbl=?1 AND key=?2", tbl, write.row.key);
    const std::int64_t found = q.step() ? q.i64(0) : 0;
    known = places_.emplace(write.row, Place{.rid = found}).first;
    if (found == 0) {
      known->second = {insert_row(tbl, write), live};
      if (!live) deleted_.push_back(known->second.rid);
      return;
    }
  }
  connection_
      .query("UPDATE row SET ver=?2, data=?3 WHERE rid=?1", known->second.rid, write.ver,
             write.data)
      .run();
  known->second.live = live;
  if (!live) deleted_.push_back(known->second.rid);
}

BatchWriter::Place& BatchWriter::place_of(const RowKey& row) {
  if (const auto known = places_.find(row); known != places_.end()) return known->second;
  const std::int64_t tbl = tables_.find_or_add(row.tbl);
  Place place;
  {
    Query q = connection_.query("SELECT rid, data IS NOT NULL FROM row WHERE tbl=?1 AND key=?2",
                                tbl, row.key);
    if (q.step()) place = {q.i64(0), q.i64(1) != 0};
  }
  // A tombstone of a row we never had still needs a record for its key.
  if (place.rid == 0) place.rid = insert_row(tbl, {row, Seq{}, nullptr});
  return places_.emplace(row, place).first->second;
}

void BatchWriter::write_entry(const EntryWrite& write) {
  const Place& place = place_of(write.row);
  if (write.live && !place.live)
    throw Fault{{Errc::internal, "the batch places a row that does not exist"}};
  connection_
      .query(
          "INSERT INTO entry(bucket, ver, rid, live) VALUES(?1, ?2, ?3, ?4)"
          " ON CONFLICT(rid, bucket) DO UPDATE SET ver=?2, live=?4",
          write.bucket, write.ver, place.rid, write.live)
      .run();
}

void BatchWriter::drop_unplaced() {
  for (const std::int64_t rid : deleted_) {
    connection_
        .query(
            "DELETE FROM row WHERE rid=?1 AND data IS NULL"
            " AND NOT EXISTS(SELECT 1 FROM entry WHERE rid=?1)",
            rid)
        .run();
  }
  deleted_.clear();
}

void BatchWriter::write_indexes(const std::vector<IndexWrite>& writes) {
  for (const IndexWrite& write : writes) {
    const std::int64_t id = indexes_.find_or_add(write.index);
    const BlobRef value(write.value);
    if (write.add) {
      connection_
          .query("INSERT OR IGNORE INTO idx(index_id, value, key) VALUES(?1, ?2, ?3)", id, value,
                 write.key)
          .run();
    } else {
      connection_
          .query("DELETE FROM idx WHERE index_id=?1 AND value=?2 AND key=?3", id, value, write.key)
          .run();
    }
  }
}

void BatchWriter::write_members(const std::vector<MemberWrite>& writes) {
  for (const MemberWrite& write : writes) {
    if (write.add) {
      connection_
          .query("INSERT OR REPLACE INTO member(bucket, account, granted) VALUES(?1, ?2, ?3)",
                 write.bucket, write.account, write.granted)
          .run();
    } else {
      connection_
          .query("DELETE FROM member WHERE bucket=?1 AND account=?2", write.bucket, write.account)
          .run();
    }
  }
}

void BatchWriter::write_clients(const std::vector<ClientWrite>& clients) {
  for (const ClientWrite& client : clients) {
    connection_
        .query(
            "INSERT INTO client(cid, n0, n1, n2) VALUES(?1, ?2, ?3, ?4)"
            " ON CONFLICT(cid) DO UPDATE SET n0=?2, n1=?3, n2=?4",
            client.cid, client.last_n[0], client.last_n[1], client.last_n[2])
        .run();
  }
}

void BatchWriter::write_results(const std::vector<StoredResult>& results) {
  for (const StoredResult& r : results) {
    connection_
        .query(
            "INSERT OR REPLACE INTO result"
            "(cid, lane, n, mhash, status, seq, lanes, code, msg, info, at)"
            " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            r.cid, index(r.lane), r.n, r.mhash, static_cast<int>(r.status), r.seq, r.lanes, r.code,
            r.msg, r.info, r.at)
        .run();
  }
}

void BatchWriter::write_quarantine(const std::vector<QuarantineWrite>& writes) {
  for (const QuarantineWrite& write : writes) {
    connection_
        .query(
            "INSERT INTO quarantine(cid, account, lane, n, name, args, code, at)"
            " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            write.cid, write.account, index(write.lane), write.n, write.name, write.args,
            write.code, write.at)
        .run();
  }
}

void BatchWriter::write_outbox(const std::vector<OutboxRow>& rows) {
  for (const OutboxRow& row : rows) {
    connection_
        .query("INSERT INTO outbox(id, kind, data, at) VALUES(?1, ?2, ?3, ?4)", row.id, row.kind,
               row.data, row.at)
        .run();
  }
}

void BatchWriter::write_due(const std::vector<DueRow>& removes, const std::vector<DueRow>& adds) {
  for (const DueRow& row : removes)
    connection_.query("DELETE FROM due WHERE kind=?1 AND key=?2", row.kind, row.key).run();
  for (const DueRow& row : adds) {
    connection_
        .query(
            "INSERT INTO due(kind, key, at) VALUES(?1, ?2, ?3)"
            " ON CONFLICT(kind, key) DO UPDATE SET at=?3",
            row.kind, row.key, row.at)
        .run();
  }
}

void BatchWriter::write_idempotency(const std::vector<IdempotencyRecord>& records) {
  for (const IdempotencyRecord& record : records) {
    connection_
        .query(
            "INSERT OR REPLACE INTO idempotency(actor, key, request_hash, status, response, at)"
            " VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
            record.actor, record.key, record.request_hash, record.status, record.response,
            record.at)
        .run();
  }
}

void BatchWriter::write_head(const WriteBatch& batch) {
  const std::uint64_t outbox = batch.outbox.empty() ? 0 : batch.outbox.back().id;
  connection_.query("UPDATE meta SET head=?1, outbox_head=max(outbox_head, ?2)", batch.to, outbox)
      .run();
  connection_
      .query("INSERT INTO day_mark(day, seq) VALUES(?1, ?2) ON CONFLICT(day) DO UPDATE SET seq=?2",
             utc_day(batch.at), batch.to)
      .run();
}

}  // namespace linli::sync::sqlite
