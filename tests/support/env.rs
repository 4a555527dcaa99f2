//! An isolated place to run the program in: temporary directories, an empty environment, and on
//! failure all that a reader needs to see.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use walkdir::WalkDir;

use super::posthog::PostHog;

/// The built program.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_posthog-llma");
/// A key in the form of PostHog's.
pub(crate) const API_KEY: &str = "phc_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG";
/// Folders of Windows in the user's home, for configuration and for state.
const ROAMING: &str = "AppData/Roaming";
const LOCAL: &str = "AppData/Local";
/// Gives a process of Windows a console that has no window.
#[cfg(windows)]
const CREATE_NO_WINDOW: u32 = 0x0800_0000;
/// Time limit of a single run.
const PATIENCE: Duration = Duration::from_mins(1);

/// Whether this is Wine, which does less than Windows.
pub(crate) fn is_wine() -> bool {
    cfg!(windows) && Path::new(r"C:\windows\system32\winecfg.exe").exists()
}

/// A path below the home directory, written with `/`, as the program shows it to people.
pub(crate) fn in_home(path: &str) -> String {
    format!("~/{path}").replace('/', std::path::MAIN_SEPARATOR_STR)
}

/// Home, state and project directory of one test.
pub(crate) struct TestEnv {
    root: TempDir,
    variables: BTreeMap<OsString, OsString>,
}

impl TestEnv {
    pub(crate) fn new() -> Self {
        let root = tempfile::Builder::new()
            .prefix("posthog-llma-")
            .tempdir()
            .expect("a temporary directory can be made");
        let mut env = Self {
            root,
            variables: BTreeMap::new(),
        };
        for directory in [env.home(), env.state(), env.project()] {
            fs::create_dir_all(directory).expect("the temporary directory is writable");
        }
        env.variables = BTreeMap::from([
            ("HOME".into(), env.home().into()),
            ("USERPROFILE".into(), env.home().into()),
            ("APPDATA".into(), env.home().join(ROAMING).into()),
            ("LOCALAPPDATA".into(), env.home().join(LOCAL).into()),
            ("PATH".into(), std::env::var_os("PATH").unwrap_or_default()),
            ("TZ".into(), "UTC".into()),
            ("CLAUDE_CONFIG_DIR".into(), env.claude().into()),
            ("POSTHOG_LLMA_STATE_DIR".into(), env.state().into()),
        ]);
        // No Windows process starts without the first two; the third is the name of the machine.
        for name in ["SystemRoot", "TEMP", "COMPUTERNAME"] {
            if let Some(value) = std::env::var_os(name) {
                env.variables.insert(name.into(), value);
            }
        }
        env
    }

    /// A machine that is switched on, with a key, sending to this double.
    pub(crate) fn sending_to(posthog: &PostHog) -> Self {
        Self::new()
            .with("POSTHOG_API_KEY", API_KEY)
            .with("POSTHOG_LLMA_CC_ENABLED", "true")
            .with("POSTHOG_HOST", posthog.url())
    }

    /// Sets a variable for every run.
    #[must_use]
    pub(crate) fn with(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.variables.insert(name.into(), value.as_ref().into());
        self
    }

