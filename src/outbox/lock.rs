//! Locks between processes.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

use super::error::OutboxError;

/// An advisory lock on a file of the state directory, held until it is dropped.
///
/// The operating system's lock, not a row with an expiry time: the kernel frees it the moment its
/// process dies, however it dies, so that nobody waits for a dead one; and a living one that is
/// slow (a stalled upload, a laptop asleep) never loses it to somebody who read a clock.
#[derive(Debug)]
pub(crate) struct Lock(#[expect(dead_code, reason = "closing the file frees the lock")] File);

impl Lock {
    /// Takes the lock, or `None` when another process (or another handle of this one) holds it.
    ///
    /// # Errors
    /// [`OutboxError::Directory`] when the lock file cannot be made or locked.
    pub(super) fn try_take(path: &Path) -> Result<Option<Self>, OutboxError> {
        let file = open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(OutboxError::directory(path)(error)),
        }
    }

    /// Takes the lock, waiting for as long as it takes.
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

/// How files of the state directory are made: for their owner alone.
pub(super) fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}
