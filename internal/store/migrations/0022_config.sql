-- The fields of a webhook that have no column of their own, as one JSON object; the
-- table is webhook.Fields. The limits move there. Values that the new bounds do not
-- admit become the nearest that they do.
ALTER TABLE webhook ADD COLUMN config TEXT NOT NULL DEFAULT '{}';
UPDATE webhook SET config = json_object('limits', json_patch(
  CASE WHEN max_in_flight > 0 THEN json_object('maxInFlight', min(max_in_flight, 65536)) ELSE '{}' END,
  CASE WHEN rate > 0 THEN json_object('rate', min(max(rate, 0.00001), 1000000)) ELSE '{}' END))
WHERE max_in_flight > 0 OR rate > 0;
DROP TRIGGER webhook_updated;
ALTER TABLE webhook DROP COLUMN max_in_flight;
ALTER TABLE webhook DROP COLUMN rate;
CREATE TRIGGER webhook_updated AFTER UPDATE OF url, routes, only_types, disabled, config, deleted_at ON webhook BEGIN UPDATE revision SET n = n + 1 WHERE of = 'webhook'; END;
