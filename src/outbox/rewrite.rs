//! Rewriting a batch, when the user withdraws some of its events or their content.

use std::borrow::Cow;

use rusqlite::{Connection, params};

use super::EventState::{self, Parked, Waiting, Withdrawn};
use super::batches;
use super::ledger::{Fate, Tallies, Which, settle};
use super::segment::Segment;
use super::store::digest;

/// The new JSON of an event of a session; `None` if the event is to be withdrawn.
pub(super) type Change<'a> = dyn for<'e> Fn(i64, &'e [u8]) -> Option<Cow<'e, [u8]>> + 'a;

/// Removes from a batch the JSON of events that are neither waiting nor parked, and replaces that
/// of the others. Returns the number of changed events; `None` if the batch is damaged, which then
/// stays as it is.
pub(super) fn rewrite(
    change: &Connection,
    batch: i64,
    now: i64,
    new: &Change<'_>,
) -> rusqlite::Result<Option<u64>> {
    let Some(json) = batches::read(change, batch)?
        .ok()
        .and_then(|it| it.unpack())
    else {
        return Ok(None);
    };
    let Some(rows) = rows(change, batch, &json)? else {
        return Ok(None);
    };
    let mut events = Vec::new();
    let mut tallies = Tallies::default();
    let mut withdrawn = Vec::new();
    let (mut start, mut changed) = (0, 0);
    let mut update = change.prepare_cached(
        "UPDATE events SET start = ?2, size = ?3,
                digest = CASE length(digest) WHEN 0 THEN digest ELSE ?4 END
         WHERE seq = ?1",
    )?;
    // An event may have a row for each of several destinations.
    for rows in rows.chunk_by(|one, next| one.start == next.start) {
        let Held {
            session,
            event: old,
            ..
        } = rows[0];
        let event = new(session, old);
        let is_same = event.as_deref() == Some(old);
        changed += if is_same { 0 } else { rows.len() as u64 };
        let Some(event) = event else {
            withdrawn.extend(rows);
            continue;
        };
        let new_digest = (!is_same).then(|| digest(&event));
        for row in rows {
            let digest = new_digest.as_ref().map_or(&row.digest[..], |it| &it[..]);
            update.execute(params![row.seq, start, event.len(), digest])?;
            let of = (row.destination, row.state, row.session);
            tallies.add(of, 0, length(&event) - length(old));
        }
        // One byte for the comma after the event.
        start += event.len() + 1;
        events.push(event);
    }
    tallies.write(change)?;
    let segment = Segment::pack(events.iter().map(|event| &event[..]));
    let origin = batches::origin(change, batch)?;
    batches::write(change, Some(batch), &segment, origin)?;
    for row in withdrawn {
        let which = Which::Event {
            seq: row.seq,
            batch: Some(batch),
        };
        settle(change, which, row.state, Fate::over(Withdrawn, now))?;
    }
    Ok(Some(changed))
}

/// A waiting or parked event of a batch.
struct Held<'a> {
    seq: i64,
    /// Offset in the JSON of the batch.
    start: usize,
    session: i64,
    destination: i64,
    state: EventState,
    digest: Vec<u8>,
    event: &'a [u8],
}

/// The waiting and parked events of a batch, in the order of its JSON; `None` if the rows do not
/// agree with it.
fn rows<'a>(
    connection: &Connection,
    batch: i64,
    json: &'a [u8],
) -> rusqlite::Result<Option<Vec<Held<'a>>>> {
    let columns = "start, size, seq, session, destination, state, digest";
    let mut select = connection.prepare_cached(&format!(
        "SELECT {columns} FROM destinations CROSS JOIN events INDEXED BY events_waiting
         WHERE destination = destinations.id AND state = {Waiting} AND batch = ?1
         UNION ALL SELECT {columns} FROM events INDEXED BY events_parked
         WHERE state = {Parked} AND batch = ?1
         ORDER BY start"
    ))?;
    let mut rows = select.query([batch])?;
    let mut held = Vec::new();
    while let Some(row) = rows.next()? {
        let Some(event) = batches::slice(json, row)? else {
            return Ok(None);
        };
        held.push(Held {
            seq: row.get(2)?,
            start: row.get(0)?,
            session: row.get(3)?,
            destination: row.get(4)?,
            state: row.get(5)?,
            digest: row.get(6)?,
            event,
        });
    }
    Ok(Some(held))
}

fn length(json: &[u8]) -> i64 {
    i64::try_from(json.len()).unwrap_or(i64::MAX)
}
