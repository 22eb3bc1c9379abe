// SPDX-License-Identifier: Apache-2.0
#include "sync/store/sqlite/batch_writer.h"

#include "base/assert.h"
#include "sync/store/day.h"
#include "sync/store/sqlite/result_chain.h"

namespace linli::sync::sqlite {

BatchWriter::BatchWriter(Connection& connection)
    : connection_(connection),
      tables_(connection, Names::Kind::table),
      indexes_(connection, Names::Kind::index),
      rows_(connection, tables_) {}

void BatchWriter::write(const WriteBatch& batch) {
  LINLI_ASSERT(batch.from <= batch.to);
  check(batch);
  write_buckets(batch.buckets);  // first: entries refer to them
  rows_.write(batch.rows, batch.entries);
  write_indexes(batch.indexes);
  write_members(batch.members);
  write_clients(batch.clients);
  for (const StoredResult& result : batch.results) write_result(result);
  write_quarantine(batch.quarantine);
  write_outbox(batch.outbox);
  write_due(batch.due_removes, batch.due_adds);
  write_idempotency(batch.idempotency);
  write_head(batch);
}

void BatchWriter::raise_floor(BucketId bucket, Seq floor) {
  rows_.drop_tombstones(bucket, floor);
  connection_.query("UPDATE bucket SET floor=max(floor, ?2) WHERE id=?1", bucket, floor).run();
}

void BatchWriter::forget() {
  tables_.forget();
  indexes_.forget();
  rows_.forget();
  day_.reset();
}

void BatchWriter::check(const WriteBatch& batch) {
  Query q = connection_.query("SELECT head, outbox_head, result_head FROM meta");
  if (!q.step()) throw Fault{{Errc::corrupt, "no meta record"}};
  if (q.seq(0) != batch.from)
    throw Fault{{Errc::conflict, "the batch starts at " + std::to_string(batch.from.raw()) +
                                     ", the stored head is " + std::to_string(q.u64(0))}};
  result_head_ = q.i64(2);
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
            "INSERT INTO client VALUES(?1, ?2, ?3, ?4, 0, 0, 0, 0, 0, 0)"
            " ON CONFLICT(cid) DO UPDATE SET n0=?2, n1=?3, n2=?4",
            client.cid, client.last_n[0], client.last_n[1], client.last_n[2])
        .run();
  }
}

void BatchWriter::write_result(const StoredResult& r) {
  const int lane = static_cast<int>(index(r.lane));
  std::int64_t previous = 0;
  std::int64_t jump = 0;
  {
    Query q = connection_.query("SELECT r0, r1, r2, m0, m1, m2 FROM client WHERE cid=?1", r.cid);
    if (!q.step()) throw Fault{{Errc::internal, "a result of a client that does not exist"}};
    previous = q.i64(lane);
    jump = q.i64(lane + 3);
  }
  ++result_head_;
  connection_
      .query(
          "INSERT INTO result VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13,"
          " ?14)",
          result_head_, previous, jump, r.cid, lane, r.n, r.mhash, static_cast<int>(r.status),
          r.seq, r.lanes, r.code, r.msg, r.info, r.at)
      .run();
  connection_
      .query(
          "UPDATE client SET r0=iif(?2=0, ?3, r0), r1=iif(?2=1, ?3, r1), r2=iif(?2=2, ?3, r2)"
          " WHERE cid=?1",
          r.cid, lane, result_head_)
      .run();
  if (r.n % kResultJump != 0) return;
  connection_
      .query(
          "UPDATE client SET m0=iif(?2=0, ?3, m0), m1=iif(?2=1, ?3, m1), m2=iif(?2=2, ?3, m2)"
          " WHERE cid=?1",
          r.cid, lane, result_head_)
      .run();
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
  connection_
      .query("UPDATE meta SET head=?1, outbox_head=max(outbox_head, ?2), result_head=?3", batch.to,
             outbox, result_head_)
      .run();
  mark_day(utc_day(batch.at), batch);
}

void BatchWriter::mark_day(std::int64_t day, const WriteBatch& batch) {
  if (day_ == day) return;
  const int added = connection_
                        .query(
                            "INSERT INTO day_mark(day, seq) VALUES(?1, ?2)"
                            " ON CONFLICT(day) DO NOTHING",
                            day, batch.to)
                        .run();
  if (added > 0)
    connection_
        .query(
            "UPDATE day_mark SET seq=?2 WHERE day ="
            " (SELECT max(day) FROM day_mark WHERE day < ?1)",
            day, batch.from)
        .run();
  day_ = day;
}

}  // namespace linli::sync::sqlite
