// SPDX-License-Identifier: Apache-2.0
#include "notify/store/sqlite/gateway_store.h"

#include <algorithm>

#include "notify/store/sqlite/database.h"

namespace linli::notify {
namespace {

using sqlite::Fault;
using sqlite::guarded;
using sqlite::Query;

/// Orphan receipts and calendars look back so far.
constexpr Millis kDay{24 * 3'600'000};
/// Larger than any JSON we write; a message has 8,000 characters.
constexpr std::size_t kJsonMax = 256 * 1024;

constexpr const char* kDeliveryColumns =
    "id,key,notice,person,ask,rung,purpose,endpoint,says,lane,expires,state,ready_at,attempts,"
    "faults,lease_no,channel,provider_ids,parts,parts_delivered,handed_at,reason,"
    "made_at";

/// In the order in which read_delivery() takes the columns.
std::string select_deliveries(std::string_view which) {
  return std::string("SELECT ") + kDeliveryColumns + " FROM delivery " + std::string(which);
}

Json stored_json(const std::string& text) {
  auto json = parse_json(text, kJsonMax);
  if (!json) throw Fault{{Errc::corrupt, "stored JSON"}};
  return std::move(*json);
}

template <class T>
T must(Result<T> value) {
  if (!value) throw Fault{{Errc::corrupt, value.error().detail}};
  return std::move(*value);
}

template <std::size_t n>
std::size_t index_in(const std::array<std::string_view, n>& names, const std::string& name) {
  const auto found = std::ranges::find(names, name);
  if (found == names.end()) throw Fault{{Errc::corrupt, "unknown word " + name}};
  return static_cast<std::size_t>(found - names.begin());
}

DeliveryRecord read_delivery(const Query& row) {
  DeliveryRecord out;
  out.id = DeliveryId{row.u64(0)};
  out.key = row.text(1);
  out.notice = row.text(2);
  out.person = row.text(3);
  out.ask = row.i64(4);
  out.rung = row.u32(5);
  out.purpose = parse_purpose(row.text(6)).value_or(Purpose::notice);
  out.to = must(endpoint_of(stored_json(row.text(7))));
  if (!row.is_null(8)) out.says = must(message_of(stored_json(row.text(8))));
  out.lane = static_cast<Lane>(row.i64(9));
  out.expires = row.instant(10);
  out.state = static_cast<DeliveryRecord::State>(index_in(kDeliveryStates, row.text(11)));
  out.ready_at = row.instant(12);
  out.attempts = row.u32(13);
  out.faults = row.u32(14);
  out.lease_no = row.u64(15);
  out.channel = row.text(16);
  for (const Json& id : stored_json(row.text(17))) out.provider_ids.push_back(id);
  out.parts = row.u32(18);
  out.parts_delivered = row.u64(19);
  out.handed_at = row.instant(20);
  out.reason = row.text(21);
  out.made_at = row.instant(22);
  return out;
}

NoticeRecord read_notice(const Query& row) {
  NoticeRecord out;
  out.id = row.text(0);
  out.outbox_id = row.u64(1);
  out.ask = row.i64(2);
  out.lane = static_cast<Lane>(row.i64(3));
  out.policy = row.text(4);
  out.message = must(message_of(stored_json(row.text(5))));
  out.sent_at = row.instant(6);
  out.expires = row.instant(7);
  out.state = static_cast<NoticeRecord::State>(row.i64(8));
  out.fan_after = row.text(9);
  out.fan_done = row.i64(10) != 0;
  out.cost_cap = row.i64(11);
  out.cost = row.i64(12);
  return out;
}

PlanRecord read_plan(const Query& row) {
  PlanRecord out;
  out.notice = row.text(0);
  out.who = must(recipient_of(stored_json(row.text(1))));
  out.ask = row.i64(2);
  out.state = static_cast<PlanRecord::State>(row.i64(3));
  out.rung = row.u32(4);
  out.started_at = row.instant(5);
  out.next_at = row.instant(6);
  out.is_told = row.i64(7) != 0;
  return out;
}

}  // namespace

class SqliteGatewayStore::Impl {
 public:
  explicit Impl(const std::string& path) : db(path) {}

