//! The index over the identities of events, at the same cost however many there are.
//!
//! Identities are hashes: in one large index every new one would change a page of its own, and to
//! store a thousand small events a thousand pages would be written. So the index has levels, as in
//! a log-structured merge tree: new identities gather in a table of a few pages, and a table that
//! is full is merged into the next, in order, many to a page. The view `identities` shows all.

use rusqlite::Connection;

/// What makes a table full, and where its identities then go. What does not fit into a
/// processor's cache, or is written for a thousand new events, is small; the last table is never
/// full.
const LEVELS: [(i64, &str, &str); 2] = [
    (8 * 1024, "new_identities", "recent_identities"),
    (128 * 1024, "recent_identities", "old_identities"),
];

/// Empties the tables that are full.
pub(super) fn merge(change: &Connection) -> rusqlite::Result<()> {
    for (full, from, to) in LEVELS {
        let count = format!("SELECT count(*) FROM {from}");
        let count: i64 = change
            .prepare_cached(&count)?
            .query_row([], |row| row.get(0))?;
        if count < full {
            break;
        }
        change.execute_batch(&format!(
            "INSERT INTO {to} SELECT * FROM {from}; DELETE FROM {from};"
        ))?;
    }
    Ok(())
}
