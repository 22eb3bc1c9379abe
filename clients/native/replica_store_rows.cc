// SPDX-License-Identifier: Apache-2.0
#include "clients/native/replica_store_rows.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/json.h"

namespace linli::client {
namespace {

using sync::LocalMutation;
using sync::ReplicaBucket;
using sync::ReplicaState;
using sync::Seq;

std::string numbers_text(const sync::UpNumbers& numbers) { return dump_json(Json(numbers)); }

Result<sync::UpNumbers> numbers_of(const std::string& text) {
  LINLI_TRY(const Json list, parse_json(text));
  sync::UpNumbers out{};
  if (!list.is_array() || list.size() != out.size()) return fail(Errc::corrupt, "numbers");
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (!list[i].is_number_unsigned()) return fail(Errc::corrupt, "numbers");
    out[i] = list[i].get<std::uint64_t>();
  }
  return out;
}

Result<Id128> id_of(const SQLite::Column& column) {
  if (column.getBytes() != 16) return fail(Errc::corrupt, "an id is not 16 bytes");
  return Id128::of(as_bytes(column.getString()));
}

void bind_id(SQLite::Statement& to, int index, const Id128& id) {
  to.bind(index, id.bytes.data(), static_cast<int>(id.bytes.size()));
}

ReplicaBucket bucket_of(SQLite::Statement& row) {
  ReplicaBucket bucket;
  bucket.grant = {.b = sync::BucketId{row.getColumn(0).getUInt()},
                  .gen = seq_of(row.getColumn(1)),
                  .lane = static_cast<sync::Lane>(row.getColumn(2).getInt()),
                  .pri = static_cast<std::uint8_t>(row.getColumn(3).getInt()),
                  .cls = static_cast<sync::BucketClass>(row.getColumn(4).getInt())};
  bucket.live = row.getColumn(5).getInt() != 0;
  bucket.slot = as_unsigned(row.getColumn(6).getInt64());
  bucket.digest = {as_unsigned(row.getColumn(7).getInt64()),
                   as_unsigned(row.getColumn(8).getInt64())};
  bucket.fill_slot = as_unsigned(row.getColumn(9).getInt64());
  bucket.fill_digest = {as_unsigned(row.getColumn(10).getInt64()),
                        as_unsigned(row.getColumn(11).getInt64())};
  bucket.fill_cursor = seq_of(row.getColumn(12));
  return bucket;
}

Result<void> load_identity(SQLite::Database& db, ReplicaState& state) {
  SQLite::Statement row(db,
                        "SELECT slug, origin, cid, account, person, name, community, server_pub,"
                        " cert, seed FROM identity");
  if (!row.executeStep()) return {};
  sync::Identity identity;
  identity.slug = row.getColumn(0).getString();
  identity.origin = row.getColumn(1).getString();
  LINLI_TRY(const Id128 cid, id_of(row.getColumn(2)));
  identity.cid = sync::Cid{cid};
  LINLI_TRY(const Id128 account, id_of(row.getColumn(3)));
  identity.account = sync::AccountId{account};
  identity.person = row.getColumn(4).getString();
  identity.name = row.getColumn(5).getString();
  identity.community = row.getColumn(6).getString();
  identity.server_pub = row.getColumn(7).getString();
  identity.cert = row.getColumn(8).getString();
  identity.seed = Secret(row.getColumn(9).getString());
  state.identity = std::move(identity);
  return {};
}

void count_mutations(SQLite::Database& db, ReplicaState& state) {
  SQLite::Statement counts(db,
                           "SELECT state, lane, count(*) FROM mutation"
                           " WHERE state < 2 GROUP BY state, lane");
  while (counts.executeStep()) {
    const auto count = as_unsigned(counts.getColumn(2).getInt64());
    if (counts.getColumn(0).getInt() == static_cast<int>(LocalMutation::State::confirmed)) {
      state.confirmed += count;
    } else {
      state.queued[static_cast<std::size_t>(counts.getColumn(1).getInt())] = count;
    }
  }
  state.attention =
      as_unsigned(db.execAndGet("SELECT count(*) FROM mutation WHERE attention = 1").getInt64());
}

LocalMutation mutation_of(SQLite::Statement& row) {
  LocalMutation m;
  m.id = as_unsigned(row.getColumn(0).getInt64());
  m.lane = static_cast<sync::UpLane>(row.getColumn(1).getInt());
  m.n = as_unsigned(row.getColumn(2).getInt64());
  m.name = row.getColumn(3).getString();
  m.args = row.getColumn(4).getString();
  m.wall = row.getColumn(5).getInt64();
  m.off = row.getColumn(6).getInt64();
  m.unc = row.getColumn(7).getInt64();
  m.fixes = as_unsigned(row.getColumn(8).getInt64());
  m.state = static_cast<LocalMutation::State>(row.getColumn(9).getInt());
  m.attention = static_cast<LocalMutation::Attention>(row.getColumn(10).getInt());
  m.seq = seq_of(row.getColumn(11));
  m.lanes = static_cast<std::uint8_t>(row.getColumn(12).getInt());
  m.code = row.getColumn(13).getString();
  m.msg = row.getColumn(14).getString();
  m.info = row.getColumn(15).getString();
  m.answered_at = row.getColumn(16).getInt64();
  return m;
}

}  // namespace

