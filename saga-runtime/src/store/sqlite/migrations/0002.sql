-- Instances that wait for messages, begin later, have a parent and labels, and say why they are parked. The check of
-- `status` knows one more, and a check cannot be changed: the table is made anew. The rows of `journal` and `request` that
-- point to it are without their instance meanwhile, and are looked at again when this transaction commits.
PRAGMA defer_foreign_keys = ON;

CREATE TABLE kept AS SELECT * FROM instance;
DROP TABLE instance;

-- One row for each instance, changed as seldom as correctness allows.
CREATE TABLE instance (
    no INTEGER PRIMARY KEY AUTOINCREMENT,
    saga TEXT NOT NULL,
    id TEXT NOT NULL,
    birth TEXT NOT NULL,
    version INTEGER NOT NULL,
    input_hash BLOB NOT NULL CHECK (length(input_hash) = 32),
    -- The instance that waits for this one. It may be gone before this one is.
    parent INTEGER,
    status TEXT NOT NULL CHECK (status IN ('ready', 'sleeping', 'waiting', 'parked', 'waits_for_build', 'completed',
        'compensated', 'compensated_with_debt')),
    -- Since when a ready instance waits to run, when a sleeping one wants to, when a waiting one wants to or since when
    -- its message is there; nothing where none of these is the case. Moments are microseconds since 1970, UTC.
    due_at INTEGER,
    wake_at INTEGER,
    -- The names of the messages that a waiting instance waits for, as a JSON array.
    awaits TEXT CHECK ((awaits IS NOT NULL) = (status = 'waiting')),
    state TEXT,
    error TEXT,
    -- Whether the worker of this epoch owns it; otherwise the epoch says who changed the row last.
    owned INTEGER NOT NULL CHECK (owned IN (0, 1)),
    epoch INTEGER NOT NULL,
    -- The latest moment that was said of it: none of its messages gets an earlier one.
    moment INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    ended_at INTEGER,
    -- Only this row is left: the journal is gone.
    buried INTEGER NOT NULL DEFAULT 0 CHECK (buried IN (0, 1)),
    CHECK ((ended_at IS NOT NULL) = (status IN ('completed', 'compensated', 'compensated_with_debt'))),
    UNIQUE (saga, id)
) STRICT;

INSERT INTO instance (no, saga, id, birth, version, input_hash, status, due_at, wake_at, state, owned, epoch, moment,
    started_at, ended_at, buried)
SELECT no, saga, id, birth, version, input_hash, status, due_at, wake_at, state, owned, epoch,
    max(started_at, coalesce(ended_at, started_at)), started_at, ended_at, buried
FROM kept ORDER BY no;

DROP TABLE kept;

-- For claims: what nobody owns, what somebody owns, what waits for a build. None of them holds what has ended.
CREATE INDEX instance_free ON instance (saga, status, due_at) WHERE owned = 0 AND due_at IS NOT NULL;
CREATE INDEX instance_owned ON instance (saga, status, epoch, due_at) WHERE owned = 1 AND due_at IS NOT NULL;
CREATE INDEX instance_given_back ON instance (saga, epoch, due_at) WHERE status = 'waits_for_build';
-- For lists: each of them is read in the order of the numbers.
CREATE INDEX instance_status ON instance (status);
CREATE INDEX instance_saga ON instance (saga, status);
CREATE INDEX instance_state ON instance (state) WHERE state IS NOT NULL;
CREATE INDEX instance_error ON instance (no) WHERE error IS NOT NULL;
CREATE INDEX instance_parent ON instance (parent) WHERE parent IS NOT NULL;
-- For retention: journals, and then tombstones, the earliest first.
CREATE INDEX instance_ended ON instance (saga, status, ended_at) WHERE ended_at IS NOT NULL AND NOT buried;
CREATE INDEX instance_buried ON instance (saga, ended_at) WHERE buried;

CREATE TRIGGER instance_stays_buried BEFORE UPDATE ON instance
WHEN OLD.buried AND NOT NEW.buried
BEGIN
    SELECT RAISE(ABORT, 'a tombstone is never opened');
END;

CREATE TRIGGER instance_moment_never_falls BEFORE UPDATE OF moment ON instance
WHEN NEW.moment < OLD.moment
BEGIN
    SELECT RAISE(ABORT, 'the moments of an instance never decrease');
END;

-- What users call their instances by.
CREATE TABLE label (
    instance INTEGER NOT NULL REFERENCES instance (no),
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (instance, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX label_value ON label (key, value, instance);

-- Signals and ends of children. They stay when they are consumed, so that their ids stay known, until the instance is
-- buried.
CREATE TABLE message (
    no INTEGER PRIMARY KEY AUTOINCREMENT,
    instance INTEGER NOT NULL REFERENCES instance (no),
    name TEXT NOT NULL,
    id TEXT NOT NULL,
    body TEXT NOT NULL,
    at INTEGER NOT NULL,
    consumed INTEGER NOT NULL DEFAULT 0 CHECK (consumed IN (0, 1)),
    UNIQUE (instance, name, id)
) STRICT;

CREATE INDEX message_waiting ON message (instance, name) WHERE NOT consumed;

CREATE TRIGGER message_to_the_living BEFORE INSERT ON message
WHEN NOT EXISTS (SELECT 1 FROM instance WHERE no = NEW.instance AND ended_at IS NULL)
BEGIN
    SELECT RAISE(ABORT, 'the instance has ended, or was never there');
END;

CREATE TRIGGER message_moment_never_falls BEFORE INSERT ON message
WHEN NEW.at < (SELECT moment FROM instance WHERE no = NEW.instance)
BEGIN
    SELECT RAISE(ABORT, 'the moments of an instance never decrease');
END;

CREATE TRIGGER message_is_consumed_once BEFORE UPDATE ON message
WHEN OLD.consumed OR (NEW.no, NEW.instance, NEW.name, NEW.id, NEW.body, NEW.at)
    IS NOT (OLD.no, OLD.instance, OLD.name, OLD.id, OLD.body, OLD.at)
BEGIN
    SELECT RAISE(ABORT, 'a message changes only once, when it is consumed');
END;

-- How far each recurring start has come.
CREATE TABLE tick (
    name TEXT PRIMARY KEY,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
