-- Who made an organization: machine (the command line or the daemon, over this
-- file) or api (sign-up over HTTP). Commands find those of the API by id only.
ALTER TABLE organization ADD COLUMN maker TEXT NOT NULL DEFAULT 'machine';
ALTER TABLE organization ADD COLUMN suspended_at INTEGER; -- NULL while it works
ALTER TABLE organization ADD COLUMN deleted_at INTEGER;   -- the row stays for the ids of its events

-- Sign-up makes an organization and its owner at the same time. The command line
-- makes the organization first.
UPDATE organization SET maker = 'api' WHERE EXISTS (
  SELECT 1 FROM member m WHERE m.seq = (SELECT min(seq) FROM member WHERE organization = organization.seq)
    AND m.role = 'owner' AND m.joined_at = organization.created_at);

-- While its organization is suspended, a webhook's disabled says so. This is what
-- disabled was before: NULL for a webhook that resume enables.
ALTER TABLE webhook ADD COLUMN disabled_before TEXT;

CREATE TRIGGER organization_updated AFTER UPDATE OF slug, maker, suspended_at, deleted_at ON organization BEGIN UPDATE revision SET n = n + 1 WHERE of = 'webhook'; END;

-- A deleted organization: its slug, which sign-up gives nobody again, and how far
-- the removal of its content has come.
CREATE TABLE deletion (
  organization INTEGER PRIMARY KEY REFERENCES organization,
  slug         TEXT NOT NULL,
  upto         TEXT NOT NULL DEFAULT '', -- id of the last event whose content is gone
  ended_at     INTEGER                   -- NULL while content is left
) STRICT;
CREATE INDEX deletion_slug ON deletion (slug);
