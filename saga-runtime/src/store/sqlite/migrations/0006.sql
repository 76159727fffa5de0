-- Whether a worker of it died while an attempt may have been under way, and nobody has said so in its journal yet: who takes it from whoever
-- died may have to give it back before it can.
ALTER TABLE instance ADD COLUMN lost INTEGER NOT NULL DEFAULT 0 CHECK (lost IN (0, 1));

-- Of these nobody knows.
UPDATE instance SET lost = 1 WHERE status = 'waits_for_build';
