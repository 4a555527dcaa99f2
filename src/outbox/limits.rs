//! Size and age limits of the outbox, and what is dropped when they are exceeded.

use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::{Connection, params};

use super::EventState::{DroppedForAge, DroppedForSize, Parked, Waiting};
use super::records::{Destination, Dropped, Load, milliseconds};
use super::{Outbox, OutboxError};

/// Age at which unsent events are dropped. PostHog keeps content for 30 days.
pub(crate) const MAX_AGE: TimeDelta = TimeDelta::days(30);
/// Maximum size of the bodies of unsent events on disk, in bytes. Enough for months of heavy use,
/// and harmless on a laptop that never gets a connection.
pub(crate) const MAX_BYTES: u64 = 1024 * 1024 * 1024;

/// Unused pages above which space is given back to the file system; fewer will be needed again
/// soon.
const SPARE_PAGES: i64 = 2048;
/// Pages given back per transaction, so that other processes do not wait long for the database.
const PAGES_AT_A_TIME: i64 = 8192;

impl Outbox {
    /// The size of the outbox, and its limit.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub(crate) fn load(&self, destination: &Destination) -> Result<Load, OutboxError> {
        let committed_by = destination.committed_by.as_deref().unwrap_or_default();
        let identity = [&destination.host, &destination.api_key, committed_by];
        let select = format!(
            "SELECT coalesce(sum(bytes), 0), coalesce(sum(bytes) FILTER (
                 WHERE state = {Waiting} AND destination = (
                     SELECT id FROM destinations
                     WHERE host = ?1 AND api_key = ?2 AND committed_by = ?3)), 0)
             FROM tallies WHERE state IN ({Waiting}, {Parked})"
        );
        self.read(|connection| {
            connection.query_row(&select, identity, |row| {
                Ok(Load {
                    held: row.get(0)?,
                    waiting: row.get(1)?,
                    limit: self.max_bytes,
                })
            })
        })
    }

    /// Drops events that waited longer than [`MAX_AGE`], and the oldest events above the size limit
    /// ([`MAX_BYTES`] unless [`Outbox::limited_to`] set another), parked events first. A dropped
    /// event keeps its row and is counted.
    ///
    /// # Errors
    /// When the database cannot be read or written.
    pub(crate) fn enforce_limits(&self, now: DateTime<Utc>) -> Result<Dropped, OutboxError> {
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
                &format!(
                    "SELECT EXISTS (
                         SELECT 1 FROM destinations JOIN events ON destination = destinations.id
                         WHERE state = {Waiting} AND enqueued_at < ?1)"
                ),
                [cutoff],
                |row| row.get(0),
            )?;
            let held: u64 = connection.query_row(
                "SELECT coalesce(sum(bytes), 0) FROM tallies WHERE state IN (?1, ?2)",
                [Waiting, Parked],
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

    /// Gives the pages of acknowledged events back to the file system if there are many.
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

fn drop_expired(change: &Connection, cutoff: i64, now: i64) -> rusqlite::Result<u64> {
    let is_expired = format!("state = {Waiting} AND enqueued_at < ?1");
    let delete =
        format!("DELETE FROM bodies WHERE seq IN (SELECT seq FROM events WHERE {is_expired})");
    change.execute(&delete, [cutoff])?;
    let update =
        format!("UPDATE events SET state = {DroppedForAge}, settled_at = ?2 WHERE {is_expired}");
    let dropped = change.execute(&update, [cutoff, now])?;
    Ok(dropped as u64)
}

fn drop_excess(change: &Connection, mut excess: u64, now: i64) -> rusqlite::Result<u64> {
    if excess == 0 {
        return Ok(0);
    }
    let mut update =
        change.prepare("UPDATE events SET state = ?3, settled_at = ?2 WHERE seq = ?1")?;
    let mut delete = change.prepare("DELETE FROM bodies WHERE seq = ?1")?;
    let mut dropped = 0;
    for state in [Parked, Waiting] {
        // All rows are read first: rows must not move under a query that iterates over them.
        let oldest: Vec<(i64, u64)> = change
            .prepare(&format!(
                "SELECT seq, size FROM events WHERE state = {state} ORDER BY enqueued_at, seq"
            ))?
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<rusqlite::Result<_>>()?;
        for (seq, size) in oldest {
            if excess == 0 {
                return Ok(dropped);
            }
            update.execute(params![seq, now, DroppedForSize])?;
            delete.execute([seq])?;
            excess = excess.saturating_sub(size);
            dropped += 1;
        }
    }
    Ok(dropped)
}
