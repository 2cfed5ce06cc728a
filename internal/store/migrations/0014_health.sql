-- How a webhook has fared since its last success: attempts that failed, counted up
-- to 5, and the clock hours (UTC) in which they failed, counted up to 3, with the
-- last one in hours since 1970. A file of an older version starts at zero.
ALTER TABLE webhook ADD COLUMN failures INTEGER NOT NULL DEFAULT 0;
ALTER TABLE webhook ADD COLUMN failure_hours INTEGER NOT NULL DEFAULT 0;
ALTER TABLE webhook ADD COLUMN failure_hour INTEGER NOT NULL DEFAULT 0;
UPDATE webhook SET failing_since = NULL WHERE failing_since IS NOT NULL;
-- Until when the receiver has asked for no attempt (Retry-After). It stays after
-- that time until an attempt was answered without asking again.
ALTER TABLE webhook ADD COLUMN retry_after INTEGER;
