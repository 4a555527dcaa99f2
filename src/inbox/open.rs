//! From a folder to an open database: creation, migration, setting a damaged one aside.
//!
//! The file gets its name only when it is complete, so an empty or garbled file is damaged, never
//! new.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use super::error::InboxError;
use crate::files::{make_directory, private_file, remove, sync_directory};

/// The migrations from an empty database to the newest format; the format is the number of steps.
const MIGRATIONS: [&str; FORMAT] = [include_str!("schema.sql"), include_str!("format_2.sql")];
const FORMAT: usize = 2;

/// Time to wait for another process. A write takes as long as a few megabytes need to reach the
/// disk.
const BUSY: Duration = Duration::from_secs(10);
/// Size of the page cache in KiB. More makes nothing faster, since traces that grow are close
/// together.
const CACHE_KIB: i64 = 16 * 1024;
/// Bytes to which the log is cut after it was moved into the database.
const LOG_BYTES: i64 = 32 << 20;

pub(super) const FILE: &str = "inbox.db";
const ASIDE: &str = "inbox.db.corrupt-";
const SUSPECT: &str = "inbox.db.suspect";
/// Suffixes of the database files, in the order in which they are renamed: a log left beside a
/// fresh database would be replayed into it.
const SUFFIXES: [&str; 3] = ["-wal", "-shm", ""];
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
    if directory.join(SUSPECT).exists() {
        examine(directory)?;
    }
    match find(directory) {
        Err(InboxError::Damaged { .. }) => {
            set_aside(directory)?;
            find(directory)
        }
        found => found,
    }
}

/// Connects to a database that exists, and migrates it if necessary.
fn find(directory: &Path) -> Result<Connection, InboxError> {
    let path = file(directory);
    let located = |error| InboxError::at(&path, error);
    let connection = connect(&path).map_err(located)?;
    match format_of(&connection).map_err(located)? {
        // A complete file has a format, so this one has lost its content.
        0 => return Err(InboxError::Damaged { path }),
        newer if newer > FORMAT => return Err(InboxError::newer(path, newer)),
        format => migrate(&connection, format).map_err(located)?,
    }
    Ok(connection)
}

/// Converts an error of an open database. If the database is damaged, leaves a mark for the next
/// [`open`] to check all of it.
pub(super) fn noted(path: &Path, error: rusqlite::Error) -> InboxError {
    let error = InboxError::at(path, error);
    if matches!(error, InboxError::Damaged { .. }) {
        // Best effort: the next process that reads the damaged page tries again.
        drop(private_file().open(path.with_file_name(SUSPECT)));
    }
    error
}

/// Checks the whole database after damage was found.
fn examine(directory: &Path) -> Result<(), InboxError> {
    let check = |connection: Connection| -> rusqlite::Result<String> {
        connection.pragma_query_value(None, "quick_check", |row| row.get(0))
    };
    let path = file(directory);
    let answer = find(directory)
        .and_then(|connection| check(connection).map_err(|error| InboxError::at(&path, error)));
    match answer {
        Ok(answer) if answer == "ok" => {}
        Ok(_) | Err(InboxError::Damaged { .. }) => set_aside(directory)?,
        Err(error) => return Err(error),
    }
    let mark = directory.join(SUSPECT);
    remove(&mark).map_err(InboxError::directory(&mark))
}

/// Renames a damaged database, and creates an empty one in its place.
fn set_aside(directory: &Path) -> Result<(), InboxError> {
    let from = file(directory);
    let free = (1..u32::MAX)
        .map(|number| directory.join(format!("{ASIDE}{number}")))
        .find(|path| !path.exists())
        .unwrap_or_else(|| directory.join(ASIDE));
    for suffix in SUFFIXES {
        match fs::rename(with_suffix(&from, suffix), with_suffix(&free, suffix)) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(InboxError::directory(&from)(error));
            }
            Ok(()) | Err(_) => {}
        }
    }
    create(directory)
}

/// The damaged databases that were set aside and still exist.
pub(super) fn set_aside_databases(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut databases: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| {
            path.file_name()
                .and_then(|name| name.to_str()?.strip_prefix(ASIDE)?.parse::<u32>().ok())
                .is_some()
        })
        .collect();
    databases.sort();
    databases
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
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
        keep_statements(&connection)?;
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

/// Prepares each statement once. By default, SQLite prepares a range query again for each new
/// value, which takes longer than running most of them.
fn keep_statements(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_prepared_statement_cache_capacity(64);
    let kept = connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true);
    kept.map(drop)
}

fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY)?;
    keep_statements(connection)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    // The writer moves the log itself, after it has answered. These pragmas return the new value.
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
    for suffix in SUFFIXES {
        remove(&with_suffix(&unfinished, suffix)).map_err(InboxError::directory(&unfinished))?;
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
