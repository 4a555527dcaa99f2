//! Migration from format 1, which stored the text of each event in a row of its own, uncompressed.
//!
//! All of it is one transaction. The waiting events become batches. An event whose text is damaged
//! becomes one of a missing batch, so that a sender finds it and sets it aside.

use rusqlite::{Connection, OptionalExtension, params};

use super::EventState::{Parked, Waiting};
use super::batches::{self, Origin};
use super::ledger::size;
use super::segment::Segment;
use super::store::{BATCH_BYTES, digest};
use crate::posthog::Recording;

/// Changes of the tables before events are moved.
const BEFORE: &str = include_str!("format_1.sql");

/// Changes of the tables when all events were moved.
const AFTER: &str = "
    DROP TABLE bodies;
    ALTER TABLE events DROP COLUMN enqueued_at;";

/// A number that no batch has.
const MISSING: i64 = 0;

/// Events with the same time, session and destination.
type Group = (i64, i64, i64);

/// A waiting event.
struct Row {
    seq: i64,
    size: usize,
    group: Group,
}

/// Turns a database of format 1 into one of format 2.
pub(super) fn migrate(change: &Connection) -> rusqlite::Result<()> {
    change.execute_batch(BEFORE)?;
    pack_waiting(change)?;
    pack_parked(change)?;
    change.execute_batch(AFTER)
}

fn pack_waiting(change: &Connection) -> rusqlite::Result<()> {
    let rows: Vec<Row> = change
        .prepare(&format!(
            "SELECT seq, size, enqueued_at, destination, session FROM events
             WHERE state = {Waiting} ORDER BY enqueued_at, destination, session, seq"
        ))?
        .query_map([], |row| {
            Ok(Row {
                seq: row.get(0)?,
                size: usize::try_from(size(row, 1)?).unwrap_or(0),
                group: (row.get(2)?, row.get(3)?, row.get(4)?),
            })
        })?
        .collect::<rusqlite::Result<_>>()?;
    for group in rows.chunk_by(|one, next| one.group == next.group) {
        let mut rest = group;
        while !rest.is_empty() {
            let mut bytes = 0;
            let fits = rest.iter().take_while(|row| {
                bytes += row.size + 1;
                bytes <= BATCH_BYTES
            });
            let (batch, more) = rest.split_at(fits.count().max(1));
            pack(change, batch)?;
            rest = more;
        }
    }
    Ok(())
}

/// Stores rows as a batch.
fn pack(change: &Connection, rows: &[Row]) -> rusqlite::Result<()> {
    let mut place = change.prepare_cached(PLACE)?;
    let mut bodies = Vec::new();
    for row in rows {
        match body(change, row.seq)? {
            Some(body) => bodies.push((row.seq, body)),
            None => {
                place.execute([row.seq, MISSING, 0])?;
            }
        }
    }
    let Some(first) = rows.first().filter(|_| !bodies.is_empty()) else {
        return Ok(());
    };
    let segment = Segment::pack(bodies.iter().map(|(_, body)| &body[..]));
    let batch = batches::write(change, None, &segment, of_old(first.group.0))?;
    let mut start = 0;
    for (seq, body) in bodies {
        place.execute(params![seq, batch, start])?;
        start += body.len() + 1;
    }
    Ok(())
}

/// The content of old events is unknown, and assumed to be complete.
const fn of_old(stored_at: i64) -> Origin {
    Origin {
        stored_at,
        recording: Recording::Full,
    }
}

/// Gives a parked event a batch of its own, and a damaged one none.
fn pack_parked(change: &Connection) -> rusqlite::Result<()> {
    let rows: Vec<(i64, i64)> = change
        .prepare(&format!(
            "SELECT seq, enqueued_at FROM events WHERE state = {Parked} ORDER BY seq"
        ))?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    for (seq, enqueued_at) in rows {
        if let Some(body) = body(change, seq)? {
            let batch = batches::write(
                change,
                None,
                &Segment::pack([&body[..]]),
                of_old(enqueued_at),
            )?;
            change.prepare_cached(PLACE)?.execute([seq, batch, 0])?;
        }
    }
    Ok(())
}

const PLACE: &str = "UPDATE events SET batch = ?2, start = ?3 WHERE seq = ?1";

/// The text of an event; `None` if it is missing or was changed.
fn body(change: &Connection, seq: i64) -> rusqlite::Result<Option<Vec<u8>>> {
    let select = "SELECT body, digest FROM bodies JOIN events USING (seq) WHERE seq = ?1";
    let body = change
        .prepare_cached(select)?
        .query_row([seq], |row| {
            let (body, known): (Vec<u8>, Vec<u8>) = (row.get(0)?, row.get(1)?);
            Ok((known == digest(&body)).then_some(body))
        })
        .optional()?;
    Ok(body.flatten())
}
