//! From a folder to an open database: creation and migration.
//!
//! The file gets its name only when it is complete, so an empty or garbled file is damaged, never
//! new.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use super::error::InboxError;
use crate::files::{make_directory, private_file, remove, sync_directory};

/// The migrations from an empty database to the newest format; the format is the number of steps.
const MIGRATIONS: [&str; FORMAT] = [include_str!("schema.sql")];
const FORMAT: usize = 1;

/// How long to wait for another process. A write takes as long as a few megabytes need to reach the
/// disk.
const BUSY: Duration = Duration::from_secs(10);
/// Size of the page cache in KiB. Traces that grow lie together, so more makes nothing faster.
const CACHE_KIB: i64 = 16 * 1024;
/// Bytes to which the log is cut when it was moved into the database.
const LOG_BYTES: i64 = 32 << 20;

const FILE: &str = "inbox.db";
const UNFINISHED: &str = "inbox.db.new";
const LOCK: &str = "inbox.lock";

pub(super) fn file(directory: &Path) -> PathBuf {
    directory.join(FILE)
}

/// Opens the database for writing; creates or migrates it if necessary.
pub(super) fn open(directory: &Path) -> Result<Connection, InboxError> {
    make_directory(directory).map_err(InboxError::directory(directory))?;
    let lock_path = directory.join(LOCK);
    let lock = private_file().open(&lock_path);
    let lock = lock.map_err(InboxError::directory(&lock_path))?;
    // The kernel releases it when the process ends, however it ends.
    lock.lock().map_err(InboxError::directory(&lock_path))?;
    let path = file(directory);
    if !exists(&path)? {
        create(directory)?;
    }
    let located = |error| InboxError::at(&path, error);
    let connection = connect(&path).map_err(located)?;
    match format_of(&connection).map_err(located)? {
        0 => return Err(InboxError::Damaged { path }),
        newer if newer > FORMAT => return Err(InboxError::newer(path, newer)),
        format => migrate(&connection, format).map_err(located)?,
    }
    Ok(connection)
}

/// Opens the database for reading; `None` if there is none yet.
pub(super) fn open_read_only(directory: &Path) -> Result<Option<Connection>, InboxError> {
    let path = file(directory);
    if !exists(&path)? {
        return Ok(None);
    }
    let ready = || {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&path, flags)?;
        connection.busy_timeout(BUSY)?;
        let format = format_of(&connection)?;
        Ok((connection, format))
    };
    let (connection, format) = ready().map_err(|error| InboxError::at(&path, error))?;
    match format.cmp(&FORMAT) {
        std::cmp::Ordering::Equal => Ok(Some(connection)),
        std::cmp::Ordering::Greater => Err(InboxError::newer(path, format)),
        // Only a writer can migrate an older format.
        std::cmp::Ordering::Less => open(directory).map(Some),
    }
}

fn exists(path: &Path) -> Result<bool, InboxError> {
    path.try_exists().map_err(InboxError::directory(path))
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    prepare(&connection)?;
    Ok(connection)
}

fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(64);
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    // The writer moves the log itself, after it has answered. These pragmas answer with the value
    // now in force.
    connection.pragma_update_and_check(None, "wal_autocheckpoint", 0, |_| Ok(()))?;
    connection.pragma_update_and_check(None, "journal_size_limit", LOG_BYTES, |_| Ok(()))
}

/// The format of the database. Reading it also proves that the schema is readable.
fn format_of(connection: &Connection) -> rusqlite::Result<usize> {
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

fn create(directory: &Path) -> Result<(), InboxError> {
    let unfinished = directory.join(UNFINISHED);
    for suffix in ["-wal", "-shm", ""] {
        let mut path = unfinished.clone().into_os_string();
        path.push(suffix);
        remove(Path::new(&path)).map_err(InboxError::directory(&unfinished))?;
    }
    // SQLite creates its other files with the permissions of this one.
    let made = private_file().open(&unfinished);
    made.map_err(InboxError::directory(&unfinished))?;
    let build = || {
        let connection = Connection::open(&unfinished)?;
        prepare(&connection)?;
        connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
        migrate(&connection, 0)?;
        connection.close().map_err(|(_, error)| error)
    };
    build().map_err(|error| InboxError::at(&unfinished, error))?;
    let path = file(directory);
    fs::rename(&unfinished, &path).map_err(InboxError::directory(&path))?;
    sync_directory(directory).map_err(InboxError::directory(directory))
}

fn migrate(connection: &Connection, format: usize) -> rusqlite::Result<()> {
    let steps = &MIGRATIONS[format..];
    if steps.is_empty() {
        return Ok(());
    }
    let change = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    for step in steps {
        change.execute_batch(step)?;
    }
    change.pragma_update(None, "user_version", FORMAT)?;
    change.commit()
}

impl InboxError {
    const fn newer(path: PathBuf, found: usize) -> Self {
        Self::Newer {
            path,
            found,
            known: FORMAT,
        }
    }
}
