-- Times are milliseconds since 1970 UTC.
--
-- No table has foreign keys: SQLite would look through all items for each chunk that is removed.

-- A trace of a route, or log records that belong together without one. It waits until it was
-- mapped, and again when something new comes.
CREATE TABLE traces (
    id             INTEGER PRIMARY KEY,
    trace_id       BLOB NOT NULL,                -- 16 bytes
    route          TEXT NOT NULL,
    is_loose       INTEGER NOT NULL,             -- 1: records without a trace, with an id made here
    service        TEXT NOT NULL,                -- of the root, or of what came first
    name           TEXT NOT NULL,                -- of the root, or of what came first
    has_root       INTEGER NOT NULL,
    first_received INTEGER NOT NULL,
    last_received  INTEGER NOT NULL,
    revision       INTEGER NOT NULL DEFAULT 0,   -- grows with everything new
    spans          INTEGER NOT NULL DEFAULT 0,
    logs           INTEGER NOT NULL DEFAULT 0,
    bytes          INTEGER NOT NULL DEFAULT 0,   -- of its chunks
    is_waiting     INTEGER NOT NULL DEFAULT 1,
    mapped_at      INTEGER,                      -- the last time, even when it waits again
    UNIQUE (trace_id, route)
) STRICT;

CREATE INDEX traces_by_age ON traces (is_waiting, last_received);

-- The spans and log records of a request that belong to one trace, in their stored form, compressed.
CREATE TABLE chunks (
    id          INTEGER PRIMARY KEY,
    trace       INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    expanded    INTEGER NOT NULL,                -- bytes of the stored form
    content     BLOB NOT NULL                    -- zlib; as it is when no shorter
) STRICT;

CREATE INDEX chunks_by_trace ON chunks (trace);

-- Which chunk holds the newest form of a span or a record. A place of a chunk that no item names
-- is an older form, or one more copy.
CREATE TABLE items (
    trace  INTEGER NOT NULL,
    item   BLOB NOT NULL,                        -- 8 bytes: id of a span; 16: digest of a record
    digest INTEGER NOT NULL,                     -- of the content
    chunk  INTEGER NOT NULL,
    place  INTEGER NOT NULL,                     -- among the spans or the records of the chunk
    PRIMARY KEY (trace, item)
) STRICT, WITHOUT ROWID;

-- Which traces a session has.
CREATE TABLE sessions (
    session TEXT NOT NULL,
    trace   INTEGER NOT NULL,
    PRIMARY KEY (session, trace)
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_by_trace ON sessions (trace);

CREATE TABLE services (
    route      TEXT NOT NULL,
    service    TEXT NOT NULL,
    deliveries INTEGER NOT NULL,
    spans      INTEGER NOT NULL,
    logs       INTEGER NOT NULL,
    last_at    INTEGER NOT NULL,
    PRIMARY KEY (route, service)
) STRICT, WITHOUT ROWID;

-- What happened how often, such as requests that were refused, by reason.
CREATE TABLE tallies (
    fact    TEXT NOT NULL,
    name    TEXT NOT NULL,
    count   INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    PRIMARY KEY (fact, name)
) STRICT, WITHOUT ROWID;
