//! A check whether the state directory can be written, without writing.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use super::{Outbox, OutboxError, open};

impl Outbox {
    /// Checks whether an outbox could be written in a directory, which need not exist. Changes
    /// nothing.
    ///
    /// # Errors
    /// [`OutboxError::Directory`] when it cannot be written.
    pub(crate) fn check_writable(directory: &Path) -> Result<(), OutboxError> {
        let there = directory.ancestors().find(|path| exists(path));
        let there = there.unwrap_or(directory);
        let is_directory = fs::metadata(there).is_ok_and(|metadata| metadata.is_dir());
        if !is_directory {
            let error = io::Error::from(ErrorKind::NotADirectory);
            return Err(OutboxError::directory(there)(error));
        }
        access(there).map_err(OutboxError::directory(there))?;
        let database = open::file(directory);
        if exists(&database) {
            access(&database).map_err(OutboxError::directory(&database))?;
        }
        Ok(())
    }
}

fn exists(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

#[cfg(unix)]
fn access(path: &Path) -> io::Result<()> {
    Ok(rustix::fs::access(path, rustix::fs::Access::WRITE_OK)?)
}

/// On Windows, access lists decide, and only a write evaluates them. A file can also be marked as
/// read-only; for a folder, that mark means nothing.
#[cfg(not(unix))]
fn access(path: &Path) -> io::Result<()> {
    let metadata = fs::metadata(path)?;
    if metadata.is_file() && metadata.permissions().readonly() {
        return Err(ErrorKind::PermissionDenied.into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_that_is_still_to_be_made_is_judged_by_its_nearest_parent() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("file");
        fs::write(&file, "").unwrap();
        for (directory, expected) in [
            (root.path().to_owned(), None),
            (root.path().join("not/made/yet"), None),
            (file.clone(), Some(&file)),
            (file.join("below"), Some(&file)),
        ] {
            let error = Outbox::check_writable(&directory).err();
            let named = error.as_ref().map(|error| match error {
                OutboxError::Directory { path, .. } => path,
                other => panic!("{other}"),
            });
            assert_eq!(named, expected, "{}", directory.display());
            assert_eq!(
                directory.exists(),
                directory.is_file() || directory == root.path()
            );
        }
    }
}
