//! Files of requests as they lie on disk: how they are recognised, and what tells that they changed.

use std::collections::{HashMap, HashSet};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::otlp::files::recognise;
use crate::sources::regular;

/// Bytes of a file by which it is recognised.
const HEAD: usize = 64 << 10;

/// Bytes at the beginning of a file in which the name of a field stands, if it is one of requests.
const FIRST: usize = 4 << 10;

/// A file of an archive, as it was when it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
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

/// Whether a file with this beginning may hold requests. Transcripts are looked at often, and few
/// bytes tell that they do not.
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

/// Bytes of some files together.
pub(super) fn bytes_of(parts: &[Part]) -> u64 {
    parts.iter().map(|part| part.bytes).sum()
}

/// The folder of a file.
pub(super) fn folder_of(file: &Path) -> &Path {
    let folder = file.parent().filter(|it| !it.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

/// The folders of some files, and when files were added to each, or removed. One that cannot be looked
/// at is missing.
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

/// A file as it is now.
pub(super) fn part(path: &Path) -> io::Result<Part> {
    let meta = path.metadata()?;
    Ok(Part {
        path: path.to_owned(),
        bytes: meta.len(),
        modified: meta.modified()?,
    })
}
