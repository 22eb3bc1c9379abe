// SPDX-License-Identifier: Apache-2.0
#include "sync/store/sqlite/connection.h"

#include <algorithm>
#include <new>

#include <sqlite3.h>

#include "sync/store/sqlite/wal_vfs.h"

namespace linli::sync::sqlite {
namespace {

int open_flags(const ConnectionOptions& options) {
  // NOMUTEX: a connection belongs to one thread at a time, so SQLite need not lock for us.
  int flags = SQLite::OPEN_READWRITE | SQLite::OPEN_NOMUTEX;
  if (options.create) flags |= SQLite::OPEN_CREATE;
  return flags;
}

Errc errc_of(int primary) {
  switch (primary) {
    case SQLITE_FULL: return Errc::disk_full;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return Errc::corrupt;
    case SQLITE_CONSTRAINT:
    case SQLITE_MISUSE:
    case SQLITE_ERROR:
    case SQLITE_RANGE:
    case SQLITE_MISMATCH: return Errc::internal;
    default: return Errc::io;
  }
}

}  // namespace

Id128 Query::id128(int column) const {
  const std::string raw = text(column);
  if (raw.size() != 16) throw Fault{{Errc::corrupt, "an id has not 16 bytes"}};
  return Id128::of(as_bytes(raw));
}

SharedText Query::shared(int column) const {
  if (is_null(column)) return nullptr;
  return std::make_shared<const std::string>(text(column));
}

Connection::Connection(const ConnectionOptions& options)
    : db_(options.path, open_flags(options), static_cast<int>(options.busy_timeout.count()),
          options.gather_wal ? wal_vfs_name() : "") {
  sqlite3_extended_result_codes(db_.getHandle(), 1);
  const bool empty = pragma("SELECT count(*) FROM sqlite_schema") == 0;
  const std::int64_t application = pragma("PRAGMA application_id");
  const bool is_ours = application == options.application_id || options.application_id == 0;
  if (!is_ours && !(empty && application == 0))
    throw Fault{{Errc::corrupt, "the file is a database of another program"}};
  if (empty) db_.exec("PRAGMA page_size=4096");
  db_.exec("PRAGMA journal_mode=WAL");
  db_.exec("PRAGMA synchronous=FULL");
  db_.exec("PRAGMA foreign_keys=ON");
  db_.exec("PRAGMA secure_delete=ON");
  db_.exec("PRAGMA cell_size_check=ON");
  db_.exec("PRAGMA temp_store=MEMORY");
  db_.exec("PRAGMA trusted_schema=OFF");
  db_.exec("PRAGMA wal_autocheckpoint=0");
  db_.exec("PRAGMA cache_size=-" + std::to_string(options.cache_kib));
  if (options.read_only) db_.exec("PRAGMA query_only=ON");
  sqlite3_wal_hook(db_.getHandle(), &Connection::on_wal, this);
}

Connection::~Connection() { statements_.clear(); }

int Connection::on_wal(void* self, sqlite3* /*db*/, const char* /*name*/, int pages) {
  static_cast<Connection*>(self)->wal_pages_ = pages;
  return SQLITE_OK;
}

SQLite::Statement& Connection::statement(Sql sql) {
  const auto found = statements_.find(sql.text);
  if (found != statements_.end()) return found->second;
  return statements_.try_emplace(sql.text, db_, sql.text).first->second;
}

bool Connection::in_transaction() const { return sqlite3_get_autocommit(db_.getHandle()) == 0; }

void Connection::checkpoint_passive() {
  const int rc = sqlite3_wal_checkpoint_v2(db_.getHandle(), nullptr, SQLITE_CHECKPOINT_PASSIVE,
                                           nullptr, nullptr);
  // BUSY: another connection is at it.
  if (rc != SQLITE_OK && (rc & 0xff) != SQLITE_BUSY && (rc & 0xff) != SQLITE_LOCKED)
    throw SQLite::Exception(db_.getHandle(), rc);
}

bool Connection::checkpoint_truncate() {
  const int rc = sqlite3_wal_checkpoint_v2(db_.getHandle(), nullptr, SQLITE_CHECKPOINT_TRUNCATE,
                                           nullptr, nullptr);
  if ((rc & 0xff) == SQLITE_BUSY || (rc & 0xff) == SQLITE_LOCKED) return false;
  if (rc != SQLITE_OK) throw SQLite::Exception(db_.getHandle(), rc);
  return true;
}

Transaction::Transaction(Connection& connection, Kind kind) : connection_(connection) {
  // IMMEDIATE: a second writing process is found here, not half-way.
  if (kind == Kind::write) {
    connection_.query("BEGIN IMMEDIATE").run();
  } else if (connection_.in_transaction()) {
    return;
  } else {
    connection_.query("BEGIN").run();
  }
  open_ = true;
}

Transaction::~Transaction() {
  // SQLite may have rolled back by itself (disk full, I/O error).
  if (!open_ || !connection_.in_transaction()) return;
  sqlite3_exec(connection_.db().getHandle(), "ROLLBACK", nullptr, nullptr, nullptr);
}

void Transaction::commit() {
  connection_.query("COMMIT").run();
  open_ = false;
}

Error current_error(std::string_view operation) {
  const std::string prefix = std::string(operation) + ": ";
  try {
    throw;
  } catch (const SQLite::Exception& e) {
    const int primary = e.getErrorCode() & 0xff;
    return {errc_of(primary),
            prefix + e.what() + " (sqlite " + std::to_string(e.getExtendedErrorCode()) + ")"};
  } catch (const Fault& fault) {
    return {fault.error.code, prefix + fault.error.detail};
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& e) {
    return {Errc::internal, prefix + e.what()};
  }
}

}  // namespace linli::sync::sqlite
