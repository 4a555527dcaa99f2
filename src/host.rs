//! The environment of the process as a value: home, working directory, variables, clock, machine.
//!
//! All other modules ask a [`Host`] instead of the process, so that tests can simulate any machine.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

use crate::variables::Variable;

/// The folder for machine-wide settings of programs, written by an administrator.
const SYSTEM: &str = if cfg!(target_os = "macos") {
    "/Library/Application Support"
} else if cfg!(windows) {
    r"C:\Program Files"
} else {
    "/etc"
};

/// The machine and the process that the program runs in.
#[derive(Clone, Debug)]
pub struct Host {
    /// The user's home directory, if there is one.
    pub(crate) home: Option<PathBuf>,
    /// The current directory, if it still exists.
    pub(crate) cwd: Option<PathBuf>,
    /// The default folder for state: on Linux `~/.local/state`, on macOS the folder for data of
    /// applications, on Windows `%LOCALAPPDATA%`.
    pub(crate) state: Option<PathBuf>,
    /// The folder for the user's configuration: `dirs::config_dir`, on Windows `%APPDATA%`.
    pub(crate) config: Option<PathBuf>,
    /// The folder for machine-wide settings of programs.
    pub(crate) system: Option<PathBuf>,
    /// The host name of the machine.
    pub(crate) name: Option<String>,
    /// The path of this executable, with which it starts itself again as a detached process.
    pub(crate) executable: Option<PathBuf>,
    /// The arguments, without the name of the program.
    pub(crate) arguments: Vec<OsString>,
    environment: BTreeMap<OsString, OsString>,
    started: Instant,
    clock: fn() -> DateTime<Utc>,
}

impl Host {
    /// The real machine and process. Call it first in `main`: the time budget of a hook counts from
    /// here.
    #[must_use]
    pub fn real() -> Self {
        Self {
            // A relative path would lead into whatever folder the user works in.
            home: of_windows("USERPROFILE")
                .or_else(dirs::home_dir)
                .filter(|home| home.is_absolute()),
            cwd: std::env::current_dir().ok(),
            state: of_windows("LOCALAPPDATA")
                .or_else(dirs::state_dir)
                .or_else(dirs::data_local_dir),
            config: of_windows("APPDATA").or_else(dirs::config_dir),
            system: Some(PathBuf::from(SYSTEM)),
            name: machine_name(),
            executable: std::env::current_exe().ok(),
            arguments: std::env::args_os().skip(1).collect(),
            environment: std::env::vars_os()
                .map(|(name, value)| (in_one_spelling(&name), value))
                .collect(),
            started: Instant::now(),
            clock: Utc::now,
        }
    }

    /// A host for tests, with an empty environment and no home.
    #[must_use]
    pub fn bare(clock: fn() -> DateTime<Utc>) -> Self {
        Self {
            home: None,
            cwd: None,
            state: None,
            config: None,
            system: None,
            name: None,
            executable: None,
            arguments: Vec::new(),
            environment: BTreeMap::new(),
            started: Instant::now(),
            clock,
        }
    }

    /// The same host with one more environment variable.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        let name = in_one_spelling(OsStr::new(name));
        self.environment.insert(name, value.into());
        self
    }

    /// Replaces an environment variable.
    pub(crate) fn set(&mut self, variable: Variable, value: &str) {
        let name = in_one_spelling(OsStr::new(variable.name()));
        self.environment.insert(name, value.into());
    }

    /// Removes an environment variable.
    pub(crate) fn unset(&mut self, variable: Variable) {
        let name = in_one_spelling(OsStr::new(variable.name()));
        self.environment.remove(&name);
    }

    /// Whether an environment variable is set, even to an empty value.
    pub(crate) fn has(&self, variable: Variable) -> bool {
        self.value(variable).is_some()
    }

    /// An environment variable; `None` if it is unset, empty or blank.
    ///
    /// # Errors
    /// When the value is not UTF-8.
    pub(crate) fn variable(&self, variable: Variable) -> Result<Option<&str>, NotUnicode> {
        let Some(value) = self.value(variable) else {
            return Ok(None);
        };
        let text = value.to_str().ok_or(NotUnicode)?.trim();
        Ok((!text.is_empty()).then_some(text))
    }

    /// An environment variable that holds a path, in the platform's encoding.
    pub(crate) fn path_variable(&self, variable: Variable) -> Option<PathBuf> {
        let value = self.value(variable)?;
        (!value.is_empty()).then(|| PathBuf::from(value))
    }

    /// The value of an environment variable, unchanged.
    pub(crate) fn value(&self, variable: Variable) -> Option<&OsString> {
        let name = in_one_spelling(OsStr::new(variable.name()));
        self.environment.get(&name)
    }

    /// The directory of outbox and inbox; `None` without a home directory.
    pub(crate) fn state_directory(&self) -> Option<PathBuf> {
        let default = || self.state.as_ref().map(|state| state.join("posthog-llma"));
        self.path_variable(Variable::StateDir).or_else(default)
    }

    /// A path as text, with the home directory as `~`.
    pub(crate) fn short_path(&self, path: &Path) -> String {
        let home = self.home.as_ref();
        let below = home.and_then(|home| path.strip_prefix(home).ok());
        match below {
            Some(below) => Path::new("~").join(below).display().to_string(),
            None => path.display().to_string(),
        }
    }

    /// The folders in which programs are searched. Relative ones are omitted: they could be in any
    /// project.
    pub(crate) fn search_path(&self) -> Vec<PathBuf> {
        let name = in_one_spelling(OsStr::new("PATH"));
        let folders = self.environment.get(&name).map(std::env::split_paths);
        let folders = folders.into_iter().flatten();
        folders.filter(|folder| folder.is_absolute()).collect()
    }

    /// All environment variables.
    pub(crate) fn environment(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        self.environment
            .iter()
            .map(|(name, value)| (name.as_os_str(), value.as_os_str()))
    }

    /// The current time.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        (self.clock)()
    }

    /// Time since the process started.
    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}

/// The folder that a variable names on Windows. `dirs` asks the system instead, which may differ
/// from the folder that agents and other programs of this user use.
fn of_windows(variable: &str) -> Option<PathBuf> {
    let value = std::env::var_os(variable).filter(|_| cfg!(windows))?;
    Some(PathBuf::from(value)).filter(|folder| folder.is_absolute())
}

#[cfg(unix)]
fn machine_name() -> Option<String> {
    let name = rustix::system::uname().nodename().to_str().ok()?.to_owned();
    (!name.is_empty()).then_some(name)
}

#[cfg(not(unix))]
fn machine_name() -> Option<String> {
    std::env::var("COMPUTERNAME").ok()
}

/// The name of a variable as a key. Names are case-insensitive on Windows.
fn in_one_spelling(name: &OsStr) -> OsString {
    if cfg!(windows) {
        name.to_ascii_uppercase()
    } else {
        name.to_owned()
    }
}

/// The value of an environment variable is not UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not valid UTF-8")]
pub(crate) struct NotUnicode;
