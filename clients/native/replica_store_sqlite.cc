// SPDX-License-Identifier: Apache-2.0
#include "clients/native/replica_store_sqlite.h"

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <unordered_map>
#include <utility>

#include <SQLiteCpp/SQLiteCpp.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/json.h"
#include "clients/native/replica_store_rows.h"
#include "clients/native/replica_store_schema.h"

namespace linli::client {
namespace {

using sync::BucketId;
using sync::Digest;
using sync::Lane;
using sync::LocalMutation;
using sync::Op;
using sync::ReplicaBucket;
using sync::ReplicaRow;
using sync::ReplicaState;
using sync::Seq;

class SqliteStorage final : public sync::ReplicaStorage {
 public:
  explicit SqliteStorage(const std::string& path)
      : path_(path), db_(path, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE, 2000) {}

  Result<void> prepare();

  Result<ReplicaState> load() override;
  Result<void> begin() override;
  Result<void> commit(const ReplicaState& before, const ReplicaState& after) override;
  void rollback() noexcept override;
  Result<void> put_entry(std::uint64_t slot, const Op& op, std::uint64_t h,
                         Digest& digest) override;
  Result<void> clear_slot(std::uint64_t slot) override;
  Result<void> stage(Lane lane, BucketId bucket, const std::vector<Op>& ops) override;
  Result<void> visit_staged(Lane lane, const StagedVisitor& visit) override;
  Result<void> clear_staged(Lane lane) override;
  Result<void> clear_staged_of(BucketId bucket) override;
  Result<std::uint64_t> insert_mutation(const LocalMutation& mutation) override;
  Result<void> update_mutation(const LocalMutation& mutation) override;
  Result<void> remove_mutation(std::uint64_t id) override;
  Result<std::vector<LocalMutation>> mutations(const sync::MutationFilter& filter) override;
  Result<std::vector<ReplicaRow>> rows(std::string_view tbl, const sync::RowRange& range,
                                       const std::vector<std::uint64_t>& slots) override;
  Result<std::optional<ReplicaRow>> row(std::string_view tbl, std::string_view key,
                                        const std::vector<std::uint64_t>& slots) override;
  Result<Seq> newest_ver(std::string_view tbl, std::string_view key,
                         const std::vector<std::uint64_t>& slots) override;
  Result<std::optional<std::string>> local(std::string_view key) override;
  Result<void> put_local(std::string_view key, std::string_view value) override;
  Result<void> remove_local(std::string_view key) override;

 private:
  /// Runs `body`; what SQLite throws becomes an error that names the file.
  template <class Body>
  auto guarded(Body&& body) -> decltype(body());
  std::unexpected<Error> failed(const SQLite::Exception& e) const;
  SQLite::Statement& statement(const char* sql);
  Result<void> migrate();
  std::int64_t table_id(const std::string& name);
  void save_buckets(const ReplicaState& before, const ReplicaState& after);

