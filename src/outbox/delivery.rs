//! Taking events out: claiming, acknowledging, parking.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::{Connection, OptionalExtension, params};
use uuid::Uuid;

use super::enqueue::digest as digest_of;
use super::records::{Claimed, Damaged, Destination, DestinationRecord, Waiting, milliseconds};
use super::{
    DESTINATION_COLUMNS, EventState, Lock, Outbox, OutboxError, destination, lock, read_again,
};

/// Longest pause of a destination: a day for one that refuses us, and an hour for a clock that is set
/// back a little.
const LONGEST_PAUSE: TimeDelta = TimeDelta::hours(25);

/// Name of the lock of the process that waits for destinations in trouble.
const WAITING: &str = "sender-waiting.lock";

impl Outbox {
    /// The state directory.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// The destinations with waiting events. Paused destinations are left out unless
    /// `ignore_backoff`. A pause that is longer than any that is set was set by a clock that was
    /// wrong, and counts as over.
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

    /// The id of the process that sends to a destination, while [`Outbox::try_lock_sender`] returns
    /// `None`; where it is known.
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

    /// Whether a process waits for destinations in trouble. A process that begins to wait at the
    /// same moment may be kept from it, so only a person's command may ask.
    pub(crate) fn is_waited_for(&self) -> bool {
        lock::is_held(&self.directory.join(WAITING))
    }

    /// The oldest waiting events of a destination: as many as fit into `max_bytes`, counting
    /// `overhead` bytes for each, but at least one if any waits. Only the holder of the sender's
    /// lock may send them. Events whose body differs from the one that was stored are returned
    /// separately, for `Outbox::set_aside`.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn claim(
        &self,
        destination: i64,
        max_bytes: usize,
        overhead: usize,
    ) -> Result<Claimed, OutboxError> {
        self.read(|connection| {
            let mut select = connection.prepare_cached(&format!(
                "SELECT events.seq, uuid, name, body, digest, events.size
                 FROM events INDEXED BY events_waiting
                 LEFT JOIN bodies ON bodies.seq = events.seq
                 WHERE state = {waiting} AND destination = ?1 ORDER BY enqueued_at, events.seq",
                waiting = EventState::Waiting
            ))?;
            let mut rows = select.query([destination])?;
            let mut claimed = Claimed::default();
            let mut bytes = 0;
            while let Some(row) = rows.next()? {
                bytes += row.get::<_, usize>(5)? + overhead;
                if bytes > max_bytes && !claimed.events.is_empty() {
                    break;
                }
                let seq = row.get(0)?;
                let uuid = Uuid::from_bytes(row.get(1)?);
                let name = row.get(2)?;
                let digest: Vec<u8> = row.get(4)?;
                let body: Option<Vec<u8>> = row.get(3)?;
                let reason = match body {
                    Some(body) if digest == digest_of(&body) => {
                        claimed.events.push(Waiting {
                            seq,
                            uuid,
                            name,
                            body,
                            digest,
                        });
                        continue;
                    }
                    Some(_) => "its stored text was changed by something else",
                    None => "its stored text is missing",
                };
                claimed.damaged.push(Damaged {
                    uuid,
                    name,
                    reason,
                    seq,
                    digest,
                });
            }
            Ok(claimed)
        })
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

    /// Records that the server accepted these events: their bodies are deleted, their rows stay as
    /// the ledger, and the errors of the destination are cleared. An event that was replaced while
    /// it was being sent keeps waiting.
    ///
    /// # Errors
    /// When the database cannot be written; then the events still wait and are sent again.
    pub fn acknowledge(
        &self,
        destination: i64,
        events: &[Waiting],
        now: DateTime<Utc>,
    ) -> Result<(), OutboxError> {
        let now = milliseconds(now);
        self.write(|change| {
            let mut sessions = BTreeSet::new();
            for event in events {
                sessions.extend(settle(change, event, EventState::Acknowledged, None, now)?);
            }
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

    /// Parks an event that the server will never accept: it is kept with the reason and not sent
    /// again.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub(crate) fn park(
        &self,
        event: &Waiting,
        reason: &str,
        now: DateTime<Utc>,
    ) -> Result<(), OutboxError> {
        let (reason, now) = (Some(reason), milliseconds(now));
        self.write(|change| settle(change, event, EventState::Parked, reason, now))?;
        Ok(())
    }

    /// Parks an event whose body differs from the one that was stored, and deletes the checkpoint
    /// of its session, so that the next run that reads the session stores the event anew.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub(crate) fn set_aside(&self, event: &Damaged, now: DateTime<Utc>) -> Result<(), OutboxError> {
        self.write(|change| {
            let session: Option<i64> = change
                .query_row(
                    "UPDATE events SET state = ?6, reason = ?2, settled_at = ?3, digest = x''
                     WHERE seq = ?1 AND state = ?5 AND digest = ?4 RETURNING session",
                    params![
                        event.seq,
                        event.reason,
                        milliseconds(now),
                        event.digest,
                        EventState::Waiting,
                        EventState::Parked
                    ],
                    |row| row.get(0),
                )
                .optional()?;
            session.map_or(Ok(()), |session| read_again(change, session))
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

/// Changes the state of a waiting event, unless the event was replaced since it was claimed. Only a
/// parked event keeps its body. Returns the session of the event if it was changed.
fn settle(
    change: &Connection,
    event: &Waiting,
    state: EventState,
    reason: Option<&str>,
    now: i64,
) -> rusqlite::Result<Option<i64>> {
    let session = change
        .prepare_cached(
            "UPDATE events SET state = ?2, reason = ?3, settled_at = ?4
             WHERE seq = ?1 AND state = ?6 AND digest = ?5 RETURNING session",
        )?
        .query_row(
            params![
                event.seq,
                state,
                reason,
                now,
                event.digest,
                EventState::Waiting
            ],
            |row| row.get(0),
        )
        .optional()?;
    if session.is_some() && !state.has_body() {
        change
            .prepare_cached("DELETE FROM bodies WHERE seq = ?1")?
            .execute([event.seq])?;
    }
    Ok(session)
}
