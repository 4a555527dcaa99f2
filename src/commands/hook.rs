//! `posthog-llma hook`: called by the agents' plugins when a session starts, rests or ends.
//!
//! Claude Code waits for this process, kills it after 1.5 seconds and shows the user whatever it
//! prints. So it only starts the real work in a process of its own, which nothing kills. It waits
//! for that process as long as [`wait`] says: a container that goes away with its agent should not
//! go before the session is sent, and a person should not wait for a network.

mod wait;

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::Exit;
use super::terms::Terms;
use crate::cli::{Hook, Task, Wait, Work};
use crate::config::{self, Config, WaitSetting};
use crate::consent::{
    self, Caller, Environment, Hidden, Judgement, Moment, StopScope, UnknownValue,
};
use crate::detached::{self, Detached};
use crate::host::Host;
use crate::integrations::claude_code::ending;
use crate::outbox::{self, Endings, LeftOut, Outbox};
use crate::session::{Agent, SessionState};
use crate::sources;
use crate::variables::{Variable, yes_or_no};
use wait::Circumstances;

/// Time that Claude Code gives all hooks at the end of a session together. Measured on 2.1.329.
const BUDGET: Duration = Duration::from_millis(1500);

/// Time for the start and the end of the process, which its clock does not see, on a busy machine.
const MARGIN: Duration = Duration::from_millis(400);

/// Maximum time to wait for standard input. Claude Code does not always close it.
const INPUT_PATIENCE: Duration = Duration::from_millis(300);

/// The fields of the hook's input that are used.
#[derive(Debug, Default, Deserialize)]
struct Input {
    #[serde(default, deserialize_with = "text")]
    hook_event_name: Option<String>,
    /// How the session started: `startup`, `resume`, `clear` or `compact`.
    #[serde(default, deserialize_with = "text")]
    source: Option<String>,
    /// Why a session ends.
    #[serde(default, deserialize_with = "text")]
    reason: Option<String>,
    #[serde(default, deserialize_with = "text")]
    session_id: Option<String>,
    #[serde(default, deserialize_with = "text")]
    transcript_path: Option<PathBuf>,
}

/// Reads a text. A value of another kind counts as missing.
fn text<'de, D: Deserializer<'de>, T: From<String>>(value: D) -> Result<Option<T>, D::Error> {
    let value = Value::deserialize(value)?;
    Ok(value.as_str().map(|text| T::from(text.to_owned())))
}

/// Never fails and never prints. Errors are in the log of runs, which `status` shows.
pub(super) fn run(arguments: &Hook, host: &Host) -> Exit {
    match arguments.agent {
        // A machine that never sent has nothing to note either.
        Agent::ClaudeCode if may_be_on(arguments, host) || has_outbox(host) => of_claude_code(host),
        Agent::Pi | Agent::OpenCode if may_be_on(arguments, host) => of_plugin(arguments, host),
        _ => {}
    }
    Exit::Done
}

fn may_be_on(arguments: &Hook, host: &Host) -> bool {
    config::may_be_on(arguments.agent, host)
}

/// Whether there is an outbox, by the values the process was given. Only looks.
fn has_outbox(host: &Host) -> bool {
    host.state_directory()
        .is_some_and(|it| outbox::is_there(&it))
}

/// Claude Code passes everything on standard input, and waits at the end of a session.
fn of_claude_code(host: &Host) {
    let input = read_input(INPUT_PATIENCE).unwrap_or_default();
    let environment = Environment::of_hook(host, input.moment());
    let config = switched_on(Agent::ClaudeCode, &environment);
    input.note_whether_sent(config.as_ref(), &environment);
    if let Some(config) = config {
        let host = &environment.host;
        let wait = input.wait(config.wait, host);
        let task = input.task(host);
        if !has_nothing_to_do(&task, &config, host)
            && let Some(work) = start(task, wait, &environment, &config)
        {
            work.wait(patience(wait, host));
        }
    }
    if input.is_last() && !environment.stops(StopScope::Everything) {
        consent::forget_beginning(host);
    }
}

