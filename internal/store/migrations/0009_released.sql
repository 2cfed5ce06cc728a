-- First attempts that are due instead of standing in the order of events: those
-- of released events, and what lines up behind them.
CREATE INDEX delivery_released ON delivery (webhook, event) WHERE state = 0 AND run = 0 AND attempts = 0 AND due > 0;