  StoreSnapshot load(Instant now, const OtherSide& other) {
    SQLite::Transaction transaction(db.db());
    db.query(
          "UPDATE meta SET lease_no = lease_no + 1, fact_head = max(fact_head, ?), "
          "outbox_cursor = min(outbox_cursor, ?)",
          other.facts_told, other.outbox_head)
        .run();
    StoreSnapshot out;
    {
      Query meta = db.query("SELECT lease_no, outbox_cursor, fact_head, delivery_head FROM meta");
      meta.step();
      out.lease_no = meta.u64(0);
      out.outbox_cursor = meta.u64(1);
      out.fact_head = meta.u64(2);
      out.delivery_head = meta.u64(3);
    }
    for (Query row = db.query("SELECT * FROM notice WHERE state < 2 ORDER BY id"); row.step();)
      out.notices.push_back(read_notice(row));
    for (Query row = db.query(
             "SELECT notice, who, ask, state, rung, started_at, next_at, is_told FROM plan "
             "WHERE state = 0");
         row.step();)
      out.plans.push_back(read_plan(row));
    static const std::string kOpen =
        select_deliveries("WHERE state IN ('ready','held','intent','unknown','owed') ORDER BY id");
    out.deliveries = read_deliveries(db.query(kOpen.c_str()));
    for (Query row = db.query("SELECT channel, provider_id, state, at FROM receipt "
                              "WHERE delivery = 0 AND at >= ? ORDER BY id",
                              now - kDay);
         row.step();)
      out.orphans.push_back({row.text(0), row.text(1), DeliveryId{},
                             static_cast<ReceiptState>(row.i64(2)), row.instant(3)});
    for (Query row = db.query("SELECT channel, why FROM paused ORDER BY channel"); row.step();)
      out.paused.emplace_back(row.text(0), row.text(1));
    out.sent = read_sent(now - other.look_back);
    transaction.commit();
    return out;
  }

  std::vector<StoreSnapshot::Sent> read_sent(Instant since) {
    std::vector<StoreSnapshot::Sent> out;
    for (Query row = db.query(
             "SELECT a.channel, a.address, a.person, a.lane, a.n, a.intent_at, "
             "coalesce(json_extract(coalesce(d.says, n.message), '$.category'), ''), "
             "max(1, coalesce(d.parts, 1)) FROM attempt a LEFT JOIN delivery d ON d.id = "
             "a.delivery "
             "LEFT JOIN notice n ON n.id = d.notice WHERE a.intent_at >= ? ORDER BY a.intent_at",
             since);
         row.step();)
      out.push_back({row.text(0), row.text(1), row.text(2), static_cast<Lane>(row.i64(3)),
                     row.u32(4), row.instant(5), row.text(6), row.u32(7)});
    return out;
  }

  static std::vector<DeliveryRecord> read_deliveries(Query row) {
    std::vector<DeliveryRecord> out;
    while (row.step()) out.push_back(read_delivery(row));
    return out;
  }

  void write(const StoreBatch& batch) {
    SQLite::Transaction transaction(db.db());
    check_lease(batch.lease_no);
    if (batch.outbox_cursor)
      db.query("UPDATE meta SET outbox_cursor = ?", *batch.outbox_cursor).run();
    for (const NoticeRecord& notice : batch.notices) write_notice(notice);
    for (const PlanRecord& plan : batch.plans) write_plan(plan);
    for (const DeliveryRecord& delivery : batch.deliveries) write_delivery(delivery);
    for (const AttemptRecord& attempt : batch.attempts) write_attempt(attempt);
    for (const ReceiptRecord& r : batch.receipts)
      db.query("INSERT INTO receipt(channel, provider_id, delivery, state, at) VALUES(?,?,?,?,?)",
               r.channel, r.provider_id, r.delivery, r.state, r.at)
          .run();
    for (const LinkRecord& l : batch.links)
      db.query("INSERT OR REPLACE INTO link VALUES(?,?,?,?)", l.hash, l.notice, l.person, l.expires)
          .run();
    write_facts(batch);
    for (const auto& [channel, why] : batch.paused) {
      if (why.empty())
        db.query("DELETE FROM paused WHERE channel = ?", channel).run();
      else
        db.query("INSERT OR REPLACE INTO paused VALUES(?,?)", channel, why).run();
    }
    transaction.commit();
  }

