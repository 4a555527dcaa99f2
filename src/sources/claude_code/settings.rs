//! The variables that Claude Code's settings files set, and who wrote them.
//!
//! `env` blocks stand in the user's own `settings.json`, in a project's `.claude/settings.json`,
//! which is committed with the project and so written by whoever may push to it, and in its
//! `.claude/settings.local.json`, which is the user's again. The later wins over the earlier, and
//! the settings of an organisation over all of them. Whatever a file sets wins over the
//! environment that Claude Code was started in.
//!
//! Seen in version 2.1.329: inside a git repository the local file at the top of its main work
//! tree counts in every folder and in linked work trees, and wins over one in the folder itself.

pub mod edit;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::paths::projects_dir;
use crate::git;
use crate::host::Host;

/// The settings that are committed with a project.
pub const COMMITTED_FILE: &str = ".claude/settings.json";

/// The user's own settings inside a project; normally not committed.
pub const LOCAL_FILE: &str = ".claude/settings.local.json";

/// A settings file is a few kilobytes; one that is larger is none.
const LARGEST: u64 = 4 << 20;

/// Variables by name.
pub type Variables = BTreeMap<String, String>;

/// What a project's settings set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProjectSettings {
    /// The folder that holds `.claude`.
    pub root: PathBuf,
    /// Set by the file that is committed with the project.
    pub committed: Variables,
    /// Set by the files that are the user's own, each with its path, the weaker first.
    pub local: Vec<(PathBuf, Variables)>,
}

/// The user's own settings: `settings.json` in `CLAUDE_CONFIG_DIR` or `~/.claude`.
#[must_use]
pub fn user_file(host: &Host) -> Option<PathBuf> {
    projects_dir(host).map(|projects| projects.with_file_name("settings.json"))
}

/// The variables of the user's own settings.
#[must_use]
pub fn of_user(host: &Host) -> Variables {
    user_file(host).map_or_else(Variables::new, |file| variables(&file))
}

/// Where the user's own settings for sessions in `directory` are looked for, the weaker first.
#[must_use]
pub fn local_files(directory: &Path) -> Vec<PathBuf> {
    let folders = [Some(directory.to_owned()), git::main_work_tree(directory)];
    let mut files: Vec<PathBuf> = folders
        .into_iter()
        .flatten()
        .map(|folder| folder.join(LOCAL_FILE))
        .collect();
    files.dedup();
    files
}

/// The settings of the project that `directory` is in: of the nearest folder above with any, and
/// the local ones of the repository.
#[must_use]
pub fn of_project(directory: &Path, host: &Host) -> Option<ProjectSettings> {
    let own = projects_dir(host).and_then(|projects| projects.parent().map(Path::to_owned));
    let nearest = directory.ancestors().find(|folder| {
        Some(folder.join(".claude")) != own
            && [COMMITTED_FILE, LOCAL_FILE]
                .iter()
                .any(|file| folder.join(file).is_file())
    });
    let mut local = local_files(nearest.unwrap_or(directory));
    local.retain(|file| file.is_file());
    let root = match (nearest, local.last()) {
        (Some(folder), _) => folder,
        (None, Some(file)) => file.ancestors().nth(2)?,
        (None, None) => return None,
    };
    Some(ProjectSettings {
        root: root.to_owned(),
        committed: variables(&root.join(COMMITTED_FILE)),
        local: local
            .iter()
            .map(|file| (file.clone(), variables(file)))
            .collect(),
    })
}

/// The variables that a settings file sets; none when Claude Code ignores it.
fn variables(file: &Path) -> Variables {
    content(file).map_or_else(|_| Variables::new(), |content| in_content(&content))
}

/// The variables that settings set.
pub(super) fn in_content(settings: &Map<String, Value>) -> Variables {
    let env = settings.get("env").and_then(Value::as_object);
    env.into_iter()
        .flatten()
        .filter_map(|(name, value)| Some((name.clone(), text(value)?)))
        .collect()
}

/// A settings file, read as Claude Code reads it: a byte order mark and bytes that are no text do
/// not matter, of two properties with one name the last counts, and a file without anything in it
/// sets nothing.
///
/// # Errors
/// Why Claude Code ignores it. The parser's words tell a place, never what stands there.
pub(super) fn content(file: &Path) -> Result<Map<String, Value>, String> {
    let meta = fs::metadata(file).map_err(|error| error.to_string())?;
    if meta.len() > LARGEST {
        return Err("it is too large".to_owned());
    }
    if !meta.is_file() {
        return Err("it is no file".to_owned());
    }
    let bytes = fs::read(file).map_err(|error| error.to_string())?;
    let json = String::from_utf8_lossy(&bytes);
    let json = json.trim_start_matches('\u{feff}');
    if json.trim().is_empty() {
        return Ok(Map::new());
    }
    serde_json::from_str(json).map_err(|error| {
        format!(
            "it is no JSON object (line {}, column {})",
            error.line(),
            error.column()
        )
    })
}

/// The value of a variable, as Claude Code sets it.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_as_claude_code_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("settings.json");
        for text in [
            &br#"{"env":{"A":"1"}}"#[..],
            b"\xef\xbb\xbf{\"env\":{\"A\":1}}",
            br#"{"env":{},"env":{"A":"0","A":"1"}}"#,
            b"{\"x\":\"\xff\",\"env\":{\"A\":\"1\"}}",
        ] {
            fs::write(&file, text).unwrap();
            let expected = Variables::from([("A".to_owned(), "1".to_owned())]);
            assert_eq!(variables(&file), expected, "{}", text.escape_ascii());
        }
    }
}
