//! `posthog-llma flush`: sends what waits. Detached, it is the half of the hook that works.

use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};

use super::sending::{Effort, Report, Sending};
use super::{Exit, hook, refuse_inside_agent, select, settings};
use crate::cli::Flush;
use crate::config::{Config, Problem};
use crate::consent::{self, Environment, Judgement, StopScope};
use crate::deliver::Drained;
use crate::detached;
use crate::events::Progress;
use crate::host::Host;
use crate::session::Agent;
use crate::sources::{self, Found, Running};
use crate::ui;

/// A transcript that was not written to for so long, and that no process has open, belongs to a
/// session whose end was missed.
const QUIET: TimeDelta = TimeDelta::hours(1);

/// How much earlier than its last line a transcript may seem to have been written, after a
/// restore or a change of the clock.
const CLOCK_ERROR: TimeDelta = TimeDelta::days(1);

/// What the log of runs calls the work of the two hooks.
pub(super) const SESSION_START: &str = "session start";
pub(super) const SESSION_END: &str = "session end";

/// A process that nobody waits for may wait for the network.
const UNWATCHED: Effort = Effort {
    patience: Duration::from_mins(2),
    asked: false,
};

/// A person looks at the terminal.
const WATCHED: Effort = Effort {
    patience: Duration::from_secs(20),
    asked: true,
};

pub(super) fn run(arguments: &Flush, host: &Host) -> anyhow::Result<Exit> {
    if arguments.detached {
        detached::let_go();
        return unwatched(arguments, host);
    }
    if arguments.refused {
        refuse_inside_agent("flush --refused", host)?;
    }
    let (environment, config) = settings(host)?;
    let sending = Sending::open(&environment, &config)?;
    if arguments.refused {
        let events = ui::count(sending.outbox().unpark()? as u64, "refused event");
        ui::say(format_args!("{events} offered again"));
    }
    for line in sending.announcements()? {
        ui::say(line);
    }
    let drained = sending.drain(WATCHED, &|| false, &mut |_| ())?;
    let error = drained.last_error.clone();
    sending.log(
        "flush",
        None,
        drained.sent,
        Report {
            error,
            warnings: Vec::new(),
        },
    );
    say(&drained);
    Ok(if drained.waiting == 0 && drained.parked == 0 {
        Exit::Done
    } else {
        Exit::Incomplete
    })
}

/// What a drain did, for the person who waits for it.
pub(super) fn say(drained: &Drained) {
    let Drained {
        sent,
        parked,
        waiting,
        ..
    } = drained;
    ui::say(format_args!("{} acknowledged", ui::count(*sent, "event")));
    if *parked > 0 {
        let parked = ui::count(*parked, "event");
        ui::say(format_args!(
            "{parked} refused for good; posthog-llma status shows them"
        ));
    }
    if *waiting > 0 {
        ui::say(format_args!(
            "{} still waiting",
            ui::count(*waiting, "event")
        ));
    }
    if drained.busy {
        ui::say("another process is sending; it takes care of the rest");
    }
    if drained.quota_limited {
        ui::say("PostHog says that the project is over its quota: it may drop what it took");
    }
    if let Some(error) = &drained.last_error {
        ui::say(error);
    }
}

/// Nobody reads what this prints: what went wrong is written down for `status`.
fn unwatched(arguments: &Flush, host: &Host) -> anyhow::Result<Exit> {
    let environment = match &arguments.judged {
        Some(judged) => serde_json::from_str::<Judgement>(judged)?.on(host),
        None => Environment::of(host, hook::caller(arguments.agent)),
    };
    if environment.stops(StopScope::Everything) {
        return Ok(Exit::Incomplete);
    }
    let host = &environment.host;
    let (config, problems) = Config::read(&environment);
    let sending = Sending::open(&environment, &config)?;
    if let Some(stopped) = &environment.stopped {
        let error = Some(stopped.reason());
        let warnings = Vec::new();
        sending.log(&verb(arguments), None, 0, Report { error, warnings });
        return Ok(Exit::Incomplete);
    }
    let mut report = Report {
        error: None,
        warnings: problems.iter().map(Problem::to_string).collect(),
    };
    if let Err(error) = gather(arguments, &sending, host, &mut report) {
        report.error = Some(format!("{error:#}"));
    }
    // What was stored before can be sent whatever became of this session.
    let drained = sending
        .drain(UNWATCHED, &|| false, &mut |_| ())
        .unwrap_or_else(|error| {
            report.error.get_or_insert_with(|| format!("{error:#}"));
            Drained::default()
        });
    report.error = report.error.or(drained.last_error);
    let found = arguments.collect.as_deref().and_then(Found::at);
    let session = found.as_ref().map(Found::session_id);
    let session = session.or_else(|| arguments.missing.clone());
    sending.log(&verb(arguments), session, drained.sent, report);
    Ok(Exit::Done)
}

/// What the log of runs calls it.
fn verb(arguments: &Flush) -> String {
    match arguments.agent {
        Agent::ClaudeCode if arguments.sweep => SESSION_START.to_owned(),
        Agent::ClaudeCode => SESSION_END.to_owned(),
        Agent::Pi | Agent::OpenCode => format!("{} hook", arguments.agent.as_str()),
    }
}

/// Stores what the arguments name.
fn gather(
    arguments: &Flush,
    sending: &Sending<'_>,
    host: &Host,
    report: &mut Report,
) -> anyhow::Result<()> {
    // What is written while the outbox is being made was written since.
    let elapsed = TimeDelta::from_std(host.elapsed()).unwrap_or_default();
    let agent = arguments.agent;
    let since = sending
        .outbox()
        .enabled_since(agent.as_str(), host.now() - elapsed)?;
    if let Some(transcript) = &arguments.collect {
        let progress = if arguments.running {
            Progress::Running
        } else {
            Progress::Ended
        };
        collect(sending, transcript, progress, report)?;
    }
    if arguments.sweep {
        sweep(agent, sending, host, since, report);
    }
    if let Some(session) = &arguments.missing {
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
    progress: Progress,
    report: &mut Report,
) -> anyhow::Result<()> {
    let found = Found::at(transcript);
    let found = found.with_context(|| format!("{} is not there", transcript.display()))?;
    let stored = sending.store(&sending.pipeline(), &found, Some(progress))?;
    report.note(&stored, &found);
    Ok(())
}

/// Makes up for sessions whose end nobody saw: written to since this was switched on, and quiet
/// now. Earlier sessions are never sent by themselves.
fn sweep(
    agent: Agent,
    sending: &Sending<'_>,
    host: &Host,
    since: DateTime<Utc>,
    report: &mut Report,
) {
    let open = sources::running(agent, host);
    let is_open = |found: &Found| match &open {
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
        match sending.store(&pipeline, &found, Some(Progress::Ended)) {
            Ok(stored) => {
                report.note(&stored, &found);
            }
            Err(error) => report.warnings.push(format!("{error:#}")),
        }
    }
}

/// A session of a project with a destination of its own is sent by hooks in that project.
fn may_send(found: &Found, host: &Host) -> bool {
    let cwd = found.glance().cwd;
    cwd.is_some_and(|cwd| consent::shares_destination(Path::new(&cwd), host))
}

fn was_written_since(found: &Found, since: DateTime<Utc>) -> bool {
    found.last_written().is_some_and(|last| last >= since)
}
