-- One row for each key: an action or a compensation with its answer, or a barrier.
CREATE TABLE saga_calls (
    scope       TEXT    NOT NULL,            -- whose key it is; empty where all callers are one
    key         TEXT    NOT NULL,
    kind        TEXT    NOT NULL CHECK (kind IN ('action', 'compensation', 'barrier')),
    action      TEXT    NOT NULL,            -- the action that was called, or is undone
    request     TEXT    NOT NULL,            -- the hash of what the call said; empty for a barrier
    undone_by   TEXT,                        -- the key of the compensation that undid or overtook it
    standing    BIGINT NOT NULL,            -- 1 for an action that is done and not undone
    refused     BIGINT NOT NULL,            -- 1 for a refusal
    status      BIGINT NOT NULL,
    body        TEXT    NOT NULL,            -- JSON
    replays     BIGINT NOT NULL DEFAULT 0,  -- how often it was sent again
    answered_at BIGINT NOT NULL,            -- microseconds since 1970, UTC
    PRIMARY KEY (scope, key)
);
-- What is pruned, the oldest first.
CREATE INDEX saga_calls_by_age ON saga_calls (standing, answered_at);
