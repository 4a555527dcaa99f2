//! The header of a session, which is its first line, and the name of its file.

use std::io;
use std::path::Path;

use chrono::{DateTime, Utc};

use super::wire::{EntryKind, Line};
use crate::sources::jsonl::{Lines, objects};
use crate::sources::times::parse_time;

/// The first line of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) id: Option<String>,
    pub(super) started_at: Option<DateTime<Utc>>,
    pub(super) cwd: Option<String>,
    /// File of the session that this one was forked from.
    pub(super) parent: Option<String>,
}

impl Header {
    /// Whether the session was forked from the one in that file, which may have been moved since.
    pub(super) fn parent_is(&self, file: &Path) -> bool {
        let name = file.file_name().and_then(|name| name.to_str());
        let parent = self.parent.as_deref();
        let parent = parent.and_then(|path| path.rsplit(['/', '\\']).next());
        parent.is_some() && parent == name
    }
}

/// The header of a session; `None` when the file does not begin with one.
pub(super) fn header(path: &Path) -> io::Result<Option<Header>> {
    let mut lines = Lines::beginning(path)?;
    let mut header = None;
    if let Some(line) = lines.next_line()? {
        objects(&line.text(), |line: Line<'_>| {
            if header.is_none() && line.kind == Some(EntryKind::Session) {
                header = Some(Header {
                    started_at: line.timestamp.as_deref().and_then(parse_time),
                    parent: line.parent_session.or(line.branched_from),
                    id: line.id,
                    cwd: line.cwd.filter(|cwd| !cwd.is_empty()),
                });
            }
        });
    }
    Ok(header)
}

/// When the session began.
#[must_use]
pub(super) fn started_at(path: &Path) -> Option<DateTime<Utc>> {
    header(path).ok().flatten()?.started_at
}

/// The id in a session's file name, `<time>_<id>.jsonl`.
#[must_use]
pub(super) fn id_in_name(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let id = stem.split_once('_').map_or(&*stem, |(_, id)| id);
    id.to_owned()
}

pub(super) fn is_jsonl(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension == "jsonl")
}
