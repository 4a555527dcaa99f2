//! The variables that Claude Code's settings files set, and who wrote them.
//!
//! `env` blocks stand in the user's own `settings.json`, in a project's `.claude/settings.json`,
//! which is committed with the project and so written by whoever may push to it, and in its
//! `.claude/settings.local.json`, which is the user's again. The later wins over the earlier.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
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

#[derive(Deserialize)]
struct Settings {
    #[serde(default)]
    env: BTreeMap<String, Value>,
}

fn variables(file: &Path) -> Variables {
    let is_sane = file
        .metadata()
        .is_ok_and(|meta| meta.is_file() && meta.len() <= LARGEST);
    let bytes = if is_sane { fs::read(file).ok() } else { None };
    let settings: Option<Settings> = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let env = settings.map(|settings| settings.env).unwrap_or_default();
    env.into_iter()
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
