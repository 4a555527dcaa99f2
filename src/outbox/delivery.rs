//! Taking events out: what a sender claims, acknowledges, parks, and what the limits drop.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::{Connection, OptionalExtension, params};
use uuid::Uuid;

use super::enqueue::digest as digest_of;
use super::records::{
    Claimed, Damaged, Destination, DestinationRecord, Dropped, Load, Waiting, milliseconds,
};
use super::{DESTINATION_COLUMNS, Lock, Outbox, OutboxError, destination};

/// Events that could not be sent for this long are dropped: PostHog keeps content for 30 days.
pub const MAX_AGE: TimeDelta = TimeDelta::days(30);
/// What the bodies of unsent events may take on the disk: months of heavy use, and little enough
/// not to hurt a laptop that never gets through.
pub const MAX_BYTES: u64 = 1024 * 1024 * 1024;

/// Unused pages worth giving back to the file system; fewer will be needed again soon.
const SPARE_PAGES: i64 = 2048;
/// Pages given back at a time, so that nobody waits long for the database.
const PAGES_AT_A_TIME: i64 = 8192;

impl Outbox {
    /// The destinations for which events wait, without those whose time has not come unless
    /// `ignore_backoff`.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn destinations_waiting(
        &self,
        now: DateTime<Utc>,
        ignore_backoff: bool,
    ) -> Result<Vec<DestinationRecord>, OutboxError> {
        let select = format!(
            "SELECT {DESTINATION_COLUMNS} FROM destinations
             WHERE (?1 OR not_before IS NULL OR not_before <= ?2) AND EXISTS (
                 SELECT 1 FROM events WHERE state = 0 AND destination = destinations.id)
             ORDER BY id"
        );
        self.read(|connection| {
            connection
                .prepare_cached(&select)?
                .query_map(params![ignore_backoff, milliseconds(now)], destination)?
                .collect()
        })
    }

    /// The right to send to a destination, or `None` while another sender has it.
    ///
    /// # Errors
    /// [`OutboxError::Directory`] when the lock file cannot be made.
    pub fn try_lock_sender(&self, destination: i64) -> Result<Option<Lock>, OutboxError> {
        let name = format!("sender-{destination}.lock");
        Lock::try_take(&self.directory.join(name))
    }

    /// The oldest waiting events of a destination: as many as fit into `max_bytes` with
    /// `overhead` bytes for each, at least one, none when none waits. Only who holds
    /// [`Outbox::try_lock_sender`] may send them. Those whose body is not the one that was stored
    /// are told apart: they are for [`Outbox::set_aside`].
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
            let mut select = connection.prepare_cached(
                "SELECT events.seq, uuid, name, body, digest, events.size
                 FROM events INDEXED BY events_waiting
                 LEFT JOIN bodies ON bodies.seq = events.seq
                 WHERE state = 0 AND destination = ?1 ORDER BY enqueued_at, events.seq",
            )?;
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

    /// How many events wait for a destination.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn waiting(&self, destination: i64) -> Result<u64, OutboxError> {
        self.read(|connection| {
            connection.query_row(
                "SELECT coalesce(sum(events), 0) FROM tallies
                 WHERE destination = ?1 AND state = 0",
                [destination],
                |row| row.get(0),
            )
        })
    }

    /// How much the outbox holds, against its limit.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn load(&self, destination: &Destination) -> Result<Load, OutboxError> {
        let committed_by = destination.committed_by.as_deref().unwrap_or_default();
        let identity = [&destination.host, &destination.api_key, committed_by];
        self.read(|connection| {
            connection.query_row(
                "SELECT coalesce(sum(bytes), 0), coalesce(sum(bytes) FILTER (
                     WHERE state = 0 AND destination = (
                         SELECT id FROM destinations
                         WHERE host = ?1 AND api_key = ?2 AND committed_by = ?3)), 0)
                 FROM tallies WHERE state IN (0, 2)",
                identity,
                |row| {
                    Ok(Load {
                        held: row.get(0)?,
                        waiting: row.get(1)?,
                        limit: self.max_bytes,
                    })
                },
            )
        })
    }

    /// The server took these events: their bodies go, their rows stay as the ledger, and the
    /// destination is in good health. An event that was replaced while it was on its way goes on
    /// waiting.
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
                sessions.extend(settle(change, event, 1, None, now)?);
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

    /// The server will never take this event: it is kept with the reason, not sent again.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn park(
        &self,
        event: &Waiting,
        reason: &str,
        now: DateTime<Utc>,
    ) -> Result<(), OutboxError> {
        self.write(|change| settle(change, event, 2, Some(reason), milliseconds(now)))?;
        Ok(())
    }

    /// Parks an event whose body is not the one that was stored, and forgets how far its session
    /// was read: the next run that reads the session stores the event anew.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn set_aside(&self, event: &Damaged, now: DateTime<Utc>) -> Result<(), OutboxError> {
        self.write(|change| {
            let session: Option<i64> = change
                .query_row(
                    "UPDATE events SET state = 2, reason = ?2, settled_at = ?3, digest = x''
                     WHERE seq = ?1 AND state = 0 AND digest = ?4 RETURNING session",
                    params![event.seq, event.reason, milliseconds(now), event.digest],
                    |row| row.get(0),
                )
                .optional()?;
            if let Some(session) = session {
                change.execute(
                    "UPDATE sessions SET checkpoint = NULL, generation = generation + 1
                     WHERE id = ?1",
                    [session],
                )?;
                change.execute("DELETE FROM transcripts", [])?;
            }
            Ok(())
        })
    }

    /// Parked events wait again, for a user who knows that the reason is gone. Answers how many.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn unpark(&self) -> Result<usize, OutboxError> {
        self.write(|change| {
            change.execute(
                "UPDATE events SET state = 0, settled_at = NULL, reason = NULL WHERE state = 2",
                [],
            )
        })
    }

    /// Sending failed: automatic senders leave the destination alone until `not_before`.
    /// `refused` says that time alone will not mend it.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn fail(
        &self,
        destination: i64,
        not_before: DateTime<Utc>,
        reason: &str,
        refused: bool,
        now: DateTime<Utc>,
    ) -> Result<(), OutboxError> {
        self.write(|change| {
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

    /// Whether a destination has the AI lane, as far as it is known.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn ai_lane(&self, destination: &Destination) -> Result<Option<bool>, OutboxError> {
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

    /// Remembers whether a destination has the AI lane.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn remember_ai_lane(&self, destination: i64, exists: bool) -> Result<(), OutboxError> {
        self.write(|change| {
            let update = "UPDATE destinations SET ai_lane = ?2 WHERE id = ?1";
            change.execute(update, params![destination, exists])?;
            Ok(())
        })
    }

    /// Forgets every event of a destination, sent or not, and how far its sessions were read: for
    /// a user who sent them to the wrong project, and now reads them again for the right one.
    /// Answers how many events were forgotten.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn forget(&self, destination: i64) -> Result<usize, OutboxError> {
        self.write(|change| {
            change.execute(
                "UPDATE sessions SET checkpoint = NULL, generation = generation + 1
                 WHERE id IN (SELECT session FROM tallies WHERE destination = ?1 AND events > 0)",
                [destination],
            )?;
            change.execute(
                "DELETE FROM bodies
                 WHERE seq IN (SELECT seq FROM events WHERE destination = ?1)",
                [destination],
            )?;
            change.execute("DELETE FROM transcripts", [])?;
            change.execute("DELETE FROM events WHERE destination = ?1", [destination])
        })
    }

    /// Drops what waited longer than [`MAX_AGE`], and the oldest of what takes more than the limit
    /// ([`MAX_BYTES`] unless [`Outbox::limited_to`] said otherwise), parked events first. What was
    /// dropped keeps its row and is counted.
    ///
    /// # Errors
    /// When the database cannot be read or written.
    pub fn enforce_limits(&self, now: DateTime<Utc>) -> Result<Dropped, OutboxError> {
        self.enforce(now, self.max_bytes)
    }

    pub(super) fn enforce(
        &self,
        now: DateTime<Utc>,
        max_bytes: u64,
    ) -> Result<Dropped, OutboxError> {
        let cutoff = milliseconds(now - MAX_AGE);
        let (expired, excess) = self.read(|connection| {
            let expired: bool = connection.query_row(
                "SELECT EXISTS (
                     SELECT 1 FROM destinations JOIN events ON destination = destinations.id
                     WHERE state = 0 AND enqueued_at < ?1)",
                [cutoff],
                |row| row.get(0),
            )?;
            let held: u64 = connection.query_row(
                "SELECT coalesce(sum(bytes), 0) FROM tallies WHERE state IN (0, 2)",
                [],
                |row| row.get(0),
            )?;
            Ok((expired, held.saturating_sub(max_bytes)))
        })?;
        if !expired && excess == 0 {
            return Ok(Dropped::default());
        }
        self.write(|change| {
            Ok(Dropped {
                by_age: drop_expired(change, cutoff, milliseconds(now))?,
                by_size: drop_excess(change, excess, milliseconds(now))?,
            })
        })
    }

    /// Gives the pages of acknowledged events back to the file system when there are many.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn give_back_space(&self) -> Result<(), OutboxError> {
        let spare = || {
            self.read(|connection| {
                connection.pragma_query_value(None, "freelist_count", |row| row.get::<_, i64>(0))
            })
        };
        let mut left = spare()?;
        while left > SPARE_PAGES {
            self.write(|change| {
                let vacuum = format!("PRAGMA incremental_vacuum({PAGES_AT_A_TIME})");
                let mut statement = change.prepare(&vacuum)?;
                let mut rows = statement.query([])?;
                while rows.next()?.is_some() {}
                Ok(())
            })?;
            let now_left = spare()?;
            if now_left >= left {
                break;
            }
            left = now_left;
        }
        Ok(())
    }
}