  std::string path_;
  SQLite::Database db_;
  /// Prepared once; keyed by the address of the literal.
  std::unordered_map<const char*, SQLite::Statement> statements_;
  std::unordered_map<std::string, std::int64_t> tables_;
  bool is_open_ = false;
};

template <class Body>
auto SqliteStorage::guarded(Body&& body) -> decltype(body()) {
  try {
    return body();
  } catch (const SQLite::Exception& e) {
    return failed(e);
  }
}

std::unexpected<Error> SqliteStorage::failed(const SQLite::Exception& e) const {
  const std::string what = path_ + ": " + e.getErrorStr();
  switch (e.getErrorCode()) {
    case SQLITE_FULL: return fail(Errc::disk_full, what);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return fail(Errc::corrupt, what);
    default: return fail(Errc::io, what);
  }
}

SQLite::Statement& SqliteStorage::statement(const char* sql) {
  auto at = statements_.find(sql);
  if (at == statements_.end()) {
    at = statements_
             .emplace(std::piecewise_construct, std::forward_as_tuple(sql),
                      std::forward_as_tuple(db_, sql))
             .first;
  }
  at->second.tryReset();
  return at->second;
}

// --- Opening ------------------------------------------------------------------------------------

Result<void> SqliteStorage::prepare() {
  return guarded([&]() -> Result<void> {
    db_.exec("PRAGMA page_size=8192");
    db_.exec("PRAGMA journal_mode=WAL");
    db_.exec("PRAGMA synchronous=FULL");
    db_.exec("PRAGMA secure_delete=ON");
    db_.exec("PRAGMA foreign_keys=ON");
    db_.exec("PRAGMA cache_size=-16000");
    db_.exec("PRAGMA temp_store=MEMORY");
    return migrate();
  });
}

Result<void> SqliteStorage::migrate() {
  const int applied = db_.execAndGet("PRAGMA user_version").getInt();
  constexpr int kKnown = static_cast<int>(kReplicaMigrations.size());
  if (applied > kKnown) {
    return fail(Errc::unsupported_version, path_ + " was made by a newer program");
  }
  for (int next = applied; next < kKnown; ++next) {
    SQLite::Transaction transaction(db_);
    db_.exec(kReplicaMigrations[static_cast<std::size_t>(next)]);
    db_.exec("PRAGMA user_version=" + std::to_string(next + 1));
    transaction.commit();
  }
  return {};
}

Result<ReplicaState> SqliteStorage::load() {
  return guarded([&]() -> Result<ReplicaState> {
    LINLI_TRY(ReplicaState state, load_state(db_));
    SQLite::Statement tables(db_, "SELECT id, name FROM tbl");
    while (tables.executeStep()) {
      tables_.emplace(tables.getColumn(1).getString(), tables.getColumn(0).getInt64());
    }
    return state;
  });
}

// --- Transactions -------------------------------------------------------------------------------

Result<void> SqliteStorage::begin() {
  LINLI_ASSERT(!is_open_);
  return guarded([&]() -> Result<void> {
    statement("BEGIN IMMEDIATE").exec();
    is_open_ = true;
    return {};
  });
}

void SqliteStorage::rollback() noexcept {
  if (!std::exchange(is_open_, false)) return;
  for (auto& [sql, prepared] : statements_) prepared.tryReset();
  ::sqlite3_exec(db_.getHandle(), "ROLLBACK", nullptr, nullptr, nullptr);
  // Names that the undone transaction had added.
  tables_.clear();
}

void SqliteStorage::save_buckets(const ReplicaState& before, const ReplicaState& after) {
  for (const auto& [id, bucket] : before.buckets) {
    if (after.buckets.contains(id)) continue;
    SQLite::Statement& gone = statement("DELETE FROM bucket WHERE b = ?");
    gone.bind(1, static_cast<std::int64_t>(id.raw()));
    gone.exec();
  }
  for (const auto& [id, bucket] : after.buckets) {
    const auto old = before.buckets.find(id);
    if (old != before.buckets.end() && old->second == bucket) continue;
    SQLite::Statement& put =
        statement("INSERT OR REPLACE INTO bucket VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)");
    bind_bucket(put, bucket);
    put.exec();
  }
}

Result<void> SqliteStorage::commit(const ReplicaState& before, const ReplicaState& after) {
  LINLI_ASSERT(is_open_);
  auto done = guarded([&]() -> Result<void> {
    save_buckets(before, after);
    save_identity(db_, before, after);
    SQLite::Statement& put = statement(
        "UPDATE replica SET epoch=?, cur_u=?, cur_s=?, next_slot=?, res_n=?, last_n=?,"
        " digest_mismatches=?, contact_at=?, contact_ok=?, lease_ms=?, offline_ms=?, clock_off=?,"
        " clock_unc=?, rekey_wanted=?");
    bind_state(put, after);
    put.exec();
    statement("COMMIT").exec();
    is_open_ = false;
    return {};
  });
  if (!done) rollback();
  return done;
}

// --- Entries ------------------------------------------------------------------------------------

std::int64_t SqliteStorage::table_id(const std::string& name) {
  if (const auto at = tables_.find(name); at != tables_.end()) return at->second;
  SQLite::Statement& add = statement("INSERT OR IGNORE INTO tbl (name) VALUES (?)");
  add.bindNoCopy(1, name);
  add.exec();
  SQLite::Statement& find = statement("SELECT id FROM tbl WHERE name = ?");
  find.bindNoCopy(1, name);
  LINLI_ASSERT(find.executeStep());
  const std::int64_t id = find.getColumn(0).getInt64();
  find.reset();
  tables_.emplace(name, id);
  return id;
}

Result<void> SqliteStorage::put_entry(std::uint64_t slot, const Op& op, std::uint64_t h,
                                      Digest& digest) {
  LINLI_ASSERT(is_open_);
  return guarded([&]() -> Result<void> {
    const std::int64_t tbl = table_id(op.row.tbl);
    // Nearly every row of a fill is new: one statement decides that and stores it.
    SQLite::Statement& add = statement(
        "INSERT OR IGNORE INTO entry (slot, tbl, key, ver, h, data) VALUES (?,?,?,?,?,?)");
    bind_entry(add, static_cast<std::int64_t>(slot), tbl, op, h);
    if (add.exec() == 1) {
      if (op.data) digest.add(h);
      return {};
    }
    SQLite::Statement& find = statement(
        "SELECT id, ver, h, data IS NOT NULL FROM entry WHERE tbl=? AND key=? AND slot=?");
    find.bind(1, tbl);
    find.bindNoCopy(2, op.row.key);
    find.bind(3, static_cast<std::int64_t>(slot));
    LINLI_ASSERT(find.executeStep());
    const std::int64_t id = find.getColumn(0).getInt64();
    const Seq stored_ver = seq_of(find.getColumn(1));
    const std::uint64_t stored_h = as_unsigned(find.getColumn(2).getInt64());
    const bool was_live = find.getColumn(3).getInt() != 0;
    find.reset();
    if (stored_ver > op.ver) return {};
    if (was_live) digest.remove(stored_h);
    SQLite::Statement& put = statement("UPDATE entry SET ver=?, h=?, data=? WHERE id=?");
    put.bind(1, as_signed(op.ver.raw()));
    put.bind(2, as_signed(h));
    bind_data(put, 3, op);
    put.bind(4, id);
    put.exec();
    if (op.data) digest.add(h);
    return {};
  });
}

Result<void> SqliteStorage::clear_slot(std::uint64_t slot) {
  LINLI_ASSERT(is_open_);
  return guarded([&]() -> Result<void> {
    SQLite::Statement& clear = statement("DELETE FROM entry WHERE slot = ?");
    clear.bind(1, static_cast<std::int64_t>(slot));
    clear.exec();
    return {};
  });
}

Result<void> SqliteStorage::stage(Lane lane, BucketId bucket, const std::vector<Op>& ops) {
  return guarded([&]() -> Result<void> {
    for (const Op& op : ops) {
      SQLite::Statement& add =
          statement("INSERT INTO staged (lane, b, tbl, key, ver, data) VALUES (?,?,?,?,?,?)");
      add.bind(1, static_cast<int>(lane));
      add.bind(2, static_cast<std::int64_t>(bucket.raw()));
      add.bindNoCopy(3, op.row.tbl);
      add.bindNoCopy(4, op.row.key);
      add.bind(5, as_signed(op.ver.raw()));
      bind_data(add, 6, op);
      add.exec();
    }
    return {};
  });
}

Result<void> SqliteStorage::visit_staged(Lane lane, const StagedVisitor& visit) {
  return guarded([&]() -> Result<void> {
    SQLite::Statement& all =
        statement("SELECT b, tbl, key, ver, data FROM staged WHERE lane=? ORDER BY id");
    all.bind(1, static_cast<int>(lane));
    while (all.executeStep()) {
      const Op op{.row = {all.getColumn(1).getString(), all.getColumn(2).getString()},
                  .ver = seq_of(all.getColumn(3)),
                  .data = data_of(all.getColumn(4))};
      LINLI_CHECK(visit(BucketId{all.getColumn(0).getUInt()}, op));
    }
    return {};
  });
}

Result<void> SqliteStorage::clear_staged(Lane lane) {
  return guarded([&]() -> Result<void> {
    SQLite::Statement& clear = statement("DELETE FROM staged WHERE lane = ?");
    clear.bind(1, static_cast<int>(lane));
    clear.exec();
    return {};
  });
}

Result<void> SqliteStorage::clear_staged_of(BucketId bucket) {
  return guarded([&]() -> Result<void> {
    SQLite::Statement& clear = statement("DELETE FROM staged WHERE b = ?");
    clear.bind(1, static_cast<std::int64_t>(bucket.raw()));
    clear.exec();
    return {};
  });
}

// --- Mutations ----------------------------------------------------------------------------------

Result<std::uint64_t> SqliteStorage::insert_mutation(const LocalMutation& mutation) {
  return guarded([&]() -> Result<std::uint64_t> {
    SQLite::Statement& add = statement(
        "INSERT INTO mutation (lane, n, name, args, wall, off, unc, fixes, state, attention, seq,"
        " lanes, code, msg, info, answered_at) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)");
    bind_mutation(add, mutation);
    add.exec();
    return as_unsigned(db_.getLastInsertRowid());
  });
}

Result<void> SqliteStorage::update_mutation(const LocalMutation& mutation) {
  return guarded([&]() -> Result<void> {
    SQLite::Statement& put = statement(
        "UPDATE mutation SET lane=?, n=?, name=?, args=?, wall=?, off=?, unc=?, fixes=?, state=?,"
        " attention=?, seq=?, lanes=?, code=?, msg=?, info=?, answered_at=? WHERE id=?");
    bind_mutation(put, mutation);
    put.bind(17, as_signed(mutation.id));
    put.exec();
    return {};
  });
}

Result<void> SqliteStorage::remove_mutation(std::uint64_t id) {
  return guarded([&]() -> Result<void> {
    SQLite::Statement& gone = statement("DELETE FROM mutation WHERE id = ?");
    gone.bind(1, as_signed(id));
    gone.exec();
    return {};
  });
}

Result<std::vector<LocalMutation>> SqliteStorage::mutations(const sync::MutationFilter& filter) {
  return guarded(
      [&]() -> Result<std::vector<LocalMutation>> { return find_mutations(db_, filter); });
}

// --- Reads --------------------------------------------------------------------------------------

Result<std::vector<ReplicaRow>> SqliteStorage::rows(std::string_view tbl,
                                                    const sync::RowRange& range,
                                                    const std::vector<std::uint64_t>& slots) {
  return guarded([&]() -> Result<std::vector<ReplicaRow>> {
    SQLite::Statement& all = statement(
        "SELECT key, ver, data, slot FROM entry WHERE tbl = (SELECT id FROM tbl WHERE name=?)"
        " AND key > ? AND data IS NOT NULL ORDER BY key");
    all.bind(1, std::string(tbl));
    all.bind(2, range.after);
    std::vector<ReplicaRow> out;
    while (all.executeStep()) {
      if (!std::ranges::binary_search(slots, as_unsigned(all.getColumn(3).getInt64()))) continue;
      ReplicaRow row{all.getColumn(0).getString(), seq_of(all.getColumn(1)),
                     all.getColumn(2).getString()};
      if (out.empty() || out.back().key != row.key) {
        if (out.size() == range.limit) break;
        out.push_back(std::move(row));
      } else if (out.back().ver < row.ver) {
        out.back() = std::move(row);
      }
    }
    all.reset();
    return out;
  });
}

Result<std::optional<ReplicaRow>> SqliteStorage::row(std::string_view tbl, std::string_view key,
                                                     const std::vector<std::uint64_t>& slots) {
  return guarded([&]() -> Result<std::optional<ReplicaRow>> {
    SQLite::Statement& all = statement(
        "SELECT ver, data, slot FROM entry WHERE tbl = (SELECT id FROM tbl WHERE name=?)"
        " AND key = ? AND data IS NOT NULL");
    all.bind(1, std::string(tbl));
    all.bind(2, std::string(key));
    std::optional<ReplicaRow> out;
    while (all.executeStep()) {
      if (!std::ranges::binary_search(slots, as_unsigned(all.getColumn(2).getInt64()))) continue;
      const Seq ver = seq_of(all.getColumn(0));
      if (!out || out->ver < ver) out = {std::string(key), ver, all.getColumn(1).getString()};
    }
    all.reset();
    return out;
  });
}

Result<Seq> SqliteStorage::newest_ver(std::string_view tbl, std::string_view key,
                                      const std::vector<std::uint64_t>& slots) {
  return guarded([&]() -> Result<Seq> {
    SQLite::Statement& all = statement(
        "SELECT ver, slot FROM entry WHERE tbl = (SELECT id FROM tbl WHERE name=?) AND key = ?");
    all.bind(1, std::string(tbl));
    all.bind(2, std::string(key));
    Seq newest{};
    while (all.executeStep())
      if (std::ranges::binary_search(slots, as_unsigned(all.getColumn(1).getInt64())))
        newest = std::max(newest, seq_of(all.getColumn(0)));
    all.reset();
    return newest;
  });
}

Result<std::optional<std::string>> SqliteStorage::local(std::string_view key) {
  return guarded([&]() -> Result<std::optional<std::string>> {
    SQLite::Statement& find = statement("SELECT value FROM local WHERE key = ?");
    find.bind(1, std::string(key));
    std::optional<std::string> out;
    if (find.executeStep()) out = find.getColumn(0).getString();
    find.reset();
    return out;
  });
}

Result<void> SqliteStorage::put_local(std::string_view key, std::string_view value) {
  return guarded([&]() -> Result<void> {
    SQLite::Statement& put = statement("INSERT OR REPLACE INTO local VALUES (?, ?)");
    put.bind(1, std::string(key));
    put.bind(2, std::string(value));
    put.exec();
    return {};
  });
}

Result<void> SqliteStorage::remove_local(std::string_view key) {
  return guarded([&]() -> Result<void> {
    SQLite::Statement& gone = statement("DELETE FROM local WHERE key = ?");
    gone.bind(1, std::string(key));
    gone.exec();
    return {};
  });
}

}  // namespace

Result<std::unique_ptr<sync::ReplicaStorage>> open_sqlite_storage(const std::string& folder) {
  const std::string path = folder + "/replica.db";
  // Created here, so that it is never readable by others, not even for a moment; SQLite gives the
  // files beside it the same mode.
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) return fail(Errc::io, path + ": " + std::generic_category().message(errno));
  ::fchmod(file, 0600);
  ::close(file);
  try {
    auto storage = std::make_unique<SqliteStorage>(path);
    LINLI_CHECK(storage->prepare());
    return storage;
  } catch (const SQLite::Exception& e) {
    return fail(Errc::io, path + ": " + e.getErrorStr());
  }
}

}  // namespace linli::client
