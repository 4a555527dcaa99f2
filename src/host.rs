//! The outside as a value: home, working directory, environment, clock, terminal.
//!
//! Everything else asks a [`Host`] instead of the process, so that a test can be any machine.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

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
            environment: std::env::vars_os().collect(),
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
            environment: BTreeMap::new(),
            started: Instant::now(),
            clock,
        }
    }

    /// The same host with one more environment variable.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.into(), value.into());
        self
    }

    /// The same host without an environment variable.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.environment.remove(OsStr::new(name));
        self
    }

    /// An environment variable; unset, empty and blank are all `None`.
    ///
    /// # Errors
    /// [`NotUnicode`] when the value is set but not UTF-8.
    pub fn variable(&self, name: &str) -> Result<Option<&str>, NotUnicode> {
        match self.environment.get(OsStr::new(name)) {
            None => Ok(None),
            Some(value) => match value.to_str() {
                Some(text) if text.trim().is_empty() => Ok(None),
                Some(text) => Ok(Some(text.trim())),
                None => Err(NotUnicode),
            },
        }
    }

    /// An environment variable that holds a path, in whatever encoding paths have here.
    #[must_use]
    pub fn path_variable(&self, name: &str) -> Option<PathBuf> {
        let value = self.environment.get(OsStr::new(name))?;
        (!value.is_empty()).then(|| PathBuf::from(value))
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

/// An environment variable holds bytes that are no text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not valid UTF-8")]
pub struct NotUnicode;
