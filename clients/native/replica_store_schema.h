// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>

namespace linli::client {

/// DISK: numbered, forward only; never change one that was released. PRAGMA user_version counts the
/// ones applied.
inline constexpr std::array kReplicaMigrations{
    R"sql(
-- Everything small; one row.
CREATE TABLE replica (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  epoch BLOB, cur_u INTEGER NOT NULL, cur_s INTEGER NOT NULL, next_slot INTEGER NOT NULL,
  res_n TEXT NOT NULL, last_n TEXT NOT NULL, digest_mismatches INTEGER NOT NULL,
  contact_at INTEGER NOT NULL, contact_ok INTEGER NOT NULL, lease_ms INTEGER NOT NULL,
  offline_ms INTEGER NOT NULL, clock_off INTEGER NOT NULL, clock_unc INTEGER NOT NULL,
  rekey_wanted INTEGER NOT NULL);
-- Who this store is; at most one row.
CREATE TABLE identity (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  slug TEXT NOT NULL, origin TEXT NOT NULL, cid BLOB NOT NULL, account BLOB NOT NULL,
  person TEXT NOT NULL, name TEXT NOT NULL, community TEXT NOT NULL, server_pub TEXT NOT NULL,
  cert TEXT NOT NULL, seed BLOB NOT NULL);
-- A bucket and where its entries are: `slot` is shown, `fill_slot` is spilled staging.
CREATE TABLE bucket (
  b INTEGER PRIMARY KEY, gen INTEGER NOT NULL, lane INTEGER NOT NULL, pri INTEGER NOT NULL,
  cls INTEGER NOT NULL, live INTEGER NOT NULL,
  slot INTEGER NOT NULL, n INTEGER NOT NULL, s INTEGER NOT NULL,
  fill_slot INTEGER NOT NULL, fill_n INTEGER NOT NULL, fill_s INTEGER NOT NULL,
  fill_cursor INTEGER NOT NULL);
CREATE TABLE tbl (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
-- data NULL = tombstone; h = row hash as a signed integer.
CREATE TABLE entry (
  id INTEGER PRIMARY KEY, slot INTEGER NOT NULL, tbl INTEGER NOT NULL, key TEXT NOT NULL,
  ver INTEGER NOT NULL, h INTEGER NOT NULL, data BLOB);
CREATE UNIQUE INDEX entry_key ON entry (tbl, key, slot);
CREATE INDEX entry_slot ON entry (slot);
-- Ops of a lane that wait for their C.
CREATE TABLE staged (
  id INTEGER PRIMARY KEY, lane INTEGER NOT NULL, b INTEGER NOT NULL, tbl TEXT NOT NULL,
  key TEXT NOT NULL, ver INTEGER NOT NULL, data BLOB);
-- Pending queue, attention list and journal. Ids are never reused: they give the order.
CREATE TABLE mutation (
  id INTEGER PRIMARY KEY AUTOINCREMENT, lane INTEGER NOT NULL, n INTEGER NOT NULL,
  name TEXT NOT NULL, args TEXT NOT NULL, wall INTEGER NOT NULL, off INTEGER NOT NULL,
  unc INTEGER NOT NULL, fixes INTEGER NOT NULL, state INTEGER NOT NULL,
  attention INTEGER NOT NULL, seq INTEGER NOT NULL, lanes INTEGER NOT NULL, code TEXT NOT NULL,
  msg TEXT NOT NULL, info TEXT NOT NULL, answered_at INTEGER NOT NULL);
CREATE INDEX mutation_state ON mutation (state, lane, id);
CREATE INDEX mutation_attention ON mutation (attention) WHERE attention = 1;
CREATE TABLE local (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO replica VALUES (1, NULL, 0, 0, 1, '[0,0,0]', '[0,0,0]', 0, 0, 0, 0, 0, 0, 0, 0);
)sql",
};

}  // namespace linli::client
