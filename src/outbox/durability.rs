//! When a transaction waits for the disk.

use rusqlite::Connection;

use super::{Outbox, OutboxError, open};

/// The key in `meta` of a value that is written for the sake of waiting for the disk.
const SYNCED: &str = "synced";

impl Outbox {
    /// Trades durability for speed: from now on, a power failure may undo the last steps. Some
    /// sessions are then not stored and some events not acknowledged, and the next run repeats
    /// both. The end of this process undoes nothing, and the database stays consistent. Waiting for
    /// the disk at every step would take most of the time of a backfill.
    ///
    /// # Errors
    /// When the database reports an error.
    pub(crate) fn relax(&self) -> Result<(), OutboxError> {
        self.is_relaxed.set(true);
        open::relax(&self.connection).map_err(|error| self.located(error))
    }

    /// Runs `work` without waiting for the disk at each of its transactions, and waits once at its
    /// end: when this returns without an error, everything that `work` stored is on disk. Until
    /// then, a power failure may undo it.
    ///
    /// # Errors
    /// When the database reports an error: then it is unknown what reached the disk.
    pub(crate) fn durable_at_end<T>(&self, work: impl FnOnce() -> T) -> Result<T, OutboxError> {
        if self.is_relaxed.get() {
            return Ok(work());
        }
        self.wait_for_disk(false)?;
        self.is_relaxed.set(true);
        let done = work();
        self.is_relaxed.set(false);
        self.wait_for_disk(true)?;
        // A transaction that waits for the disk also flushes everything written to the log before.
        self.write(sync)?;
        Ok(done)
    }

    /// Like [`Outbox::write`], but durable only with the next durable transaction: until then, a
    /// power failure may undo it.
    pub(super) fn write_ahead<T>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, OutboxError> {
        if self.is_relaxed.get() {
            return self.write(work);
        }
        self.wait_for_disk(false)?;
        let written = self.write(work);
        self.wait_for_disk(true)?;
        written
    }

    fn wait_for_disk(&self, is_wanted: bool) -> Result<(), OutboxError> {
        let level = if is_wanted { "FULL" } else { "NORMAL" };
        let set = self.connection.pragma_update(None, "synchronous", level);
        set.map_err(|error| self.located(error))
    }
}

/// Writes a value: a transaction that changes nothing does not wait for the disk.
fn sync(change: &Connection) -> rusqlite::Result<()> {
    let put = "INSERT OR REPLACE INTO meta (name, value) VALUES (?1, randomblob(8))";
    change.execute(put, [SYNCED]).map(drop)
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;
    use crate::outbox::tests::{enqueue, spans};

    fn level(outbox: &Outbox) -> i64 {
        let level = outbox
            .connection
            .pragma_query_value(None, "synchronous", |row| row.get(0));
        level.unwrap()
    }

    fn synced(outbox: &Outbox) -> Option<Vec<u8>> {
        let select = "SELECT value FROM meta WHERE name = ?1";
        let value = outbox
            .connection
            .query_row(select, [SYNCED], |row| row.get(0));
        value.ok()
    }

    #[test]
    fn many_sessions_are_stored_with_one_wait_for_the_disk() {
        const NORMAL: i64 = 1;
        const FULL: i64 = 2;
        let directory = TempDir::new().unwrap();
        let outbox = Outbox::open(directory.path()).unwrap();
        let mut last = synced(&outbox);
        for first in [0, 10] {
            let levels = outbox.durable_at_end(|| {
                [first, first + 5].map(|from| {
                    enqueue(&outbox, &format!("s{from}"), &spans(from..from + 5), 0);
                    level(&outbox)
                })
            });
            assert_eq!(levels.unwrap(), [NORMAL, NORMAL]);
            assert_eq!(level(&outbox), FULL);
            // The last transaction wrote a value: otherwise it would not have waited.
            let now = synced(&outbox);
            assert_ne!(now, last);
            last = now;
        }
    }
}
