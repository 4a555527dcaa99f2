//! Whether the database that is open is still the one that has its name.
//!
//! Whoever removes or renames the file of an open database takes with it what is written from then
//! on, and SQLite does not notice.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::error::InboxError;

/// The file of a database, as it was when it was opened.
#[derive(Clone, Debug)]
pub(super) struct Place {
    path: PathBuf,
    identity: Identity,
}

impl Place {
    /// The file that has this name now.
    pub(super) fn of(path: &Path) -> Result<Self, InboxError> {
        let identity = identity(path).map_err(InboxError::directory(path))?;
        Ok(Self {
            path: path.to_owned(),
            identity,
        })
    }

    /// # Errors
    /// [`InboxError::Gone`] when the file was removed, renamed or replaced.
    pub(super) fn check(&self) -> Result<(), InboxError> {
        match identity(&self.path) {
            Ok(now) if now == self.identity => Ok(()),
            Ok(_) | Err(_) => Err(InboxError::Gone {
                path: self.path.clone(),
            }),
        }
    }
}

/// Device and number of the file.
#[cfg(unix)]
type Identity = (u64, u64);
#[cfg(unix)]
fn identity(path: &Path) -> io::Result<Identity> {
    use std::os::unix::fs::MetadataExt as _;
    let found = fs::metadata(path)?;
    Ok((found.dev(), found.ino()))
}

/// Elsewhere a file that is open cannot be removed.
#[cfg(not(unix))]
type Identity = ();
#[cfg(not(unix))]
fn identity(path: &Path) -> io::Result<Identity> {
    fs::metadata(path).map(drop)
}
