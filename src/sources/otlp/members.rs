//! Files of requests on disk: how to recognise them, and how to notice changes.

use std::collections::{HashMap, HashSet};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::otlp::files::recognise;
use crate::sources::regular;

/// Bytes of a file to read in order to recognise it.
const HEAD: usize = 64 << 10;

/// Bytes at the beginning of a file of requests that contain the name of a field.
const FIRST: usize = 4 << 10;

/// A file of an archive, in the state in which it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) path: PathBuf,
    pub(super) bytes: u64,
    pub(super) modified: SystemTime,
}

/// Whether a file holds OTLP requests, according to its first bytes.
pub(super) fn begins_as_archive(path: &Path) -> io::Result<bool> {
    let mut head = Vec::new();
    let (mut file, _) = regular::open(path)?;
    file.by_ref().take(FIRST as u64).read_to_end(&mut head)?;
    if !may_begin(&head) {
        return Ok(false);
    }
    file.take((HEAD - FIRST) as u64).read_to_end(&mut head)?;
    Ok(recognise(&head).is_some())
}

/// Whether a file with this beginning may contain requests. This is asked of many transcripts, and
/// few bytes rule them out.
fn may_begin(head: &[u8]) -> bool {
    const NAMES: [&[u8]; 5] = [
        b"esourceSpans",
        b"esourceLogs",
        b"esourceMetrics",
        b"resource_",
        b"raceId",
    ];
    const COMPRESSED: &[u8] = &[0x1f, 0x8b];
    let is_binary =
        head.starts_with(COMPRESSED) || head.first().is_some_and(|it| [0, 0x0a].contains(it));
    is_binary
        || NAMES
            .iter()
            .any(|name| memchr::memmem::find(head, name).is_some())
}

/// Size of files together, in bytes.
pub(super) fn bytes_of(members: &[Member]) -> u64 {
    members.iter().map(|member| member.bytes).sum()
}

/// The folder of a file.
pub(super) fn folder_of(file: &Path) -> &Path {
    let folder = file.parent().filter(|it| !it.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

/// The folders of files, each with its modification time, which changes when a file is added or
/// removed. A folder that cannot be examined is omitted.
pub(super) fn folders<'f>(
    files: impl IntoIterator<Item = &'f Path>,
) -> HashMap<PathBuf, SystemTime> {
    let folders: HashSet<&Path> = files.into_iter().map(folder_of).collect();
    let modified = |folder: &Path| folder.metadata().ok()?.modified().ok();
    let modified = folders
        .into_iter()
        .filter_map(|folder| Some((folder.to_owned(), modified(folder)?)));
    modified.collect()
}

/// A file in its present state.
pub(super) fn member(path: &Path) -> io::Result<Member> {
    let meta = path.metadata()?;
    Ok(Member {
        path: path.to_owned(),
        bytes: meta.len(),
        modified: meta.modified()?,
    })
}
