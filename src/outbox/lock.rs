//! Locks between processes.

use std::fs::{self, File, TryLockError};
use std::io::Write;
use std::path::Path;

use super::error::OutboxError;
use crate::files::private_file;

/// An advisory lock on a file of the state directory, held until it is dropped.
///
/// A lock of the operating system instead of a row with an expiry time: the kernel releases it when
/// its process ends, however it ends, so no process waits for a dead one; and a slow process (a
/// stalled upload, a sleeping laptop) never loses it to one that looked at a clock.
///
/// A process that is killed while it writes keeps its locks until that write is on disk.
#[derive(Debug)]
pub(crate) struct Lock(File);

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

    /// Writes the id of this process to the file, for [`holder`].
    pub(super) fn sign(self) -> Self {
        let id = std::process::id().to_string();
        // Without the id, a message about the lock is less precise.
        let _ = self.0.set_len(0);
        let _ = (&self.0).write_all(id.as_bytes());
        self
    }

    /// Takes the lock, however long that takes.
    pub(super) fn take(path: &Path) -> Result<Self, OutboxError> {
        let file = open(path)?;
        file.lock().map_err(OutboxError::directory(path))?;
        Ok(Self(file))
    }
}

/// The id of the process that signed a lock file last; `None` if none did, or where the file of a
/// lock cannot be read.
pub(super) fn holder(path: &Path) -> Option<u32> {
    fs::read_to_string(path).ok()?.parse().ok()
}

/// Whether a process holds a lock. Creates no file.
pub(super) fn is_held(path: &Path) -> bool {
    let file = File::open(path);
    file.is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

fn open(path: &Path) -> Result<File, OutboxError> {
    private_file()
        .open(path)
        .map_err(OutboxError::directory(path))
}
