-- When a person last ended the pause that a webhook's receiver had asked for.
ALTER TABLE webhook ADD COLUMN lifted_at INTEGER;
