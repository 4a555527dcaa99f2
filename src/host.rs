//! The outside as a value: home, working directory, environment, clock, terminal.
//!
//! Everything else asks a [`Host`] instead of the process, so that a test can be any machine.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::variables::Variable;

/// Where an administrator keeps the settings of programs, for all users of the machine.
const SYSTEM: &str = if cfg!(target_os = "macos") {
    "/Library/Application Support"
} else if cfg!(windows) {
    r"C:\Program Files"
} else {
    "/etc"
};

/// What the program may know of the machine and the process it runs in.
#[derive(Clone, Debug)]
pub struct Host {
    /// The user's home directory, when there is one.
    pub home: Option<PathBuf>,
    /// The current directory, when it still exists.
    pub cwd: Option<PathBuf>,
    /// Where state is kept unless a setting moves it: `dirs::state_dir` or its equivalent.
    pub state: Option<PathBuf>,
    /// Where the user's configuration is kept: `dirs::config_dir`.
    pub config: Option<PathBuf>,
    /// Where the machine's administrator keeps the settings of programs.
    pub system: Option<PathBuf>,
    /// The name of the machine.
    pub name: Option<String>,
    /// This executable, for starting itself again detached.
    pub executable: Option<PathBuf>,
    /// What was typed behind its name.
    pub arguments: Vec<OsString>,
    environment: BTreeMap<OsString, OsString>,
    hidden: BTreeMap<Variable, Hidden>,
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
            hidden: BTreeMap::new(),
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
            hidden: BTreeMap::new(),
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

    /// The same host without an environment variable.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.environment.remove(&in_one_spelling(OsStr::new(name)));
        self
    }

    /// The same host, where somebody else's value stands in the place of the user's own, which
    /// nobody can know any more.
    #[must_use]
    pub fn hiding(mut self, variable: Variable, how: Hidden) -> Self {
        self.hidden.insert(variable, how);
        self.without(variable.name())
    }

    /// Variables in whose place somebody else's value stood.
    #[must_use]
    pub const fn hidden(&self) -> &BTreeMap<Variable, Hidden> {
        &self.hidden
    }

    /// Whether an environment variable is there, whatever it holds.
    #[must_use]
    pub fn has(&self, variable: Variable) -> bool {
        self.value(variable).is_some()
    }

    /// An environment variable; unset, empty and blank are all `None`.
    ///
    /// # Errors
    /// When the value cannot be known.
    pub fn variable(&self, variable: Variable) -> Result<Option<&str>, UnknownValue> {
        if let Some(how) = self.hidden.get(&variable) {
            return Err(UnknownValue::Hidden(*how));
        }
        match self.value(variable) {
            None => Ok(None),
            Some(value) => match value.to_str() {
                Some(text) if text.trim().is_empty() => Ok(None),
                Some(text) => Ok(Some(text.trim())),
                None => Err(UnknownValue::NotUnicode),
            },
        }
    }

    /// An environment variable that holds a path, in whatever encoding paths have here.
    #[must_use]
    pub fn path_variable(&self, variable: Variable) -> Option<PathBuf> {
        let value = self.value(variable)?;
        (!value.is_empty()).then(|| PathBuf::from(value))
    }

    /// What an environment variable holds, as it is.
    #[must_use]
    pub fn value(&self, variable: Variable) -> Option<&OsString> {
        let name = in_one_spelling(OsStr::new(variable.name()));
        self.environment.get(&name)
    }

    /// The whole environment.
    pub fn environment(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        self.environment
            .iter()
            .map(|(name, value)| (name.as_os_str(), value.as_os_str()))
    }

    /// The time of day.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        (self.clock)()
    }

    /// How long the process has been running.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
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

/// Windows does not tell small letters from capital ones in the names of variables.
fn in_one_spelling(name: &OsStr) -> OsString {
    if cfg!(windows) {
        name.to_ascii_uppercase()
    } else {
        name.to_owned()
    }
}

/// Why nobody can say what the user set a variable to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnknownValue {
    /// It holds bytes that are no text.
    #[error("is not valid UTF-8")]
    NotUnicode,
    /// Somebody else's value stands in its place.
    #[error("{0}")]
    Hidden(Hidden),
}

/// Whose value stands in the place of the user's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum Hidden {
    /// That of settings that came with a project.
    #[error("was hidden by settings that came with this project")]
    ByProject,
    /// One of which no file tells where it came from, such as settings that are gone, or one that
    /// is not what the user's settings say.
    #[error(
        "was set by something else than your own settings, perhaps by ones that are gone; start \
         Claude Code again, or set it in your own settings.json"
    )]
    Unexplained,
}
