//! Taking events out: claiming, acknowledging, parking.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::{Connection, OptionalExtension, params};

use super::ledger::{Fate, Which, settle};
use super::records::{
    Batch, Claimed, Damaged, Destination, DestinationRecord, Waiting, milliseconds,
};
use super::store::digest;
use super::{
    DESTINATION_COLUMNS, EventState, Lock, Outbox, OutboxError, Segment, batches, changes,
    destination, lock, read_again,
};

/// Longest pause of a destination: a day after a refusal, and an hour in case the clock is set back
/// a little.
const LONGEST_PAUSE: TimeDelta = TimeDelta::hours(25);

/// Name of the lock of the process that waits for destinations in trouble.
const WAITING: &str = "sender-waiting.lock";

impl Outbox {
    /// The state directory.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// The destinations with waiting events. Paused destinations are left out unless
    /// `ignore_backoff`. A pause longer than [`LONGEST_PAUSE`] was set by a wrong clock, and counts
    /// as over.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub(crate) fn destinations_waiting(
        &self,
        now: DateTime<Utc>,
        ignore_backoff: bool,
    ) -> Result<Vec<DestinationRecord>, OutboxError> {
        let select = format!(
            "SELECT {DESTINATION_COLUMNS} FROM destinations
             WHERE EXISTS (
                 SELECT 1 FROM events
                 WHERE state = {waiting} AND destination = destinations.id)
             ORDER BY id",
            waiting = EventState::Waiting
        );
        let mut waiting: Vec<DestinationRecord> = self.read(|connection| {
            connection
                .prepare_cached(&select)?
                .query_map([], destination)?
                .collect()
        })?;
        for record in &mut waiting {
            record.not_before = record.not_before.filter(|at| *at <= now + LONGEST_PAUSE);
        }
        waiting.retain(|record| ignore_backoff || record.not_before.is_none_or(|at| at <= now));
        Ok(waiting)
    }

    /// Takes the lock that allows sending to a destination; `None` while another sender holds it.
    ///
    /// # Errors
    /// [`OutboxError::Directory`] when the lock file cannot be created.
    pub(crate) fn try_lock_sender(&self, destination: i64) -> Result<Option<Lock>, OutboxError> {
        let lock = Lock::try_take(&self.sender_lock(destination))?;
        Ok(lock.map(Lock::sign))
    }

    /// The id of the process that sends to a destination, if known, while
    /// [`Outbox::try_lock_sender`] returns `None`.
    pub(crate) fn sender(&self, destination: i64) -> Option<u32> {
        lock::holder(&self.sender_lock(destination))
    }

    fn sender_lock(&self, destination: i64) -> PathBuf {
        self.directory.join(format!("sender-{destination}.lock"))
    }

    /// Takes the lock of the one process that waits for destinations in trouble; `None` while another
    /// process waits.
    ///
    /// # Errors
    /// [`OutboxError::Directory`] when the lock file cannot be created.
    pub(crate) fn try_lock_waiting(&self) -> Result<Option<Lock>, OutboxError> {
        Lock::try_take(&self.directory.join(WAITING))
    }

    /// Whether a process waits for destinations in trouble. The check may prevent a process from
    /// beginning to wait at the same moment, so only a person's command may ask.
    pub(crate) fn is_waited_for(&self) -> bool {
        lock::is_held(&self.directory.join(WAITING))
    }

    /// The oldest waiting events of a destination: as many batches as fit into `max_bytes` of JSON,
    /// but at least one if any waits. Events of the sessions `held` (numbers) are left out. Only
    /// the holder of the sender's lock may send them.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn claim(
        &self,
        destination: i64,
        max_bytes: usize,
        held: &BTreeSet<i64>,
    ) -> Result<Claimed, OutboxError> {
        self.read(|connection| {
            let mut select = connection.prepare_cached(&format!(
                "SELECT DISTINCT batch FROM events INDEXED BY events_waiting
                 WHERE state = {waiting} AND destination = ?1 ORDER BY batch",
                waiting = EventState::Waiting
            ))?;
            let mut rows = select.query([destination])?;
            let mut claimed = Claimed {
                changes: changes::number(connection)?,
                ..Claimed::default()
            };
            let mut bytes = 0;
            while let Some(row) = rows.next()? {
                let batch = row.get(0)?;
                let (events, sessions) = members(connection, destination, batch, held)?;
                if events.is_empty() {
                    continue;
                }
                // One byte for the comma after the batch.
                bytes += batches::bytes(connection, batch)? + 1;
                if bytes > max_bytes && !claimed.batches.is_empty() {
                    break;
                }
                match unsent(connection, destination, batch, &events)? {
                    Ok(segment) => claimed.batches.push(Batch {
                        segment,
                        sessions,
                        recording: batches::origin(connection, batch)?.recording,
                        id: batch,
                        events,
                    }),
                    Err(reason) => claimed.damaged.push(Damaged { reason, batch }),
                }
            }
            Ok(claimed)
        })
    }

    /// Whether events wait for a destination, other than those of the sessions `held` (numbers).
    ///
    /// # Errors
    /// When the database cannot be read.
    pub(crate) fn has_waiting(
        &self,
        destination: i64,
        held: &BTreeSet<i64>,
    ) -> Result<bool, OutboxError> {
        self.read(|connection| {
            let mut select = connection.prepare_cached(
                "SELECT session FROM tallies
                 WHERE destination = ?1 AND state = ?2 AND events > 0",
            )?;
            let mut rows = select.query(params![destination, EventState::Waiting])?;
            while let Some(row) = rows.next()? {
                if !held.contains(&row.get(0)?) {
                    return Ok(true);
                }
            }
            Ok(false)
        })
    }

    /// The single events of a claimed batch that still wait; the inner error describes damage of
    /// the batch since then.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn unpack(
        &self,
        destination: i64,
        batch: &Batch,
    ) -> Result<Result<Vec<Waiting>, Damaged>, OutboxError> {
        let id = batch.id;
        let events = self.read(|connection| batches::waiting(connection, destination, id))?;
        let claimed = |mut events: Vec<Waiting>| {
            events.retain(|event| batch.events.binary_search(&event.seq).is_ok());
            events
        };
        let damaged = |reason| Damaged { reason, batch: id };
        Ok(events.map(claimed).map_err(damaged))
    }

    /// The number of events that wait for a destination.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub(crate) fn waiting(&self, destination: i64) -> Result<u64, OutboxError> {
        self.read(|connection| {
            connection.query_row(
                "SELECT coalesce(sum(events), 0) FROM tallies
                 WHERE destination = ?1 AND state = ?2",
                params![destination, EventState::Waiting],
                |row| row.get(0),
            )
        })
    }

    /// Records that the server accepted these batches: their bytes are deleted, the rows of the
    /// events stay as the ledger, and the errors of the destination are cleared. An event that was
    /// replaced while it was being sent keeps waiting. One that was withdrawn or dropped meanwhile
    /// counts as sent.
    ///
    /// # Errors
    /// When the database cannot be written; then the events still wait and are sent again.
    pub fn acknowledge(
        &self,
        destination: i64,
        batches: &[Batch],
        now: DateTime<Utc>,
    ) -> Result<(), OutboxError> {
        self.accepted(destination, now, |change, fate| {
            let mut sessions = BTreeSet::new();
            for batch in batches {
                let which = Which::Batch {
                    destination,
                    batch: batch.id,
                };
                let moved = settle(change, which, EventState::Waiting, fate)?;
                sessions.extend(moved.sessions);
                if moved.events < batch.events.len() as u64 {
                    for seq in &batch.events {
                        sessions.extend(settle_late(change, *seq, fate)?);
                    }
                }
            }
            Ok(sessions)
        })
    }

    /// Records that the server accepted these single events, as [`Outbox::acknowledge`] does.
    ///
    /// # Errors
    /// When the database cannot be written; then the events still wait and are sent again.
    pub(crate) fn acknowledge_events<'a>(
        &self,
        destination: i64,
        events: impl IntoIterator<Item = &'a Waiting>,
        now: DateTime<Utc>,
    ) -> Result<(), OutboxError> {
        self.accepted(destination, now, |change, fate| {
            let mut sessions = BTreeSet::new();
            for event in events {
                let which = Which::Event {
                    seq: event.seq,
                    batch: Some(event.batch),
                };
                let moved = settle(change, which, EventState::Waiting, fate)?;
                sessions.extend(moved.sessions);
                if moved.events == 0 {
                    sessions.extend(settle_late(change, event.seq, fate)?);
                }
            }
            Ok(sessions)
        })
    }

    /// Records as accepted the events that `settle` settles; `settle` returns the numbers of their
    /// sessions.
    fn accepted(
        &self,
        destination: i64,
        now: DateTime<Utc>,
        settle: impl FnOnce(&Connection, Fate<'_>) -> rusqlite::Result<BTreeSet<i64>>,
    ) -> Result<(), OutboxError> {
        let now = milliseconds(now);
        self.write(|change| {
            let sessions = settle(change, Fate::over(EventState::Acknowledged, now))?;
            let update = "UPDATE sessions SET last_sent_at = ?2 WHERE id = ?1";
            let mut update = change.prepare_cached(update)?;
            for session in sessions {
                update.execute([session, now])?;
            }
            change
                .prepare_cached(
                    "UPDATE destinations SET failures = 0, refused = 0, not_before = NULL,
                            last_error = NULL, last_error_at = NULL, last_sent_at = ?2
                     WHERE id = ?1",
                )?
                .execute([destination, now])?;
            Ok(())
        })
    }

    /// Parks an event that the server will never accept: it is kept with the reason, in a batch of
    /// its own, and not sent again.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub(crate) fn park(
        &self,
        destination: i64,
        event: &Waiting,
        reason: &str,
        now: DateTime<Utc>,
    ) -> Result<(), OutboxError> {
        let fate = Fate {
            state: EventState::Parked,
            keeps_json: true,
            reason: Some(reason),
            settled_at: Some(milliseconds(now)),
        };
        self.write(|change| {
            // `event` can be a shortened version of the stored one.
            let stored = batches::waiting(change, destination, event.batch)?.unwrap_or_default();
            let Some(stored) = stored.iter().find(|stored| stored.seq == event.seq) else {
                // The event was replaced, or its batch is damaged: the next claim reports it.
                return Ok(());
            };
            let origin = batches::origin(change, event.batch)?;
            let alone = Segment::pack([&stored.body[..]]);
            let alone = batches::write(change, None, &alone, origin)?;
            let update = "UPDATE events SET batch = ?2, start = 0, digest = ?3 WHERE seq = ?1";
            change.execute(update, params![event.seq, alone, digest(&stored.body)])?;
            let which = Which::Event {
                seq: event.seq,
                batch: Some(alone),
            };
            settle(change, which, EventState::Waiting, fate)?;
            batches::release(change, event.batch)?;
            Ok(())
        })
    }

    /// Parks the events of a damaged batch, and deletes the checkpoints of their sessions, so that
    /// the next run that reads the sessions stores the events anew. Returns their number.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub(crate) fn set_aside(
        &self,
        destination: i64,
        damaged: &Damaged,
        now: DateTime<Utc>,
    ) -> Result<u64, OutboxError> {
        let fate = Fate {
            reason: Some(damaged.reason),
            ..Fate::over(EventState::Parked, milliseconds(now))
        };
        self.write(|change| {
            let which = Which::Batch {
                destination,
                batch: damaged.batch,
            };
            let moved = settle(change, which, EventState::Waiting, fate)?;
            for session in moved.sessions {
                read_again(change, session)?;
            }
            Ok(moved.events)
        })
    }

    /// Records that sending failed: automatic senders leave the destination alone until
    /// `not_before`. `refused` means that the failure will not pass by itself. A power failure may
    /// lose the record, which costs one more attempt: waiting for the disk would keep a person
    /// waiting.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub(crate) fn fail(
        &self,
        destination: i64,
        not_before: DateTime<Utc>,
        reason: &str,
        refused: bool,
        now: DateTime<Utc>,
    ) -> Result<(), OutboxError> {
        self.write_ahead(|change| {
            change.execute(
                "UPDATE destinations SET failures = failures + 1, not_before = ?2,
                        last_error = ?3, refused = ?4, last_error_at = ?5
                 WHERE id = ?1",
                params![
                    destination,
                    milliseconds(not_before),
                    reason,
                    refused,
                    milliseconds(now)
                ],
            )?;
            Ok(())
        })
    }

    /// Whether a destination has the AI lane; `None` if unknown.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub(crate) fn ai_lane(&self, destination: &Destination) -> Result<Option<bool>, OutboxError> {
        let committed_by = destination.committed_by.as_deref().unwrap_or_default();
        let identity = [&destination.host, &destination.api_key, committed_by];
        let known = self.read(|connection| {
            let select = "SELECT ai_lane FROM destinations
                          WHERE host = ?1 AND api_key = ?2 AND committed_by = ?3";
            let mut select = connection.prepare_cached(select)?;
            select.query_row(identity, |row| row.get(0)).optional()
        })?;
        Ok(known.flatten())
    }

    /// Records whether a destination has the AI lane.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub(crate) fn remember_ai_lane(
        &self,
        destination: i64,
        exists: bool,
    ) -> Result<(), OutboxError> {
        self.write(|change| {
            let update = "UPDATE destinations SET ai_lane = ?2 WHERE id = ?1";
            change.execute(update, params![destination, exists])?;
            Ok(())
        })
    }
}

