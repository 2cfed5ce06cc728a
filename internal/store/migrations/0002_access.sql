-- Bearer tokens: what is stored is a digest.
CREATE TABLE token (
  id           TEXT PRIMARY KEY,
  organization INTEGER NOT NULL REFERENCES organization,
  name         TEXT NOT NULL,
  role         TEXT NOT NULL,
  digest       BLOB NOT NULL,
  created_at   INTEGER NOT NULL,
  expires_at   INTEGER,
  revoked_at   INTEGER
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX token_name ON token (organization, name) WHERE revoked_at IS NULL;
