//! The working directories of a session, without reading the rest.

use std::collections::BTreeSet;
use std::io;

use serde::Deserialize;

use super::paths::SessionFiles;
use crate::sources::jsonl::{Lines, objects};
use crate::sources::lenient::{Text, known};

/// The fields of a line that name working directories.
#[derive(Deserialize)]
struct Whereabouts<'a> {
    #[serde(borrow, default, deserialize_with = "known")]
    cwd: Option<Text<'a>>,
    /// In a `relocated` line: the folder that the session was moved to.
    #[serde(borrow, default, rename = "relocatedCwd", deserialize_with = "known")]
    relocated: Option<Text<'a>>,
}

/// The working directories of all lines.
///
/// # Errors
/// When the transcript cannot be read. A subagent that cannot be read contributes nothing.
pub(super) fn folders(files: &SessionFiles) -> io::Result<BTreeSet<String>> {
    let mut folders = BTreeSet::new();
    let mut add = |mut lines: Lines| {
        while let Some(line) = lines.next_line()? {
            objects(&line.text(), |line: Whereabouts<'_>| {
                for folder in [line.cwd, line.relocated].into_iter().flatten() {
                    if !folders.contains(folder.as_str()) {
                        folders.insert(folder.0.into_owned());
                    }
                }
            });
        }
        Ok::<_, io::Error>(())
    };
    add(Lines::open(&files.transcript, 0)?)?;
    for agent in &files.agents {
        let _ = Lines::open(&agent.path, 0).and_then(&mut add);
    }
    Ok(folders)
}
