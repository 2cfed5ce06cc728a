-- Events whose transaction is watched; found without reading those that wait
-- for a receipt given by hand, or have theirs.
CREATE INDEX hold_watched ON hold (event) WHERE status IS NULL AND transaction_hash IS NOT NULL;
