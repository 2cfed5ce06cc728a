-- Nonces say by themselves what they are worth. Only those that were used are kept, until
-- they would be of no use any more.
DROP TABLE nonce;
CREATE TABLE used_nonce (
  id         BLOB PRIMARY KEY, -- 16 bytes, the random part
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX used_nonce_expires ON used_nonce (expires_at);