/// The plugins of the other agents pass everything as arguments, and do not wait.
fn of_plugin(arguments: &Hook, host: &Host) {
    // An agent started by Claude Code inherits the variables of its settings files.
    let environment = if host.has(Variable::InsideClaudeCode) {
        Environment::of_hook(host, Moment::GoesOn)
    } else {
        Environment::of(host, Caller::OtherAgent)
    };
    if let Some(config) = switched_on(arguments.agent, &environment)
        && let Some(task) = task_of_plugin(arguments, &environment.host)
    {
        let _ = start(task, Wait::Nothing, &environment, &config);
    }
}

/// The settings, if they switch the agent on. The key may be unusable at the moment.
fn switched_on(agent: Agent, environment: &Environment) -> Option<Config> {
    if environment.stops(StopScope::Everything) {
        return None;
    }
    let (config, _) = Config::read(environment);
    config.is_on(agent).then_some(config)
}

/// Starts the detached process in the judged environment. `None` when that is impossible.
fn start(task: Task, wait: Wait, environment: &Environment, config: &Config) -> Option<Detached> {
    let state_dir = config.state_dir.as_ref()?;
    note_ending(&task, environment, config, state_dir);
    let judged = serde_json::to_string(&Judgement::of(environment)).ok()?;
    let patience = patience(wait, &environment.host).as_millis();
    let work = Work {
        judged,
        wait,
        patience: u64::try_from(patience).unwrap_or(u64::MAX),
        task,
    };
    detached::start(&environment.host, &work.to_arguments(), state_dir).ok()
}

/// The longest time for which this process waits, from now on.
fn patience(wait: Wait, host: &Host) -> Duration {
    wait::longest(wait, budget(host)).saturating_sub(host.elapsed())
}

/// Whether a session has no line since it was stored, and nothing else has to be sent now. `false`
/// when in doubt. It costs half a millisecond and saves the start of a process. The transcript is
/// not opened, only its size and time are read: it may have any size.
fn has_nothing_to_do(task: &Task, config: &Config, host: &Host) -> bool {
    let (Task::Collect { transcript, .. }, Some(state_dir)) = (task, &config.state_dir) else {
        return false;
    };
    // Subagents have transcripts of their own in this folder.
    let has_subagents = transcript.with_extension("").exists();
    let (Ok(found), false) = (transcript.metadata(), has_subagents) else {
        return false;
    };
    let Ok(Some(outbox)) = Outbox::open_read_only(state_dir) else {
        return false;
    };
    let is_stored = matches!(
        outbox.transcript(transcript),
        Ok(Some(stored)) if stored.size == found.len() && found.modified().is_ok_and(|at| at == stored.modified)
    );
    let due = outbox.destinations_waiting(host.now(), false);
    is_stored && due.is_ok_and(|due| due.is_empty())
}

/// Whether sending is off because the user said so, or never said otherwise: not because settings of
/// a project hide what they said.
fn is_off_by_decision(environment: &Environment) -> bool {
    let is_known = |it: &Variable| environment.variable(*it).is_ok();
    match environment.variable(Variable::CcEnabled) {
        _ if environment.stops(StopScope::Everything) => false,
        Err(UnknownValue::Hidden(Hidden::ByProject)) => false,
        // It was taken back, or cannot be read.
        Err(_) => true,
        Ok(Some(value)) if yes_or_no(value) != Some(true) => true,
        Ok(_) => Variable::API_KEY.iter().all(is_known),
    }
}

/// Stores a note that the end of a session is being processed, in case this process and the one
/// that it starts are killed before the session is stored.
fn note_ending(task: &Task, environment: &Environment, config: &Config, state_dir: &Path) {
    if let Task::Collect {
        agent,
        transcript,
        progress: SessionState::Ended,
    } = task
        && !environment.stops(StopScope::Sessions)
    {
        let terms = Terms::of(config).to_json();
        // Without the note, the session is found an hour later.
        let _ = Endings::of(state_dir).add(agent.as_str(), transcript, terms);
    }
}

