//! Sessions, messages and parts as they are stored.

use std::path::{Path, PathBuf};

/// A message and its parts, as JSON.
#[derive(Debug, Default)]
pub(super) struct Record {
    pub(super) id: String,
    /// Milliseconds since 1970.
    pub(super) created: i64,
    pub(super) data: String,
    pub(super) parts: Vec<PartRecord>,
    /// Whether the user took it back: it was paid for, and later calls do not receive it.
    pub(super) is_taken_back: bool,
    /// Whether it was copied from the session that this one was forked from.
    pub(super) is_copy: bool,
}

#[derive(Debug, Default)]
pub(super) struct PartRecord {
    pub(super) id: String,
    /// Milliseconds since 1970, if recorded.
    pub(super) created: Option<i64>,
    pub(super) data: String,
}

/// A session that was found, with the size and last change of its subagents included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Entry {
    /// Its id.
    pub id: String,
    /// The path that names it; see `Address`.
    pub path: PathBuf,
    /// Bytes of messages and parts.
    pub bytes: u64,
    /// Milliseconds since 1970.
    pub updated: i64,
    pub(super) directory: Option<String>,
}

impl Entry {
    /// Represents all sessions of an archive that cannot be read.
    pub(super) fn of_archive(path: &Path) -> Self {
        let name = path.file_name().unwrap_or_default();
        Self {
            id: name.to_string_lossy().into_owned(),
            path: path.to_owned(),
            ..Self::default()
        }
    }
}

pub(super) fn has_extension(path: &Path, wanted: &str) -> bool {
    path.extension().is_some_and(|found| found == wanted)
}
