// SPDX-License-Identifier: Apache-2.0
#include "sync/store/sqlite/row_writer.h"

#include <algorithm>
#include <tuple>

namespace linli::sync::sqlite {

void RowWriter::write(const std::vector<RowWrite>& rows, const std::vector<EntryWrite>& entries) {
  forget();
  for (const RowWrite& write : rows) {
    Record& r = record(write.row);
    r.change = &write;
    r.ver = write.ver;
    r.live = write.data != nullptr;
  }
  for (const EntryWrite& write : entries) {
    Record& r = record(write.row);
    if (write.live && !r.live)
      throw Fault{{Errc::internal, "the batch places a row that does not exist"}};
    set_place(r.after, {write.bucket, write.ver, write.live});
  }
  // New rows last and in the order of the batch, so that they fill pages from the end.
  std::stable_sort(order_.begin(), order_.end(), [](const Record* a, const Record* b) {
    return static_cast<std::uint64_t>(a->rid - 1) < static_cast<std::uint64_t>(b->rid - 1);
  });
  for (Record* r : order_) {
    store(*r);
    collect_changes(*r);
  }
  write_changes();
  forget();
}

void RowWriter::forget() {
  records_.clear();
  order_.clear();
  changes_.clear();
}

RowWriter::Record& RowWriter::record(const RowKey& row) {
  const auto [at, added] = records_.try_emplace(row);
  Record& r = at->second;
  if (!added) return r;
  order_.push_back(&r);  // the nodes of the map do not move
  r.tbl = tables_.find_or_add(row.tbl);
  r.key = &at->first.key;
  Query q = connection_.query(
      "SELECT rid, ver, places, data IS NOT NULL FROM row WHERE tbl=?1 AND key=?2", r.tbl, *r.key);
  if (!q.step()) return r;
  r.rid = q.i64(0);
  r.ver = q.seq(1);
  r.before = parse_places(q.text(2));
  r.after = r.before;
  r.live = q.i64(3) != 0;
  return r;
}

void RowWriter::store(Record& r) {
  static const SharedText kNone;
  const SharedText& data = r.change == nullptr ? kNone : r.change->data;
  const std::string places = encode_places(r.after);
  const BlobRef packed(places);
  // A deleted row keeps its record only while a tombstone needs the key.
  const bool needed = r.live || !r.after.empty();
  if (r.rid == 0) {
    if (!needed) return;
    connection_
        .query("INSERT INTO row(tbl, key, ver, places, data) VALUES(?1, ?2, ?3, ?4, ?5)", r.tbl,
               *r.key, r.ver, packed, data)
        .run();
    r.rid = connection_.db().getLastInsertRowid();
  } else if (!needed) {
    connection_.query("DELETE FROM row WHERE rid=?1", r.rid).run();
  } else if (r.change != nullptr) {
    connection_
        .query("UPDATE row SET ver=?2, places=?3, data=?4 WHERE rid=?1", r.rid, r.ver, packed, data)
        .run();
  } else {
    connection_.query("UPDATE row SET places=?2 WHERE rid=?1", r.rid, packed).run();
  }
}

void RowWriter::collect_changes(const Record& r) {
  auto old = r.before.begin();
  for (const Place& place : r.after) {
    // Places are never taken away here, so every old one has its successor.
    const bool known = old != r.before.end() && old->bucket == place.bucket;
    const bool same = known && *old == place;
    if (known && !same) changes_.push_back({place.bucket, old->ver, r.rid, old->live, false});
    if (known) ++old;
    if (!same) changes_.push_back({place.bucket, place.ver, r.rid, place.live, true});
  }
}

void RowWriter::write_changes() {
  std::sort(changes_.begin(), changes_.end(), [](const EntryChange& a, const EntryChange& b) {
    return std::tie(a.bucket, a.ver, a.rid, a.add) < std::tie(b.bucket, b.ver, b.rid, b.add);
  });
  for (const EntryChange& c : changes_) {
    if (c.add) {
      connection_
          .query("INSERT INTO entry(bucket, ver, rid, live) VALUES(?1, ?2, ?3, ?4)", c.bucket,
                 c.ver, c.rid, c.live)
          .run();
    } else {
      connection_
          .query("DELETE FROM entry WHERE bucket=?1 AND ver=?2 AND rid=?3", c.bucket, c.ver, c.rid)
          .run();
    }
  }
}

void RowWriter::drop_tombstones(BucketId bucket, Seq floor) {
  std::vector<std::int64_t> rows;
  {
    Query q = connection_.query(
        "DELETE FROM entry WHERE bucket=?1 AND ver<=?2 AND live=0 RETURNING rid", bucket, floor);
    while (q.step()) rows.push_back(q.i64(0));
  }
  for (const std::int64_t rid : rows) {
    Places places;
    bool live = false;
    {
      Query q = connection_.query("SELECT places, data IS NOT NULL FROM row WHERE rid=?1", rid);
      if (!q.step()) throw Fault{{Errc::corrupt, "an entry has no row"}};
      places = parse_places(q.text(0));
      live = q.i64(1) != 0;
    }
    if (const auto at = find_place(places, bucket); at != places.end()) places.erase(at);
    if (places.empty() && !live) {
      connection_.query("DELETE FROM row WHERE rid=?1", rid).run();
      continue;
    }
    const std::string packed = encode_places(places);
    connection_.query("UPDATE row SET places=?2 WHERE rid=?1", rid, BlobRef(packed)).run();
  }
}

}  // namespace linli::sync::sqlite
