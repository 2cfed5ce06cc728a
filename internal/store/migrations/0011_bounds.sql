-- Bounds that an organization has of its own; the settings say the others.
CREATE TABLE bound (
  organization INTEGER NOT NULL REFERENCES organization,
  name         TEXT NOT NULL,     -- key of the setting
  value        INTEGER NOT NULL,  -- 0 is no bound
  PRIMARY KEY (organization, name)
) STRICT, WITHOUT ROWID;
-- The writer remembers them with an organization's webhooks.
CREATE TRIGGER bound_inserted AFTER INSERT ON bound BEGIN UPDATE revision SET n = n + 1 WHERE of = 'webhook'; END;
CREATE TRIGGER bound_updated AFTER UPDATE ON bound BEGIN UPDATE revision SET n = n + 1 WHERE of = 'webhook'; END;
CREATE TRIGGER bound_deleted AFTER DELETE ON bound BEGIN UPDATE revision SET n = n + 1 WHERE of = 'webhook'; END;

-- The events of an organization that are held.
CREATE INDEX event_waiting ON event (organization) WHERE state = 1;

-- When a person last made a delivery due by hand.
ALTER TABLE delivery ADD COLUMN retried INTEGER;
