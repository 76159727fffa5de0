-- One row: which file this is, and whose work it holds.
CREATE TABLE store (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    -- "device:inode" of the file that this store lives in. A copy of the file has another.
    file TEXT NOT NULL,
    -- Raised by every worker that opens the store. Only the highest may write.
    epoch INTEGER NOT NULL
) STRICT;

-- One row for each instance, changed as seldom as correctness allows.
CREATE TABLE instance (
    no INTEGER PRIMARY KEY AUTOINCREMENT,
    saga TEXT NOT NULL,
    id TEXT NOT NULL,
    birth TEXT NOT NULL,
    version INTEGER NOT NULL,
    input_hash BLOB NOT NULL CHECK (length(input_hash) = 32),
    status TEXT NOT NULL CHECK (status IN ('ready', 'sleeping', 'parked', 'waits_for_build', 'completed', 'compensated',
        'compensated_with_debt')),
    -- Since when a ready instance waits to run, when a sleeping one wants to; nothing where neither is the case.
    -- Moments are microseconds since 1970, UTC.
    due_at INTEGER,
    wake_at INTEGER,
    state TEXT,
    -- Whether the worker of this epoch owns it; otherwise the epoch says who changed the row last.
    owned INTEGER NOT NULL CHECK (owned IN (0, 1)),
    epoch INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    ended_at INTEGER,
    -- Only this row is left: the journal is gone.
    buried INTEGER NOT NULL DEFAULT 0 CHECK (buried IN (0, 1)),
    UNIQUE (saga, id)
) STRICT;

-- For claims: what nobody owns, what somebody owns, what waits for a build. None of them holds what has ended.
CREATE INDEX instance_free ON instance (saga, status, due_at) WHERE owned = 0 AND due_at IS NOT NULL;
CREATE INDEX instance_owned ON instance (saga, status, epoch, due_at) WHERE owned = 1 AND due_at IS NOT NULL;
CREATE INDEX instance_given_back ON instance (saga, epoch, due_at) WHERE status = 'waits_for_build';
-- For lists.
CREATE INDEX instance_status ON instance (status);

-- What happened to each instance: only ever appended to, and removed as a whole when the instance is buried.
CREATE TABLE journal (
    instance INTEGER NOT NULL REFERENCES instance (no),
    seq INTEGER NOT NULL,
    at INTEGER NOT NULL,
    event TEXT NOT NULL,
    UNIQUE (instance, seq)
) STRICT;

CREATE TRIGGER journal_is_gapless BEFORE INSERT ON journal
WHEN NEW.seq <> 1 + coalesce((SELECT max(seq) FROM journal WHERE instance = NEW.instance), 0)
BEGIN
    SELECT RAISE(ABORT, 'the row does not follow the last one');
END;

CREATE TRIGGER journal_of_the_living BEFORE INSERT ON journal
WHEN NOT EXISTS (SELECT 1 FROM instance WHERE no = NEW.instance AND NOT buried)
BEGIN
    SELECT RAISE(ABORT, 'there is no such instance');
END;

CREATE TRIGGER journal_is_append_only BEFORE UPDATE ON journal
BEGIN
    SELECT RAISE(ABORT, 'a journal is only ever appended to');
END;

-- Requests that nobody has answered yet.
CREATE TABLE request (
    no INTEGER PRIMARY KEY AUTOINCREMENT,
    instance INTEGER NOT NULL REFERENCES instance (no),
    body TEXT NOT NULL
) STRICT;

CREATE INDEX request_instance ON request (instance);
