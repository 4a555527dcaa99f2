//! Files and folders of the state directory, accessible to their owner only.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::Path;
use std::thread;
use std::time::Duration;

use tempfile::NamedTempFile;

/// Number of attempts to rename a file that another program has open.
const TRIES: u32 = 20;

/// Time between two attempts.
const PAUSE: Duration = Duration::from_millis(50);

/// Options for creating files of the state directory: accessible to their owner only.
pub(crate) fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Creates a folder, with its parents.
pub(crate) fn make_directory(directory: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

/// Removes a file, if it exists.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

/// Renames a file, replacing one of that name.
///
/// On Windows this fails while another program, such as a virus scanner, has one of the two open:
/// then it is tried again for a second.
pub(crate) fn replace(from: &Path, to: &Path) -> io::Result<()> {
    let mut tries = if cfg!(windows) { TRIES } else { 1 };
    loop {
        tries -= 1;
        match fs::rename(from, to) {
            Err(error) if tries > 0 && is_open_elsewhere(&error) => thread::sleep(PAUSE),
            result => return result,
        }
    }
}

/// Gives a temporary file its name, replacing a file of that name.
pub(crate) fn persist(file: NamedTempFile, to: &Path) -> io::Result<()> {
    let temporary = file.into_temp_path().keep()?;
    let replaced = replace(&temporary, to);
    if replaced.is_err() {
        // The first error is the one to report: it made the rename fail.
        let _ = remove(&temporary);
    }
    replaced
}

/// Whether an error of Windows says that another program has a file open (`ERROR_ACCESS_DENIED`,
/// `ERROR_SHARING_VIOLATION`, `ERROR_LOCK_VIOLATION`).
fn is_open_elsewhere(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(5 | 32 | 33))
}

/// Makes renames durable. Windows has no equivalent and needs none.
pub(crate) fn sync_directory(directory: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(directory)?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Windows supports this, Wine does not: see `tests/windows`.
    #[cfg(unix)]
    #[test]
    fn a_file_takes_the_place_of_one_that_is_being_read() {
        let folder = tempfile::tempdir().unwrap();
        let [old, new] = ["old", "new"].map(|name| folder.path().join(name));
        for path in [&old, &new] {
            fs::write(path, path.file_name().unwrap().as_encoded_bytes()).unwrap();
        }
        let reader = File::open(&old).unwrap();
        replace(&new, &old).unwrap();
        drop(reader);
        assert_eq!(fs::read(&old).unwrap(), b"new");
        assert!(!new.exists());
    }

    /// Another program may lock the file for a moment.
    #[cfg(windows)]
    #[test]
    fn a_file_that_is_locked_for_a_moment_is_replaced_afterwards() {
        use std::os::windows::fs::OpenOptionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let [old, new] = ["old", "new"].map(|name| folder.path().join(name));
        for path in [&old, &new] {
            fs::write(path, path.file_name().unwrap().as_encoded_bytes()).unwrap();
        }
        let alone = OpenOptions::new()
            .read(true)
            .share_mode(0)
            .open(&old)
            .unwrap();
        let scanner = thread::spawn(move || {
            thread::sleep(PAUSE * 3);
            drop(alone);
        });
        replace(&new, &old).unwrap();
        scanner.join().unwrap();
        assert_eq!(fs::read(&old).unwrap(), b"new");
    }
}