/// The work for a session that a plugin names; `None` when there is none.
fn task_of_plugin(arguments: &Hook, host: &Host) -> Option<Task> {
    let agent = arguments.agent;
    let session = arguments.session.as_ref()?;
    let progress = if arguments.running {
        SessionState::Running
    } else {
        SessionState::Ended
    };
    match (sources::named_by_plugin(agent, session, host), agent) {
        (Some(transcript), _) => Some(Task::Collect {
            agent,
            transcript,
            progress,
        }),
        // OpenCode keeps every session from its beginning on.
        (None, Agent::OpenCode) => Some(Task::Missing {
            agent,
            session: session.to_string_lossy().into_owned(),
            progress,
        }),
        // Pi writes no file before the first answer, and a subagent is sent with its parent.
        (None, Agent::Pi | Agent::ClaudeCode | Agent::Otlp) => None,
    }
}

impl Input {
    fn is_start(&self) -> bool {
        self.hook_event_name.as_deref() == Some("SessionStart")
    }

    /// The moment in the life of its process at which Claude Code calls.
    fn moment(&self) -> Moment {
        match self.source.as_deref() {
            Some("startup") if self.is_start() => Moment::Begins,
            Some("resume") if self.is_start() => Moment::MayBegin,
            _ => Moment::GoesOn,
        }
    }

    /// The work that the hook's call asks for.
    fn task(&self, host: &Host) -> Task {
        let agent = Agent::ClaudeCode;
        if self.is_start() {
            return Task::Sweep { agent };
        }
        let progress = SessionState::Ended;
        // The detached process works in another directory.
        let transcript = transcript_of(self, host).and_then(|path| std::path::absolute(path).ok());
        match (transcript, &self.session_id) {
            (Some(transcript), _) => Task::Collect {
                agent,
                transcript,
                progress,
            },
            (None, Some(id)) if !id.is_empty() => Task::Missing {
                agent,
                session: id.clone(),
                progress,
            },
            (None, _) => Task::Deliver { agent },
        }
    }

    /// Notes that this session ran while sending was off, so that it is not taken for one whose end
    /// was missed.
    fn note_whether_sent(&self, config: Option<&Config>, environment: &Environment) {
        let host = &environment.host;
        let directory = host.state_directory().filter(|it| outbox::is_there(it));
        let transcript = self.transcript_path.as_ref();
        let transcript = transcript.filter(|path| !path.as_os_str().is_empty());
        let (Some(directory), Some(transcript)) = (directory, transcript) else {
            return;
        };
        let Ok(transcript) = std::path::absolute(transcript) else {
            return;
        };
        let left_out = LeftOut::of(&directory);
        let agent = Agent::ClaudeCode.as_str();
        if config.is_some() {
            left_out.remove(agent, &transcript);
        } else if is_off_by_decision(environment) {
            // Without the note, it may be sent once sending is on again.
            let _ = left_out.add(agent, &transcript);
        }
    }

    /// The part of the work for which the hook waits: none at the start of a session.
    fn wait(&self, setting: WaitSetting, host: &Host) -> Wait {
        if self.is_start() {
            return Wait::Nothing;
        }
        wait::what_for(Circumstances {
            setting,
            is_attended: ending::is_attended(self.reason.as_deref(), host),
            ends_with_agent: is_ci(host) || ending::is_main_process(host),
        })
    }

    /// Whether the process ends with the session.
    fn is_last(&self) -> bool {
        let goes_on = matches!(self.reason.as_deref(), Some("clear" | "resume"));
        self.hook_event_name.as_deref() == Some("SessionEnd") && !goes_on
    }
}

/// The transcript of the session that ended. The path that the hook names may be missing, empty, of
/// another system (a Windows path inside WSL) or of another work tree: then the session's id counts.
fn transcript_of(input: &Input, host: &Host) -> Option<PathBuf> {
    let named = input.transcript_path.as_ref();
    let named = named.filter(|path| !path.as_os_str().is_empty());
    let told = host.variable(Variable::ClaudeSessionId).ok().flatten();
    let own = input.session_id.as_deref().filter(|id| !id.is_empty());
    let id = own.or(told);
    let is_its_own = |path: &PathBuf| {
        let stem = path.file_stem().and_then(OsStr::to_str);
        path.is_file() && (id.is_none() || stem == id)
    };
    if let Some(path) = named.filter(|path| is_its_own(path)) {
        return Some(path.clone());
    }
    let found = id.and_then(|id| sources::locate(Agent::ClaudeCode, id, host));
    // Without one, the log shows the path that was named.
    found.or_else(|| named.cloned())
}

