//! The real Claude Code in a home of its own, with the plugin installed from this tree and the
//! stand-in API behind it.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Value, json};
use tempfile::TempDir;
use walkdir::WalkDir;

use crate::e2e::balance::ByModel;
#[cfg(unix)]
use crate::e2e::terminal::Terminal;
use crate::support::anthropic::Anthropic;
use crate::support::env::{API_KEY, Outcome, PROGRAM, Run};
use crate::support::posthog::{PostHog, Tokens};

const REPOSITORY: &str = env!("CARGO_MANIFEST_DIR");
const CLAUDE_KEY: &str = "sk-ant-test-000";
/// Time limit of a session. One of these tests takes one to four seconds.
const PATIENCE: Duration = Duration::from_secs(90);
const POLL: Duration = Duration::from_millis(20);

/// An installed Claude Code.
pub(crate) struct Claude {
    root: TempDir,
    cli: PathBuf,
    pub(crate) api: Anthropic,
    variables: BTreeMap<OsString, OsString>,
    settings: BTreeMap<String, String>,
}

/// The Claude Code to test with, if there is one: that of `POSTHOG_LLMA_E2E_CLAUDE`, else the one
/// that npm installed beside this file.
pub(crate) fn cli() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("POSTHOG_LLMA_E2E_CLAUDE") {
        let path = PathBuf::from(path);
        assert!(
            path.is_file(),
            "POSTHOG_LLMA_E2E_CLAUDE names no file: {}",
            path.display()
        );
        return Some(path);
    }
    let packages = Path::new(REPOSITORY).join("tests/e2e/node_modules/@anthropic-ai");
    fs::read_dir(packages)
        .ok()?
        .flatten()
        .map(|package| package.path().join("claude"))
        .find(|claude| claude.is_file())
}

impl Claude {
    /// Installed with the program under test on `PATH`.
    pub(crate) fn with_plugin(cli: &Path) -> Self {
        let directory = Path::new(PROGRAM).parent().expect("it is in a directory");
        Self::with_program_in(cli, directory)
    }

    /// Installed with the program `posthog-llma` in this directory.
    pub(crate) fn with_program_in(cli: &Path, directory: &Path) -> Self {
        let claude = Self::without_plugin(cli, directory);
        claude.install_plugin();
        claude
    }

    /// In a fresh home, with the `posthog-llma` of this directory on `PATH`. A relative directory
    /// is below the home.
    pub(crate) fn without_plugin(cli: &Path, directory: &Path) -> Self {
        let root = tempfile::Builder::new()
            // Paths with spaces break hook commands first.
            .prefix("posthog llma e2e ")
            .tempdir()
            .expect("a temporary directory can be made");
        let api = Anthropic::start();
        let mut claude = Self {
            root,
            cli: cli.to_owned(),
            api,
            variables: BTreeMap::new(),
            settings: BTreeMap::new(),
        };
        claude.set_up(directory);
        claude
    }

    fn set_up(&mut self, program: &Path) {
        for directory in [self.config(), self.project(), self.state()] {
            fs::create_dir_all(directory).expect("the temporary directory is writable");
        }
        let system = std::env::var_os("PATH").unwrap_or_default();
        let path = [self.home().join(program)]
            .into_iter()
            .chain(std::env::split_paths(&system));
        let path = std::env::join_paths(path).expect("PATH can be joined");
        let variables: [(&str, OsString); 12] = [
            ("HOME", self.home().into()),
            ("PATH", path),
            ("TERM", "xterm-256color".into()),
            ("LANG", "C.UTF-8".into()),
            ("IS_SANDBOX", "1".into()),
            ("ANTHROPIC_BASE_URL", self.api.url().into()),
            ("ANTHROPIC_API_KEY", CLAUDE_KEY.into()),
            ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1".into()),
            ("DISABLE_TELEMETRY", "1".into()),
            ("DISABLE_AUTOUPDATER", "1".into()),
            ("DISABLE_ERROR_REPORTING", "1".into()),
            ("NO_PROXY", "127.0.0.1,localhost".into()),
        ];
        for (name, value) in variables {
            self.variables.insert(name.into(), value);
        }
        let project = dunce::canonicalize(self.project()).expect("it is there");
        let project = project.to_string_lossy().into_owned();
        let onboarded = json!({
            "hasCompletedOnboarding": true,
            "theme": "dark",
            "bypassPermissionsModeAccepted": true,
            "customApiKeyResponses": {"approved": [CLAUDE_KEY], "rejected": []},
            "projects": {project: {"hasTrustDialogAccepted": true}},
        });
        self.write("home/.claude.json", onboarded.to_string());
        self.write("project/hello.txt", "hello\n");
    }

