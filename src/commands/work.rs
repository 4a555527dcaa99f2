//! `posthog-llma work`: the half of a hook that reads and sends, in a process of its own. It has no
//! terminal, so that errors are written to the log of runs, which `status` shows.

mod later;
mod sweep;

use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use chrono::TimeDelta;

use super::sending::{Effort, Pauses, Report, Sending};
use super::{Exit, in_words};
use crate::cli::{Task, Wait, Work};
use crate::config::{Config, Problem};
use crate::consent::{Environment, Judgement, StopScope};
use crate::deliver::Drained;
use crate::detached;
use crate::host::Host;
use crate::outbox::RunKind;
use crate::session::{Agent, SessionState};
use crate::sources::{self, SessionRef};
use sweep::Sweep;

/// One attempt for each destination that is due and that no other process sends to.
const ONCE: Effort = Effort {
    patience: Duration::ZERO,
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
    let (config, problems) = Config::read(&environment);
    let sending = Sending::open(&config, &environment.host)?;
    if arguments.wait == Wait::Briefly && !sending.can_send_now().unwrap_or(true) {
        detached::release_caller();
    }
    let report = Report {
        error: None,
        warnings: problems.iter().map(Problem::to_string).collect(),
    };
    let Some((mut entry, drained)) = perform(&arguments.task, &environment, &sending, report)
    else {
        return Ok(Exit::Incomplete);
    };
    let waiting = drained
        .may_pass
        .then(|| sending.outbox().try_lock_waiting());
    entry.add(drained, &sending);
    drop(sending);
    detached::release_caller();
    if let Some(Ok(Some(_lock))) = waiting {
        let host = &environment.host;
        let session = match &arguments.task {
            Task::Collect { transcript, .. } => SessionRef::at(transcript),
            _ => None,
        };
        later::send(&config, session.as_ref(), host, &mut |sending, drained| {
            entry.add(drained, sending);
        })?;
    }
    Ok(Exit::Done)
}

/// Does the task and sends all waiting events once. `None` if consent stops it.
fn perform(
    task: &Task,
    environment: &Environment,
    sending: &Sending<'_>,
    mut report: Report,
) -> Option<(Entry, Drained)> {
    if let Some(stopped) = &environment.stopped {
        let report = Report {
            error: Some(stopped.reason()),
            warnings: Vec::new(),
        };
        sending.log(kind(task), None, 0, report);
        return None;
    }
    if let Err(error) = gather(task, sending, &environment.host, &mut report) {
        report.error = Some(in_words(&error));
    }
    // A request may take a minute and a half: the log tells what is stored before that.
    let entry = Entry {
        number: sending.log_unsent(kind(task), session(task), &report),
        kind: kind(task),
        session: session(task),
        sent: 0,
        report,
    };
    // Events stored before are sent even if this session could not be read.
    let drained = sending.drain(ONCE, &|| false, &mut |_| ());
    let drained = drained.unwrap_or_else(|error| Drained {
        last_error: Some(in_words(&error)),
        ..Drained::default()
    });
    Some((entry, drained))
}

/// The kind of a task in the log of runs.
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

/// Whether a task includes the sessions whose end was missed. Pi and OpenCode do not call at the
/// start of a session, so that theirs are looked for at the end of one.
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
    host: &Host,
    report: &mut Report,
) -> anyhow::Result<()> {
    // Lines that are written while the outbox is being created count as written since.
    let elapsed = TimeDelta::from_std(host.elapsed()).unwrap_or_default();
    let agent = task.agent();
    let since = sending
        .outbox()
        .enabled_since(agent.as_str(), host.now() - elapsed)?;
    if let Task::Collect {
        transcript,
        progress,
        ..
    } = task
    {
        collect(agent, sending, transcript, *progress, report)?;
    }
    if sweeps(task) {
        let sweep = Sweep::of(agent, sending, host, since);
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
