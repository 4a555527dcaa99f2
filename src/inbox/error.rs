//! Errors of the inbox, described for the user.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

use crate::otlp::stored::StoredError;

/// Why the inbox could not be opened, read or written. None of these leaves a partial change:
/// every change is one transaction.
#[derive(Debug, thiserror::Error)]
pub enum InboxError {
    /// The folder or a file in it cannot be created or used.
    #[error("cannot use {}: {cause}", path.display())]
    Directory {
        /// The folder or file.
        path: PathBuf,
        /// The error of the operating system.
        cause: io::Error,
    },
    /// The database was written by a newer version of this program and was not changed.
    #[error(
        "{} was written by a newer posthog-llma (format {found}, this one knows {known})",
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
    /// The database is damaged.
    #[error("{} is damaged", path.display())]
    Damaged {
        /// The database.
        path: PathBuf,
    },
    /// The disk is full.
    #[error("no space left to write {}", path.display())]
    Full {
        /// The database.
        path: PathBuf,
    },
    /// The disk fails, or a quota or a limit of the process forbids a larger file.
    #[error("the system refuses to write {}", path.display())]
    Refusing {
        /// The database.
        path: PathBuf,
    },
    /// The inbox has reached its size limit, and everything in it waits to be mapped.
    #[error("{} holds {used} bytes that wait to be sent, more than its limit of {limit}", path.display())]
    Limit {
        /// The database.
        path: PathBuf,
        /// Bytes in use.
        used: u64,
        /// The limit, in bytes.
        limit: u64,
    },
    /// The database was removed or replaced while it was open.
    #[error("{} was removed or replaced while it was in use", path.display())]
    Gone {
        /// The database.
        path: PathBuf,
    },
    /// The database or its folder is not writable.
    #[error("{} cannot be written", path.display())]
    ReadOnly {
        /// The database.
        path: PathBuf,
    },
    /// Another process held the database for longer than the timeout.
    #[error("{} is in use by another process", path.display())]
    Busy {
        /// The database.
        path: PathBuf,
    },
    /// More deliveries wait to be written than the queue holds.
    #[error("too many requests wait to be stored")]
    Queue,
    /// The inbox was closed.
    #[error("the inbox is closed")]
    Closed,
    /// A chunk cannot be expanded or decoded.
    #[error("a trace in {} cannot be read: {cause}", path.display())]
    Chunk {
        /// The database.
        path: PathBuf,
        /// The damage.
        cause: ChunkError,
    },
    /// Any other error of `SQLite`.
    #[error("{}: {cause}", path.display())]
    Database {
        /// The database.
        path: PathBuf,
        /// The error of `SQLite`.
        cause: rusqlite::Error,
    },
}

/// Damage of a stored chunk.
#[derive(Debug, thiserror::Error)]
pub enum ChunkError {
    /// The chunk cannot be expanded.
    #[error(transparent)]
    Compressed(#[from] io::Error),
    /// The stored bytes cannot be read.
    #[error(transparent)]
    Stored(#[from] StoredError),
}

impl InboxError {
    /// The next step for the user; `None` when there is none.
    #[must_use]
    pub const fn fix(&self) -> Option<&'static str> {
        match self {
            Self::Directory { .. } | Self::ReadOnly { .. } => Some("make it writable"),
            Self::Newer { .. } => Some("update posthog-llma"),
            Self::Damaged { .. } => Some("start posthog-llma serve again: it sets the file aside"),
            Self::Gone { .. } => Some("start posthog-llma serve again: it begins a new one"),
            Self::Refusing { .. } => {
                Some("check the disk, quotas and limits; nothing stored is lost")
            }
            Self::Full { .. } => Some("free some space; nothing stored is lost"),
            Self::Limit { .. } => Some("send what waits, or raise the limit"),
            Self::Busy { .. } | Self::Queue => Some("try again"),
            Self::Closed | Self::Chunk { .. } | Self::Database { .. } => None,
        }
    }

    pub(super) fn at(path: &Path, cause: rusqlite::Error) -> Self {
        let path = path.to_owned();
        let extended = cause.sqlite_error().map(|error| error.extended_code);
        match extended {
            // The shared-memory index of the log could not be enlarged.
            Some(rusqlite::ffi::SQLITE_IOERR_SHMSIZE) => return Self::Full { path },
            Some(rusqlite::ffi::SQLITE_IOERR_WRITE | rusqlite::ffi::SQLITE_IOERR_FSYNC) => {
                return Self::Refusing { path };
            }
            _ => {}
        }
        match cause.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damaged { path },
            Some(ErrorCode::DiskFull) => Self::Full { path },
            Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
                Self::ReadOnly { path }
            }
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy { path },
            _ => Self::Database { path, cause },
        }
    }

    pub(super) fn directory(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |cause| Self::Directory { path, cause }
    }
}
