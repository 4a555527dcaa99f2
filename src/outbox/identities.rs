//! Which event has an identity, at the same cost however many there are.
//!
//! Identities are hashes: in one large index every new one would change a page of its own, and to
//! store a thousand small events a thousand pages would be written. So the index has levels, as in
//! a log-structured merge tree. New identities gather in a first level of a few pages; a level
//! that is full moves into the next, in order, many to a page.

use rusqlite::{CachedStatement, Connection};

/// The condition that an event has the identity `?1`, at whatever level.
macro_rules! is_identity {
    () => {
        "uuid = ?1 AND level IN (0, 1, 2)"
    };
}
pub(super) use is_identity;

/// The level that is never full: the fourth, which fills after a million events.
const LAST: u32 = 2;
/// What the first level takes. A level takes this many times as much as the one before it.
const FIRST: u64 = 8192;
const GROWTH: u64 = 16;

/// Empties the levels that are full.
pub(super) fn merge(change: &Connection) -> rusqlite::Result<()> {
    let mut room = FIRST;
    for level in 0..LAST {
        let mut count = prepare(change, "SELECT count(*) FROM events WHERE level = ?1")?;
        if count.query_row([level], |row| row.get::<_, u64>(0))? < room {
            break;
        }
        prepare(change, "UPDATE OR FAIL events SET level = level + 1 WHERE level = ?1")?.execute([level])?;
        room *= GROWTH;
    }
    Ok(())
}

fn prepare<'c>(change: &'c Connection, sql: &str) -> rusqlite::Result<CachedStatement<'c>> {
    change.prepare_cached(sql)
}
