-- How far pruning has come: every event up to this number has been looked at.
CREATE TABLE pruning (
  stage TEXT PRIMARY KEY,         -- bodies, attempts or events
  upto  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Events that were old enough and had to stay, for they have work; each sweep
-- looks at them again.
CREATE TABLE straggler (
  stage TEXT NOT NULL,
  event INTEGER NOT NULL,
  PRIMARY KEY (stage, event)
) STRICT, WITHOUT ROWID;
