//! The lock that allows only one receiver per inbox.

use std::fs::{File, TryLockError};
use std::path::Path;

use super::error::InboxError;
use crate::files::{make_directory, private_file};

const LOCK: &str = "serve.lock";

/// The right to receive for the inbox of a folder, until it is dropped. The kernel releases it when
/// the process ends, however it ends.
#[derive(Debug)]
pub struct Alone(#[expect(dead_code, reason = "its lock is held")] File);

impl Alone {
    /// Takes the right; `None` when another process has it.
    ///
    /// # Errors
    /// When the file of the lock cannot be created or locked.
    pub fn try_take(directory: &Path) -> Result<Option<Self>, InboxError> {
        let path = directory.join(LOCK);
        make_directory(directory).map_err(InboxError::directory(directory))?;
        let file = private_file().open(&path);
        let file = file.map_err(InboxError::directory(&path))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(InboxError::directory(&path)(error)),
        }
    }

    /// Whether a process has the right. Creates no file.
    #[must_use]
    pub fn is_taken(directory: &Path) -> bool {
        let file = File::open(directory.join(LOCK));
        file.is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }
}
