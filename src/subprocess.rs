//! Runs a program for its output, within limits.

use std::io::{self, ErrorKind, Read as _};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

/// Pause between two checks whether a program has ended.
const NAP: Duration = Duration::from_millis(5);

/// Time to read the rest of the output after the end of a program. Another program that it left
/// behind may keep the output open for ever; its own is in the pipe by then.
const REST: Duration = Duration::from_millis(500);

/// Limits of a program: time and output.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Time after which it is killed.
    pub(crate) time: Duration,
    /// Maximum bytes of its output.
    pub(crate) bytes: u64,
}

/// Why a program gave no output. Never contains the output, which may be a secret.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoOutput {
    /// The system cannot start it, or cannot read what it prints.
    #[error("cannot be run: {cause}")]
    Failed {
        /// The error of the operating system.
        cause: io::Error,
    },
    /// It took too long.
    #[error("did not end within {} s", limit.as_secs())]
    TooSlow {
        /// The limit.
        limit: Duration,
    },
    /// It printed too much.
    #[error("printed more than {limit} bytes")]
    TooLong {
        /// The limit, in bytes.
        limit: u64,
    },
    /// It ended with an error.
    #[error("ended with {status}")]
    Unsuccessful {
        /// Its exit status, or the signal that ended it.
        status: ExitStatus,
    },
}

impl From<io::Error> for NoOutput {
    fn from(cause: io::Error) -> Self {
        Self::Failed { cause }
    }
}

/// Runs a program without standard input, and returns its standard output. Its standard error is
/// discarded. Above a limit it is killed, on Unix without a terminal with the programs that it
/// started itself. Those of a program that has ended may continue, and are not waited for.
///
/// # Errors
/// When it cannot be started, exceeds a limit, or ends with an error.
pub(crate) fn output(mut command: Command, limits: Limits) -> Result<Vec<u8>, NoOutput> {
    let end = Instant::now() + limits.time;
    #[cfg(unix)]
    let has_group = !has_terminal();
    // A group of its own, so that the programs that it starts can be killed with it.
    #[cfg(unix)]
    if has_group {
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
    }
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let printed = printed(&mut child, end, limits).and_then(|printed| {
        let status = ended(&mut child, end, limits)?;
        if status.success() {
            Ok(printed)
        } else {
            Err(NoOutput::Unsuccessful { status })
        }
    });
    // The number of a process that has ended may be another's by now.
    if printed.is_err() && matches!(child.try_wait(), Ok(None)) {
        // All of this fails only for processes that have ended.
        #[cfg(unix)]
        if has_group {
            let group = rustix::process::Pid::from_child(&child);
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        let _ = child.kill();
        let _ = child.wait();
    }
    printed
}

/// Whether this process has a terminal, from which Ctrl-C has to reach the program too.
#[cfg(unix)]
fn has_terminal() -> bool {
    std::fs::File::open("/dev/tty").is_ok()
}

/// Reads the output up to its end, or up to the end of the program and a little longer.
fn printed(child: &mut Child, end: Instant, limits: Limits) -> Result<Vec<u8>, NoOutput> {
    let stdout = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe);
    let parts = parts(stdout.map_err(io::Error::from)?, limits.bytes)?;
    let mut bytes = Vec::new();
    let mut last = None;
    loop {
        match parts.recv_timeout(NAP) {
            Ok(part) => bytes.extend(part?),
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {}
        }
        let now = Instant::now();
        if last.is_none() && child.try_wait()?.is_some() {
            last = Some(now + REST);
        }
        if last.is_some_and(|last| now >= last) {
            break;
        }
        if now >= end {
            return Err(NoOutput::TooSlow { limit: limits.time });
        }
    }
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > limits.bytes {
        return Err(NoOutput::TooLong {
            limit: limits.bytes,
        });
    }
    Ok(bytes)
}

