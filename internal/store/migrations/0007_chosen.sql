-- To which webhooks alone a held event goes once it is released: their numbers,
-- as varints. NULL is all that want it then.
ALTER TABLE hold ADD COLUMN chosen BLOB;