/// Whether the session ran on a machine for builds and tests, which may be removed at once.
fn is_ci(host: &Host) -> bool {
    let ci = host.variable(Variable::Ci).ok().flatten();
    ci.is_some_and(|text| yes_or_no(text) != Some(false))
}

/// Maximum duration of the hook at the end of a session.
pub(super) fn budget(host: &Host) -> Duration {
    let raised = host.variable(Variable::HookTimeout).ok().flatten();
    let raised = raised
        .and_then(|text| text.parse().ok())
        .map(Duration::from_millis);
    raised.unwrap_or(BUDGET).saturating_sub(MARGIN)
}

/// Reads one JSON value, without waiting for the end of the input.
fn read_input(patience: Duration) -> Option<Input> {
    let (send, receive) = mpsc::channel();
    let reader = thread::Builder::new().spawn(move || {
        let mut values = serde_json::Deserializer::from_reader(io::stdin().lock()).into_iter();
        // The receiver is gone when the input came too late.
        let _ = send.send(values.next().and_then(Result::ok));
    });
    // The user's process limit may forbid another thread.
    reader.ok()?;
    receive.recv_timeout(patience).ok().flatten()
}

#[cfg(test)]
mod tests {
    use chrono::Utc;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_transcript_is_found_by_the_session_where_the_path_leads_nowhere() {
        let home = tempfile::tempdir().unwrap();
        let mut host = Host::bare(Utc::now);
        host.home = Some(home.path().to_owned());
        let written = |path: &str| {
            let path = home.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, "").unwrap();
            path
        };
        let own = written(".claude/projects/-home-ada-bookshop--claude-worktrees-fix/s-1.jsonl");
        let other = written(".claude/projects/-home-ada-bookshop/s-2.jsonl");
        let elsewhere = written("elsewhere/s-3.jsonl");
        let missing = home.path().join("missing/s-1.jsonl");
        let [own, other, elsewhere, missing] =
            [own, other, elsewhere, missing].map(|path| path.to_str().unwrap().to_owned());
        for (named, id, expected) in [
            (json!(own), json!("s-1"), Some(&own)),
            (json!(missing), json!("s-1"), Some(&own)),
            (json!(""), json!("s-1"), Some(&own)),
            (json!(null), json!("s-1"), Some(&own)),
            (json!(7), json!("s-1"), Some(&own)),
            (
                json!(r"C:\Users\ada\.claude\projects\p\s-1.jsonl"),
                json!("s-1"),
                Some(&own),
            ),
            (
                json!(r"\\wsl$\Debian\home\ada\s-1.jsonl"),
                json!("s-1"),
                Some(&own),
            ),
            // The path belongs to another session, in another work tree.
            (json!(other), json!("s-1"), Some(&own)),
            (json!(other), json!(null), Some(&other)),
            (json!(other), json!("../s-1"), Some(&other)),
            (json!(elsewhere), json!("s-3"), Some(&elsewhere)),
            // No transcript is found: the log names the given one.
            (json!(missing), json!("s-9"), Some(&missing)),
            (json!(null), json!("s-9"), None),
            (json!(null), json!(null), None),
        ] {
            let input = json!({ "transcript_path": named, "session_id": id });
            let input = serde_json::from_value(input).unwrap();
            let found = transcript_of(&input, &host);
            assert_eq!(found, expected.map(PathBuf::from), "{input:?}");
        }
        let host = host.with(Variable::ClaudeSessionId.name(), "s-1");
        let found = transcript_of(&Input::default(), &host);
        assert_eq!(found, Some(PathBuf::from(&own)));
    }

    #[test]
    fn the_budget_is_claude_code_s_own_less_a_margin() {
        let host = Host::bare(Utc::now);
        assert_eq!(budget(&host), Duration::from_millis(1100));
        assert_eq!(
            budget(&host.clone().with(Variable::HookTimeout.name(), "5000")),
            Duration::from_millis(4600)
        );
        assert_eq!(
            budget(&host.clone().with(Variable::HookTimeout.name(), "soon")),
            Duration::from_millis(1100)
        );
        assert_eq!(
            budget(&host.with(Variable::HookTimeout.name(), "100")),
            Duration::ZERO
        );
    }
}
