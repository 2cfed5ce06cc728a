-- The id of a provider's event is known only while an event of ours stands for it.
DELETE FROM provider_event WHERE event IS NULL;
ALTER TABLE provider_event DROP COLUMN ignored;
-- SHA-256 of what the provider said; NULL for an event that an older version took.
ALTER TABLE provider_event ADD COLUMN content BLOB;

-- Events of providers' users whom nobody has linked yet, as they came.
CREATE TABLE unlinked_event (
  seq      INTEGER PRIMARY KEY AUTOINCREMENT,
  provider TEXT NOT NULL,
  user     TEXT NOT NULL,         -- the provider's id
  id       TEXT NOT NULL,         -- the provider's id of the event
  content  BLOB NOT NULL,
  bytes    BLOB NOT NULL,
  at       INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX unlinked_event_id ON unlinked_event (provider, id, content);
CREATE INDEX unlinked_event_user ON unlinked_event (provider, user, seq);
CREATE INDEX unlinked_event_at ON unlinked_event (at);

-- Why the platform declined a transaction, left before the provider tells of it.
CREATE TABLE decline (
  organization   INTEGER NOT NULL,
  transaction_id TEXT NOT NULL,
  reason         TEXT NOT NULL,
  at             INTEGER NOT NULL,
  PRIMARY KEY (organization, transaction_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX decline_organization ON decline (organization, at);
CREATE INDEX decline_at ON decline (at);
-- How many an organization has, so that the bound costs no count.
CREATE TABLE decline_count (
  organization INTEGER PRIMARY KEY,
  n            INTEGER NOT NULL
) STRICT;
CREATE TRIGGER decline_inserted AFTER INSERT ON decline BEGIN
  INSERT INTO decline_count (organization, n) VALUES (NEW.organization, 1) ON CONFLICT DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER decline_deleted AFTER DELETE ON decline BEGIN
  UPDATE decline_count SET n = n - 1 WHERE organization = OLD.organization;
END;
