//! Where a session worked, without reading what it did there.

use std::collections::BTreeSet;
use std::io;

use serde::Deserialize;

use super::super::jsonl::{Lines, objects};
use super::lenient::{Text, text};
use super::paths::SessionFiles;

/// All that is wanted of a line.
#[derive(Deserialize)]
struct Whereabouts<'a> {
    #[serde(borrow, default, deserialize_with = "text")]
    cwd: Option<Text<'a>>,
}

/// The working directories of all lines.
///
/// # Errors
/// When the transcript cannot be read. A subagent that cannot be read tells no folders.
pub fn folders(files: &SessionFiles) -> io::Result<BTreeSet<String>> {
    let mut folders = BTreeSet::new();
    let mut add = |mut lines: Lines| {
        while let Some(line) = lines.next_line()? {
            objects(&line.text(), |line: Whereabouts<'_>| {
                if let Some(cwd) = line.cwd.filter(|cwd| !folders.contains(cwd.as_str())) {
                    folders.insert(cwd.0.into_owned());
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
