-- gateway.db as version 2 of its schema made it: one message waits, one is over.
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

CREATE TABLE link(                -- acknowledges one notice for one person
  hash TEXT PRIMARY KEY,          -- of the token; the token is not kept
  notice TEXT NOT NULL,
  person TEXT NOT NULL,
  expires INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX link_expires ON link(expires);
INSERT INTO delivery VALUES(
  7, 'k7', 'n1', 'p7', 0, 0, 'notice', 'sms', '{"medium":"sms","address":"13800000007"}', NULL, 0,
  4000000000000, 'ready', 1784520000000, 0, 0,
  1, '', '[]', 0, 0, 0, '');
INSERT INTO delivery VALUES(
  8, 'k8', 'n1', 'p8', 0, 0, 'notice', 'sms', '{"medium":"sms","address":"13800000008"}', NULL, 0,
  4000000000000, 'accepted', 1784520000001, 0, 0,
  1, '', '[]', 0, 0, 0, '');
PRAGMA application_id=1280199751;
PRAGMA user_version=2;
