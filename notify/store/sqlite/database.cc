// SPDX-License-Identifier: Apache-2.0
#include "notify/store/sqlite/database.h"

#include <array>
#include <new>

#include <sqlite3.h>

namespace linli::notify::sqlite {
namespace {

/// "LNLG" in the file header. DISK: never change.
constexpr std::int64_t kApplicationId = 0x4c4e4c47;
/// Only another process (a backup, an operator's shell) can hold us up.
constexpr int kBusyMs = 5000;
constexpr const char* kCache = "PRAGMA cache_size=-16384";

// Comments inside the statements stay in the file, so `.schema` shows them.
constexpr const char* kFirst = R"sql(
CREATE TABLE meta(                -- one record
  id INTEGER PRIMARY KEY CHECK(id = 1),
  lease_no INTEGER NOT NULL,      -- of the newest run; an older one may not write
  outbox_cursor INTEGER NOT NULL, -- last row taken over from sync.db
  fact_head INTEGER NOT NULL,     -- last fact ever made; survives pruning
  delivery_head INTEGER NOT NULL
);
INSERT INTO meta VALUES(1, 0, 0, 0, 0);

CREATE TABLE notice(
  id TEXT PRIMARY KEY,
  outbox_id INTEGER NOT NULL,
  ask INTEGER NOT NULL,
  lane INTEGER NOT NULL,          -- 0 red, 1 orange, 2 personal, 3 bulk
  policy TEXT NOT NULL,
  message TEXT NOT NULL,          -- JSON
  sent_at INTEGER NOT NULL,       -- unix ms, as every time here
  expires INTEGER NOT NULL,
  state INTEGER NOT NULL,         -- 0 live, 1 stopped, 2 ended
  fan_after TEXT NOT NULL,
  fan_done INTEGER NOT NULL,
  cost_cap INTEGER NOT NULL,      -- 1/10000 yuan
  cost INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE plan(                -- one person's ladder for one notice
  notice TEXT NOT NULL,
  person TEXT NOT NULL,
  who TEXT NOT NULL,              -- JSON: endpoints, quiet hours
  ask INTEGER NOT NULL,
  state INTEGER NOT NULL,         -- 0 active, 1 acked, 2 exhausted, 3 ended
  rung INTEGER NOT NULL,
  started_at INTEGER NOT NULL,
  next_at INTEGER NOT NULL,
  is_told INTEGER NOT NULL,
  PRIMARY KEY(notice, person)
) WITHOUT ROWID;
CREATE INDEX plan_active ON plan(state) WHERE state = 0;

CREATE TABLE delivery(
  id INTEGER PRIMARY KEY,
  key TEXT NOT NULL,              -- 32 hex digits; the peer's idempotency key
  notice TEXT NOT NULL,
  person TEXT NOT NULL,
  ask INTEGER NOT NULL,
  rung INTEGER NOT NULL,
  purpose TEXT NOT NULL,
  medium TEXT NOT NULL,
  endpoint TEXT NOT NULL,         -- JSON
  says TEXT,                      -- JSON, when it is not the notice's own text
  lane INTEGER NOT NULL,
  expires INTEGER NOT NULL,
  state TEXT NOT NULL,
  ready_at INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  faults INTEGER NOT NULL,
  lease_no INTEGER NOT NULL,
  channel TEXT NOT NULL,
  provider_ids TEXT NOT NULL,     -- JSON list, one a part
  parts INTEGER NOT NULL,
  parts_delivered INTEGER NOT NULL,
  handed_at INTEGER NOT NULL,
  reason TEXT NOT NULL
);
CREATE INDEX delivery_open ON delivery(state) WHERE state IN ('ready','held','intent','unknown');
CREATE INDEX delivery_notice ON delivery(notice, id);

CREATE TABLE provider(            -- the peer's names of parts
  channel TEXT NOT NULL,
  provider_id TEXT NOT NULL,
  delivery INTEGER NOT NULL,
  PRIMARY KEY(channel, provider_id, delivery)
) WITHOUT ROWID;

CREATE TABLE attempt(             -- append-only; outcome is written once
  delivery INTEGER NOT NULL,
  n INTEGER NOT NULL,
  channel TEXT NOT NULL,
  address TEXT NOT NULL,
  person TEXT NOT NULL,
  lane INTEGER NOT NULL,
  intent_at INTEGER NOT NULL,     -- durable before the first byte left
  outcome TEXT,                   -- NULL while nobody knows
  done_at INTEGER NOT NULL,
  reason TEXT NOT NULL,
  PRIMARY KEY(delivery, n)
) WITHOUT ROWID;
CREATE INDEX attempt_at ON attempt(intent_at);
CREATE INDEX attempt_address ON attempt(channel, address, intent_at);

CREATE TABLE receipt(
  id INTEGER PRIMARY KEY,
  channel TEXT NOT NULL,
  provider_id TEXT NOT NULL,
  delivery INTEGER NOT NULL,      -- 0 = it came before its delivery was known
  state INTEGER NOT NULL,
  at INTEGER NOT NULL
);
CREATE INDEX receipt_at ON receipt(at);

CREATE TABLE fact(                -- told to the community as mutation n of sys.gateway
  n INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  args TEXT NOT NULL,
  at INTEGER NOT NULL
);

CREATE TABLE paused(
  channel TEXT PRIMARY KEY,       -- "*" = all
  why TEXT NOT NULL
) WITHOUT ROWID;
)sql";

constexpr const char* kLinks = R"sql(
CREATE TABLE link(                -- acknowledges one notice for one person
  hash TEXT PRIMARY KEY,          -- of the token; the token is not kept
  notice TEXT NOT NULL,
  person TEXT NOT NULL,
  expires INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX link_expires ON link(expires);
)sql";

constexpr const char* kOwed = R"sql(
ALTER TABLE delivery ADD COLUMN made_at INTEGER NOT NULL DEFAULT 0; -- since when it waits
UPDATE delivery SET made_at = ready_at WHERE state IN ('ready','held','intent','unknown');
DROP INDEX delivery_open;
CREATE INDEX delivery_open ON delivery(state)
  WHERE state IN ('ready','held','intent','unknown','owed');
)sql";

/// Ascending from 1. DISK: a released step is never edited.
constexpr std::array<const char*, 3> kSteps = {kFirst, kLinks, kOwed};

}  // namespace

