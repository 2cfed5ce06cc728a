-- While an organization is suspended, disabled says so in each of its webhooks, whoever
-- writes it: what was to be written is kept in disabled_before, and resume puts it back.
-- The text is webhook.DisabledBySuspension.
CREATE TRIGGER webhook_suspended_inserted AFTER INSERT ON webhook
WHEN new.disabled IS NOT 'the organization is suspended' AND (SELECT suspended_at FROM organization WHERE seq = new.organization) IS NOT NULL
BEGIN UPDATE webhook SET disabled_before = new.disabled, disabled = 'the organization is suspended' WHERE seq = new.seq; END;
CREATE TRIGGER webhook_suspended_updated AFTER UPDATE OF disabled ON webhook
WHEN new.disabled IS NOT 'the organization is suspended' AND (SELECT suspended_at FROM organization WHERE seq = new.organization) IS NOT NULL
BEGIN UPDATE webhook SET disabled_before = new.disabled, disabled = 'the organization is suspended' WHERE seq = new.seq; END;