    /// Installs the plugin from a copy of this tree, as a user does from the repository.
    fn install_plugin(&self) {
        let marketplace = self.root().join("market place");
        copy(&Path::new(REPOSITORY).join("plugin"), &marketplace);
        let add = ["plugin", "marketplace", "add"].map(OsStr::new);
        self.claude(add.into_iter().chain([marketplace.as_os_str()]))
            .run()
            .success();
        self.claude(["plugin", "install", "posthog@posthog-llma"])
            .run()
            .success();
    }

    /// Switches the integration on in the user's settings, as the plugin's README says.
    pub(crate) fn sending_to(self, posthog: &PostHog) -> Self {
        let state = self.state().display().to_string();
        self.setting("POSTHOG_API_KEY", API_KEY)
            .setting("POSTHOG_LLMA_CC_ENABLED", "true")
            .setting("POSTHOG_HOST", &posthog.url())
            .setting("POSTHOG_LLMA_STATE_DIR", &state)
    }

    /// Removes the variable that keeps Claude Code from optional calls, such as titles.
    #[cfg_attr(windows, expect(dead_code, reason = "terminals are tested on Unix"))]
    pub(crate) fn with_all_traffic(mut self) -> Self {
        self.variables
            .remove(OsStr::new("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC"));
        self
    }

    /// Sets a variable in the `env` block of the user's settings.
    pub(crate) fn setting(mut self, name: &str, value: &str) -> Self {
        self.settings.insert(name.into(), value.into());
        let path = self.config().join("settings.json");
        let text = fs::read(&path).expect("installing a plugin writes the settings");
        let mut settings: Value = serde_json::from_slice(&text).expect("the settings are JSON");
        settings["env"] = json!(self.settings);
        fs::write(path, settings.to_string()).expect("the settings are writable");
        self
    }

    pub(crate) fn root(&self) -> &Path {
        self.root.path()
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.root().join("home")
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.home().join(".claude")
    }

    pub(crate) fn project(&self) -> PathBuf {
        self.root().join("project")
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.root().join("state")
    }

    pub(crate) fn write(&self, path: impl AsRef<Path>, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.root().join(path);
        let directory = path.parent().expect("a file has a directory");
        fs::create_dir_all(directory).expect("the temporary directory is writable");
        fs::write(&path, content).expect("the temporary directory is writable");
        path
    }

    /// Claude Code with these arguments, in the project's directory.
    pub(crate) fn claude<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Run {
        let mut command = Command::new(&self.cli);
        command.args(arguments);
        Run::of(self.prepare(command), self.root()).patience(PATIENCE)
    }

    /// Claude Code as people use it, with a first prompt after any other arguments, in a terminal.
    #[cfg(unix)]
    #[track_caller]
    pub(crate) fn open(&self, arguments: &[&str]) -> Terminal {
        let mut command = Command::new(&self.cli);
        command.args(arguments);
        Terminal::open(self.prepare(command))
    }

    /// Runs one prompt to its end, with every tool allowed.
    #[track_caller]
    pub(crate) fn prompt(&self, text: &str) -> Outcome {
        self.claude(["-p", "--dangerously-skip-permissions", text])
            .run()
    }

    /// Runs one more prompt to its end in an existing session: `resumed` is `--continue`, or
    /// `--resume` with its arguments.
    #[track_caller]
    pub(crate) fn again(&self, resumed: &[&str], text: &str) -> Outcome {
        let always = ["-p", "--dangerously-skip-permissions"];
        let arguments = always.iter().chain(resumed).chain([&text]);
        self.claude(arguments).run()
    }

    /// Starts one prompt and leaves it running.
    #[track_caller]
    pub(crate) fn start(&self, text: &str) -> Child {
        self.claude(["-p", "--dangerously-skip-permissions", text])
            .spawn()
    }

