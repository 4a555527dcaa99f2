//! Errors of the outbox, described for the user.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

/// Why the outbox could not be opened, read or written. None of these leaves a partial change:
/// every change is one transaction.
#[derive(Debug, thiserror::Error)]
pub enum OutboxError {
    /// The state directory or a lock file in it cannot be created or used.
    #[error("cannot use {}: {source}; make it writable or set POSTHOG_LLMA_STATE_DIR", path.display())]
    Directory {
        /// The directory or file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The database was written by a newer version of this program and was not changed.
    #[error(
        "{} was written by a newer posthog-llma (format {found}, this one knows {known}): \
         update posthog-llma",
        path.display()
    )]
    Newer {
        /// The database.
        path: PathBuf,
        /// The format of the database.
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
    /// The disk is full.
    #[error("no space left to write {}: free some, nothing stored is lost", path.display())]
    Full {
        /// The database.
        path: PathBuf,
    },
    /// The database or its directory is not writable.
    #[error(
        "{} cannot be written: change its permissions or set POSTHOG_LLMA_STATE_DIR",
        path.display()
    )]
    ReadOnly {
        /// The database.
        path: PathBuf,
    },
    /// Another process held the database for longer than the timeout.
    #[error("{} is in use by another process; try again", path.display())]
    Busy {
        /// The database.
        path: PathBuf,
    },
    /// It cannot be determined whether a session is excluded from sending.
    #[error("cannot use {}, which excludes a session: {source}; mend or remove it", path.display())]
    Exclusion {
        /// The file of the exclusion, or the folder of all exclusions.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// Another process committed to the same session since [`Outbox::begin`](super::Outbox::begin).
    #[error("another process recorded this session in the meantime; read it again")]
    Overtaken,
    /// The operating system provided no random bytes.
    #[error("the system gives no random bytes: {0}")]
    Random(getrandom::Error),
    /// Any other error of `SQLite`.
    #[error("{}: {source}", path.display())]
    Database {
        /// The database.
        path: PathBuf,
        /// The error of `SQLite`.
        source: rusqlite::Error,
    },
}

impl OutboxError {
    pub(super) fn at(path: &Path, source: rusqlite::Error) -> Self {
        let path = path.to_owned();
        if let Some(error) = source.sqlite_error()
            && error.extended_code == rusqlite::ffi::SQLITE_IOERR_SHMSIZE
        {
            // The shared-memory index of the log could not be enlarged.
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
