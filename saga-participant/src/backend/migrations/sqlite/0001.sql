-- One row for each key: an action or a compensation with its answer, or a barrier.
CREATE TABLE saga_calls (
    scope       TEXT    NOT NULL,            -- whose key it is; empty where all callers are one
    key         TEXT    NOT NULL,
    kind        TEXT    NOT NULL CHECK (kind IN ('action', 'compensation', 'barrier')),
    action      TEXT    NOT NULL,            -- the action that was called, or is undone
    request     TEXT    NOT NULL,            -- the hash of what the call said; empty for a barrier
    undone_by   TEXT,                        -- the key of the compensation that undid or overtook it
    standing    INTEGER NOT NULL,            -- 1 for an action that is done and not undone
    refused     INTEGER NOT NULL,            -- 1 for a refusal
    status      INTEGER NOT NULL,
    body        TEXT    NOT NULL,            -- JSON
    replays     INTEGER NOT NULL DEFAULT 0,  -- how often it was sent again
    answered_at INTEGER NOT NULL,            -- microseconds since 1970, UTC
    PRIMARY KEY (scope, key)
) STRICT;
-- What is pruned, the oldest first.
CREATE INDEX saga_calls_by_age ON saga_calls (standing, answered_at);