  sqlite::Database db;

 private:
  void check_lease(std::uint64_t lease_no) {
    Query meta = db.query("SELECT lease_no FROM meta");
    meta.step();
    if (meta.u64(0) != lease_no) throw Fault{{Errc::conflict, "another gateway took over"}};
  }

  void write_notice(const NoticeRecord& n) {
    db.query("INSERT OR REPLACE INTO notice VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?)", n.id, n.outbox_id,
             n.ask, n.lane, n.policy, dump_json(to_json(n.message)), n.sent_at, n.expires, n.state,
             n.fan_after, n.fan_done, n.cost_cap, n.cost)
        .run();
  }

  void write_plan(const PlanRecord& p) {
    db.query("INSERT OR REPLACE INTO plan VALUES(?,?,?,?,?,?,?,?,?)", p.notice, p.who.person,
             dump_json(to_json(p.who)), p.ask, p.state, p.rung, p.started_at, p.next_at, p.is_told)
        .run();
  }

  void write_delivery(const DeliveryRecord& d) {
    std::optional<std::string> says;
    if (d.says) says = dump_json(to_json(*d.says));
    db.query(
          "INSERT OR REPLACE INTO delivery VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
          d.id, d.key, d.notice, d.person, d.ask, d.rung, purpose_name(d.purpose),
          medium_name(d.to.medium), dump_json(to_json(d.to)), says, d.lane, d.expires,
          kDeliveryStates[static_cast<std::size_t>(d.state)], d.ready_at, d.attempts, d.faults,
          d.lease_no, d.channel, dump_json(Json(d.provider_ids)), d.parts, d.parts_delivered,
          d.handed_at, d.reason, d.made_at)
        .run();
    db.query("UPDATE meta SET delivery_head = max(delivery_head, ?)", d.id).run();
    for (const std::string& id : d.provider_ids)
      db.query("INSERT OR IGNORE INTO provider VALUES(?,?,?)", d.channel, id, d.id).run();
  }

  void write_attempt(const AttemptRecord& a) {
    if (a.outcome) {
      db.query(
            "UPDATE attempt SET outcome = ?, done_at = ?, reason = ? WHERE delivery = ? AND "
            "n = ? AND outcome IS NULL",
            outcome_name(*a.outcome), a.done_at, a.reason, a.delivery, a.n)
          .run();
      return;
    }
    db.query(
          "INSERT INTO attempt SELECT id, ?, ?, json_extract(endpoint, '$.address'), person, "
          "lane, ?, NULL, 0, '' FROM delivery WHERE id = ?",
          a.n, a.channel, a.intent_at, a.delivery)
        .run();
  }

