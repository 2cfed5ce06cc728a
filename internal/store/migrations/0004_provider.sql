-- Whose events a provider's user causes.
CREATE TABLE credential (
  provider     TEXT NOT NULL,
  user         TEXT NOT NULL,     -- the provider's id
  credential   TEXT NOT NULL,     -- ours
  organization INTEGER NOT NULL REFERENCES organization,
  created_at   INTEGER NOT NULL,
  PRIMARY KEY (provider, user)
) STRICT, WITHOUT ROWID;

-- Events of providers that were taken in, so that one that is sent again is
-- known.
CREATE TABLE provider_event (
  provider TEXT NOT NULL,
  id       TEXT NOT NULL,
  event    INTEGER,               -- ours; NULL when nothing was sent
  ignored  TEXT,                  -- why nothing was sent
  at       INTEGER NOT NULL,
  PRIMARY KEY (provider, id)
) STRICT, WITHOUT ROWID;

-- Signed events of providers that did not fit, the newest ones.
CREATE TABLE quarantine (
  seq      INTEGER PRIMARY KEY AUTOINCREMENT,
  provider TEXT NOT NULL,
  digest   BLOB NOT NULL,
  bytes    BLOB NOT NULL,
  faults   TEXT NOT NULL,         -- one a line
  at       INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX quarantine_digest ON quarantine (provider, digest);
