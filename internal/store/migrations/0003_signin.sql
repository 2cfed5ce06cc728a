-- Sign-in with Ethereum: what waits to be signed, who has signed in.
CREATE TABLE nonce (
  nonce      TEXT PRIMARY KEY,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX nonce_expires ON nonce (expires_at);

-- A person is their wallet.
CREATE TABLE user (
  seq        INTEGER PRIMARY KEY AUTOINCREMENT,
  id         TEXT NOT NULL UNIQUE,
  address    BLOB NOT NULL UNIQUE,
  created_at INTEGER NOT NULL
) STRICT;

-- Of a session's token a digest is stored. claim is the e-mail address named
-- at sign-in; active the organization made or joined last.
CREATE TABLE session (
  digest     BLOB PRIMARY KEY,
  id         TEXT NOT NULL,
  user       INTEGER NOT NULL REFERENCES user,
  claim      TEXT NOT NULL,
  active     INTEGER REFERENCES organization,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX session_user ON session (user, created_at);
CREATE INDEX session_expires ON session (expires_at);

-- Who is in which organization; seq is the order of joining.
CREATE TABLE member (
  seq          INTEGER PRIMARY KEY AUTOINCREMENT,
  id           TEXT NOT NULL UNIQUE,
  organization INTEGER NOT NULL REFERENCES organization,
  user         INTEGER NOT NULL REFERENCES user,
  role         TEXT NOT NULL,
  joined_at    INTEGER NOT NULL,
  UNIQUE (organization, user)
) STRICT;
CREATE INDEX member_user ON member (user);

-- The id is the capability. inviter is NULL when the command line invites.
CREATE TABLE invitation (
  id           TEXT PRIMARY KEY,
  organization INTEGER NOT NULL REFERENCES organization,
  email        TEXT NOT NULL,
  role         TEXT NOT NULL,
  status       TEXT NOT NULL,
  inviter      TEXT,
  created_at   INTEGER NOT NULL,
  expires_at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX invitation_organization ON invitation (organization);
