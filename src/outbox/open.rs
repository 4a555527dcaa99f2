//! From a directory to an open database: creation, migration, setting a damaged one aside.
//!
//! The file gets its name only when it is complete, so an empty or garbled file is damaged, never
//! new.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior, params};

use super::erase;
use super::error::OutboxError;
use super::format_1;
use super::key::redaction_key;
use super::lock::Lock;
use crate::files::{make_directory, private_file, remove, sync_directory};

/// The newest format.
const FORMAT: usize = 4;
/// Migration from formats 1 and 2, which lacked the place of a session and kept tallies of zero.
const FROM_OLDER: &str = "
    ALTER TABLE sessions ADD COLUMN transcript BLOB;
    ALTER TABLE sessions ADD COLUMN folders TEXT;
    DELETE FROM tallies WHERE events = 0;";
/// Migration from format 2, which stored the content per session, not per batch: it is assumed to
/// be complete.
const FROM_2: &str = "
    ALTER TABLE batches ADD COLUMN recording INTEGER NOT NULL DEFAULT 3;
    ALTER TABLE sessions DROP COLUMN recording;";
/// Migration from formats 1 to 3, which had an unused column instead of the sessions that a trace
/// names.
const FROM_3: &str = "
    ALTER TABLE sessions RENAME COLUMN title TO named;
    UPDATE sessions SET named = NULL;";
/// The tables of the newest format.
const SCHEMA: &str = include_str!("schema.sql");

/// Time to wait for another process. A write takes as long as a few megabytes need to reach the
/// disk; twenty of them in a row on a slow disk fit.
const BUSY: Duration = Duration::from_secs(10);
/// Pages (of 4 KiB) in the log before they are moved into the database: about one step of events,
/// so that the move happens while the next events are built. The log is truncated to the same size.
const LOG_PAGES: u32 = 1024;
/// Pages in the log during a backfill: a page that changes repeatedly is moved once.
const MANY_LOG_PAGES: u32 = 4096;
/// Size of the page cache in KiB, for the pages that change while events are stored and the
/// identities that are looked up most; allocated only when needed. Four times as much made nothing
/// faster with a million events.
const CACHE_KIB: u32 = 16 * 1024;

const FILE: &str = "outbox.db";
const ASIDE: &str = "outbox.db.corrupt-";
const SUSPECT: &str = "outbox.db.suspect";
const LOCK: &str = "outbox.lock";
/// Suffixes of the database files, in the order in which they are renamed: a log left beside a
/// fresh database would be replayed into it.
const SUFFIXES: [&str; 3] = ["-wal", "-shm", ""];

/// The database in the state directory.
enum OnDisk {
    Ready(Connection),
    Absent,
    Old(Connection, usize),
}

pub(super) fn file(directory: &Path) -> PathBuf {
    directory.join(FILE)
}

/// Opens the database for writing; creates, migrates or sets it aside if necessary.
pub(super) fn open(directory: &Path) -> Result<Connection, OutboxError> {
    make_directory(directory).map_err(OutboxError::directory(directory))?;
    if !directory.join(SUSPECT).exists()
        && let Ok(OnDisk::Ready(connection)) = find(directory)
    {
        return Ok(connection);
    }
    let _alone = Lock::take(&directory.join(LOCK))?;
    if directory.join(SUSPECT).exists() {
        examine(directory)?;
    }
    match find(directory) {
        Ok(OnDisk::Ready(connection)) => Ok(connection),
        Ok(OnDisk::Old(connection, format)) => {
            renew(&connection, format).map_err(|error| located(directory, error))?;
            Ok(connection)
        }
        Ok(OnDisk::Absent) => create(directory),
        Err(OutboxError::Damaged { .. }) => {
            set_aside(directory)?;
            create(directory)
        }
        Err(error) => Err(error),
    }
}

/// Opens the database for reading; `None` if there is none yet.
pub(super) fn open_read_only(directory: &Path) -> Result<Option<Connection>, OutboxError> {
    let path = file(directory);
    if !exists(&path)? {
        return Ok(None);
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let ready = || {
        let connection = Connection::open_with_flags(&path, flags)?;
        connection.busy_timeout(BUSY)?;
        let format = format_of(&connection)?;
        Ok((connection, format))
    };
    let (connection, format) = ready().map_err(|error| located(directory, error))?;
    match format.cmp(&FORMAT) {
        std::cmp::Ordering::Equal => Ok(Some(connection)),
        std::cmp::Ordering::Greater => Err(newer(path, format)),
        // An older format: only a writer can migrate it.
        std::cmp::Ordering::Less => open(directory).map(Some),
    }
}

/// Whether a state directory contains a database.
pub(crate) fn is_there(directory: &Path) -> bool {
    file(directory).exists()
}

/// Leaves a mark for the next [`open`] to check the whole database.
pub(super) fn suspect(directory: &Path) {
    // Best effort: the next process that reads the damaged page tries again.
    drop(private_file().open(directory.join(SUSPECT)));
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

fn find(directory: &Path) -> Result<OnDisk, OutboxError> {
    let path = file(directory);
    if !exists(&path)? {
        return Ok(OnDisk::Absent);
    }
    let connect = || {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&path, flags)?;
        prepare(&connection)?;
        let format = format_of(&connection)?;
        Ok((connection, format))
    };
    let (connection, format) = connect().map_err(|error| located(directory, error))?;
    if format > FORMAT {
        return Err(newer(path, format));
    }
    match format {
        // A file gets its name only when it is complete, so this one has lost its content.
        0 => Err(OutboxError::Damaged { path }),
        FORMAT => Ok(OnDisk::Ready(connection)),
        older => Ok(OnDisk::Old(connection, older)),
    }
}

fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(64);
    // By default, SQLite prepares a range query again for each new value.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "cache_size", -i64::from(CACHE_KIB))?;
    limit_log(connection, LOG_PAGES)
}

