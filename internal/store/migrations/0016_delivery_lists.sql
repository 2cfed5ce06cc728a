-- Pending deliveries that were tried already, or were released, by event. Those
-- that were not are found by event in delivery_pending, where they are due at 0.
CREATE INDEX delivery_later ON delivery (webhook, event, run) WHERE state = 0 AND due > 0;

-- Dead and cancelled deliveries, each state by event.
DROP INDEX delivery_failed;
CREATE INDEX delivery_ended ON delivery (webhook, state, event, run) WHERE state IN (2, 3);

-- Deliveries that a process has claimed for itself.
CREATE INDEX delivery_direct ON delivery (direct) WHERE state = 0 AND direct IS NOT NULL;

-- What an organization has, found without a look at other organizations' rows.
CREATE INDEX webhook_listed ON webhook (organization, name);
CREATE INDEX token_listed ON token (organization, created_at);
CREATE INDEX credential_listed ON credential (organization);

-- Ids of deliveries used to be plain numbers. Those of events up to this one were
-- given out, and are still found.
CREATE TABLE plain_ids (n INTEGER NOT NULL) STRICT;
INSERT INTO plain_ids SELECT coalesce(max(seq), 0) FROM event;
