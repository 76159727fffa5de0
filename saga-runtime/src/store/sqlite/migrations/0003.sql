-- Whether an instance waits for something that only the worker of its epoch knows of, as its turn at a named policy: a later
-- one takes it at once.
ALTER TABLE instance ADD COLUMN queued INTEGER NOT NULL DEFAULT 0 CHECK (queued IN (0, 1));

CREATE INDEX instance_queued ON instance (saga, epoch, due_at) WHERE queued = 1;