  void write_facts(const StoreBatch& batch) {
    const std::vector<FactRecord>& facts = batch.facts;
    if (facts.empty()) return;
    Query meta = db.query("SELECT fact_head FROM meta");
    meta.step();
    if (facts.front().n != meta.u64(0) + 1) throw Fault{{Errc::conflict, "facts have a gap"}};
    for (const FactRecord& fact : facts)
      db.query("INSERT INTO fact VALUES(?,?,?,?)", fact.n, fact.name, dump_json(fact.args),
               batch.at)
          .run();
    db.query("UPDATE meta SET fact_head = ?", facts.back().n).run();
  }
};

SqliteGatewayStore::SqliteGatewayStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SqliteGatewayStore::~SqliteGatewayStore() = default;

Result<std::unique_ptr<SqliteGatewayStore>> SqliteGatewayStore::open(const std::string& path) {
  return guarded("open gateway.db", [&] {
    return std::unique_ptr<SqliteGatewayStore>(
        new SqliteGatewayStore(std::make_unique<Impl>(path)));
  });
}

Result<StoreSnapshot> SqliteGatewayStore::open(Instant now, const OtherSide& other) {
  return guarded("read gateway.db", [&] { return impl_->load(now, other); });
}

Result<void> SqliteGatewayStore::apply(const StoreBatch& batch) {
  return guarded("write gateway.db", [&] { impl_->write(batch); });
}

Result<std::vector<FactRecord>> SqliteGatewayStore::facts(std::uint64_t after, std::size_t limit) {
  return guarded("read facts", [&] {
    std::vector<FactRecord> out;
    for (Query row = impl_->db.query(
             "SELECT n, name, args FROM fact WHERE n > ? ORDER BY n LIMIT ?", after, limit);
         row.step();)
      out.push_back({row.u64(0), row.text(1), stored_json(row.text(2))});
    return out;
  });
}

Result<std::optional<DeliveryRecord>> SqliteGatewayStore::delivery(DeliveryId id) {
  return guarded("read a delivery", [&]() -> std::optional<DeliveryRecord> {
    static const std::string kOne = select_deliveries("WHERE id = ?");
    Query row = impl_->db.query(kOne.c_str(), id);
    if (!row.step()) return std::nullopt;
    return read_delivery(row);
  });
}

Result<std::optional<DeliveryRecord>> SqliteGatewayStore::delivery_by_provider(
    const std::string& channel, const std::string& provider_id) {
  std::optional<DeliveryId> id;
  LINLI_CHECK(guarded("find a delivery", [&] {
    Query row =
        impl_->db.query("SELECT max(delivery) FROM provider WHERE channel = ? AND provider_id = ?",
                        channel, provider_id);
    if (row.step() && !row.is_null(0)) id = DeliveryId{row.u64(0)};
  }));
  if (!id) return std::nullopt;
  return delivery(*id);
}

Result<std::optional<DeliveryRecord>> SqliteGatewayStore::delivery_by_address(
    const std::string& channel, const Spellings& address, Instant until) {
  std::optional<DeliveryId> id;
  LINLI_CHECK(guarded("find a delivery", [&] {
    Query row = impl_->db.query(
        "SELECT delivery FROM attempt WHERE channel = ? AND address IN (?, ?) AND intent_at <= ? "
        "ORDER BY intent_at DESC, delivery DESC LIMIT 1",
        channel, address[0], address[1], until);
    if (row.step()) id = DeliveryId{row.u64(0)};
  }));
  if (!id) return std::nullopt;
  return delivery(*id);
}

Result<std::optional<PlanRecord>> SqliteGatewayStore::plan(const std::string& notice,
                                                           const std::string& person) {
  return guarded("read a plan", [&]() -> std::optional<PlanRecord> {
    Query row = impl_->db.query(
        "SELECT notice, who, ask, state, rung, started_at, next_at, is_told FROM plan WHERE notice "
        "= ? AND "
        "person = ?",
        notice, person);
    if (!row.step()) return std::nullopt;
    return read_plan(row);
  });
}

Result<std::vector<DeliveryRecord>> SqliteGatewayStore::deliveries(const Search& search) {
  return guarded("search deliveries", [&] {
    std::string sql = select_deliveries("WHERE id > ?1");
    if (!search.notice.empty()) sql += " AND notice = ?2";
    if (!search.person.empty()) sql += " AND person = ?3";
    if (search.state) sql += " AND state = ?4";
    SQLite::Statement statement(impl_->db.db(), sql + " ORDER BY id LIMIT ?5");
    statement.bind(1, static_cast<std::int64_t>(search.after.raw()));
    if (!search.notice.empty()) statement.bind(2, search.notice);
    if (!search.person.empty()) statement.bind(3, search.person);
    if (search.state)
      statement.bind(4, std::string(kDeliveryStates[static_cast<std::size_t>(*search.state)]));
    statement.bind(5, static_cast<std::int64_t>(search.limit));
    return Impl::read_deliveries(Query(statement));
  });
}

Result<std::vector<AttemptRecord>> SqliteGatewayStore::attempts(DeliveryId id) {
  return guarded("read attempts", [&] {
    std::vector<AttemptRecord> out;
    for (Query row = impl_->db.query("SELECT delivery, n, channel, intent_at, outcome, done_at, "
                                     "reason FROM attempt WHERE delivery = ? ORDER BY n",
                                     id);
         row.step();) {
      AttemptRecord one{DeliveryId{row.u64(0)}, row.u32(1), row.text(2), row.instant(3), {},
                        row.instant(5),         row.text(6)};
      if (!row.is_null(4)) one.outcome = parse_outcome(row.text(4));
      out.push_back(std::move(one));
    }
    return out;
  });
}

Result<std::optional<LinkRecord>> SqliteGatewayStore::link(const std::string& hash) {
  return guarded("read a link", [&]() -> std::optional<LinkRecord> {
    Query row =
        impl_->db.query("SELECT hash, notice, person, expires FROM link WHERE hash = ?", hash);
    if (!row.step()) return std::nullopt;
    return LinkRecord{row.text(0), row.text(1), row.text(2), row.instant(3)};
  });
}

Result<std::vector<ReachCounts>> SqliteGatewayStore::counts(const std::string& notice) {
  return guarded("count deliveries", [&] {
    std::vector<ReachCounts> out;
    for (Query row = impl_->db.query("SELECT medium, state, count(DISTINCT person) FROM delivery "
                                     "WHERE notice = ? GROUP BY medium, state",
                                     notice);
         row.step();)
      out.push_back({row.text(0), row.text(1), row.i64(2)});
    return out;
  });
}

Result<std::vector<DeliveryRecord>> SqliteGatewayStore::handed(const std::string& notice,
                                                               DeliveryId after,
                                                               std::size_t limit) {
  return guarded("read what went out", [&] {
    static const std::string kHanded = select_deliveries(
        "WHERE notice = ? AND id > ? AND state IN ('accepted','delivered','unknown') "
        "AND purpose IN ('notice','reminder','correction') ORDER BY id LIMIT ?");
    return Impl::read_deliveries(impl_->db.query(kHanded.c_str(), notice, after, limit));
  });
}

Result<void> SqliteGatewayStore::prune(Instant before, std::uint64_t facts_consumed) {
  return guarded("prune gateway.db", [&] {
    SQLite::Transaction transaction(impl_->db.db());
    sqlite::Database& db = impl_->db;
    db.query("DELETE FROM fact WHERE n <= ? AND at < ?", facts_consumed, before).run();
    db.query(
          "DELETE FROM provider WHERE delivery IN (SELECT d.id FROM delivery d JOIN notice n "
          "ON n.id = d.notice WHERE n.state = 2 AND n.expires < ?)",
          before)
        .run();
    db.query(
          "DELETE FROM attempt WHERE intent_at < ?1 AND delivery IN (SELECT d.id FROM delivery d "
          "JOIN notice n ON n.id = d.notice WHERE n.state = 2 AND n.expires < ?1)",
          before)
        .run();
    db.query(
          "DELETE FROM delivery WHERE notice IN (SELECT id FROM notice WHERE state = 2 AND "
          "expires < ?)",
          before)
        .run();
    db.query(
          "DELETE FROM plan WHERE notice IN (SELECT id FROM notice WHERE state = 2 AND "
          "expires < ?)",
          before)
        .run();
    db.query("DELETE FROM notice WHERE state = 2 AND expires < ?", before).run();
    db.query("DELETE FROM receipt WHERE at < ?", before).run();
    db.query("DELETE FROM link WHERE expires < ?", before).run();
    transaction.commit();
  });
}

Result<SqliteGatewayStore::Standing> SqliteGatewayStore::standing() {
  return guarded("read gateway.db", [&] {
    Standing out;
    for (Query row = impl_->db.query("SELECT channel, why FROM paused ORDER BY channel");
         row.step();)
      out.paused.emplace_back(row.text(0), row.text(1));
    for (Query row = impl_->db.query("SELECT * FROM notice WHERE state < 2 ORDER BY id");
         row.step();)
      out.notices.push_back(read_notice(row));
    for (Query row = impl_->db.query("SELECT medium, count(*), min(made_at) FROM delivery "
                                     "WHERE state IN ('ready','owed') GROUP BY medium");
         row.step();)
      out.waiting.push_back({row.text(0), row.u64(1), row.instant(2)});
    for (Query row =
             impl_->db.query("SELECT state, count(*) FROM delivery GROUP BY state ORDER BY state");
         row.step();)
      out.deliveries.emplace_back(row.text(0), row.i64(1));
    return out;
  });
}

}  // namespace linli::notify
