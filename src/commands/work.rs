//! `posthog-llma work`: the half of a hook that reads and sends, in a process of its own. It has no
//! terminal, so that errors are written to the log of runs, which `status` shows.

mod later;
mod sweep;

use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};

use super::sending::{Effort, Pauses, Report, Sending, To};
use super::terms::Terms;
use super::{Exit, in_words};
use crate::cli::{Task, Wait, Work};
use crate::config::{Config, KeySource, Problem};
use crate::consent::{Judgement, StopScope};
use crate::deliver::Drained;
use crate::detached;
use crate::host::Host;
use crate::outbox::RunKind;
use crate::session::{Agent, SessionState};
use crate::sources::{self, SessionRef};
use sweep::Sweep;

/// One attempt per destination that is due and that no other process is sending to.
const ONCE: Effort = Effort {
    to: To::All,
    patience: Duration::ZERO,
    admission_wait: Duration::ZERO,
    pauses: Pauses::Kept,
};

/// The entry of this process in the log of runs.
struct Entry {
    number: Option<i64>,
    kind: RunKind,
    session: Option<String>,
    sent: u64,
    report: Report,
}

impl Entry {
    /// Adds an attempt to send. Its error stands until the next attempt.
    fn add(&mut self, drained: Drained, sending: &Sending<'_>) {
        self.sent += drained.sent;
        self.report.note_held(&drained);
        let mut report = self.report.clone();
        report.error = report.error.or(drained.last_error);
        let (kind, session) = (self.kind.clone(), self.session.clone());
        sending.finish_log(self.number, kind, session, self.sent, report);
    }
}

pub(super) fn run(arguments: &Work, host: &Host) -> anyhow::Result<Exit> {
    detached::let_go();
    let judgement: Judgement = serde_json::from_str(&arguments.judged)?;
    let environment = judgement.on(host);
    if environment.stops(StopScope::Everything) {
        return Ok(Exit::Incomplete);
    }
    let (mut config, problems) = Config::read(&environment);
    let host = &environment.host;
    // The caller waits a second at most, and a command may take longer.
    let key = key(&mut config, &problems, host);
    let sending = Sending::open(&config, host)?;
    if arguments.wait == Wait::Briefly && !sending.can_send_now().unwrap_or(true) {
        detached::release_caller();
    }
    let task = &arguments.task;
    let is_another = |it: &&Problem| !matches!(&key, Err(error) if error == *it);
    let mut report = Report {
        error: None,
        warnings: problems
            .iter()
            .filter(is_another)
            .map(Problem::to_string)
            .collect(),
    };
    if let Some(stopped) = &environment.stopped {
        let error = Some(stopped.reason());
        let warnings = Vec::new();
        sending.log(kind(task), None, 0, Report { error, warnings });
        return Ok(Exit::Incomplete);
    }
    if let Err(problem) = key {
        // Nothing new can be stored: the next session start finds the session by its note, and
        // those of other sessions that ended since now.
        let _ = enabled_since(task.agent(), &sending, host);
        report.error = Some(problem.to_string());
    } else if let Err(error) = gather(task, &sending, &config, host, &mut report) {
        report.error = Some(in_words(&error));
    }
    // A request may take a minute and a half: the log tells what is stored before that.
    let mut entry = Entry {
        number: sending.log_unsent(kind(task), session(task), &report),
        kind: kind(task),
        session: session(task),
        sent: 0,
        report,
    };
    // Events stored before are sent even if this session could not be read.
    let drained = send(arguments, &sending, host, &mut entry);
    let waiting = later::is_worthwhile(&drained, &sending)
        .then(|| sending.outbox().try_lock_waiting())
        .and_then(|lock| lock.ok().flatten());
    detached::release_caller();
    // Events that cannot be sent now may have to be withdrawn. The next sender reports problems.
    let _ = sending.follow_decisions();
    let settings = sending.settings().clone();
    drop(sending);
    if let Some(_lock) = waiting {
        later::send(&config, &settings, host, &mut |sending, drained| {
            entry.add(drained, sending);
        })?;
    }
    Ok(Exit::Done)
}

/// Runs the command for the key, if there is one.
///
/// # Errors
/// Why there is no key. Settings that name none at all are reported when something is stored.
fn key(config: &mut Config, problems: &[Problem], host: &Host) -> Result<(), Problem> {
    config.ask_for_key(host)?;
    let unusable = problems.iter().find(|it| it.is_of_key());
    match (&config.destination.api_key, unusable) {
        (None, Some(problem)) => Err(problem.clone()),
        _ => Ok(()),
    }
}

/// Time since when the sessions of an agent are collected. Lines that are written while the outbox
/// is being created count as written since.
fn enabled_since(
    agent: Agent,
    sending: &Sending<'_>,
    host: &Host,
) -> anyhow::Result<DateTime<Utc>> {
    let elapsed = TimeDelta::from_std(host.elapsed()).unwrap_or_default();
    let now = host.now() - elapsed;
    Ok(sending.outbox().enabled_since(agent.as_str(), now)?)
}

/// Sends all waiting events once: first those for the destination of the settings, for which the
/// caller waits, then those for others.
fn send(arguments: &Work, sending: &Sending<'_>, host: &Host, entry: &mut Entry) -> Drained {
    let own = Effort {
        to: To::Own,
        admission_wait: admission_wait(arguments, host),
        ..ONCE
    };
    let mut sent = Drained::default();
    for effort in [own, ONCE] {
        if effort.to == To::Own || sending.is_due().unwrap_or(true) {
            let drained = once(sending, effort);
            let drained = drained.unwrap_or_else(|error| Drained {
                last_error: Some(in_words(&error)),
                ..Drained::default()
            });
            let sent_now = drained.sent;
            sent = sent.and(drained);
            let sum = sent.clone();
            entry.add(
                Drained {
                    sent: sent_now,
                    ..sum
                },
                sending,
            );
        }
        detached::release_caller();
    }
    sent
}