sync::SharedText data_of(const SQLite::Column& column) {
  if (column.isNull()) return nullptr;
  return std::make_shared<const std::string>(column.getString());
}

void bind_data(SQLite::Statement& to, int index, const sync::Op& op) {
  if (op.data) {
    to.bindNoCopy(index, op.data->data(), static_cast<int>(op.data->size()));
  } else {
    to.bind(index);
  }
}

void bind_entry(SQLite::Statement& to, std::int64_t slot, std::int64_t tbl, const sync::Op& op,
                std::uint64_t h) {
  to.bind(1, slot);
  to.bind(2, tbl);
  to.bindNoCopy(3, op.row.key);
  to.bind(4, as_signed(op.ver.raw()));
  to.bind(5, as_signed(h));
  bind_data(to, 6, op);
}

void bind_bucket(SQLite::Statement& to, const ReplicaBucket& bucket) {
  to.bind(1, static_cast<std::int64_t>(bucket.grant.b.raw()));
  to.bind(2, as_signed(bucket.grant.gen.raw()));
  to.bind(3, static_cast<int>(bucket.grant.lane));
  to.bind(4, static_cast<int>(bucket.grant.pri));
  to.bind(5, static_cast<int>(bucket.grant.cls));
  to.bind(6, bucket.live ? 1 : 0);
  to.bind(7, as_signed(bucket.slot));
  to.bind(8, as_signed(bucket.digest.n));
  to.bind(9, as_signed(bucket.digest.s));
  to.bind(10, as_signed(bucket.fill_slot));
  to.bind(11, as_signed(bucket.fill_digest.n));
  to.bind(12, as_signed(bucket.fill_digest.s));
  to.bind(13, as_signed(bucket.fill_cursor.raw()));
}

void bind_state(SQLite::Statement& to, const ReplicaState& state) {
  if (state.epoch) {
    bind_id(to, 1, state.epoch->raw());
  } else {
    to.bind(1);
  }
  to.bind(2, as_signed(state.cur[0].raw()));
  to.bind(3, as_signed(state.cur[1].raw()));
  to.bind(4, as_signed(state.next_slot));
  to.bind(5, numbers_text(state.res_n));
  to.bind(6, numbers_text(state.last_n));
  to.bind(7, as_signed(state.digest_mismatches));
  to.bind(8, state.contact_at);
  to.bind(9, state.contact_ok ? 1 : 0);
  to.bind(10, state.lease_ms);
  to.bind(11, state.offline_ms);
  to.bind(12, state.clock_off);
  to.bind(13, state.clock_unc);
  to.bind(14, state.rekey_wanted ? 1 : 0);
}

void bind_mutation(SQLite::Statement& to, const LocalMutation& m) {
  to.bind(1, static_cast<int>(m.lane));
  to.bind(2, as_signed(m.n));
  to.bind(3, m.name);
  to.bind(4, m.args);
  to.bind(5, m.wall);
  to.bind(6, m.off);
  to.bind(7, m.unc);
  to.bind(8, as_signed(m.fixes));
  to.bind(9, static_cast<int>(m.state));
  to.bind(10, static_cast<int>(m.attention));
  to.bind(11, as_signed(m.seq.raw()));
  to.bind(12, static_cast<int>(m.lanes));
  to.bind(13, m.code);
  to.bind(14, m.msg);
  to.bind(15, m.info);
  to.bind(16, m.answered_at);
}

