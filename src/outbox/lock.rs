//! Locks between processes.

use std::fs::{File, TryLockError};
use std::path::Path;

use super::error::OutboxError;
use super::files::private_file;

/// An advisory lock on a file of the state directory, held until it is dropped.
///
/// A lock of the operating system instead of a row with an expiry time: the kernel releases it when
/// its process ends, however it ends, so no process waits for a dead one; and a slow process (a
/// stalled upload, a sleeping laptop) never loses it to one that looked at a clock.
#[derive(Debug)]
pub(crate) struct Lock(#[expect(dead_code, reason = "closing the file frees the lock")] File);

impl Lock {
    /// Takes the lock; `None` when another process (or another handle of this one) holds it.
    ///
    /// # Errors
    /// [`OutboxError::Directory`] when the lock file cannot be created or locked.
    pub(super) fn try_take(path: &Path) -> Result<Option<Self>, OutboxError> {
        let file = open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(OutboxError::directory(path)(error)),
        }
    }

    /// Takes the lock on an open file; `None` when another process holds it, or it cannot be locked.
    pub(super) fn of(file: File) -> Option<Self> {
        file.try_lock().ok().map(|()| Self(file))
    }

    /// Takes the lock, however long that takes.
    pub(super) fn take(path: &Path) -> Result<Self, OutboxError> {
        let file = open(path)?;
        file.lock().map_err(OutboxError::directory(path))?;
        Ok(Self(file))
    }
}

fn open(path: &Path) -> Result<File, OutboxError> {
    private_file()
        .open(path)
        .map_err(OutboxError::directory(path))
}