/// Moves a waiting event on, unless it was replaced since it was claimed. Only a parked event
/// keeps its body. Answers the session of an event that was moved.
fn settle(
    change: &Connection,
    event: &Waiting,
    state: i64,
    reason: Option<&str>,
    now: i64,
) -> rusqlite::Result<Option<i64>> {
    let session = change
        .prepare_cached(
            "UPDATE events SET state = ?2, reason = ?3, settled_at = ?4
             WHERE seq = ?1 AND state = 0 AND digest = ?5 RETURNING session",
        )?
        .query_row(
            params![event.seq, state, reason, now, event.digest],
            |row| row.get(0),
        )
        .optional()?;
    if session.is_some() && state != 2 {
        change
            .prepare_cached("DELETE FROM bodies WHERE seq = ?1")?
            .execute([event.seq])?;
    }
    Ok(session)
}

fn drop_expired(change: &Connection, cutoff: i64, now: i64) -> rusqlite::Result<u64> {
    change.execute(
        "DELETE FROM bodies WHERE seq IN
             (SELECT seq FROM events WHERE state = 0 AND enqueued_at < ?1)",
        [cutoff],
    )?;
    let dropped = change.execute(
        "UPDATE events SET state = 3, settled_at = ?2
         WHERE state = 0 AND enqueued_at < ?1",
        [cutoff, now],
    )?;
    Ok(dropped as u64)
}

fn drop_excess(change: &Connection, mut excess: u64, now: i64) -> rusqlite::Result<u64> {
    if excess == 0 {
        return Ok(0);
    }
    let mut update =
        change.prepare("UPDATE events SET state = 4, settled_at = ?2 WHERE seq = ?1")?;
    let mut delete = change.prepare("DELETE FROM bodies WHERE seq = ?1")?;
    let mut dropped = 0;
    for state in [2, 0] {
        // All of them are read first: rows must not move under a query that walks them.
        let oldest: Vec<(i64, u64)> = change
            .prepare("SELECT seq, size FROM events WHERE state = ?1 ORDER BY enqueued_at, seq")?
            .query_map([state], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<rusqlite::Result<_>>()?;
        for (seq, size) in oldest {
            if excess == 0 {
                return Ok(dropped);
            }
            update.execute([seq, now])?;
            delete.execute([seq])?;
            excess = excess.saturating_sub(size);
            dropped += 1;
        }
    }
    Ok(dropped)
}
