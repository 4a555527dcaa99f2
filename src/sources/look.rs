//! Size and modification time of files.

use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Size and modification time of a file of a session. Comparing two shows whether it was written
/// to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// The file, or the path that names a session in a store.
    pub path: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
    /// Modification time.
    pub modified: SystemTime,
}

impl Look {
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let meta = path.metadata()?;
        Ok(Self {
            path: path.to_owned(),
            bytes: meta.len(),
            modified: meta.modified()?,
        })
    }

    /// Size of all files of a session together, and their latest modification time.
    pub(super) fn of_all(path: &Path, files: &[PathBuf]) -> io::Result<Self> {
        let mut whole = Self::of(path)?;
        let others = files.iter().filter(|file| *file != path);
        for other in others.filter_map(|file| Self::of(file).ok()) {
            whole.bytes += other.bytes;
            whole.modified = whole.modified.max(other.modified);
        }
        Ok(whole)
    }
}
