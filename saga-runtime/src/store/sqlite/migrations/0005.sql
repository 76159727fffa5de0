-- A sum of all that a row of a journal says, so that what has changed by itself is not believed. Rows of earlier releases have none.
ALTER TABLE journal ADD COLUMN sum INTEGER;
