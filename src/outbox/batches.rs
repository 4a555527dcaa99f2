//! Batches on disk: events that were stored together, compressed as they are sent.
//!
//! A batch is deleted when none of its events waits or is parked any more. Until then its bytes do
//! not change, whatever happens to single events, except when the user withdraws some of them or
//! their content.

use rusqlite::{Connection, OptionalExtension, Row, params};
use uuid::Uuid;

use super::EventState::{Parked, Waiting};
use super::records::Waiting as Event;
use super::segment::Segment;
use crate::posthog::Recording;

/// Descriptions of the damage of a batch.
const MISSING: &str = "its stored text is missing";
pub(super) const CHANGED: &str = "its stored text was changed by something else";

/// Storage time of the events of a batch, and their content.
#[derive(Clone, Copy, Debug)]
pub(super) struct Origin {
    /// Time in milliseconds since 1970.
    pub(super) stored_at: i64,
    /// The most content that they may have.
    pub(super) recording: Recording,
}

/// Stores a segment as a new batch, or in the place of one. Returns the number of the batch.
pub(super) fn write(
    change: &Connection,
    batch: Option<i64>,
    segment: &Segment,
    origin: Origin,
) -> rusqlite::Result<i64> {
    change
        .prepare_cached(
            "INSERT OR REPLACE INTO batches
                 (id, events, bytes, longest, crc, checksum, stored_at, recording, segment)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?
        .execute(params![
            batch,
            segment.events,
            segment.bytes,
            segment.longest,
            segment.crc,
            segment.checksum(),
            origin.stored_at,
            origin.recording,
            segment.deflated
        ])?;
    Ok(change.last_insert_rowid())
}

/// The segment of a batch; the inner error describes its damage.
pub(super) fn read(
    connection: &Connection,
    batch: i64,
) -> rusqlite::Result<Result<Segment, &'static str>> {
    let select = "SELECT events, bytes, longest, crc, segment, checksum FROM batches WHERE id = ?1";
    let found = connection
        .prepare_cached(select)?
        .query_row([batch], |row| {
            let segment = Segment {
                events: row.get(0)?,
                bytes: row.get(1)?,
                longest: row.get(2)?,
                crc: row.get(3)?,
                deflated: row.get(4)?,
            };
            let is_intact = segment.checksum() == row.get::<_, u32>(5)?;
            Ok(if is_intact { Ok(segment) } else { Err(CHANGED) })
        });
    Ok(found.optional()?.unwrap_or(Err(MISSING)))
}

/// Length of the JSON of a batch in bytes; 0 if the batch is missing.
pub(super) fn bytes(connection: &Connection, batch: i64) -> rusqlite::Result<usize> {
    let select = "SELECT bytes FROM batches WHERE id = ?1";
    let mut select = connection.prepare_cached(select)?;
    let bytes = select.query_row([batch], |row| row.get(0)).optional()?;
    Ok(bytes.unwrap_or_default())
}

/// The origin of a batch; a missing batch counts as old and with all content.
pub(super) fn origin(connection: &Connection, batch: i64) -> rusqlite::Result<Origin> {
    let select = "SELECT stored_at, recording FROM batches WHERE id = ?1";
    let mut select = connection.prepare_cached(select)?;
    let origin = select.query_row([batch], |row| {
        Ok(Origin {
            stored_at: row.get(0)?,
            recording: row.get(1)?,
        })
    });
    Ok(origin.optional()?.unwrap_or(Origin {
        stored_at: 0,
        recording: Recording::Full,
    }))
}

/// The events of a batch that wait for a destination, in the order of the batch; the inner error
/// describes the damage of the batch.
pub(super) fn waiting(
    connection: &Connection,
    destination: i64,
    batch: i64,
) -> rusqlite::Result<Result<Vec<Event>, &'static str>> {
    let Origin { recording, .. } = origin(connection, batch)?;
    let json = match read(connection, batch)? {
        Ok(segment) => segment.unpack(),
        Err(damage) => return Ok(Err(damage)),
    };
    let Some(json) = json else {
        return Ok(Err(CHANGED));
    };
    let mut select = connection.prepare_cached(&format!(
        "SELECT start, size, seq, uuid, name, session FROM events INDEXED BY events_waiting
         WHERE state = {Waiting} AND destination = ?1 AND batch = ?2 ORDER BY start"
    ))?;
    let mut rows = select.query([destination, batch])?;
    let mut events = Vec::new();
    while let Some(row) = rows.next()? {
        let Some(body) = slice(&json, row)? else {
            return Ok(Err(CHANGED));
        };
        events.push(Event {
            seq: row.get(2)?,
            uuid: Uuid::from_bytes(row.get(3)?),
            name: row.get(4)?,
            session: row.get(5)?,
            body: body.to_vec(),
            recording,
            batch,
        });
    }
    Ok(Ok(events))
}

/// The part of the JSON at the offset in the first column, as long as the second one says; `None` if
/// these numbers are damaged.
pub(super) fn slice<'a>(json: &'a [u8], row: &Row<'_>) -> rusqlite::Result<Option<&'a [u8]>> {
    let (start, size): (i64, i64) = (row.get(0)?, row.get(1)?);
    let range = usize::try_from(start).ok().zip(usize::try_from(size).ok());
    Ok(range.and_then(|(start, size)| json.get(start..start.checked_add(size)?)))
}

/// Deletes a batch, unless one of its events waits or is parked. Returns whether it was deleted.
pub(super) fn release(change: &Connection, batch: i64) -> rusqlite::Result<bool> {
    let deleted = change
        .prepare_cached(&format!(
            "DELETE FROM batches WHERE id = ?1
             AND NOT EXISTS (
                 SELECT 1 FROM destinations CROSS JOIN events INDEXED BY events_waiting
                 WHERE destination = destinations.id AND state = {Waiting} AND batch = ?1)
             AND NOT EXISTS (
                 SELECT 1 FROM events INDEXED BY events_parked
                 WHERE state = {Parked} AND batch = ?1)"
        ))?
        .execute([batch])?;
    Ok(deleted > 0)
}