/// The waiting events of a batch: the stored segment itself if all of its events wait. The inner
/// error describes damage.
fn unsent(
    connection: &Connection,
    destination: i64,
    batch: i64,
    events: &[i64],
) -> rusqlite::Result<Result<Segment, &'static str>> {
    let segment = batches::read(connection, batch)?;
    if segment
        .as_ref()
        .is_ok_and(|it| it.events != events.len() as u64)
    {
        let rest = batches::waiting(connection, destination, batch)?;
        return Ok(rest.map(|rest| {
            let rest = rest.iter();
            let rest = rest.filter(|event| events.binary_search(&event.seq).is_ok());
            Segment::pack(rest.map(|event| &event.body[..]))
        }));
    }
    Ok(segment)
}

/// The numbers of a batch's events that wait for a destination, sorted, and of their sessions,
/// without held sessions.
fn members(
    connection: &Connection,
    destination: i64,
    batch: i64,
    held: &BTreeSet<i64>,
) -> rusqlite::Result<(Vec<i64>, BTreeSet<i64>)> {
    let mut select = connection.prepare_cached(&format!(
        "SELECT seq, session FROM events INDEXED BY events_waiting
         WHERE state = {waiting} AND destination = ?1 AND batch = ?2 ORDER BY seq",
        waiting = EventState::Waiting
    ))?;
    let mut rows = select.query([destination, batch])?;
    let (mut events, mut sessions) = (Vec::new(), BTreeSet::new());
    while let Some(row) = rows.next()? {
        let (event, session) = (row.get(0)?, row.get(1)?);
        if !held.contains(&session) {
            events.push(event);
            sessions.insert(session);
        }
    }
    Ok((events, sessions))
}

/// Settles an event that was accepted after it was withdrawn or dropped. Returns the number of its
/// session.
fn settle_late(change: &Connection, seq: i64, fate: Fate<'_>) -> rusqlite::Result<BTreeSet<i64>> {
    let which = Which::Event { seq, batch: None };
    let mut sessions = BTreeSet::new();
    for state in [
        EventState::Withdrawn,
        EventState::DroppedForAge,
        EventState::DroppedForSize,
    ] {
        sessions.extend(settle(change, which, state, fate)?.sessions);
    }
    Ok(sessions)
}