/// Reads the output on another thread, so that a program that never ends cannot block this one. The
/// channel closes at the end of the output, or after one byte more than `most`.
fn parts(stdout: ChildStdout, most: u64) -> io::Result<Receiver<io::Result<Vec<u8>>>> {
    let (send, receive) = mpsc::channel();
    let mut stdout = stdout.take(most + 1);
    thread::Builder::new().spawn(move || {
        let mut buffer = [0; 1024];
        loop {
            let part = match stdout.read(&mut buffer) {
                Ok(0) => break,
                Ok(length) => Ok(buffer[..length].to_vec()),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => Err(error),
            };
            let has_failed = part.is_err();
            // Sending fails only if the receiver has stopped waiting.
            if send.send(part).is_err() || has_failed {
                break;
            }
        }
    })?;
    Ok(receive)
}

/// Waits for the end of a program that has closed its output.
fn ended(child: &mut Child, end: Instant, limits: Limits) -> Result<ExitStatus, NoOutput> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if Instant::now() >= end {
            return Err(NoOutput::TooSlow { limit: limits.time });
        }
        thread::sleep(NAP);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(line: &str, time: Duration) -> Result<String, String> {
        let (program, option) = if cfg!(windows) {
            ("cmd", "/C")
        } else {
            ("sh", "-c")
        };
        let mut command = Command::new(program);
        command.args([option, line]);
        let limits = Limits { time, bytes: 20 };
        let printed = output(command, limits).map_err(|error| error.to_string())?;
        Ok(String::from_utf8(printed).unwrap())
    }

    #[cfg(windows)]
    #[test]
    fn a_program_of_windows_is_held_to_its_limits() {
        let long = Duration::from_secs(30);
        let short = Duration::from_millis(200);
        let endless = "for /L %i in (0,0,1) do @echo key";
        let silent = "for /L %i in (0,0,1) do @rem";
        for (line, time, expected) in [
            ("echo key", long, Ok("key\r\n")),
            ("echo key>&2", long, Ok("")),
            ("echo key& exit 3", long, Err("ended with exit code: 3")),
            (endless, long, Err("printed more than 20 bytes")),
            (silent, short, Err("did not end within 0 s")),
        ] {
            let found = shell(line, time);
            let expected = expected.map(str::to_owned).map_err(str::to_owned);
            assert_eq!(found, expected, "{line}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_program_is_held_to_its_limits() {
        let long = Duration::from_secs(30);
        let short = Duration::from_millis(200);
        for (line, time, expected) in [
            ("echo key", long, Ok("key\n")),
            ("echo key >&2", long, Ok("")),
            ("cat", long, Ok("")),
            ("echo key; exit 3", long, Err("ended with exit status: 3")),
            ("yes", long, Err("printed more than 20 bytes")),
            // A program that it left behind keeps the output open.
            ("sleep 20 & echo key", long, Ok("key\n")),
            (
                "sleep 20 & echo key; exit 3",
                long,
                Err("ended with exit status: 3"),
            ),
            ("sleep 20 &", long, Ok("")),
            ("sleep 60", short, Err("did not end within 0 s")),
            (
                "exec >&-; exec sleep 60",
                short,
                Err("did not end within 0 s"),
            ),
        ] {
            let found = shell(line, time);
            let expected = expected.map(str::to_owned).map_err(str::to_owned);
            assert_eq!(found, expected, "{line}");
        }
    }

    /// Tests have no terminal in CI; where they have one, the program ends by Ctrl-C with its own.
    #[cfg(unix)]
    #[test]
    fn a_program_that_takes_too_long_is_killed_with_those_that_it_started() {
        if has_terminal() {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        let line = format!("(sleep 1; touch '{}') & wait", file.display());
        assert!(shell(&line, Duration::from_millis(200)).is_err());
        thread::sleep(Duration::from_secs(3));
        assert!(!file.exists());
    }

    #[test]
    fn a_program_that_is_not_there_is_an_error() {
        let limits = Limits {
            time: Duration::from_secs(30),
            bytes: 1,
        };
        let error = output(Command::new("/nowhere/posthog-llma"), limits);
        assert!(matches!(error, Err(NoOutput::Failed { .. })), "{error:?}");
    }
}
