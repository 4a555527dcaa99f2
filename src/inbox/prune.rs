//! Removal of old traces, in steps that hold up no delivery.
//!
//! A mapped trace is removed when it is old or when room is needed. A waiting trace is never
//! removed to make room, since its sender was told that it is safe. It is only removed for its age,
//! which has a count of its own.

use rusqlite::{Connection, params};

use super::Settings;
use super::facts::{self, Counts, Fact};
use super::time::{span_millis, to_millis};

/// Numbers of traces that [`Inbox::prune`](super::Inbox::prune) removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pruned {
    /// Traces that were mapped.
    pub mapped: u64,
    /// Traces that waited for longer than the age limit. Their spans were never sent.
    pub expired: u64,
}

/// Number of traces to remove in one transaction. Each takes a fraction of a millisecond.
const STEP: u32 = 100;
/// Maximum number of steps for which a delivery waits. After the limit was lowered, many are
/// needed.
const STEPS: usize = 8;
/// Number of free pages (of 4 KiB) to give back to the file system in one transaction.
const PAGES: u32 = 1024;

/// Removes some traces; `true` when there may be more.
pub(super) fn step(
    connection: &Connection,
    settings: &Settings,
    now: std::time::SystemTime,
    counts: &mut Counts,
) -> rusqlite::Result<(Pruned, bool)> {
    let at = to_millis(now);
    let oldest = at.saturating_sub(span_millis(settings.keep));
    let mapped = remove(connection, false, oldest)?;
    let mapped = match mapped {
        0 if used(connection)? > settings.max_bytes => remove(connection, false, i64::MAX)?,
        some => some,
    };
    let expired = remove(connection, true, oldest)?;
    facts::add(counts, Fact::Pruned, "", mapped, at);
    facts::add(counts, Fact::Expired, "", expired, at);
    let is_more = mapped + expired > 0;
    Ok((Pruned { mapped, expired }, is_more))
}

/// Makes room for a delivery by removing the oldest mapped traces; `false` when that is not enough.
pub(super) fn make_room(
    connection: &Connection,
    settings: &Settings,
    at: i64,
    counts: &mut Counts,
) -> rusqlite::Result<bool> {
    let mut removed = 0;
    for _ in 0..STEPS {
        if used(connection)? <= settings.max_bytes {
            break;
        }
        match remove(connection, false, i64::MAX)? {
            0 if removed == 0 => return Ok(false),
            0 => break,
            some => removed += some,
        }
    }
    facts::add(counts, Fact::Pruned, "", removed, at);
    Ok(true)
}

/// Bytes in use in the database.
pub(super) fn used(connection: &Connection) -> rusqlite::Result<u64> {
    let number = |name| -> rusqlite::Result<u64> {
        connection.pragma_query_value(None, name, |row| row.get(0))
    };
    let pages = number("page_count")?.saturating_sub(number("freelist_count")?);
    Ok(pages * number("page_size")?)
}

/// Gives free pages back to the file system; `true` when there may be more.
pub(super) fn shrink(connection: &Connection) -> rusqlite::Result<bool> {
    let free = || -> rusqlite::Result<u32> {
        connection.pragma_query_value(None, "freelist_count", |row| row.get(0))
    };
    let before = free()?;
    let mut vacuum = connection.prepare(&format!("PRAGMA incremental_vacuum({PAGES})"))?;
    // Each row stands for a page that was given back.
    let mut pages = vacuum.query([])?;
    while pages.next()?.is_some() {}
    drop(pages);
    let left = free()?;
    Ok(0 < left && left < before)
}

/// Removes the oldest traces in a state, at most [`STEP`] of them.
fn remove(connection: &Connection, is_waiting: bool, until: i64) -> rusqlite::Result<u64> {
    let mut oldest = connection.prepare_cached(
        "SELECT id FROM traces WHERE is_waiting = ?1 AND last_received < ?2
         ORDER BY last_received LIMIT ?3",
    )?;
    let traces = oldest.query_map(params![is_waiting, until, STEP], |row| row.get(0))?;
    let traces: Vec<i64> = traces.collect::<rusqlite::Result<_>>()?;
    for delete in [
        "DELETE FROM items WHERE trace = ?1",
        "DELETE FROM chunks WHERE trace = ?1",
        "DELETE FROM sessions WHERE trace = ?1",
        "DELETE FROM traces WHERE id = ?1",
    ] {
        let mut delete = connection.prepare_cached(delete)?;
        for trace in &traces {
            delete.execute([trace])?;
        }
    }
    Ok(traces.len() as u64)
}
