//! The working directories of a session, without reading the rest.

use std::collections::{BTreeSet, HashSet};
use std::io;

use serde::Deserialize;
use serde_json::Value;

use super::paths::SessionFiles;
use crate::sources::jsonl::{Lines, Word, objects, text_after};
use crate::sources::lenient::{Text, known};

/// End of the names of both fields: `cwd` and `relocatedCwd`.
const END_OF_FIELD: &str = "wd\"";

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
    let mut folders = Folders::new();
    folders.add(Lines::open(&files.transcript, 0)?)?;
    for agent in &files.agents {
        let _ = Lines::open(&agent.path, 0).and_then(|lines| folders.add(lines));
    }
    Ok(folders.found)
}

/// Searches lines for working directories.
struct Folders {
    found: BTreeSet<String>,
    /// The same folders, as JSON spells them.
    spelled: HashSet<Vec<u8>>,
    field: Word,
}

impl Folders {
    fn new() -> Self {
        Self {
            found: BTreeSet::new(),
            spelled: HashSet::new(),
            field: Word::new(END_OF_FIELD),
        }
    }

    fn add(&mut self, mut lines: Lines) -> io::Result<()> {
        while let Some(line) = lines.next_line()? {
            if !self.may_name_another(line.bytes) {
                continue;
            }
            objects(&line.text(), |line: Whereabouts<'_>| {
                for folder in [line.cwd, line.relocated].into_iter().flatten() {
                    if !self.found.contains(folder.as_str()) {
                        let spelled = Value::from(folder.as_str()).to_string();
                        self.spelled.insert(spelled.trim_matches('"').into());
                        self.found.insert(folder.0.into_owned());
                    }
                }
            });
        }
        Ok(())
    }

    /// Whether a line may name a folder that was not found yet. Nearly all lines name the same one,
    /// and searching a line is many times faster than parsing it.
    fn may_name_another(&self, line: &[u8]) -> bool {
        let mut fields = self.field.places(line);
        let is_known = |at: usize| {
            let value = text_after(&line[at + END_OF_FIELD.len() - 1..]);
            value.is_some_and(|value| self.spelled.contains(value))
        };
        !fields.all(is_known) || Word::may_be_escaped_in(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_parsed_unless_they_only_name_known_folders() {
        let mut folders = Folders::new();
        folders.found.insert("/shop".to_owned());
        folders.spelled.insert(b"/shop".to_vec());
        for (line, is_parsed) in [
            (r#"{"cwd":"/shop"}"#, false),
            (r#"{"cwd": "/shop", "relocatedCwd" : "/shop"}"#, false),
            (r#"{"type":"summary"}"#, false),
            (r#"{"text":"a \"cwd\":\"/other\""}"#, false),
            (r#"{"cwd":"/other"}"#, true),
            (r#"{"cwd":"/shop","relocatedCwd":"/other"}"#, true),
            (r#"{"cwd":"/shop"}{"cwd":"/other"}"#, true),
            (r#"{"\u0063wd":"/other"}"#, true),
            (r#"{"cwd":null}"#, true),
            (r#"{"cwd":"/sho"#, true),
        ] {
            assert_eq!(
                folders.may_name_another(line.as_bytes()),
                is_parsed,
                "{line}"
            );
        }
    }
}
