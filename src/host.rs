//! The outside as a value: home, working directory, environment, clock, terminal.
//!
//! Everything else asks a [`Host`] instead of the process, so that a test can be any machine.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

use crate::variables::Variable;

/// Where an administrator keeps the settings of programs, for all users of the machine.
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
    /// The user's home directory, when there is one.
    pub(crate) home: Option<PathBuf>,
    /// The current directory, when it still exists.
    pub(crate) cwd: Option<PathBuf>,
    /// Where state is kept unless a setting moves it: `dirs::state_dir` or its equivalent.
    pub(crate) state: Option<PathBuf>,
    /// Where the user's configuration is kept: `dirs::config_dir`.
    pub(crate) config: Option<PathBuf>,
    /// Where the machine's administrator keeps the settings of programs.
    pub(crate) system: Option<PathBuf>,
    /// The name of the machine.
    pub(crate) name: Option<String>,
    /// This executable, for starting itself again detached.
    pub(crate) executable: Option<PathBuf>,
    /// The arguments, without the name of the program.
    pub(crate) arguments: Vec<OsString>,
    environment: BTreeMap<OsString, OsString>,
    started: Instant,
    clock: fn() -> DateTime<Utc>,
}

impl Host {
    /// The machine and process we really run in. Call it first in `main`: the budget of a hook
    /// is counted from here.
    #[must_use]
    pub fn real() -> Self {
        Self {
            home: dirs::home_dir(),
            cwd: std::env::current_dir().ok(),
            state: dirs::state_dir().or_else(dirs::data_local_dir),
            config: dirs::config_dir(),
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

    /// A host of a test's own making: nothing in its environment, no home.
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

    /// Whether an environment variable is there, whatever it holds.
    pub(crate) fn has(&self, variable: Variable) -> bool {
        self.value(variable).is_some()
    }

    /// An environment variable; unset, empty and blank are all `None`.
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

    /// An environment variable that holds a path, in whatever encoding paths have here.
    pub(crate) fn path_variable(&self, variable: Variable) -> Option<PathBuf> {
        let value = self.value(variable)?;
        (!value.is_empty()).then(|| PathBuf::from(value))
    }

    /// The value of an environment variable, unchanged.
    pub(crate) fn value(&self, variable: Variable) -> Option<&OsString> {
        let name = in_one_spelling(OsStr::new(variable.name()));
        self.environment.get(&name)
    }

    /// The whole environment.
    pub(crate) fn environment(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        self.environment
            .iter()
            .map(|(name, value)| (name.as_os_str(), value.as_os_str()))
    }

    /// The time of day.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        (self.clock)()
    }

    /// How long the process has been running.
    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
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
