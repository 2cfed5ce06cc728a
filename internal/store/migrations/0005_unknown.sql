-- Users of providers who had events while they were linked to nobody; the row
-- goes when they are.
CREATE TABLE unknown_user (
  provider TEXT NOT NULL,
  user     TEXT NOT NULL,     -- the provider's id
  events   INTEGER NOT NULL,  -- that nothing was sent for
  last_at  INTEGER NOT NULL,
  PRIMARY KEY (provider, user)
) STRICT, WITHOUT ROWID;