/// Sends waiting events.
fn once(sending: &Sending<'_>, effort: Effort) -> anyhow::Result<Drained> {
    sending.drain(effort, &|| false, &mut |_| ())
}

/// Maximum time to wait until a destination may be sent to: as long as the caller waits, if the machine's
/// processes may end with the caller.
fn admission_wait(arguments: &Work, host: &Host) -> Duration {
    match arguments.wait {
        Wait::Sent => Duration::from_millis(arguments.patience).saturating_sub(host.elapsed()),
        Wait::Briefly | Wait::Nothing => Duration::ZERO,
    }
}

/// The kind of run of a task.
const fn kind(task: &Task) -> RunKind {
    match (task.agent(), task) {
        (Agent::ClaudeCode, Task::Sweep { .. }) => RunKind::SessionStart,
        // OpenTelemetry has no hooks.
        (Agent::ClaudeCode | Agent::Otlp, _) => RunKind::SessionEnd,
        (Agent::Pi, _) => RunKind::PiHook,
        (Agent::OpenCode, _) => RunKind::OpenCodeHook,
    }
}

/// The id of the session that a task is about.
fn session(task: &Task) -> Option<String> {
    match task {
        Task::Collect { transcript, .. } => {
            SessionRef::at(transcript).map(|found| found.session_id())
        }
        Task::Missing { session, .. } => Some(session.clone()),
        Task::Sweep { .. } | Task::Deliver { .. } => None,
    }
}

/// Whether a task includes the search for sessions whose end was missed. Pi and OpenCode do not
/// call at the start of a session, so theirs are searched at the end of one.
const fn sweeps(task: &Task) -> bool {
    match task {
        Task::Sweep { .. } => true,
        Task::Collect {
            agent, progress, ..
        }
        | Task::Missing {
            agent, progress, ..
        } => matches!(
            (agent, progress),
            (Agent::Pi | Agent::OpenCode, SessionState::Ended)
        ),
        Task::Deliver { .. } => false,
    }
}

/// Stores the sessions that the task names.
fn gather(
    task: &Task,
    sending: &Sending<'_>,
    config: &Config,
    host: &Host,
    report: &mut Report,
) -> anyhow::Result<()> {
    let agent = task.agent();
    let since = enabled_since(agent, sending, host)?;
    if let Task::Collect {
        transcript,
        progress,
        ..
    } = task
    {
        if *progress == SessionState::Ended {
            note_key(agent, transcript, sending, config);
        }
        collect(agent, sending, transcript, *progress, report)?;
    }
    if sweeps(task) {
        let sweep = Sweep::of(agent, sending, config, host, since);
        sweep.finish_endings(report);
        sweep.store_quiet(report);
    }
    if let Task::Missing { session, .. } = task {
        let folder = sources::folder(agent, host).unwrap_or_default();
        anyhow::bail!(
            "session {session} is nowhere in {}; posthog-llma doctor says where {} was looked for",
            folder.display(),
            agent.name()
        );
    }
    Ok(())
}

/// Adds the key to the note of the hook, which could not know the one that a command prints. A
/// session whose key is known goes to no other project of the same host.
fn note_key(agent: Agent, transcript: &Path, sending: &Sending<'_>, config: &Config) {
    let endings = sending.endings();
    let is_by_command = matches!(config.destination.key_source, Some(KeySource::Command(_)));
    if is_by_command && endings.has(agent.as_str(), transcript) {
        let _ = endings.add(agent.as_str(), transcript, Terms::of(config).to_json());
    }
}

fn collect(
    agent: Agent,
    sending: &Sending<'_>,
    transcript: &Path,
    progress: SessionState,
    report: &mut Report,
) -> anyhow::Result<()> {
    let found = SessionRef::at(transcript);
    let found = found.with_context(|| format!("{} is not there", transcript.display()))?;
    let endings = sending.endings();
    let _ours = endings.claim(agent.as_str(), transcript);
    let stored = sending.store(&sending.pipeline(), &found, Some(progress))?;
    if progress == SessionState::Ended {
        endings.remove(agent.as_str(), transcript);
    }
    report.note(&stored, &found);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missed_ends_are_looked_for_once_in_a_session_of_each_agent() {
        let collect = |agent, progress| Task::Collect {
            agent,
            transcript: "/home/ada/s-1.jsonl".into(),
            progress,
        };
        let missing = |agent, progress| Task::Missing {
            agent,
            session: "s-1".to_owned(),
            progress,
        };
        let claude_code = Agent::ClaudeCode;
        for (task, expected) in [
            (Task::Sweep { agent: claude_code }, true),
            (collect(claude_code, SessionState::Ended), false),
            (missing(claude_code, SessionState::Ended), false),
            (Task::Deliver { agent: claude_code }, false),
            (collect(Agent::Pi, SessionState::Running), false),
            (collect(Agent::Pi, SessionState::Ended), true),
            (collect(Agent::OpenCode, SessionState::Running), false),
            (collect(Agent::OpenCode, SessionState::Ended), true),
            (missing(Agent::OpenCode, SessionState::Running), false),
            (missing(Agent::OpenCode, SessionState::Ended), true),
        ] {
            assert_eq!(sweeps(&task), expected, "{task:?}");
        }
    }
}
