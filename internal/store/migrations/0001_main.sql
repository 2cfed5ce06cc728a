-- Who owns webhooks and events.
CREATE TABLE organization (
  seq        INTEGER PRIMARY KEY AUTOINCREMENT,
  id         TEXT NOT NULL UNIQUE,
  slug       TEXT NOT NULL UNIQUE,
  name       TEXT NOT NULL,
  type       TEXT NOT NULL DEFAULT 'integrator',
  created_at INTEGER NOT NULL
) STRICT;

-- Where events go. A deleted webhook keeps its row: its deliveries are shown
-- with its name, and a new one of the same name is another.
CREATE TABLE webhook (
  seq           INTEGER PRIMARY KEY AUTOINCREMENT,
  organization  INTEGER NOT NULL REFERENCES organization,
  name          TEXT NOT NULL,
  url           TEXT NOT NULL,
  routes        TEXT NOT NULL DEFAULT '{}',
  only_types    TEXT NOT NULL DEFAULT '[]',
  disabled      TEXT,             -- why; NULL while enabled
  failing_since INTEGER,          -- first failure of the present run of nothing but failures
  max_in_flight INTEGER NOT NULL DEFAULT 0,
  rate          REAL NOT NULL DEFAULT 0,
  created_at    INTEGER NOT NULL,
  updated_at    INTEGER NOT NULL,
  deleted_at    INTEGER
) STRICT;
CREATE UNIQUE INDEX webhook_name ON webhook (organization, name) WHERE deleted_at IS NULL;

-- Signing secrets. The current one has no end; the previous one signs until
-- its end; later it is kept for explanations only.
CREATE TABLE signing_secret (
  seq        INTEGER PRIMARY KEY AUTOINCREMENT,
  webhook    INTEGER NOT NULL REFERENCES webhook,
  value      BLOB NOT NULL,
  sealed     INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL,
  ends_at    INTEGER
) STRICT;
CREATE INDEX signing_secret_webhook ON signing_secret (webhook);

-- A constant, sealed under the key that seals the secrets; empty while they
-- are stored as they are.
CREATE TABLE seal (
  value BLOB NOT NULL
) STRICT;

-- What happened, with the exact bytes to send. A pruned event keeps its row
-- without the bytes: its id stays known.
CREATE TABLE event (
  seq          INTEGER PRIMARY KEY,
  organization INTEGER NOT NULL,
  id           TEXT NOT NULL,
  type         TEXT NOT NULL,
  subject      TEXT,              -- transaction id
  publisher    TEXT,              -- token that published it, when that sees its own alone
  state        INTEGER NOT NULL,  -- 0 accepted, 1 held, 2 reverted, 3 expired, 4 quarantined
  accepted_at  INTEGER NOT NULL,
  deliveries   INTEGER NOT NULL,
  fanout       BLOB,              -- numbers of the webhooks it ever went to, as varints
  hash         BLOB NOT NULL,
  bytes        BLOB
) STRICT;
CREATE UNIQUE INDEX event_id ON event (organization, id);
CREATE INDEX event_held ON event (organization, subject) WHERE state IN (1, 3);

-- One event on its way to one webhook. The last attempt stands in the row
-- itself; when another follows, it moves to attempt.
CREATE TABLE delivery (
  webhook  INTEGER NOT NULL,
  event    INTEGER NOT NULL,
  run      INTEGER NOT NULL,
  state    INTEGER NOT NULL,           -- 0 pending, 1 delivered, 2 dead, 3 cancelled
  claim    INTEGER NOT NULL DEFAULT 0, -- grows with every change; an outcome counts for the claim it was made under
  attempts INTEGER NOT NULL DEFAULT 0,
  spent    INTEGER NOT NULL DEFAULT 0, -- attempts before the last retry by hand; they don't count against the policy
  due      INTEGER NOT NULL DEFAULT 0, -- next attempt; 0 for a first one
  direct   TEXT,                       -- claim of the process that delivers it itself
  created  INTEGER,                    -- of a run after the first; else the event's time
  reason   TEXT,
  at       INTEGER,                    -- last attempt
  duration INTEGER,                    -- microseconds
  status   INTEGER,
  error    TEXT,
  url      TEXT,
  PRIMARY KEY (webhook, event, run)
) STRICT, WITHOUT ROWID;
CREATE INDEX delivery_pending ON delivery (webhook, due, event, run) WHERE state = 0;
CREATE INDEX delivery_failed ON delivery (webhook, event) WHERE state IN (2, 3);

-- Attempts before the last one.
CREATE TABLE attempt (
  webhook  INTEGER NOT NULL,
  event    INTEGER NOT NULL,
  run      INTEGER NOT NULL,
  n        INTEGER NOT NULL,
  at       INTEGER NOT NULL,
  duration INTEGER NOT NULL,
  status   INTEGER NOT NULL,
  error    TEXT,
  url      TEXT,
  PRIMARY KEY (webhook, event, run, n)
) STRICT, WITHOUT ROWID;

-- What receivers answered, when there was a body.
CREATE TABLE response (
  webhook  INTEGER NOT NULL,
  event    INTEGER NOT NULL,
  run      INTEGER NOT NULL,
  n        INTEGER NOT NULL,
  cut      INTEGER NOT NULL,
  body     BLOB NOT NULL,
  PRIMARY KEY (webhook, event, run, n)
) STRICT, WITHOUT ROWID;

-- What a reader keeps in memory is stale when its number has grown.
CREATE TABLE revision (
  of TEXT PRIMARY KEY,
  n  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO revision VALUES ('webhook', 0);
CREATE TRIGGER webhook_inserted AFTER INSERT ON webhook BEGIN UPDATE revision SET n = n + 1 WHERE of = 'webhook'; END;
CREATE TRIGGER webhook_updated AFTER UPDATE OF url, routes, only_types, disabled, max_in_flight, rate, deleted_at ON webhook BEGIN UPDATE revision SET n = n + 1 WHERE of = 'webhook'; END;
CREATE TRIGGER signing_secret_inserted AFTER INSERT ON signing_secret BEGIN UPDATE revision SET n = n + 1 WHERE of = 'webhook'; END;
CREATE TRIGGER signing_secret_updated AFTER UPDATE ON signing_secret BEGIN UPDATE revision SET n = n + 1 WHERE of = 'webhook'; END;
CREATE TRIGGER signing_secret_deleted AFTER DELETE ON signing_secret BEGIN UPDATE revision SET n = n + 1 WHERE of = 'webhook'; END;

-- What a held event waits for. receipt is 0 for one that only waits behind
-- an earlier event of its transaction.
CREATE TABLE hold (
  event            INTEGER PRIMARY KEY REFERENCES event,
  receipt          INTEGER NOT NULL,
  transaction_hash TEXT,
  until            INTEGER NOT NULL,
  block_number     INTEGER,
  status           TEXT             -- success or reverted, once known
) STRICT;
CREATE INDEX hold_until ON hold (until) WHERE status IS NULL;
