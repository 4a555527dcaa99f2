//! The secret of this installation that keys the marks of redacted values.
//!
//! It is made when first needed, by a command that only shows events or by the outbox, so that the
//! same secret has the same mark in every run. The outbox keeps a copy in its database: an older
//! database has a key of its own, which takes precedence.

use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::Path;

use super::error::OutboxError;
use crate::files::{make_directory, private_file, remove, sync_directory};

/// File in the state directory, readable by its owner alone.
pub(super) const FILE: &str = "redaction.key";

/// Bytes of the key.
const BYTES: usize = 32;

/// Reads the key of a state directory; creates key and directory when they are missing.
///
/// # Errors
/// [`OutboxError::Directory`] when the file cannot be read or written or holds something else,
/// [`OutboxError::Random`] when the system gives no random bytes.
pub(crate) fn redaction_key(directory: &Path) -> Result<[u8; BYTES], OutboxError> {
    let path = directory.join(FILE);
    let failed = || OutboxError::directory(&path);
    if let Some(key) = read(&path).map_err(failed())? {
        return Ok(key);
    }
    make_directory(directory).map_err(OutboxError::directory(directory))?;
    let mut key = [0; BYTES];
    getrandom::fill(&mut key).map_err(OutboxError::Random)?;
    create(directory, &path, key).map_err(failed())?;
    // Another process may have been first.
    Ok(read(&path).map_err(failed())?.unwrap_or(key))
}

/// Gives a complete file its name, unless the name is taken.
fn create(directory: &Path, path: &Path, key: [u8; BYTES]) -> io::Result<()> {
    let temporary = directory.join(format!("{FILE}.new-{}", std::process::id()));
    remove(&temporary)?;
    let write = || {
        let mut file = private_file().open(&temporary)?;
        file.write_all(&key)?;
        file.sync_all()?;
        match fs::hard_link(&temporary, path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
            linked => linked,
        }
    };
    let written = write();
    remove(&temporary)?;
    written?;
    sync_directory(directory)
}

/// The key in a file; `None` when there is no such file.
fn read(path: &Path) -> io::Result<Option<[u8; BYTES]>> {
    match fs::read(path) {
        Ok(bytes) => match bytes.try_into() {
            Ok(key) => Ok(Some(key)),
            Err(_) => Err(io::Error::new(
                ErrorKind::InvalidData,
                format!("it does not hold {BYTES} bytes"),
            )),
        },
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outbox::Outbox;

    #[test]
    fn the_key_is_made_once_and_the_outbox_has_the_same() {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("state");
        let key = redaction_key(&directory).unwrap();
        assert_eq!(redaction_key(&directory).unwrap(), key);
        assert_eq!(Outbox::open(&directory).unwrap().redaction_key(), key);
        let files = fs::read_dir(&directory).unwrap().flatten();
        let names: Vec<_> = files.map(|file| file.file_name()).collect();
        assert!(
            !names
                .iter()
                .any(|name| name.to_string_lossy().contains("new")),
            "{names:?}"
        );
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = directory.join(FILE).metadata().unwrap().permissions();
            assert_eq!(mode.mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn a_file_that_holds_no_key_is_an_error_and_stays() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join(FILE), "short").unwrap();
        let error = redaction_key(root.path()).unwrap_err().to_string();
        assert!(error.contains("redaction.key"), "{error}");
        assert!(Outbox::open(root.path()).is_err());
        assert_eq!(fs::read(root.path().join(FILE)).unwrap(), b"short");
    }

    #[test]
    fn processes_that_begin_together_have_one_key() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join(FILE);
        create(root.path(), &path, [1; BYTES]).unwrap();
        create(root.path(), &path, [2; BYTES]).unwrap();
        assert_eq!(read(&path).unwrap(), Some([1; BYTES]));
    }
}
