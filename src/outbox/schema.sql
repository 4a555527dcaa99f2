-- Times are milliseconds since 1970 UTC. States of an event: 0 waiting, 1 acknowledged, 2 parked,
-- 3 dropped for its age, 4 dropped for the size of the outbox, 5 withdrawn by the user.

CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE destinations (
    id            INTEGER PRIMARY KEY,
    host          TEXT NOT NULL,
    api_key       TEXT NOT NULL,
    committed_by  TEXT NOT NULL,              -- '' when the user chose it
    ai_lane       INTEGER,                    -- 0 answered 404, 1 set by tests, else NULL
    not_before    INTEGER,
    failures      INTEGER NOT NULL DEFAULT 0,
    refused       INTEGER NOT NULL DEFAULT 0,
    last_error    TEXT,
    last_error_at INTEGER,
    last_sent_at  INTEGER,
    UNIQUE (host, api_key, committed_by)
) STRICT;

CREATE TABLE sessions (
    id           INTEGER PRIMARY KEY,
    agent        TEXT NOT NULL,
    session      TEXT NOT NULL,
    project      TEXT,
    named        TEXT,                        -- JSON array of ids of sessions that a trace names
    frozen       TEXT NOT NULL,
    transcript   BLOB,                        -- its path; NULL if not known, as are the folders
    folders      TEXT,                        -- JSON array of paths where it worked
    checkpoint   BLOB,
    generation   INTEGER NOT NULL DEFAULT 0,  -- grows with every commit
    first_seen   INTEGER NOT NULL,
    last_seen    INTEGER NOT NULL,
    last_sent_at INTEGER,
    UNIQUE (agent, session)
) STRICT;

CREATE INDEX sessions_by_last_seen ON sessions (last_seen);

-- Events as they are sent: compressed together, see Segment. A batch names no destination, since
-- the same one can go to several.
CREATE TABLE batches (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,  -- never used again
    events    INTEGER NOT NULL,
    bytes     INTEGER NOT NULL,               -- of the JSON
    longest   INTEGER NOT NULL,               -- bytes of the longest event
    crc       INTEGER NOT NULL,               -- CRC-32 of the JSON
    checksum  INTEGER NOT NULL,               -- CRC-32 of segment and numbers
    stored_at INTEGER NOT NULL,
    recording INTEGER NOT NULL,               -- most content of its events: 1 inputs, 2 outputs, 3 both
    segment   BLOB NOT NULL
) STRICT;

CREATE INDEX batches_by_age ON batches (stored_at);

-- The ledger: one small row for every event ever stored.
CREATE TABLE events (
    seq         INTEGER PRIMARY KEY,
    uuid        BLOB NOT NULL,                -- held once: see identities
    session     INTEGER NOT NULL REFERENCES sessions,
    destination INTEGER NOT NULL REFERENCES destinations,
    name        TEXT NOT NULL,
    state       INTEGER NOT NULL,
    size        INTEGER NOT NULL,             -- bytes of its JSON
    digest      BLOB NOT NULL,                -- of its JSON, for traces and parked events, else empty
    settled_at  INTEGER,
    reason      TEXT,
    batch       INTEGER,                      -- with its JSON; NULL when that is gone
    start       INTEGER                       -- offset of the event in the JSON of the batch
) STRICT;

CREATE INDEX events_waiting ON events (destination, batch) WHERE state = 0;
CREATE INDEX events_parked ON events (batch) WHERE state = 2;

-- The index over the uuids of events, in levels.
CREATE TABLE new_identities (uuid BLOB PRIMARY KEY, seq INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE recent_identities (uuid BLOB PRIMARY KEY, seq INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE old_identities (uuid BLOB PRIMARY KEY, seq INTEGER NOT NULL) STRICT, WITHOUT ROWID;

CREATE VIEW identities AS
    SELECT uuid, seq FROM new_identities
    UNION ALL SELECT uuid, seq FROM recent_identities
    UNION ALL SELECT uuid, seq FROM old_identities;

-- Numbers and sizes of events, so that nothing has to count a million rows.
CREATE TABLE tallies (
    destination INTEGER NOT NULL,
    state       INTEGER NOT NULL,
    session     INTEGER NOT NULL,
    events      INTEGER NOT NULL,
    bytes       INTEGER NOT NULL,
    PRIMARY KEY (destination, state, session)
) STRICT, WITHOUT ROWID;

CREATE TABLE transcripts (
    path     BLOB PRIMARY KEY,
    size     INTEGER NOT NULL,
    modified INTEGER NOT NULL                 -- nanoseconds since 1970 UTC
) STRICT, WITHOUT ROWID;

CREATE TABLE runs (
    id       INTEGER PRIMARY KEY,
    at       INTEGER NOT NULL,
    verb     TEXT NOT NULL,
    session  TEXT,
    duration INTEGER NOT NULL,                -- milliseconds
    sent     INTEGER NOT NULL,
    error    TEXT,
    warnings TEXT NOT NULL                    -- JSON array of text
) STRICT;

CREATE TABLE redactions (
    rule  TEXT PRIMARY KEY,
    count INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
