//! Removal of text from the files of the database, not only from its tables.
//!
//! `SQLite` leaves deleted text where it was until something else is written there. Text that the
//! user withdrew must not stay: it is overwritten with zeros, the pages without use are given back to
//! the file system, and the log, which has older versions of pages, is emptied.

use rusqlite::Connection;

use super::{Outbox, OutboxError};

/// Number of unused pages above which space is given back to the file system; fewer are soon needed
/// again.
const SPARE_PAGES: i64 = 2048;
/// Number of pages to give back per transaction, so that other processes do not wait long for the
/// database.
const PAGES_AT_A_TIME: i64 = 8192;

impl Outbox {
    /// Runs `work` like `Outbox::write`. If it changes anything, the text that it removed is then not
    /// in the files of the database any more. If another process reads older pages of the log for
    /// longer than a writer waits, the log keeps them until it is written anew.
    pub(super) fn erase<T>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, OutboxError> {
        overwrite(&self.connection, true).map_err(|error| self.located(error))?;
        let before = self.connection.total_changes();
        let value = self.write(work);
        overwrite(&self.connection, false).map_err(|error| self.located(error))?;
        let value = value?;
        if self.connection.total_changes() != before {
            self.give_back(0)?;
            empty_log(&self.connection).map_err(|error| self.located(error))?;
        }
        Ok(value)
    }

    /// Gives the pages of acknowledged events back to the file system if there are many.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn give_back_space(&self) -> Result<(), OutboxError> {
        self.give_back(SPARE_PAGES)
    }

    /// Gives all unused pages back to the file system if there are more than `spare`.
    fn give_back(&self, spare: i64) -> Result<(), OutboxError> {
        let unused = || self.read(unused);
        let mut left = unused()?;
        while left > spare {
            self.write(|change| vacuum(change, PAGES_AT_A_TIME))?;
            let now_left = unused()?;
            if now_left >= left {
                break;
            }
            left = now_left;
        }
        Ok(())
    }
}

/// Whether deleted text is overwritten with zeros.
pub(super) fn overwrite(connection: &Connection, is_wanted: bool) -> rusqlite::Result<()> {
    connection.pragma_update_and_check(None, "secure_delete", is_wanted, |_| Ok(()))
}

/// Moves the log into the database and truncates it, if no other process needs it now.
pub(super) fn empty_log(connection: &Connection) -> rusqlite::Result<()> {
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
}

/// Number of unused pages.
fn unused(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "freelist_count", |row| row.get(0))
}

/// Gives up to `pages` unused pages back to the file system.
pub(super) fn vacuum(change: &Connection, pages: i64) -> rusqlite::Result<()> {
    let mut vacuum = change.prepare(&format!("PRAGMA incremental_vacuum({pages})"))?;
    let mut rows = vacuum.query([])?;
    while rows.next()?.is_some() {}
    Ok(())
}
