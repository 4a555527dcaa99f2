//! Changes of the state of stored events, with all effects: on the tallies, and on batches that are
//! not needed any more.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, Row, params};

use super::{EventState, batches};

/// A choice of events.
#[derive(Clone, Copy, Debug)]
pub(super) enum Which {
    /// A single event, while it is in this batch.
    Event { seq: i64, batch: Option<i64> },
    /// The events of a batch for a destination.
    Batch { destination: i64, batch: i64 },
    /// The events of a session.
    Session(i64),
    /// All events with their JSON.
    Undamaged,
}

impl Which {
    /// The index to use and the condition, in SQL.
    fn sql(self, state: EventState) -> (&'static str, String) {
        let (index, condition) = match self {
            Self::Event {
                seq,
                batch: Some(batch),
            } => ("", format!("seq = {seq} AND batch = {batch}")),
            Self::Event { seq, batch: None } => ("", format!("seq = {seq} AND batch IS NULL")),
            Self::Batch { destination, batch } => (
                index(state),
                format!("destination = {destination} AND batch = {batch}"),
            ),
            Self::Session(session) => (index(state), format!("session = {session}")),
            Self::Undamaged => (index(state), "batch IS NOT NULL".to_owned()),
        };
        (index, format!("state = {state} AND {condition}"))
    }
}

/// The index over the events in a state.
const fn index(state: EventState) -> &'static str {
    match state {
        EventState::Waiting => "INDEXED BY events_waiting",
        EventState::Parked => "INDEXED BY events_parked",
        _ => "",
    }
}

/// The new state of events, and the data kept of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fate<'a> {
    pub(super) state: EventState,
    /// Whether their JSON is kept.
    pub(super) keeps_json: bool,
    pub(super) reason: Option<&'a str>,
    /// When it was decided, in milliseconds; `None` for events that wait again.
    pub(super) settled_at: Option<i64>,
}

impl Fate<'_> {
    /// A state in which the JSON is not needed any more.
    pub(super) const fn over(state: EventState, now: i64) -> Self {
        Self {
            state,
            keeps_json: false,
            reason: None,
            settled_at: Some(now),
        }
    }
}

/// Events whose state changed.
#[derive(Debug, Default)]
pub(super) struct Moved {
    /// Number of events.
    pub(super) events: u64,
    /// Their sessions.
    pub(super) sessions: BTreeSet<i64>,
    /// Their batches, if other events still need them.
    pub(super) batches: BTreeSet<i64>,
}

/// Moves events from one state to another, updates the tallies, and deletes unneeded batches.
pub(super) fn settle(
    change: &Connection,
    which: Which,
    from: EventState,
    to: Fate<'_>,
) -> rusqlite::Result<Moved> {
    let (index, condition) = which.sql(from);
    let mut moved = Moved::default();
    let mut tallies = Tallies::default();
    let mut select = change.prepare(&format!(
        "SELECT destination, session, batch, count(*), sum(size) FROM events {index}
         WHERE {condition} GROUP BY destination, session, batch"
    ))?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let (destination, session) = (row.get(0)?, row.get(1)?);
        let (events, bytes): (i64, i64) = (row.get(3)?, row.get(4)?);
        tallies.add((destination, from, session), -events, -bytes);
        tallies.add((destination, to.state, session), events, bytes);
        moved.events += events.unsigned_abs();
        moved.sessions.insert(session);
        moved.batches.extend(row.get::<_, Option<i64>>(2)?);
    }
    if moved.events == 0 {
        return Ok(moved);
    }
    tallies.write(change)?;
    let batch = if to.keeps_json { "batch" } else { "NULL" };
    change.execute(
        &format!(
            "UPDATE events {index}
             SET state = ?1, reason = ?2, settled_at = ?3, batch = {batch} WHERE {condition}"
        ),
        params![to.state, to.reason, to.settled_at],
    )?;
    let mut left = BTreeSet::new();
    for batch in moved.batches {
        if !batches::release(change, batch)? {
            left.insert(batch);
        }
    }
    moved.batches = left;
    Ok(moved)
}

/// The size of an event in bytes, from a column; 0 if it is damaged.
pub(super) fn size(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    Ok(u64::try_from(row.get::<_, i64>(column)?).unwrap_or(0))
}

/// Changes of the tallies, summed up so that each is written once.
#[derive(Debug, Default)]
pub(super) struct Tallies(BTreeMap<(i64, u8, i64), (i64, i64)>);

impl Tallies {
    /// Adds a number of events, and the bytes of their JSON, to a destination, state and session.
    pub(super) fn add(
        &mut self,
        (destination, state, session): (i64, EventState, i64),
        events: i64,
        bytes: i64,
    ) {
        let of = self
            .0
            .entry((destination, state as u8, session))
            .or_default();
        of.0 += events;
        of.1 += bytes;
    }

    pub(super) fn write(self, change: &Connection) -> rusqlite::Result<()> {
        let mut add = change.prepare_cached(
            // A damaged size must not make a sum negative, which could not be read.
            "INSERT INTO tallies VALUES (?1, ?2, ?3, max(?4, 0), max(?5, 0))
             ON CONFLICT DO UPDATE SET
                 events = max(events + ?4, 0), bytes = max(bytes + ?5, 0)",
        )?;
        // A row of zeros would slow down every sum over the sessions.
        let mut remove = change.prepare_cached(
            "DELETE FROM tallies
             WHERE destination = ?1 AND state = ?2 AND session = ?3 AND events = 0",
        )?;
        for ((destination, state, session), (events, bytes)) in self.0 {
            add.execute(params![destination, state, session, events, bytes])?;
            if events < 0 {
                remove.execute(params![destination, state, session])?;
            }
        }
        Ok(())
    }
}
