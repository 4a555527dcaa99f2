//! Starts this program again as a detached process, which survives the end of its parent: its own
//! session, no terminal, no streams, a working directory outside any project.
//!
//! Standard output of the detached process is a pipe to its caller until the process releases it:
//! the caller waits for the end of the pipe. All other output of the process is discarded.

use std::ffi::{OsStr, OsString};
use std::io::{self, Read};
use std::path::Path;
#[cfg(unix)]
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

#[cfg(windows)]
use windows_spawn::{Child, ChildStdout, Command, CreationFlags, SpawnOptions, Stdio};

use crate::host::Host;
use crate::variables::Variable;

/// Environment variables passed to a detached process. All others are removed, in particular the
/// keys of the coding agent, since a process that outlives its parent should not keep them.
const KEPT: [&str; 33] = [
    "HOME",
    "PATH",
    "USER",
    "LOGNAME",
    "LANG",
    "TZ",
    "TMPDIR",
    "TEMP",
    "TMP",
    "SYSTEMROOT",
    "USERPROFILE",
    "APPDATA",
    "LOCALAPPDATA",
    "PROGRAMDATA",
    "CLAUDE_CONFIG_DIR",
    "CLAUDE_PROJECT_DIR",
    "PI_CODING_AGENT_DIR",
    "PI_CODING_AGENT_SESSION_DIR",
    "OPENCODE_DB",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_SYSTEM",
    "GIT_CONFIG_NOSYSTEM",
    // Needed by a command that asks a keychain for the project's key.
    "DBUS_SESSION_BUS_ADDRESS",
    "GNUPGHOME",
    "PROGRAMFILES",
    "USERNAME",
    // To which OpenCode's sessions are attributed.
    "COMPUTERNAME",
];

/// The variables of [`KEPT`] that hold folders of the agents.
const FOLDERS: [Variable; 3] = [
    Variable::ClaudeConfigDir,
    Variable::PiDir,
    Variable::PiSessionDir,
];

/// Prefixes of further variables that are passed on.
const KEPT_PREFIXES: [&str; 4] = ["POSTHOG_", "CLAUDE_PLUGIN_OPTION_", "XDG_", "LC_"];

/// A detached process, as its caller sees it.
pub(crate) struct Detached {
    /// Ends when the process ends or calls [`release_caller`].
    pipe: ChildStdout,
}

/// Starts `posthog-llma` with `arguments`.
///
/// # Errors
/// When this executable is not known or cannot be started again.
pub(crate) fn start(host: &Host, arguments: &[OsString], state_dir: &Path) -> io::Result<Detached> {
    let executable = host.executable.as_ref().ok_or(io::ErrorKind::NotFound)?;
    let mut command = Command::new(executable);
    command
        .args(arguments)
        .env_clear()
        .envs(host.environment().filter(|(name, _)| is_kept(name)))
        // The working directory changes, so relative paths are made absolute.
        .env("POSTHOG_LLMA_STATE_DIR", std::path::absolute(state_dir)?)
        .current_dir(outside(host))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    for folder in FOLDERS {
        // Pi expands `~` to the home directory at any position.
        let path = host.path_variable(folder);
        if let Some(path) = path.filter(|path| !path.starts_with("~")) {
            command.env(folder.name(), std::path::absolute(path)?);
        }
    }
    if let (None, Some(cwd)) = (host.path_variable(Variable::ClaudeProjectDir), &host.cwd) {
        command.env("CLAUDE_PROJECT_DIR", cwd);
    }
    let pipe = spawn(&mut command)?.stdout;
    let pipe = pipe.ok_or(io::ErrorKind::BrokenPipe)?;
    Ok(Detached { pipe })
}

impl Detached {
    /// Waits for the end of the process, or until it releases its caller, for at most `patience`.
    pub(crate) fn wait(mut self, patience: Duration) {
        let (ended, when_ended) = mpsc::channel();
        let reader = thread::Builder::new().spawn(move || {
            let _ = self.pipe.read(&mut [0]);
            // Fails only if the receiver has stopped waiting.
            let _ = ended.send(());
        });
        if reader.is_ok() {
            let _ = when_ended.recv_timeout(patience);
        }
    }
}

/// Ends the wait of the caller of this process: waiting longer is of no use to it.
pub(crate) fn release_caller() {
    #[cfg(unix)]
    if let Ok(null) = std::fs::OpenOptions::new().write(true).open("/dev/null") {
        // Fails for a descriptor that is not open, which this one is.
        let _ = nix::unistd::dup2_stdout(null);
    }
    // There is no safe way to close the pipe here. The caller reads one byte at most.
    #[cfg(windows)]
    let _ = crate::ui::print("");
}

/// Leaves the session of the parent, in which a hook may be killed, and closes every inherited
/// descriptor: a process that waits for the end of a pipe, or for a lock, must not wait for this
/// one. The detached process calls this first, before it opens anything, since there is no safe way
/// to do it for another process. On Windows, it was started apart and without them.
pub(crate) fn let_go() {
    #[cfg(unix)]
    {
        // Fails only for the leader of a session, which needs no new one.
        let _ = rustix::process::setsid();
        for descriptor in inherited_descriptors() {
            // The descriptor of the directory listing itself is in the list and already closed.
            let _ = nix::unistd::close(descriptor);
        }
    }
}

#[cfg(unix)]
fn inherited_descriptors() -> Vec<std::os::fd::RawFd> {
    const STREAMS: std::ops::RangeInclusive<i32> = 0..=2;
    let open = std::fs::read_dir("/dev/fd").into_iter().flatten().flatten();
    open.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|descriptor| !STREAMS.contains(descriptor))
        .collect()
}

#[cfg(unix)]
fn spawn(command: &mut Command) -> io::Result<Child> {
    command.spawn()
}

/// Without the console of the caller, and without its handles: it may be given pipes whose end its
/// own caller waits for.
#[cfg(windows)]
fn spawn(command: &mut Command) -> io::Result<Child> {
    let apart = CreationFlags::DETACHED_PROCESS | CreationFlags::NEW_PROCESS_GROUP;
    command.spawn_with(SpawnOptions::new().creation_flags(apart))
}

/// A working directory that always exists, unlike a home directory, and is never removed or
/// unmounted. The root of Windows is that of the current drive, which may be a stick.
fn outside(host: &Host) -> &Path {
    let is_system = |(name, _): &(&OsStr, &OsStr)| cfg!(windows) && *name == "SYSTEMROOT";
    let system = host.environment().find(is_system);
    system.map_or(Path::new("/"), |(_, folder)| Path::new(folder))
}

fn is_kept(name: &OsStr) -> bool {
    let name = name.to_string_lossy().to_ascii_uppercase();
    KEPT.contains(&name.as_str()) || KEPT_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_the_agent_stay_behind() {
        for (name, kept) in [
            ("POSTHOG_API_KEY", true),
            ("CLAUDE_PLUGIN_OPTION_API_KEY", true),
            ("https_proxy", true),
            ("ProgramFiles", true),
            ("XDG_STATE_HOME", true),
            ("ANTHROPIC_API_KEY", false),
            ("CLAUDE_CODE_MESSAGING_TOKEN", false),
            ("AWS_SECRET_ACCESS_KEY", false),
        ] {
            assert_eq!(is_kept(OsStr::new(name)), kept, "{name}");
        }
    }
}