    /// Removes a variable from every run.
    #[must_use]
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.variables.remove(OsStr::new(name));
        self
    }

    pub(crate) fn root(&self) -> &Path {
        self.root.path()
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.root().join("home")
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.root().join("state")
    }

    /// The working directory of every run.
    pub(crate) fn project(&self) -> PathBuf {
        self.root().join("project")
    }

    /// The folder of Claude Code's files.
    pub(crate) fn claude(&self) -> PathBuf {
        self.home().join(".claude")
    }

    /// The folder of the user's configuration of programs.
    pub(crate) fn config(&self) -> PathBuf {
        let folder = if cfg!(windows) { ROAMING } else { ".config" };
        self.home().join(folder)
    }

    /// Writes a file that only its owner can read and returns its path. On Windows the user's
    /// folders, and so the files in them, are private.
    pub(crate) fn write_private(
        &self,
        path: impl AsRef<Path>,
        content: impl AsRef<[u8]>,
    ) -> PathBuf {
        with_mode(self.write(path, content), 0o600)
    }

    /// Writes a program and returns its path.
    pub(crate) fn write_executable(
        &self,
        path: impl AsRef<Path>,
        content: impl AsRef<[u8]>,
    ) -> PathBuf {
        with_mode(self.write(path, content), 0o755)
    }

    /// Writes a file below the root and returns its path.
    pub(crate) fn write(&self, path: impl AsRef<Path>, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.root().join(path);
        let directory = path.parent().expect("a file has a directory");
        fs::create_dir_all(directory).expect("the temporary directory is writable");
        fs::write(&path, content).expect("the temporary directory is writable");
        path
    }

    /// A run of the program, to be completed with `stdin` and `env` and started by `run`.
    pub(crate) fn command<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Run {
        let mut command = Command::new(PROGRAM);
        command
            .args(arguments)
            .env_clear()
            .envs(&self.variables)
            .current_dir(self.project());
        Run::of(command, self.root())
    }

    /// A run of another program in the same place.
    pub(crate) fn other(&self, mut command: Command) -> Run {
        command
            .env_clear()
            .envs(&self.variables)
            .current_dir(self.project());
        Run::of(command, self.root())
    }

    /// The same run, started by a shell that first does something to the process, such as
    /// `ulimit`, and then becomes the program by `exec "$@"`.
    #[cfg(unix)]
    pub(crate) fn through_shell<A: AsRef<OsStr>>(
        &self,
        script: &str,
        arguments: impl IntoIterator<Item = A>,
    ) -> Run {
        let mut command = Command::new("sh");
        command
            .args(["-c", script, "sh", PROGRAM])
            .args(arguments)
            .env_clear()
            .envs(&self.variables)
            .current_dir(self.project());
        Run::of(command, self.root())
    }

    /// Runs the program with these arguments and nothing on stdin.
    #[track_caller]
    pub(crate) fn run<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Outcome {
        self.command(arguments).run()
    }
}

/// A file with permissions, which Windows has none of.
fn with_mode(path: PathBuf, mode: u32) -> PathBuf {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("it is ours");
    }
    #[cfg(not(unix))]
    let _ = mode;
    path
}

/// A process about to be started.
pub(crate) struct Run {
    command: Command,
    stdin: Vec<u8>,
    keeps_stdin_open: bool,
    root: PathBuf,
    patience: Duration,
}

impl Run {
    /// A run of any program in this place; the caller has set its environment.
    pub(crate) fn of(command: Command, root: &Path) -> Self {
        Self {
            command,
            stdin: Vec::new(),
            keeps_stdin_open: false,
            root: root.to_owned(),
            patience: PATIENCE,
        }
    }

    #[must_use]
    pub(crate) fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = bytes.into();
        self
    }

    /// Keeps stdin open until the process has ended.
    #[must_use]
    pub(crate) fn keeping_stdin_open(mut self) -> Self {
        self.keeps_stdin_open = true;
        self
    }

    /// Runs it in a process group of its own, which can be killed as a whole.
    #[cfg(unix)]
    #[must_use]
    pub(crate) fn in_own_group(mut self) -> Self {
        std::os::unix::process::CommandExt::process_group(&mut self.command, 0);
        self
    }

    #[must_use]
    pub(crate) fn argument(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    #[must_use]
    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    #[must_use]
    pub(crate) fn directory(mut self, path: impl AsRef<Path>) -> Self {
        self.command.current_dir(path);
        self
    }

    #[must_use]
    pub(crate) fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Starts it in a console of its own on Windows, where keys end all programs of a console.
    #[cfg_attr(not(windows), expect(unused_mut, reason = "only Windows has consoles"))]
    fn in_own_console(mut self) -> Self {
        #[cfg(windows)]
        std::os::windows::process::CommandExt::creation_flags(&mut self.command, CREATE_NO_WINDOW);
        self
    }

    /// Starts the process and leaves it running; its output is discarded.
    #[track_caller]
    pub(crate) fn spawn(self) -> Child {
        let mut this = self.in_own_console();
        let mut child = this
            .command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{:?} does not start: {error}", this.command));
        let mut stdin = child.stdin.take().expect("stdin is a pipe");
        let bytes = this.stdin;
        thread::spawn(move || drop(stdin.write_all(&bytes)));
        child
    }

    /// Starts a service and leaves it running; returns also the first line that it prints.
    #[track_caller]
    pub(crate) fn spawn_until_ready(self) -> (Child, String) {
        let mut this = self.in_own_console();
        let mut child = this
            .command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap_or_else(|error| panic!("{:?} does not start: {error}", this.command));
        let mut stdout = BufReader::new(child.stdout.take().expect("stdout is a pipe"));
        let mut line = String::new();
        stdout.read_line(&mut line).expect("it prints text");
        // The rest is read too, so that no later line finds a closed pipe.
        thread::spawn(move || io::copy(&mut stdout, &mut io::sink()));
        (child, line)
    }

    /// Starts the process and leaves it running: its standard output is read by the caller, and its
    /// messages are in a file.
    #[track_caller]
    pub(crate) fn spawn_read(self, messages: File) -> Child {
        let mut this = self.in_own_console();
        this.command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(messages)
            .spawn()
            .unwrap_or_else(|error| panic!("{:?} does not start: {error}", this.command))
    }

    /// Runs it to its end. It fails if the process, or a child of it, holds an output open for
    /// longer than the time limit.
    #[track_caller]
    pub(crate) fn run(mut self) -> Outcome {
        let shown = format!("{:?}", self.command);
        let started = Instant::now();
        let mut child = self
            .command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{shown} does not start: {error}"));
        let mut stdin = child.stdin.take().expect("stdin is a pipe");
        let stdout = drain(child.stdout.take().expect("stdout is a pipe"));
        let stderr = drain(child.stderr.take().expect("stderr is a pipe"));
        let bytes = self.stdin;
        let keeps_open = self.keeps_stdin_open;
        let written = thread::spawn(move || {
            // A program may ignore its stdin.
            let _ = stdin.write_all(&bytes);
            keeps_open.then_some(stdin)
        });

        let deadline = started + self.patience;
        let both = [stdout, stderr].map(|stream| {
            let left = deadline.saturating_duration_since(Instant::now());
            stream.recv_timeout(left)
        });
        let [Ok(stdout), Ok(stderr)] = both else {
            let _ = child.kill();
            panic!(
                "{shown} held its output open for {:?}\n{}",
                self.patience,
                tree(&self.root)
            );
        };
        let status = child.wait().expect("the process can be waited for");
        drop(written.join());
        Outcome {
            shown,
            status,
            stdout,
            stderr,
            took: started.elapsed(),
            root: self.root,
        }
    }
}