    /// The program under test outside of Claude Code, with the same settings.
    pub(crate) fn program<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Run {
        let mut command = Command::new(PROGRAM);
        command.args(arguments);
        let mut run = Run::of(self.prepare(command), self.root()).patience(PATIENCE);
        for (name, value) in &self.settings {
            run = run.env(name, value);
        }
        run
    }

    pub(crate) fn prepare(&self, mut command: Command) -> Command {
        command
            .env_clear()
            .envs(&self.variables)
            .current_dir(self.project());
        command
    }

    /// The session files, without those of subagents, oldest first.
    pub(crate) fn sessions(&self) -> Vec<Transcript> {
        let mut files: Vec<_> = WalkDir::new(self.config().join("projects"))
            .min_depth(2)
            .max_depth(2)
            .into_iter()
            .flatten()
            .map(walkdir::DirEntry::into_path)
            .filter(|path| path.extension().is_some_and(|kind| kind == "jsonl"))
            .collect();
        files.sort_by_key(|path| path.metadata().and_then(|file| file.created()).ok());
        files.into_iter().map(|path| Transcript { path }).collect()
    }

    /// The only session file.
    #[track_caller]
    pub(crate) fn session(&self) -> Transcript {
        let mut sessions = self.sessions();
        assert_eq!(sessions.len(), 1, "one session has run");
        sessions.remove(0)
    }

    /// Waits for a line of a session that is being written; panics after `patience`.
    #[track_caller]
    #[cfg_attr(windows, expect(dead_code, reason = "terminals are tested on Unix"))]
    pub(crate) fn wait_for_line(&self, patience: Duration, is_meant: impl Fn(&Value) -> bool) {
        let start = Instant::now();
        while !self
            .sessions()
            .iter()
            .any(|it| it.lines().iter().any(&is_meant))
        {
            assert!(start.elapsed() < patience, "the line was not written");
            thread::sleep(POLL);
        }
    }
}

/// A session file.
pub(crate) struct Transcript {
    pub(crate) path: PathBuf,
}

impl Transcript {
    pub(crate) fn id(&self) -> String {
        let stem = self.path.file_stem().expect("it has a name");
        stem.to_string_lossy().into_owned()
    }

    pub(crate) fn lines(&self) -> Vec<Value> {
        let text = fs::read_to_string(&self.path).expect("the transcript can be read");
        text.lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect()
    }

    /// Claude Code's own totals at the end of the session. The mark of a larger window is not part
    /// of a model's name.
    #[track_caller]
    pub(crate) fn totals(&self) -> ByModel {
        let lines = self.lines();
        let state = lines
            .iter()
            .rfind(|line| line["type"] == "cost-state")
            .expect("a finished session has its totals");
        let models = state["modelUsage"].as_object().expect("usage by model");
        let mut totals = ByModel::new();
        for (model, usage) in models {
            let count = |name: &str| usage[name].as_u64().unwrap_or(0);
            let name = model.split('[').next().unwrap_or(model);
            *totals.entry(name.to_owned()).or_default() += Tokens {
                input: count("inputTokens"),
                output: count("outputTokens"),
                cache_read: count("cacheReadInputTokens"),
                cache_creation: count("cacheCreationInputTokens"),
            };
        }
        totals
    }

    /// Makes this session and its subagents look untouched for that long.
    pub(crate) fn age(&self, by: Duration) {
        let then = SystemTime::now() - by;
        let beside = WalkDir::new(self.path.with_extension("")).into_iter();
        let files = beside
            .flatten()
            .map(walkdir::DirEntry::into_path)
            .filter(|path| path.is_file())
            .chain([self.path.clone()]);
        for path in files {
            let file = File::options().append(true).open(path);
            file.and_then(|file| file.set_modified(then))
                .expect("the transcript's time can be set");
        }
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in WalkDir::new(from) {
        let entry = entry.expect("the tree can be read");
        let inside = entry.path().strip_prefix(from).expect("it is inside");
        let target = to.join(inside);
        if entry.file_type().is_dir() {
            fs::create_dir_all(target).expect("the copy is writable");
        } else {
            fs::copy(entry.path(), target).expect("the copy is writable");
        }
    }
}
