//! The number of changes of waiting events, by which a sender notices that the events in its memory
//! differ from those that wait.

use rusqlite::{Connection, OptionalExtension, params};

use super::{Outbox, OutboxError};

/// The key of the number in `meta`.
const CHANGES: &str = "changes";

impl Outbox {
    /// Number of times that waiting events were withdrawn or lost content. Events claimed before
    /// the last time may have more content than may be sent now.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub(crate) fn changes(&self) -> Result<u64, OutboxError> {
        self.read(number)
    }
}

/// Counts a change of waiting events.
pub(super) fn count(change: &Connection) -> rusqlite::Result<()> {
    let next = number(change)? + 1;
    change.execute(
        "INSERT OR REPLACE INTO meta (name, value) VALUES (?1, ?2)",
        params![CHANGES, next.to_be_bytes()],
    )?;
    Ok(())
}

pub(super) fn number(connection: &Connection) -> rusqlite::Result<u64> {
    let bytes: Option<[u8; 8]> = connection
        .prepare_cached("SELECT value FROM meta WHERE name = ?1")?
        .query_row([CHANGES], |row| row.get(0))
        .optional()?;
    Ok(bytes.map_or(0, u64::from_be_bytes))
}