/// The result of a run; each check panics with all of it.
pub(crate) struct Outcome {
    shown: String,
    root: PathBuf,
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) took: Duration,
}

impl Outcome {
    #[track_caller]
    pub(crate) fn success(self) -> Self {
        self.code(0)
    }

    #[track_caller]
    pub(crate) fn code(self, expected: i32) -> Self {
        let matches = self.status.code() == Some(expected);
        self.check(matches, &format!("exit code {expected}"))
    }

    /// Asserts that both streams are empty.
    #[track_caller]
    pub(crate) fn silent(self) -> Self {
        let is_silent = self.stdout.is_empty() && self.stderr.is_empty();
        self.check(is_silent, "no output")
    }

    #[track_caller]
    pub(crate) fn says(self, part: &str) -> Self {
        let says = contains(&self.stdout, part);
        self.check(says, &format!("{part:?} on stdout"))
    }

    #[track_caller]
    pub(crate) fn complains(self, part: &str) -> Self {
        let complains = contains(&self.stderr, part);
        self.check(complains, &format!("{part:?} on stderr"))
    }

    #[track_caller]
    pub(crate) fn never_mentions(self, part: &str) -> Self {
        let mentions = self.stdout.contains(part) || self.stderr.contains(part);
        self.check(!mentions, &format!("no {part:?} anywhere"))
    }

    #[track_caller]
    pub(crate) fn within(self, limit: Duration) -> Self {
        let in_time = self.took <= limit;
        self.check(in_time, &format!("an end within {limit:?}"))
    }

    #[track_caller]
    fn check(self, holds: bool, expected: &str) -> Self {
        assert!(holds, "expected {expected}\n{}", self.report());
        self
    }

    /// The command, how it ended, both streams and the files around it.
    pub(crate) fn report(&self) -> String {
        format!(
            "command: {}\nended:   {} after {:?}\n--- stdout\n{}\n--- stderr\n{}\n--- files\n{}",
            self.shown,
            self.status,
            self.took,
            self.stdout,
            self.stderr,
            tree(&self.root),
        )
    }
}

fn drain(mut stream: impl Read + Send + 'static) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        let _ = sender.send(String::from_utf8_lossy(&bytes).into_owned());
    });
    receiver
}

fn tree(root: &Path) -> String {
    let mut tree = String::new();
    let entries = WalkDir::new(root).sort_by_file_name();
    for entry in entries.into_iter().flatten().take(200) {
        let size = entry.metadata().map_or(0, |metadata| metadata.len());
        let path = entry.path().strip_prefix(root).unwrap_or(entry.path());
        let _ = writeln!(tree, "{size:>9}  {}", path.display());
    }
    tree
}

/// Whether a text contains a part, wherever its lines are broken.
fn contains(text: &str, part: &str) -> bool {
    let on_one_line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    text.contains(part) || on_one_line(text).contains(part)
}
