//! The variables that Claude Code's settings files set, and who wrote them.
//!
//! `env` blocks stand in the user's own `settings.json`, in a project's `.claude/settings.json`,
//! which is committed with the project and so written by whoever may push to it, and in its
//! `.claude/settings.local.json`, which is the user's again. The later wins over the earlier.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::paths::projects_dir;
use crate::host::Host;

/// The user's own settings inside a project; normally not committed.
pub const LOCAL_FILE: &str = ".claude/settings.local.json";

/// A settings file is a few kilobytes; one that is larger is none.
pub(super) const LARGEST: u64 = 4 << 20;

/// Variables by name.
pub type Variables = BTreeMap<String, String>;

/// What a project's settings set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProjectSettings {
    /// The folder that holds `.claude`.
    pub root: PathBuf,
    /// Set by the file that is committed with the project.
    pub committed: Variables,
    /// Set by the file that is the user's own.
    pub local: Variables,
}

/// The variables of the user's own settings.
#[must_use]
pub fn of_user(host: &Host) -> Variables {
    let file = projects_dir(host).map(|projects| projects.with_file_name("settings.json"));
    file.map_or_else(Variables::new, |file| variables(&file))
}

/// The settings of the project that `directory` is in: of the nearest folder above with any.
#[must_use]
pub fn of_project(directory: &Path, host: &Host) -> Option<ProjectSettings> {
    let own = projects_dir(host).and_then(|projects| projects.parent().map(Path::to_owned));
    directory.ancestors().find_map(|root| {
        let folder = root.join(".claude");
        if Some(&folder) == own.as_ref() {
            return None;
        }
        let committed = folder.join("settings.json");
        let local = root.join(LOCAL_FILE);
        (committed.is_file() || local.is_file()).then(|| ProjectSettings {
            root: root.to_owned(),
            committed: variables(&committed),
            local: variables(&local),
        })
    })
}

/// The variables that a settings file sets, read as Claude Code reads it: a byte order mark and
/// bytes that are no text do not matter, and of two properties with one name the last counts.
fn variables(file: &Path) -> Variables {
    let is_sane = file
        .metadata()
        .is_ok_and(|meta| meta.is_file() && meta.len() <= LARGEST);
    let bytes = if is_sane { fs::read(file).ok() } else { None };
    let json = bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let settings: Option<Value> =
        json.and_then(|json| serde_json::from_str(json.trim_start_matches('\u{feff}')).ok());
    let env = settings.and_then(|mut settings| match settings.get_mut("env")?.take() {
        Value::Object(env) => Some(env),
        _ => None,
    });
    env.into_iter()
        .flatten()
        .filter_map(|(name, value)| Some((name, text(value)?)))
        .collect()
}

/// The value of a variable, as Claude Code sets it.
pub(super) fn text(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
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
