-- The group commit writes sets of rows, and looks by itself, once for each instance, whether they follow those that are there:
-- triggers looked at every row. What they and the reference to `instance` promised, `refused` does now.
DROP TRIGGER journal_is_gapless;
DROP TRIGGER journal_of_the_living;
DROP TRIGGER journal_is_append_only;

ALTER TABLE journal RENAME TO kept;

-- What happened to each instance: only ever appended to, and removed as a whole when the instance is buried. What was appended
-- together is one row: its rows' numbers go from `seq` to `last`, and each of them is a line, of which all but the first say by how
-- many microseconds they came after the one before.
CREATE TABLE journal (
    instance INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    last INTEGER NOT NULL CHECK (last >= seq),
    at INTEGER NOT NULL,
    event TEXT NOT NULL,
    UNIQUE (instance, seq)
) STRICT;

INSERT INTO journal (instance, seq, last, at, event) SELECT instance, seq, seq, at, event FROM kept ORDER BY rowid;

DROP TABLE kept;

CREATE TRIGGER journal_is_append_only BEFORE UPDATE ON journal
BEGIN
    SELECT RAISE(ABORT, 'a journal is only ever appended to');
END;

-- No row can be in here. A statement that finds a reason not to go on says so by trying to put one in: nothing of its
-- transaction is written then.
CREATE TABLE refused (
    -- The worker is not the one of the store's epoch.
    fenced INTEGER CONSTRAINT fenced CHECK (fenced IS NULL),
    -- The rows or the change of an instance do not fit what is there.
    misfit INTEGER CONSTRAINT misfit CHECK (misfit IS NULL)
) STRICT;

-- Every write of a moment keeps the later one; a trigger looked once more.
DROP TRIGGER instance_moment_never_falls;

-- Only a statement that says something of `buried` can open a tombstone.
DROP TRIGGER instance_stays_buried;

CREATE TRIGGER instance_stays_buried BEFORE UPDATE OF buried ON instance
WHEN OLD.buried AND NOT NEW.buried
BEGIN
    SELECT RAISE(ABORT, 'a tombstone is never opened');
END;

-- What somebody owns is few, and found by its owner: lists read it from there, and the rest from an index that does not change
-- while an instance runs.
DROP INDEX instance_status;
DROP INDEX instance_saga;
DROP INDEX instance_owned;
CREATE INDEX instance_owned ON instance (saga, status, epoch, due_at) WHERE owned = 1;
CREATE INDEX instance_rests ON instance (saga, status) WHERE owned = 0;
