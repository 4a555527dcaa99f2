//! Removal of everything that this program keeps in its state directory.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::error::OutboxError;
use super::{endings, exclusions, key, left_out};

/// Maximum time to wait until another process has closed a file.
const PATIENCE: Duration = Duration::from_secs(10);
/// Pause between two attempts to remove it.
const POLL: Duration = Duration::from_millis(100);

/// Prefixes of the names of the files in a state directory.
const FILES: [&str; 5] = ["outbox.", "inbox.", "serve.", "sender-", key::FILE];

/// Folders in a state directory.
const FOLDERS: [&str; 3] = [exclusions::FOLDER, endings::FOLDER, left_out::FOLDER];

/// Removes the files of the outbox, the notes about sessions and the key of the marks, then the
/// directory if it is empty: the user may have named a directory with other files. Returns whether
/// the directory is gone.
///
/// # Errors
/// [`OutboxError::Directory`] when a file cannot be removed.
pub(crate) fn purge(directory: &Path) -> Result<bool, OutboxError> {
    let failed = || OutboxError::directory(directory);
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(true),
        entries => entries.map_err(failed())?,
    };
    for entry in entries {
        let entry = entry.map_err(failed())?;
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy();
        let removed = if FOLDERS.contains(&&*name) {
            once_closed(|| fs::remove_dir_all(&path))
        } else if FILES.iter().any(|own| name.starts_with(own)) {
            once_closed(|| fs::remove_file(&path))
        } else {
            Ok(())
        };
        removed
            .or_else(missing_is_fine)
            .map_err(OutboxError::directory(&path))?;
    }
    match fs::remove_dir(directory) {
        Err(error) if error.kind() == ErrorKind::DirectoryNotEmpty => Ok(false),
        removed => removed
            .or_else(missing_is_fine)
            .map(|()| true)
            .map_err(failed()),
    }
}

/// Removes a file that another process may have open for a moment: on Windows, it can be removed
/// once that process has closed it.
fn once_closed(remove: impl Fn() -> io::Result<()>) -> io::Result<()> {
    const SHARING_VIOLATION: i32 = 32;
    let start = Instant::now();
    loop {
        match remove() {
            Err(error)
                if cfg!(windows)
                    && error.raw_os_error() == Some(SHARING_VIOLATION)
                    && start.elapsed() < PATIENCE =>
            {
                thread::sleep(POLL);
            }
            removed => return removed,
        }
    }
}

/// Another process may have been faster.
fn missing_is_fine(error: io::Error) -> io::Result<()> {
    if error.kind() == ErrorKind::NotFound {
        Ok(())
    } else {
        Err(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outbox::Outbox;

    #[test]
    fn files_of_others_stay() {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("state");
        assert!(purge(&directory).unwrap(), "nothing is there");
        drop(Outbox::open(&directory).unwrap());
        fs::write(directory.join("notes.txt"), "of the user").unwrap();
        assert!(!purge(&directory).unwrap());
        let left = fs::read_dir(&directory).unwrap().flatten();
        let left: Vec<_> = left.map(|entry| entry.file_name()).collect();
        assert_eq!(left, ["notes.txt"]);
        fs::remove_file(directory.join("notes.txt")).unwrap();
        assert!(purge(&directory).unwrap());
        assert!(!directory.exists());
    }
}
