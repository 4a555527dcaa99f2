//! How files look from outside.

use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// How a part of a session looks: whether it was written to can be told by comparing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// The file, or what stands for a session that has none of its own.
    pub path: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
    /// When it was last written to.
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

    /// How a session in several files looks as a whole: all their bytes, and the last change.
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
