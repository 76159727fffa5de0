-- Run by whoever opens the store first, with `saga.` in place of the schema's name. Moments that the runtime speaks of are
-- microseconds since 1970, UTC; those that only the server compares are its own.

-- One row: which of these files have been run.
CREATE TABLE saga.store (
    id integer PRIMARY KEY CHECK (id = 1),
    version integer NOT NULL
);

-- One row for each living worker. Every commit takes a shared lock on its worker's row, which the renewal of a lease does not
-- disturb, since it leaves the key alone. Whoever ends a life deletes the row, and so waits for the commits under way.
CREATE TABLE saga.worker (
    epoch bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz NOT NULL,
    -- Counts up when the answer to a commit was lost: what is still on its way under the old number changes nothing any more.
    writer bigint NOT NULL DEFAULT 0
) WITH (
    -- A renewal finds room beside the row, and needs no new entry in the index.
    fillfactor = 20,
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200
);

-- Lives that have ended and may have left something. Whoever finds that they have not takes them out.
CREATE TABLE saga.dead (
    epoch bigint PRIMARY KEY
);

CREATE SEQUENCE saga.instance_no AS bigint;

-- One row for each instance, changed as seldom as correctness allows. Names are compared byte by byte: no index depends on the
-- rules of a language, which change with the server's operating system.
CREATE TABLE saga.instance (
    no bigint PRIMARY KEY,
    saga text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    birth text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    input_hash bytea NOT NULL CHECK (length(input_hash) = 32),
    -- The instance that waits for this one. It may be gone before this one is.
    parent bigint,
    status text COLLATE "C" NOT NULL CHECK (status IN ('ready', 'sleeping', 'waiting', 'parked', 'waits_for_build', 'completed',
        'compensated', 'compensated_with_debt')),
    -- Since when a ready instance waits to run, when a sleeping one wants to, when a waiting one wants to or since when
    -- its message is there; nothing where none of these is the case.
    due_at bigint,
    wake_at bigint,
    -- The names of the messages that a waiting instance waits for.
    awaits text[] NOT NULL DEFAULT '{}',
    state text COLLATE "C",
    error text COLLATE "C",
    -- Whether the worker of this epoch owns it; otherwise the epoch says who changed the row last.
    owned boolean NOT NULL,
    epoch bigint NOT NULL,
    -- Whether it waits for something that only the worker of its epoch knows of, as its turn at a named policy: once that one is
    -- dead, another takes it at once.
    queued boolean NOT NULL DEFAULT false,
    -- Who gave it back because they do not know its state, since something else was last written of it.
    given_back bigint[] NOT NULL DEFAULT '{}',
    -- The latest moment that was said of it: none of its messages gets an earlier one.
    moment bigint NOT NULL,
    started_at bigint NOT NULL,
    ended_at bigint,
    -- Only this row is left: the journal is gone.
    buried boolean NOT NULL DEFAULT false,
    CHECK ((ended_at IS NOT NULL) = (status IN ('completed', 'compensated', 'compensated_with_debt'))),
    UNIQUE (saga, id)
) WITH (
    -- What has ended is rarely looked at again, and a table of millions is not to grow by a fifth before it is cleaned up.
    autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02
);

-- For claims: what nobody owns, what somebody owns, what waits for its turn. None of them holds what has ended.
CREATE INDEX instance_free ON saga.instance (saga, status, due_at, no) WHERE NOT owned AND due_at IS NOT NULL;
CREATE INDEX instance_owned ON saga.instance (epoch, saga, status, due_at, no) WHERE owned AND due_at IS NOT NULL;
CREATE INDEX instance_queued ON saga.instance (epoch, saga, due_at, no) WHERE queued AND due_at IS NOT NULL;
-- For lists: each of them is read in the order of the numbers.
CREATE INDEX instance_saga ON saga.instance (saga, status, no);
CREATE INDEX instance_state ON saga.instance (state, no) WHERE state IS NOT NULL;
CREATE INDEX instance_error ON saga.instance (no) WHERE error IS NOT NULL;
CREATE INDEX instance_parent ON saga.instance (parent, no) WHERE parent IS NOT NULL;
-- For retention: journals, and then tombstones, the earliest first.
CREATE INDEX instance_ended ON saga.instance (saga, status, ended_at, no) WHERE ended_at IS NOT NULL AND NOT buried;
CREATE INDEX instance_buried ON saga.instance (saga, ended_at, no) WHERE buried;

-- What happened to each instance: only ever appended to, and removed as a whole when the instance is buried. What was appended
-- together is one row: its rows' numbers go from `seq` to `last`, and each of them is a line, of which all but the first say by how
-- many microseconds they came after the one before. The statement that
-- appends sees to it that there are no gaps. A foreign key would lock, and so write, the instance's row with every commit.
CREATE TABLE saga.journal (
    instance bigint NOT NULL,
    seq bigint NOT NULL,
    last bigint NOT NULL CHECK (last >= seq),
    at bigint NOT NULL,
    event text NOT NULL,
    PRIMARY KEY (instance, seq)
) WITH (
    -- By far the largest table: what is buried makes room for what comes, before the file has grown.
    autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.1, autovacuum_analyze_scale_factor = 0.05
);

-- Requests that nobody has answered yet.
CREATE TABLE saga.request (
    no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    instance bigint NOT NULL,
    body text NOT NULL
) WITH (
    -- Nearly empty, and always changing.
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000
);

CREATE INDEX request_instance ON saga.request (instance, no);

-- Signals and ends of children. They stay when they are consumed, so that their ids stay known, until the instance is
-- buried.
CREATE TABLE saga.message (
    no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    instance bigint NOT NULL,
    name text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    body text NOT NULL,
    at bigint NOT NULL,
    consumed boolean NOT NULL DEFAULT false,
    UNIQUE (instance, name, id)
) WITH (
    autovacuum_vacuum_scale_factor = 0.05
);

CREATE INDEX message_waiting ON saga.message (instance, no) WHERE NOT consumed;

-- What users call their instances by.
CREATE TABLE saga.label (
    instance bigint NOT NULL,
    key text COLLATE "C" NOT NULL,
    value text COLLATE "C" NOT NULL,
    PRIMARY KEY (instance, key)
);

CREATE INDEX label_value ON saga.label (key, value, instance);

-- How far each recurring start has come.
CREATE TABLE saga.tick (
    name text COLLATE "C" PRIMARY KEY,
    at bigint NOT NULL
);
