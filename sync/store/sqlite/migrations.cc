// SPDX-License-Identifier: Apache-2.0
#include "sync/store/sqlite/migrations.h"

#include <array>

#include "base/assert.h"

namespace linli::sync::sqlite {
namespace {

// docs/STORAGE.md explains every table. Comments inside the statements stay in the file, so that
// `.schema` in the sqlite3 shell shows them.
constexpr const char* kFirst = R"sql(
CREATE TABLE meta(               -- one record: the community itself
  id INTEGER PRIMARY KEY CHECK(id = 1),
  epoch BLOB NOT NULL,           -- 16 bytes; zero = not yet set
  head INTEGER NOT NULL,         -- last committed seq
  outbox_head INTEGER NOT NULL,  -- last outbox id ever given; survives pruning
  result_head INTEGER NOT NULL   -- last result id ever given; ids are never reused
);
INSERT INTO meta VALUES(1, zeroblob(16), 0, 0, 0);

CREATE TABLE tbl_name(           -- model table names as small integers
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
);
CREATE TABLE idx_name(           -- model index names, "<table>.<name>"
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
);

CREATE TABLE row(                -- newest state of every model row
  rid INTEGER PRIMARY KEY,       -- internal; what entry joins by
  tbl INTEGER NOT NULL,          -- tbl_name.id
  key TEXT NOT NULL,
  ver INTEGER NOT NULL,          -- seq of the last change of content or placement
  places BLOB NOT NULL,          -- its entries, packed: places.h
  data TEXT                      -- JSON text; NULL = deleted, kept while a tombstone needs the key
);
CREATE UNIQUE INDEX row_key ON row(tbl, key);

CREATE TABLE bucket(
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,            -- server-only
  lane INTEGER NOT NULL,         -- 0 urgent, 1 normal
  pri INTEGER NOT NULL,          -- 0..9
  cls INTEGER NOT NULL,          -- 0 normal, 1 sensitive
  head INTEGER NOT NULL,         -- last seq that touched an entry
  reset_seq INTEGER NOT NULL,
  floor INTEGER NOT NULL,        -- tombstones at or below are gone
  n INTEGER NOT NULL,            -- digest: live entries
  s INTEGER NOT NULL             -- digest: sum of row hashes mod 2^64, two's complement
);

CREATE TABLE entry(              -- one row in one bucket, live or tombstone
  bucket INTEGER NOT NULL REFERENCES bucket(id),
  ver INTEGER NOT NULL,
  rid INTEGER NOT NULL,          -- row.rid; no REFERENCES: it would want an index by rid
  live INTEGER NOT NULL,         -- 0 = tombstone
  PRIMARY KEY(bucket, ver, rid)  -- a catch-up is one range of this tree
) WITHOUT ROWID;

CREATE TABLE idx(                -- declared indexes of the model
  index_id INTEGER NOT NULL,     -- idx_name.id
  value BLOB NOT NULL,           -- compares bytewise
  key TEXT NOT NULL,
  PRIMARY KEY(index_id, value, key)
) WITHOUT ROWID;

CREATE TABLE member(
  bucket INTEGER NOT NULL,
  account BLOB NOT NULL,
  granted INTEGER NOT NULL,      -- seq of the grant
  PRIMARY KEY(bucket, account)
) WITHOUT ROWID;

CREATE TABLE client(             -- per device and up-lane: last number, ends of the result chain
  cid BLOB PRIMARY KEY,
  n0 INTEGER NOT NULL,
  n1 INTEGER NOT NULL,
  n2 INTEGER NOT NULL,
  r0 INTEGER NOT NULL,           -- id of the newest result, or 0
  r1 INTEGER NOT NULL,
  r2 INTEGER NOT NULL,
  m0 INTEGER NOT NULL,           -- id of the newest result whose n is a multiple of 64, or 0
  m1 INTEGER NOT NULL,
  m2 INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE result(             -- answers kept for phones that lost them; append only
  id INTEGER PRIMARY KEY,
  previous INTEGER NOT NULL,     -- next older of the same (cid, lane); 0 or pruned = the end
  jump INTEGER NOT NULL,         -- next older of them whose n is a multiple of 64; same
  cid BLOB NOT NULL,
  lane INTEGER NOT NULL,
  n INTEGER NOT NULL,
  mhash BLOB NOT NULL,
  status INTEGER NOT NULL,       -- 0 ok, 1 rejected, 2 retry
  seq INTEGER NOT NULL,
  lanes INTEGER NOT NULL,        -- bit 0 urgent, bit 1 normal
  code TEXT NOT NULL,
  msg TEXT NOT NULL,
  info TEXT NOT NULL,
  at INTEGER NOT NULL
);

CREATE TABLE quarantine(         -- rejected work that staff can review
  id INTEGER PRIMARY KEY,
  cid BLOB NOT NULL,
  account BLOB NOT NULL,
  lane INTEGER NOT NULL,
  n INTEGER NOT NULL,
  name TEXT NOT NULL,
  args TEXT NOT NULL,
  code TEXT NOT NULL,
  at INTEGER NOT NULL
);

CREATE TABLE outbox(             -- opaque rows for the gateway
  id INTEGER PRIMARY KEY,        -- gapless
  kind TEXT NOT NULL,
  data TEXT NOT NULL,
  at INTEGER NOT NULL
);

CREATE TABLE due(                -- one alarm per (kind, key)
  kind TEXT NOT NULL,
  key TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY(kind, key)
) WITHOUT ROWID;
CREATE INDEX due_at ON due(at, kind, key);

CREATE TABLE idempotency(        -- answers to HTTP writes
  actor BLOB NOT NULL,
  key TEXT NOT NULL,
  request_hash BLOB NOT NULL,
  status INTEGER NOT NULL,
  response TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY(actor, key)
) WITHOUT ROWID;
CREATE INDEX idempotency_at ON idempotency(at);

CREATE TABLE device_cursor(      -- what a phone durably holds; outside the log
  cid BLOB PRIMARY KEY,
  u INTEGER NOT NULL,
  s INTEGER NOT NULL,
  at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE day_mark(           -- last seq of each UTC day, for retention
  day INTEGER PRIMARY KEY,       -- days since 1970-01-01
  seq INTEGER NOT NULL
);
)sql";

constexpr const char* kWhatPhonesSaid = R"sql(
ALTER TABLE device_cursor ADD COLUMN pending INTEGER NOT NULL DEFAULT 0;  -- unsent mutations
ALTER TABLE device_cursor ADD COLUMN app TEXT NOT NULL DEFAULT '';        -- program and version
)sql";

constexpr std::array kMigrations{
    Migration{1, "first schema", kFirst},
    Migration{2, "what phones said of themselves", kWhatPhonesSaid},
};

}  // namespace

std::span<const Migration> migrations() { return kMigrations; }

void migrate(Connection& connection, std::span<const Migration> steps) {
  LINLI_ASSERT(!steps.empty());
  const int newest = steps.back().number;
  const auto have = connection.pragma("PRAGMA user_version");
  if (have > newest)
    throw Fault{{Errc::unsupported_version,
                 "the file has schema " + std::to_string(have) + ", this program knows up to " +
                     std::to_string(newest) + "; run the newer program or restore a backup"}};
  for (const Migration& step : steps) {
    if (step.number <= have) continue;
    Transaction transaction(connection, Transaction::Kind::write);
    connection.exec(step.sql);
    connection.exec("PRAGMA application_id=" + std::to_string(kApplicationId));
    connection.exec("PRAGMA user_version=" + std::to_string(step.number));
    transaction.commit();
  }
}

}  // namespace linli::sync::sqlite
