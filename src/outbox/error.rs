//! Errors of the outbox, described for the user.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

/// Why the outbox could not be opened, read or written. None of these leaves a partial change:
/// every change is one transaction.
///
/// The message says what happened to which file, with its cause: `source()` is `None`, so that a
/// chain of errors prints the cause once. The next step for the user is in [`OutboxError::fix`].
#[derive(Debug, thiserror::Error)]
pub enum OutboxError {
    /// The state directory or a lock file in it cannot be created or used.
    #[error("cannot use {}: {cause}", path.display())]
    Directory {
        /// The directory or file.
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
    /// The database is damaged. The next [`Outbox::open`](super::Outbox::open) checks it and sets
    /// it aside.
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
    /// The database or its directory is not writable.
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
    /// It cannot be determined whether a session is excluded from sending.
    #[error("cannot use {}, where sessions are excluded: {cause}", path.display())]
    Exclusion {
        /// The file of the exclusion, or the folder of all exclusions.
        path: PathBuf,
        /// The error of the operating system.
        cause: io::Error,
    },
    /// A session could not be excluded from sending, or included again.
    #[error("cannot write {}: {cause}; nothing is excluded or included", path.display())]
    Unwritten {
        /// The file of the exclusion.
        path: PathBuf,
        /// The error of the operating system.
        cause: io::Error,
    },
    /// Another process committed to the same session since [`Outbox::begin`](super::Outbox::begin).
    #[error("another process recorded this session in the meantime")]
    Overtaken,
    /// The operating system provided no random bytes.
    #[error("the system gives no random bytes: {0}")]
    Random(getrandom::Error),
    /// The settings with which a session was first stored cannot be written or read as JSON.
    #[error("the settings stored with a session are unreadable: {0}")]
    Frozen(serde_json::Error),
    /// Any other error of `SQLite`.
    #[error("{}: {cause}", path.display())]
    Database {
        /// The database.
        path: PathBuf,
        /// The error of `SQLite`.
        cause: rusqlite::Error,
    },
}

impl OutboxError {
    /// The next step for the user; `None` when there is none.
    #[must_use]
    pub const fn fix(&self) -> Option<&'static str> {
        match self {
            Self::Directory { .. } | Self::ReadOnly { .. } => {
                Some("make it writable or set POSTHOG_LLMA_STATE_DIR")
            }
            Self::Newer { .. } => Some("update posthog-llma"),
            Self::Damaged { .. } => {
                Some("posthog-llma flush, or the next session, sets it aside under another name")
            }
            Self::Full { .. } => Some("free some space; nothing stored is lost"),
            Self::Busy { .. } => Some("try again"),
            Self::Exclusion { .. } => {
                Some("mend it, or remove it to send the sessions it excludes")
            }
            Self::Unwritten { .. } => Some("free some space or mend the folder, and try again"),
            Self::Overtaken | Self::Random(_) | Self::Frozen(_) | Self::Database { .. } => None,
        }
    }

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
            _ => Self::Database {
                path,
                cause: source,
            },
        }
    }

    pub(super) fn directory(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |cause| Self::Directory { path, cause }
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    #[test]
    fn a_message_names_the_cause_once_and_leaves_the_fix_to_its_field() {
        let path = PathBuf::from("/state/outbox.db");
        let denied = || io::Error::from(io::ErrorKind::PermissionDenied);
        for (error, cause) in [
            (
                OutboxError::directory(&path)(denied()),
                Some("permission denied"),
            ),
            (
                OutboxError::Exclusion {
                    path: path.clone(),
                    cause: denied(),
                },
                Some("permission denied"),
            ),
            (
                OutboxError::Database {
                    path: path.clone(),
                    cause: rusqlite::Error::InvalidQuery,
                },
                Some("Query is not read-only"),
            ),
            (
                OutboxError::Newer {
                    path: path.clone(),
                    found: 2,
                    known: 1,
                },
                None,
            ),
            (OutboxError::Damaged { path: path.clone() }, None),
            (OutboxError::Full { path: path.clone() }, None),
            (OutboxError::ReadOnly { path: path.clone() }, None),
            (OutboxError::Busy { path }, None),
            (OutboxError::Overtaken, None),
        ] {
            assert!(error.source().is_none(), "{error}");
            let message = error.to_string();
            if let Some(cause) = cause {
                assert_eq!(message.matches(cause).count(), 1, "{message}");
            }
            let is_told = error.fix().is_some_and(|fix| message.contains(fix));
            assert!(!is_told && !message.contains(';'), "{message}");
        }
    }
}
