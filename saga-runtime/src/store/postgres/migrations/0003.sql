-- Whether a worker of it died while an attempt may have been under way, and nobody has said so in its journal yet: who takes it from whoever
-- died may have to give it back before it can.
ALTER TABLE saga.instance ADD COLUMN lost boolean NOT NULL DEFAULT false;

-- Of these nobody knows.
UPDATE saga.instance SET lost = true WHERE status = 'waits_for_build';
