//! Size and age limits of the outbox, and the events dropped above them.

use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::Connection;

use super::EventState::{DroppedForAge, DroppedForSize, Parked, Waiting};
use super::ledger::{Fate, Which, settle, size};
use super::records::{Destination, Dropped, Load, milliseconds};
use super::{Outbox, OutboxError};

/// Age at which unsent events are dropped. PostHog keeps content for 30 days.
pub(crate) const MAX_AGE: TimeDelta = TimeDelta::days(30);
/// Maximum size of unsent events, in bytes of JSON. On disk they take about a seventh: enough for
/// months of heavy use, and harmless on a laptop that never gets a connection.
pub(crate) const MAX_BYTES: u64 = 1024 * 1024 * 1024;

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
             FROM destinations CROSS JOIN tallies
             WHERE destination = destinations.id AND state IN ({Waiting}, {Parked})"
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
            let held: u64 = connection.query_row(
                "SELECT coalesce(sum(bytes), 0) FROM destinations CROSS JOIN tallies
                 WHERE destination = destinations.id AND state IN (?1, ?2)",
                [Waiting, Parked],
                |row| row.get(0),
            )?;
            let expired = expired(connection, cutoff)?;
            Ok((expired, held.saturating_sub(max_bytes)))
        })?;
        if expired.is_empty() && excess == 0 {
            return Ok(Dropped::default());
        }
        let now = milliseconds(now);
        self.write(|change| {
            let mut dropped = Dropped::default();
            for which in expired {
                let fate = Fate::over(DroppedForAge, now);
                dropped.by_age += settle(change, which, Waiting, fate)?.events;
            }
            dropped.by_size = drop_excess(change, excess, now)?;
            Ok(dropped)
        })
    }
}

/// The waiting events that were stored before a time.
fn expired(connection: &Connection, cutoff: i64) -> rusqlite::Result<Vec<Which>> {
    connection
        .prepare(&format!(
            "SELECT destinations.id, batches.id FROM batches CROSS JOIN destinations
             WHERE stored_at < ?1 AND EXISTS (
                 SELECT 1 FROM events INDEXED BY events_waiting
                 WHERE state = {Waiting} AND destination = destinations.id
                     AND batch = batches.id)"
        ))?
        .query_map([cutoff], |row| {
            Ok(Which::Batch {
                destination: row.get(0)?,
                batch: row.get(1)?,
            })
        })?
        .collect()
}

fn drop_excess(change: &Connection, mut excess: u64, now: i64) -> rusqlite::Result<u64> {
    let mut dropped = 0;
    for state in [Parked, Waiting] {
        if excess == 0 {
            break;
        }
        // All rows are read first: a query must not iterate over rows that move.
        let oldest: Vec<(Which, u64)> = change
            .prepare(&format!(
                "SELECT seq, batch, size FROM events WHERE state = {state} ORDER BY batch, start"
            ))?
            .query_map([], |row| {
                let (seq, batch) = (row.get(0)?, row.get(1)?);
                Ok((Which::Event { seq, batch }, size(row, 2)?))
            })?
            .collect::<rusqlite::Result<_>>()?;
        for (which, size) in oldest {
            if excess == 0 {
                break;
            }
            settle(change, which, state, Fate::over(DroppedForSize, now))?;
            excess = excess.saturating_sub(size);
            dropped += 1;
        }
    }
    Ok(dropped)
}
