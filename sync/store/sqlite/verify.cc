// SPDX-License-Identifier: Apache-2.0
#include "sync/store/sqlite/verify.h"

#include <algorithm>
#include <string_view>

#include "sync/model/row.h"
#include "sync/store/sqlite/connection.h"
#include "sync/store/sqlite/migrations.h"
#include "sync/store/sqlite/names.h"
#include "sync/store/sqlite/places.h"

namespace linli::sync {
namespace {

using sqlite::Connection;
using sqlite::Fault;
using sqlite::find_place;
using sqlite::guarded;
using sqlite::Names;
using sqlite::parse_places;
using sqlite::Place;
using sqlite::Places;
using sqlite::Query;
using sqlite::Sql;
using sqlite::Transaction;

class Verifier {
 public:
  explicit Verifier(const std::string& path)
      : connection_({.path = path, .read_only = true}),
        tables_(connection_, Names::Kind::table),
        indexes_(connection_, Names::Kind::index) {}

  std::vector<StoreFinding> run() {
    check_version();
    Transaction read(connection_, Transaction::Kind::read);
    check_pages();
    check_buckets();
    check_counts();
    check_indexes();
    check_outbox();
    return std::move(findings_);
  }

 private:
  void found(std::string what, std::string detail, std::uint32_t bucket = 0) {
    findings_.push_back({std::move(what), bucket, std::move(detail)});
  }

  void check_version() {
    const auto have = connection_.pragma("PRAGMA user_version");
    if (have != sqlite::migrations().back().number)
      throw Fault{{Errc::unsupported_version, "the file has schema " + std::to_string(have)}};
  }

  void check_pages() {
    Query check = connection_.query("PRAGMA integrity_check");
    while (check.step())
      if (const std::string line = check.text(0); line != "ok") found("integrity", line);
    Query keys = connection_.query(
        "SELECT \"table\", count(*) FROM pragma_foreign_key_check()"
        " GROUP BY 1");
    while (keys.step()) found("foreign_key", keys.text(0) + ": " + keys.text(1));
  }

  void check_buckets() {
    Query q = connection_.query("SELECT id, head, n, s, floor FROM bucket ORDER BY id");
    while (q.step())
      check_bucket(static_cast<std::uint32_t>(q.i64(0)), q.seq(1), {q.u64(2), q.u64(3)}, q.seq(4));
  }

  void check_bucket(std::uint32_t bucket, Seq head, const Digest& stored, Seq floor) {
    Digest real;
    Seq newest;
    std::uint64_t dead_rows = 0;
    std::uint64_t wrong_ver = 0;
    std::uint64_t wrong_place = 0;
    Query q = connection_.query(
        "SELECT e.ver, e.live, r.ver, r.tbl, r.key, r.data, r.places FROM entry e CROSS JOIN row r"
        " ON r.rid=e.rid WHERE e.bucket=?1 ORDER BY e.ver",
        bucket);
    while (q.step()) {
      newest = std::max(newest, q.seq(0));
      Places places = parse_places(q.text(6));
      const Place place{BucketId{bucket}, q.seq(0), q.i64(1) != 0};
      const auto kept = find_place(places, place.bucket);
      if (kept == places.end() || *kept != place) ++wrong_place;
      if (q.i64(1) == 0) continue;
      if (q.is_null(5)) {
        ++dead_rows;
        continue;
      }
      if (q.seq(0) != q.seq(2)) ++wrong_ver;
      real.add(row_hash(tables_.name(q.i64(3)), q.text(4), q.seq(0), q.text(5)));
    }
    if (dead_rows > 0) found("entry_dead_row", std::to_string(dead_rows), bucket);
    if (wrong_place > 0) found("entry_place", std::to_string(wrong_place), bucket);
    if (wrong_ver > 0) found("entry_ver", std::to_string(wrong_ver), bucket);
    if (real != stored)
      found("bucket_digest",
            "stored n=" + std::to_string(stored.n) + ", real n=" + std::to_string(real.n) +
                (real.s == stored.s ? "" : ", sums differ"),
            bucket);
    if (newest > head || floor > head)
      found("bucket_head",
            "head " + std::to_string(head.raw()) + ", newest entry " +
                std::to_string(newest.raw()) + ", floor " + std::to_string(floor.raw()),
            bucket);
  }

  void check_count(std::string_view what, Sql sql) {
    Query q = connection_.query(sql);
    if (q.step() && q.i64(0) != 0) found(std::string(what), q.text(0));
  }

  void check_counts() {
    check_count("entry_place",
                "SELECT (SELECT coalesce(sum(length(places)), 0) FROM row)"
                " <> 12 * (SELECT count(*) FROM entry)");
    check_count("entry_orphan",
                "SELECT count(*) FROM entry e WHERE NOT EXISTS(SELECT 1 FROM row r WHERE"
                " r.rid=e.rid) OR NOT EXISTS(SELECT 1 FROM bucket b WHERE b.id=e.bucket)");
    check_count("row_leftover", "SELECT count(*) FROM row WHERE data IS NULL AND length(places)=0");
    check_count("result_chain",
                "SELECT count(*) FROM result r WHERE NOT EXISTS(SELECT 1 FROM client c"
                " WHERE c.cid=r.cid) OR id > (SELECT result_head FROM meta) OR previous >= id OR "
                "jump > previous");
    check_count("head",
                "SELECT count(*) FROM meta WHERE head < (SELECT coalesce(max(ver), 0) FROM row)"
                " OR head < (SELECT coalesce(max(head), 0) FROM bucket)");
  }

  void check_indexes() {
    Query names = connection_.query("SELECT id, name FROM idx_name ORDER BY id");
    while (names.step()) {
      const std::string name = names.text(1);
      const auto tbl = tables_.find(name.substr(0, name.find('.')));
      Query q = connection_.query(
          "SELECT count(*), coalesce(sum(EXISTS(SELECT 1 FROM row r WHERE r.tbl=?2 AND"
          " r.key=i.key AND r.data IS NOT NULL)), 0) FROM idx i WHERE i.index_id=?1",
          names.i64(0), tbl.value_or(0));
      q.step();
      if (q.i64(0) > 0 && !tbl) found("idx_table", name);
      if (tbl && q.i64(0) != q.i64(1))
        found("idx_orphan", name + ": " + std::to_string(q.i64(0) - q.i64(1)));
    }
    check_count("idx_orphan",
                "SELECT count(*) FROM idx i WHERE NOT EXISTS(SELECT 1 FROM idx_name n WHERE"
                " n.id=i.index_id)");
  }

  void check_outbox() {
    Query q = connection_.query(
        "SELECT count(*), coalesce(min(id), 0), coalesce(max(id), 0),"
        " (SELECT outbox_head FROM meta) FROM outbox");
    q.step();
    if (q.i64(0) == 0) return;
    if (q.i64(2) - q.i64(1) + 1 != q.i64(0) || q.i64(2) != q.i64(3))
      found("outbox_gap", std::to_string(q.i64(0)) + " rows in " + std::to_string(q.i64(1)) + ".." +
                              std::to_string(q.i64(2)) + ", head " + q.text(3));
  }

  Connection connection_;
  Names tables_;
  Names indexes_;
  std::vector<StoreFinding> findings_;
};

}  // namespace

Result<std::vector<StoreFinding>> verify_store(const std::string& path) {
  return guarded("verify store", [&] { return Verifier(path).run(); });
}

}  // namespace linli::sync
