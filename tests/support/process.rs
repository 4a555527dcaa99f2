//! The processes that the program leaves behind, found by the state directory in their
//! environment.

#[cfg(target_os = "linux")]
#[path = "process/linux.rs"]
mod system;
#[cfg(not(target_os = "linux"))]
#[path = "process/elsewhere.rs"]
mod system;

use std::path::Path;
use std::time::{Duration, Instant};

/// Interval at which a condition is checked.
const POLL: Duration = Duration::from_millis(5);

/// A running process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Process(pub(crate) u32);

impl Process {
    /// Every living process of the program that works with this state directory.
    pub(crate) fn all(state: &Path) -> Vec<Self> {
        let mut all = Self::of_program();
        all.retain(|process| process.works_with(state) == Some(true));
        all
    }

    /// Whether none is left, nor one that is just being started.
    pub(crate) fn none(state: &Path) -> bool {
        let mut all = Self::of_program().into_iter();
        all.all(|process| process.works_with(state) == Some(false))
    }

    /// Processes that have left their hook's session.
    pub(crate) fn detached(state: &Path) -> Vec<Self> {
        let mut all = Self::all(state);
        all.retain(|process| process.arguments().iter().any(|one| one == "work"));
        all
    }
}

/// Calls `ask` until there is an answer; panics after `patience`.
#[track_caller]
pub(crate) fn wait_for<T>(what: &str, patience: Duration, ask: impl Fn() -> Option<T>) -> T {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < deadline, "{what}: not within {patience:?}");
        std::thread::sleep(POLL);
    }
}

/// Kills every process that works with this state directory, and those they start meanwhile.
pub(crate) fn kill_all(state: &Path) {
    wait_for("every process is dead", Duration::from_secs(30), || {
        for process in Process::all(state) {
            process.kill();
        }
        Process::none(state).then_some(())
    });
}
