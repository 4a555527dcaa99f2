//! The command as a process with this one's streams, which gets its signals.

use std::ffi::OsString;
use std::io;
use std::process::{Command, ExitStatus};

use crate::commands::Exit;

/// Exit status with which shells report a command that cannot be started.
pub(super) const NOT_STARTED: u8 = 127;

/// First of the exit statuses with which shells report a signal.
const SIGNALLED: u8 = 128;

/// The exit status of the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ended(u8);

impl Ended {
    pub(super) const SUCCESS: Self = Self(0);

    fn of(status: ExitStatus) -> Self {
        #[cfg(unix)]
        let signal = std::os::unix::process::ExitStatusExt::signal(&status);
        #[cfg(not(unix))]
        let signal: Option<i32> = None;
        let signal = signal.and_then(|it| u8::try_from(it).ok());
        let code = || status.code().and_then(|it| u8::try_from(it).ok());
        Self(signal.map_or_else(
            // Larger numbers, as on Windows, are failures.
            || code().unwrap_or(u8::MAX),
            |it| SIGNALLED.saturating_add(it),
        ))
    }

    pub(super) const fn code(self) -> u8 {
        self.0
    }

    pub(super) const fn exit(self) -> Exit {
        Exit::OfCommand(self.0)
    }
}

/// Runs a command to its end.
pub(super) fn run(command: &[OsString]) -> io::Result<Ended> {
    let [program, arguments @ ..] = command else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let mut command = Command::new(found(program));
    command.args(arguments);
    #[cfg(unix)]
    let signals = signals::Signals::catch()?;
    // Where this signal is ignored, the system tells nobody how a process ended.
    #[cfg(unix)]
    signal_hook::flag::register(signal_hook::consts::SIGCHLD, std::sync::Arc::default())?;
    // Ctrl-C and Ctrl-Break reach every process of a console. This one continues, to send the
    // command's sessions.
    #[cfg(windows)]
    for signal in [signal_hook::consts::SIGINT, crate::interrupt::SIGBREAK] {
        signal_hook::flag::register(signal, std::sync::Arc::default())?;
    }
    let mut child = command.spawn()?;
    #[cfg(unix)]
    let passed_on = signals.pass_on_to(&child);
    let status = child.wait();
    #[cfg(unix)]
    drop(passed_on);
    status.map(Ended::of)
}

/// The file of a program. On Windows it may be a script, such as npm's `claude.cmd`, which shells
/// find and the system does not.
fn found(program: &OsString) -> OsString {
    #[cfg(windows)]
    return which::which(program).map_or_else(|_| program.clone(), Into::into);
    #[cfg(not(windows))]
    program.clone()
}

/// Signals for the command.
#[cfg(unix)]
mod signals {
    use std::io::{self, IsTerminal as _};
    use std::process::Child;
    use std::thread::{self, JoinHandle};

    use rustix::process::{Pid, Signal, kill_process};
    use signal_hook::consts::{SIGALRM, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
    use signal_hook::iterator::{self, Handle};

    const ALL: [i32; 7] = [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM];

    /// The signals that would end this process before it has sent anything.
    pub(super) struct Signals(iterator::Signals);

    /// Passes signals on to the command until it is dropped.
    pub(super) struct PassedOn {
        handle: Handle,
        thread: Option<JoinHandle<()>>,
    }

    impl Signals {
        pub(super) fn catch() -> io::Result<Self> {
            let ignored = ignored();
            // A signal that was ignored at the start, as `nohup` ignores SIGHUP, stays ignored, and
            // the command inherits that.
            let caught = ALL.iter().filter(|it| ignored & (1 << (*it - 1)) == 0);
            iterator::Signals::new(caught).map(Self)
        }

        pub(super) fn pass_on_to(mut self, child: &Child) -> PassedOn {
            let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
            // A terminal sends some of these signals to the command itself.
            let has_terminal = io::stdin().is_terminal();
            let handle = self.0.handle();
            let thread = thread::spawn(move || {
                for signal in self.0.forever() {
                    let signal = match signal {
                        SIGTERM => Signal::TERM,
                        SIGUSR1 => Signal::USR1,
                        SIGUSR2 => Signal::USR2,
                        SIGALRM => Signal::ALARM,
                        _ if has_terminal => continue,
                        SIGHUP => Signal::HUP,
                        SIGQUIT => Signal::QUIT,
                        _ => Signal::INT,
                    };
                    if let Some(pid) = pid {
                        // Fails if the command has ended, which needs no signal then.
                        let _ = kill_process(pid, signal);
                    }
                }
            });
            PassedOn {
                handle,
                thread: Some(thread),
            }
        }
    }

    /// The signals that this process ignores, one bit each from signal 1 on. Known on Linux only.
    fn ignored() -> u64 {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let mask = status.lines().find_map(|it| it.strip_prefix("SigIgn:"));
        mask.and_then(|it| u64::from_str_radix(it.trim(), 16).ok())
            .unwrap_or(0)
    }

    impl Drop for PassedOn {
        fn drop(&mut self) {
            self.handle.close();
            if let Some(thread) = self.thread.take() {
                let _ = thread.join();
            }
        }
    }
}
