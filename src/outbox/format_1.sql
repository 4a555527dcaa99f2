-- From format 1, which had a row of its own for the text of each event.

DROP TRIGGER event_came;
DROP TRIGGER event_moved;
DROP TRIGGER event_went;
DROP INDEX events_waiting;
DROP INDEX events_parked;

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

ALTER TABLE events ADD COLUMN batch INTEGER;
ALTER TABLE events ADD COLUMN start INTEGER;
CREATE INDEX events_waiting ON events (destination, batch) WHERE state = 0;
CREATE INDEX events_parked ON events (batch) WHERE state = 2;

