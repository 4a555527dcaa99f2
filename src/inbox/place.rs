//! Check that the open database still has its name.
//!
//! If somebody removes or renames the file of an open database, everything written from then on is
//! lost, and SQLite does not notice.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::error::InboxError;

/// The file of a database when it was opened.
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
            _ => Err(InboxError::Gone {
                path: self.path.clone(),
            }),
        }
    }
}

/// Device and inode number of the file.
#[cfg(unix)]
type Identity = (u64, u64);
#[cfg(unix)]
fn identity(path: &Path) -> io::Result<Identity> {
    use std::os::unix::fs::MetadataExt as _;
    let found = fs::metadata(path)?;
    Ok((found.dev(), found.ino()))
}

/// On other systems, an open file cannot be removed.
#[cfg(not(unix))]
#[derive(Clone, Debug, PartialEq)]
struct Identity;
#[cfg(not(unix))]
fn identity(path: &Path) -> io::Result<Identity> {
    fs::metadata(path).map(|_| Identity)
}