/// See [`Outbox::relax`](super::Outbox::relax).
pub(super) fn relax(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    limit_log(connection, MANY_LOG_PAGES)
}

fn limit_log(connection: &Connection, pages: u32) -> rusqlite::Result<()> {
    // These pragmas return the new value.
    connection.pragma_update_and_check(None, "wal_autocheckpoint", pages, |_| Ok(()))?;
    connection.pragma_update_and_check(None, "journal_size_limit", pages * 4096, |_| Ok(()))
}

/// The format of the database. Reading it also proves that the schema is readable.
fn format_of(connection: &Connection) -> rusqlite::Result<usize> {
    let tables = "SELECT count(*) FROM sqlite_schema";
    connection.query_row(tables, [], |_| Ok(()))?;
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

fn create(directory: &Path) -> Result<Connection, OutboxError> {
    let unfinished = directory.join("outbox.db.new");
    for suffix in SUFFIXES {
        remove(&with_suffix(&unfinished, suffix)).map_err(OutboxError::directory(&unfinished))?;
    }
    // SQLite creates its other files with the permissions of this one.
    private_file()
        .open(&unfinished)
        .map_err(OutboxError::directory(&unfinished))?;
    let key = redaction_key(directory)?;
    let build = || {
        let connection = Connection::open(&unfinished)?;
        prepare(&connection)?;
        connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
        migrate(&connection, 0)?;
        let insert = "INSERT INTO meta (name, value) VALUES ('redaction_key', ?1)";
        connection.execute(insert, params![key])?;
        connection.close().map_err(|(_, error)| error)
    };
    build().map_err(|error| located(directory, error))?;
    let path = file(directory);
    fs::rename(&unfinished, &path).map_err(OutboxError::directory(&path))?;
    sync_directory(directory).map_err(OutboxError::directory(directory))?;
    match find(directory)? {
        OnDisk::Ready(connection) => Ok(connection),
        OnDisk::Absent | OnDisk::Old(..) => Err(OutboxError::Damaged { path }),
    }
}

/// Migrates a database, and removes the old text of its events from its files.
fn renew(connection: &Connection, format: usize) -> rusqlite::Result<()> {
    erase::overwrite(connection, true)?;
    migrate(connection, format)?;
    erase::overwrite(connection, false)?;
    erase::vacuum(connection, 0)?;
    erase::empty_log(connection)
}

/// Migrates a database of an older format, or an empty one, to the newest. If the process ends or
/// the disk is full meanwhile, the database stays as it was.
fn migrate(connection: &Connection, format: usize) -> rusqlite::Result<()> {
    let change = rusqlite::Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    match format {
        0 => change.execute_batch(SCHEMA)?,
        1 => format_1::migrate(&change)?,
        2 => change.execute_batch(FROM_2)?,
        _ => {}
    }
    if (1..=2).contains(&format) {
        change.execute_batch(FROM_OLDER)?;
    }
    if format > 0 {
        change.execute_batch(FROM_3)?;
    }
    change.pragma_update(None, "user_version", FORMAT)?;
    change.commit()
}

/// Checks the whole database after damage was found.
fn examine(directory: &Path) -> Result<(), OutboxError> {
    let verdict = match find(directory) {
        Ok(OnDisk::Ready(connection) | OnDisk::Old(connection, _)) => {
            let answer: rusqlite::Result<String> =
                connection.pragma_query_value(None, "quick_check", |row| row.get(0));
            match answer.map_err(|error| located(directory, error)) {
                Ok(answer) => Ok(answer == "ok"),
                Err(OutboxError::Damaged { .. }) => Ok(false),
                Err(error) => Err(error),
            }
        }
        Ok(OnDisk::Absent) => Ok(true),
        Err(OutboxError::Damaged { .. }) => Ok(false),
        Err(error) => Err(error),
    };
    if !verdict? {
        set_aside(directory)?;
    }
    let mark = directory.join(SUSPECT);
    remove(&mark).map_err(OutboxError::directory(&mark))
}

fn set_aside(directory: &Path) -> Result<(), OutboxError> {
    let from = file(directory);
    let free = (1..u32::MAX)
        .map(|number| directory.join(format!("{ASIDE}{number}")))
        .find(|path| !path.exists())
        .unwrap_or_else(|| directory.join(ASIDE));
    for suffix in SUFFIXES {
        match fs::rename(with_suffix(&from, suffix), with_suffix(&free, suffix)) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(OutboxError::directory(&from)(error));
            }
            Ok(()) | Err(_) => {}
        }
    }
    sync_directory(directory).map_err(OutboxError::directory(directory))
}

fn located(directory: &Path, error: rusqlite::Error) -> OutboxError {
    OutboxError::at(&file(directory), error)
}

fn newer(path: PathBuf, found: usize) -> OutboxError {
    OutboxError::Newer {
        path,
        found,
        known: FORMAT,
    }
}

fn exists(path: &Path) -> Result<bool, OutboxError> {
    let is_there = path.try_exists().map_err(OutboxError::directory(path))?;
    // Windows says of a file in the place of the folder that nothing is there.
    if let Some(file) = path.parent().filter(|it| cfg!(windows) && it.is_file()) {
        let error = io::Error::from(ErrorKind::NotADirectory);
        return Err(OutboxError::directory(file)(error));
    }
    Ok(is_there)
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
