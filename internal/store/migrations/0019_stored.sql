-- Bytes of event bodies and answers, by organization. Publishing and recording
-- add what a commit brought, once a commit; whatever takes bytes away or changes
-- them is counted by triggers.
CREATE TABLE stored (
  organization INTEGER PRIMARY KEY,
  bytes        INTEGER NOT NULL
) STRICT;
INSERT INTO stored SELECT seq, 0 FROM organization;
-- In the order of the file: by an index, each event would be looked up by itself.
INSERT INTO stored SELECT organization, length(bytes) FROM event NOT INDEXED WHERE bytes IS NOT NULL
  ON CONFLICT DO UPDATE SET bytes = bytes + excluded.bytes;
INSERT INTO stored SELECT w.organization, sum(a.bytes) FROM (SELECT webhook, sum(length(body)) AS bytes FROM response GROUP BY webhook) a
  JOIN webhook w ON w.seq = a.webhook GROUP BY w.organization ON CONFLICT DO UPDATE SET bytes = bytes + excluded.bytes;
CREATE TRIGGER organization_stored AFTER INSERT ON organization BEGIN INSERT INTO stored VALUES (new.seq, 0) ON CONFLICT DO NOTHING; END;
CREATE TRIGGER event_shrunk AFTER DELETE ON event WHEN old.bytes IS NOT NULL BEGIN
  UPDATE stored SET bytes = bytes - length(old.bytes) WHERE organization = old.organization;
END;
CREATE TRIGGER event_rewritten AFTER UPDATE OF bytes ON event BEGIN
  UPDATE stored SET bytes = bytes + coalesce(length(new.bytes), 0) - coalesce(length(old.bytes), 0) WHERE organization = old.organization;
END;
CREATE TRIGGER response_shrunk AFTER DELETE ON response BEGIN
  UPDATE stored SET bytes = bytes - length(old.body) WHERE organization = (SELECT organization FROM webhook WHERE seq = old.webhook);
END;

-- Events that disabled webhooks did not get, because too many deliveries were
-- parked: the webhooks' numbers, as varints.
ALTER TABLE event ADD COLUMN missed BLOB;
CREATE INDEX event_missed ON event (organization, seq) WHERE missed IS NOT NULL;

-- How many events a webhook missed so, and since when.
CREATE TABLE missing (
  webhook INTEGER PRIMARY KEY REFERENCES webhook,
  events  INTEGER NOT NULL,
  since   INTEGER NOT NULL
) STRICT;