void save_identity(SQLite::Database& db, const ReplicaState& before, const ReplicaState& after) {
  if (!after.identity) return;
  const sync::Identity& id = *after.identity;
  if (before.identity && before.identity->cid == id.cid && before.identity->cert == id.cert) return;
  SQLite::Statement put(db, "INSERT OR REPLACE INTO identity VALUES (1,?,?,?,?,?,?,?,?,?,?)");
  put.bind(1, id.slug);
  put.bind(2, id.origin);
  bind_id(put, 3, id.cid.raw());
  bind_id(put, 4, id.account.raw());
  put.bind(5, id.person);
  put.bind(6, id.name);
  put.bind(7, id.community);
  put.bind(8, id.server_pub);
  put.bind(9, id.cert);
  put.bind(10, id.seed.view().data(), static_cast<int>(id.seed.view().size()));
  put.exec();
}

Result<ReplicaState> load_state(SQLite::Database& db) {
  ReplicaState state;
  SQLite::Statement row(db,
                        "SELECT epoch, cur_u, cur_s, next_slot, res_n, last_n, digest_mismatches,"
                        " contact_at, contact_ok, lease_ms, offline_ms, clock_off, clock_unc,"
                        " rekey_wanted FROM replica");
  if (!row.executeStep()) return fail(Errc::corrupt, "table replica is empty");
  if (!row.getColumn(0).isNull()) {
    LINLI_TRY(const Id128 epoch, id_of(row.getColumn(0)));
    state.epoch = sync::Epoch{epoch};
  }
  state.cur = {seq_of(row.getColumn(1)), seq_of(row.getColumn(2))};
  state.next_slot = as_unsigned(row.getColumn(3).getInt64());
  LINLI_TRY(state.res_n, numbers_of(row.getColumn(4).getString()));
  LINLI_TRY(state.last_n, numbers_of(row.getColumn(5).getString()));
  state.digest_mismatches = as_unsigned(row.getColumn(6).getInt64());
  state.contact_at = row.getColumn(7).getInt64();
  state.contact_ok = row.getColumn(8).getInt() != 0;
  state.lease_ms = row.getColumn(9).getInt64();
  state.offline_ms = row.getColumn(10).getInt64();
  state.clock_off = row.getColumn(11).getInt64();
  state.clock_unc = row.getColumn(12).getInt64();
  state.rekey_wanted = row.getColumn(13).getInt() != 0;
  SQLite::Statement buckets(db, "SELECT * FROM bucket");
  while (buckets.executeStep()) {
    ReplicaBucket bucket = bucket_of(buckets);
    state.buckets.emplace(bucket.grant.b, bucket);
  }
  LINLI_CHECK(load_identity(db, state));
  count_mutations(db, state);
  return state;
}

std::vector<LocalMutation> find_mutations(SQLite::Database& db,
                                          const sync::MutationFilter& filter) {
  std::string sql = "SELECT * FROM mutation WHERE 1";
  std::vector<std::int64_t> values;
  const auto want = [&](const char* clause, std::int64_t value) {
    sql += clause;
    values.push_back(value);
  };
  if (filter.id) want(" AND id=?", as_signed(*filter.id));
  if (filter.state) want(" AND state=?", static_cast<std::int64_t>(*filter.state));
  if (filter.lane) want(" AND lane=?", static_cast<std::int64_t>(*filter.lane));
  if (filter.attention) want(" AND attention=?", static_cast<std::int64_t>(*filter.attention));
  if (filter.n) want(" AND n=?", as_signed(*filter.n));
  if (filter.after_n) want(" AND (n=0 OR n>?)", as_signed(*filter.after_n));
  sql += " ORDER BY id LIMIT ?";
  constexpr std::size_t kAll = std::numeric_limits<std::int32_t>::max();
  values.push_back(static_cast<std::int64_t>(std::min(filter.limit, kAll)));
  SQLite::Statement find(db, sql);
  for (std::size_t i = 0; i < values.size(); ++i) find.bind(static_cast<int>(i) + 1, values[i]);
  std::vector<LocalMutation> out;
  while (find.executeStep()) out.push_back(mutation_of(find));
  return out;
}

}  // namespace linli::client