Database::Database(const std::string& path)
    : db_(path, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE | SQLite::OPEN_NOMUTEX, kBusyMs) {
  sqlite3_extended_result_codes(db_.getHandle(), 1);
  const bool is_empty = db_.execAndGet("SELECT count(*) FROM sqlite_schema").getInt64() == 0;
  const std::int64_t owner = db_.execAndGet("PRAGMA application_id").getInt64();
  if (owner != kApplicationId && !(is_empty && owner == 0))
    throw Fault{{Errc::corrupt, "the file is a database of another program"}};
  for (const char* pragma : {"PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL",
                             "PRAGMA secure_delete=ON", "PRAGMA cell_size_check=ON",
                             "PRAGMA temp_store=MEMORY", "PRAGMA trusted_schema=OFF", kCache})
    db_.exec(pragma);
  migrate();
}

void Database::migrate() {
  const std::int64_t at = db_.execAndGet("PRAGMA user_version").getInt64();
  if (at > static_cast<std::int64_t>(kSteps.size()))
    throw Fault{{Errc::unsupported_version, "a newer program wrote the file"}};
  for (auto step = static_cast<std::size_t>(at); step < kSteps.size(); ++step) {
    SQLite::Transaction transaction(db_);
    db_.exec(kSteps[step]);
    db_.exec("PRAGMA application_id=" + std::to_string(kApplicationId));
    db_.exec("PRAGMA user_version=" + std::to_string(step + 1));
    transaction.commit();
  }
}

Error current_error(std::string_view operation) {
  const std::string what(operation);
  try {
    throw;
  } catch (const Fault& fault) {
    return {fault.error.code, what + ": " + fault.error.detail};
  } catch (const SQLite::Exception& error) {
    const int primary = error.getErrorCode() & 0xff;
    if (primary == SQLITE_FULL) return {Errc::disk_full, what};
    if (primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB) return {Errc::corrupt, what};
    if (primary == SQLITE_CONSTRAINT || primary == SQLITE_ERROR || primary == SQLITE_RANGE)
      return {Errc::internal, what + ": " + error.getErrorStr()};
    return {Errc::io, what + ": " + error.getErrorStr()};
  } catch (const std::bad_alloc&) {
    return {Errc::unavailable, what + ": out of memory"};
  }
}

}  // namespace linli::notify::sqlite
