//! Processes of Linux, as `/proc` shows them.

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::process::{Pid, Signal, kill_process};

use super::Process;
use crate::support::env::PROGRAM;

impl Process {
    pub(super) fn of_program() -> Vec<Self> {
        let entries = fs::read_dir("/proc").expect("this is Linux");
        let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        pids.map(Self)
            .filter(|process| process.is_program())
            .collect()
    }

    pub(crate) fn signal(self, signal: Signal) {
        let pid = i32::try_from(self.0).ok().and_then(Pid::from_raw);
        // A process that is gone needs no signal.
        let _ = kill_process(pid.expect("a pid is positive"), signal);
    }

    /// Kills the process at once.
    pub(crate) fn kill(self) {
        self.signal(Signal::KILL);
    }

    pub(crate) fn arguments(self) -> Vec<String> {
        split(&self.read("cmdline"))
    }

    pub(crate) fn environment(self) -> Vec<String> {
        split(&self.read("environ"))
    }

    pub(crate) fn cwd(self) -> PathBuf {
        fs::read_link(self.path("cwd")).unwrap_or_default()
    }

    /// Targets of the open descriptors, by number.
    pub(crate) fn descriptors(self) -> Vec<(u32, PathBuf)> {
        let entries = fs::read_dir(self.path("fd"))
            .into_iter()
            .flatten()
            .flatten();
        let mut open: Vec<_> = entries
            .filter_map(|entry| {
                let number = entry.file_name().to_str()?.parse().ok()?;
                Some((number, fs::read_link(entry.path()).ok()?))
            })
            .collect();
        open.sort();
        open
    }

    /// The id of the process's session.
    pub(crate) fn session(self) -> u32 {
        let stat = String::from_utf8_lossy(&self.read("stat")).into_owned();
        // The name in parentheses may hold anything; after it: state, parent, group, session.
        let rest = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
        let session = rest.split_whitespace().nth(3);
        session.and_then(|id| id.parse().ok()).unwrap_or_default()
    }

    fn is_program(self) -> bool {
        fs::read_link(self.path("exe")).is_ok_and(|path| path == Path::new(PROGRAM))
    }

    /// Whether the process works with this state directory; `None` in the moment in which it
    /// becomes another program and shows nothing.
    pub(super) fn works_with(self, state: &Path) -> Option<bool> {
        let mut variable = b"POSTHOG_LLMA_STATE_DIR=".to_vec();
        variable.extend(state.as_os_str().as_bytes());
        let environment = self.read("environ");
        if environment.is_empty() && self.is_program() {
            return None;
        }
        let mut variables = environment.split(|byte| *byte == 0);
        Some(variables.any(|one| one == variable))
    }

    fn read(self, file: &str) -> Vec<u8> {
        fs::read(self.path(file)).unwrap_or_default()
    }

    fn path(self, file: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{file}", self.0))
    }
}

fn split(bytes: &[u8]) -> Vec<String> {
    let parts = bytes
        .split(|byte| *byte == 0)
        .filter(|part| !part.is_empty());
    parts
        .map(|part| String::from_utf8_lossy(part).into_owned())
        .collect()
}
