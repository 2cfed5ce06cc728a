-- What ends by time, and the sessions of an organization, found without a look at
-- all rows.
CREATE INDEX invitation_expires ON invitation (expires_at);
CREATE INDEX signing_secret_ends ON signing_secret (ends_at) WHERE ends_at IS NOT NULL;
CREATE INDEX session_active ON session (active) WHERE active IS NOT NULL;
