-- Keys that the program makes for itself, one for each purpose. They are the
-- same for every process that works on this file.
CREATE TABLE key (
  purpose TEXT PRIMARY KEY,
  value   BLOB NOT NULL -- 32 random bytes
) STRICT, WITHOUT ROWID;
