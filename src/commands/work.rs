//! `posthog-llma work`: the half of a hook that reads and sends, in a process of its own. It has no
//! terminal, so that errors are written to the log of runs, which `status` shows.

use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};

use super::sending::{Effort, Pauses, Report, Sending};
use super::{Exit, in_words, select};
use crate::cli::{Task, Work};
use crate::config::{Config, Problem};
use crate::consent::{self, Environment, Judgement, StopScope};
use crate::deliver::Drained;
use crate::detached;
use crate::host::Host;
use crate::integrations::{self, Running};
use crate::outbox::RunKind;
use crate::session::Agent;
use crate::session::SessionState;
use crate::sources::{self, SessionRef};

/// Time without a write after which a transcript that no process has open belongs to a session
/// whose end was missed.
const QUIET: TimeDelta = TimeDelta::hours(1);

/// How much earlier than its last line a transcript may seem to have been written, after a
/// restore or a change of the clock.
const CLOCK_ERROR: TimeDelta = TimeDelta::days(1);

/// Time to spend on sending. No person waits for this process, so it can wait for the network.
const EFFORT: Effort = Effort {
    patience: Duration::from_mins(2),
    pauses: Pauses::Kept,
};

pub(super) fn run(arguments: &Work, host: &Host) -> anyhow::Result<Exit> {
    detached::let_go();
    let judgement: Judgement = serde_json::from_str(&arguments.judged)?;
    let environment = judgement.on(host);
    if environment.stops(StopScope::Everything) {
        return Ok(Exit::Incomplete);
    }
    let (config, problems) = Config::read(&environment);
    let sending = Sending::open(&config, &environment.host)?;
    let warnings = problems.iter().map(Problem::to_string);
    Ok(perform(
        &arguments.task,
        &environment,
        &sending,
        warnings.collect(),
    ))
}

/// Does the task and sends all waiting events, unless consent stops it.
fn perform(
    task: &Task,
    environment: &Environment,
    sending: &Sending<'_>,
    warnings: Vec<String>,
) -> Exit {
    if let Some(stopped) = &environment.stopped {
        let report = Report {
            error: Some(stopped.reason()),
            warnings: Vec::new(),
        };
        sending.log(kind(task), None, 0, report);
        return Exit::Incomplete;
    }
    let mut report = Report {
        error: None,
        warnings,
    };
    if let Err(error) = gather(task, sending, &environment.host, &mut report) {
        report.error = Some(in_words(&error));
    }
    // Sending may take minutes without a network: the log tells what is stored before that.
    let entry = sending.log_unsent(kind(task), session(task), &report);
    // Events stored before are sent even if this session could not be read.
    let drained = sending
        .drain(EFFORT, &|| false, &mut |_| ())
        .unwrap_or_else(|error| {
            report.error.get_or_insert_with(|| in_words(&error));
            Drained::default()
        });
    report.error = report.error.or(drained.last_error);
    sending.finish_log(entry, kind(task), session(task), drained.sent, report);
    Exit::Done
}

/// The kind of a task in the log of runs.
const fn kind(task: &Task) -> RunKind {
    match (task.agent(), task) {
        (Agent::ClaudeCode, Task::Sweep { .. }) => RunKind::SessionStart,
        (Agent::ClaudeCode, _) => RunKind::SessionEnd,
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
        collect(sending, transcript, *progress, report)?;
    }
    if sweeps(task) {
        sweep(agent, sending, host, since, report);
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
    sending: &Sending<'_>,
    transcript: &Path,
    progress: SessionState,
    report: &mut Report,
) -> anyhow::Result<()> {
    let found = SessionRef::at(transcript);
    let found = found.with_context(|| format!("{} is not there", transcript.display()))?;
    let stored = sending.store(&sending.pipeline(), &found, Some(progress))?;
    report.note(&stored, &found);
    Ok(())
}

/// Stores sessions whose end was missed: written to since capturing was switched on, and quiet now.
/// Earlier sessions are never sent without being asked for.
fn sweep(
    agent: Agent,
    sending: &Sending<'_>,
    host: &Host,
    since: DateTime<Utc>,
    report: &mut Report,
) {
    let open = integrations::running(agent, host);
    let is_open = |found: &SessionRef| match &open {
        Running::Sessions(sessions) => sessions.contains(&found.id),
        Running::Unknown => false,
    };
    let pipeline = sending.pipeline();
    let all = sources::of_agent(agent, host);
    report.warnings.extend(select::in_words(&all.unreadable));
    for found in all.found {
        let modified = DateTime::<Utc>::from(found.modified);
        let may_be_missed = host.now() - modified > QUIET && modified > since - CLOCK_ERROR;
        if !may_be_missed
            || is_open(&found)
            || !was_written_since(&found, since)
            || !may_send(&found, host)
        {
            continue;
        }
        match sending.store(&pipeline, &found, Some(SessionState::Ended)) {
            Ok(stored) => {
                report.note(&stored, &found);
            }
            Err(error) => report.warnings.push(in_words(&error)),
        }
    }
}

/// A session of a project with a destination of its own is sent by hooks in that project.
fn may_send(found: &SessionRef, host: &Host) -> bool {
    let cwd = found.glance().cwd;
    cwd.is_some_and(|cwd| consent::shares_destination(Path::new(&cwd), host))
}

fn was_written_since(found: &SessionRef, since: DateTime<Utc>) -> bool {
    found.last_written().is_some_and(|last| last >= since)
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
