//! Stopping a program that runs, as its user or a service manager does.

use std::cell::RefCell;
use std::process::{Child, ExitStatus};
use std::time::Duration;

use super::process::wait_for;

/// Longer than a program takes to stop on a busy machine.
const SOON: Duration = Duration::from_secs(30);

/// A request to stop.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stop {
    /// Ctrl-C.
    Interrupt,
    /// The request of a service manager: SIGTERM, on Windows Ctrl-Break.
    Terminate,
}

impl Stop {
    /// Asks a program to stop. On Windows the request reaches every program of its console, which
    /// `Run` therefore starts in one of its own.
    #[track_caller]
    pub(crate) fn ask(self, child: &Child) {
        system::ask(self, child);
    }

    /// Asks a program to stop, and waits for its end.
    #[track_caller]
    pub(crate) fn end(self, child: &mut Child) -> ExitStatus {
        self.ask(child);
        let child = RefCell::new(child);
        wait_for("the program ends", SOON, || {
            child.borrow_mut().try_wait().expect("it was ours")
        })
    }
}

#[cfg(unix)]
mod system {
    use std::process::Child;

    use rustix::process::{Pid, Signal, kill_process};

    use super::Stop;

    #[track_caller]
    pub(super) fn ask(stop: Stop, child: &Child) {
        let signal = match stop {
            Stop::Interrupt => Signal::INT,
            Stop::Terminate => Signal::TERM,
        };
        kill_process(Pid::from_child(child), signal).expect("it runs");
    }
}

#[cfg(windows)]
mod system {
    use std::path::{Path, PathBuf};
    use std::process::{Child, Command};
    use std::sync::OnceLock;

    use super::Stop;
    use crate::support::env::is_wine;

    /// The program that presses keys in the console of another, `tests/windows/press.rs`.
    const PRESS: &str = "POSTHOG_LLMA_PRESS";

    /// Its exit status for a process without a console, as one has that has ended.
    const ENDED: i32 = 3;

    #[track_caller]
    pub(super) fn ask(stop: Stop, child: &Child) {
        static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
        let key = match stop {
            Stop::Interrupt => "ctrl-c",
            // Wine has no Ctrl-Break.
            Stop::Terminate if is_wine() => "ctrl-c",
            Stop::Terminate => "ctrl-break",
        };
        let mut press = Command::new(PROGRAM.get_or_init(program));
        let pressed = press.arg(child.id().to_string()).arg(key).output();
        let pressed = pressed.expect("it starts");
        let has_ended = pressed.status.code() == Some(ENDED);
        assert!(pressed.status.success() || has_ended, "{key}: {pressed:?}");
    }

    /// The program, built if no variable names one.
    fn program() -> PathBuf {
        if let Some(named) = std::env::var_os(PRESS) {
            return named.into();
        }
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/windows/press.rs");
        let built = Path::new(env!("CARGO_TARGET_TMPDIR")).join("press.exe");
        let mut rustc = Command::new("rustc");
        let status = rustc
            .args(["--edition", "2024", source, "-o"])
            .arg(&built)
            .status();
        assert!(status.expect("there is a compiler").success());
        built
    }
}
