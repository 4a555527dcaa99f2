//! What can be wrong with the outbox, in words for the user.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

/// Why the outbox could not be opened, read or written. Nothing is half done after any of these:
/// every change is one transaction.
#[derive(Debug, thiserror::Error)]
pub enum OutboxError {
    /// The state directory or a lock file in it cannot be made or used.
    #[error("cannot use {}: {source}; make it writable or set POSTHOG_LLMA_STATE_DIR", path.display())]
    Directory {
        /// The directory or file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The database was written by a newer version of this program. It was not touched.
    #[error(
        "{} was written by a newer posthog-llma (format {found}, this one knows {known}): \
         update posthog-llma",
        path.display()
    )]
    Newer {
        /// The database.
        path: PathBuf,
        /// Its format.
        found: usize,
        /// The newest format that this program knows.
        known: usize,
    },
    /// The database is damaged. The next [`Outbox::open`](super::Outbox::open) checks it and sets
    /// it aside.
    #[error("{} is damaged; the next run sets it aside under another name", path.display())]
    Damaged {
        /// The database.
        path: PathBuf,
    },
    /// No space is left.
    #[error("no space left to write {}: free some, nothing stored is lost", path.display())]
    Full {
        /// The database.
        path: PathBuf,
    },
    /// The database or its directory may not be written.
    #[error(
        "{} cannot be written: change its permissions or set POSTHOG_LLMA_STATE_DIR",
        path.display()
    )]
    ReadOnly {
        /// The database.
        path: PathBuf,
    },
    /// Another process held the database for longer than we were ready to wait.
    #[error("{} is in use by another process; try again", path.display())]
    Busy {
        /// The database.
        path: PathBuf,
    },
    /// It cannot be known whether a session is excluded from sending.
    #[error("cannot use {}, which excludes a session: {source}; mend or remove it", path.display())]
    Exclusion {
        /// The file or the folder of all of them.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another process committed to the same session since [`Outbox::begin`](super::Outbox::begin).
    #[error("another process recorded this session in the meantime; read it again")]
    Overtaken,
    /// The system gave no random bytes.
    #[error("the system gives no random bytes: {0}")]
    Random(getrandom::Error),
    /// Anything else that `SQLite` reports.
    #[error("{}: {source}", path.display())]
    Database {
        /// The database.
        path: PathBuf,
        /// What `SQLite` said.
        source: rusqlite::Error,
    },
}

impl OutboxError {
    pub(super) fn at(path: &Path, source: rusqlite::Error) -> Self {
        let path = path.to_owned();
        if let Some(error) = source.sqlite_error()
            && error.extended_code == rusqlite::ffi::SQLITE_IOERR_SHMSIZE
        {
            // The index of the log could not be made as large as it has to be.
            return Self::Full { path };
        }
        match source.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damaged { path },
            Some(ErrorCode::DiskFull) => Self::Full { path },
            Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
                Self::ReadOnly { path }
            }
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy { path },
            _ => Self::Database { path, source },
        }
    }

    pub(super) fn directory(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Directory { path, source }
    }
}
