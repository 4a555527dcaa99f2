//! `posthog-llma doctor`: what keeps sessions from arriving, and what to do about it.
//!
//! Each module here checks one part of the way and returns [`Finding`]s; none of them prints,
//! changes anything, or sends an event. What they return holds no key and nothing of a session.

mod finding;
mod hooks;
mod network;
mod outbox;
mod settings;
mod text;
mod transcripts;

use serde_json::json;

use super::agents::{self, OtherAgent};
use super::{Exit, sending};
use crate::cli;
use crate::config::{Config, Problem};
use crate::consent::{Caller, Environment, Trust};
use crate::host::Host;
use crate::integrations::claude_code::in_force::InForce;
use crate::outbox::{Outbox, Status};
use crate::session::Agent;
use crate::sources::{self, SessionRef, Unreadable};
use crate::ui;
use finding::Finding;

/// What the checks look at, gathered once.
struct Facts {
    /// As Claude Code's hooks see it.
    host: Host,
    /// The same, judged.
    environment: Environment,
    settings: InForce,
    config: Config,
    problems: Vec<Problem>,
    /// What the user confirmed, or why it cannot be read.
    trust: Result<Trust, String>,
    /// `None` when there is none yet.
    outbox: Result<Option<Outbox>, String>,
    status: Status,
    /// Every session of Claude Code on this machine, the last written first.
    found: Vec<SessionRef>,
    /// Folders and files, of any agent, that may hold more and cannot be read.
    unreadable: Vec<Unreadable>,
    /// The agents besides it.
    others: Vec<OtherAgent>,
}

pub(super) fn run(arguments: &cli::Doctor, host: &Host) -> anyhow::Result<Exit> {
    let findings = examine(&Facts::gather(host));
    let problems = findings.iter().filter(|it| it.is_problem()).count();
    if arguments.json {
        let checks: Vec<_> = findings.iter().map(Finding::as_json).collect();
        ui::print(format_args!(
            "{:#}",
            json!({
                "version": env!("CARGO_PKG_VERSION"),
                "problems": problems,
                "checks": checks,
            })
        ))?;
    } else {
        ui::print_styled(&text::of(&findings))?;
    }
    Ok(if problems == 0 {
        Exit::Done
    } else {
        Exit::Incomplete
    })
}

/// From the settings to PostHog and back, in the order in which things have to work.
fn examine(facts: &Facts) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(settings::check(facts));
    findings.extend(network::check(facts));
    if facts.uses_claude_code() {
        findings.extend(hooks::check(facts));
        findings.extend(transcripts::check(facts));
    }
    findings.extend(transcripts::listed(facts));
    findings.extend(facts.others.iter().map(|other| of_agent(other, facts)));
    findings.extend(outbox::check(facts));
    findings
}

/// Whether the sessions of an agent besides Claude Code are sent by themselves.
fn of_agent(other: &OtherAgent, facts: &Facts) -> Finding {
    let check = other.agent.as_str();
    let found = other.in_words(&facts.host);
    let finding = if other.is_on() {
        Finding::fine(check, found)
    } else {
        Finding::advice(check, found, other.fix())
    };
    finding.with(other.as_json())
}

impl Facts {
    /// Whoever uses another agent alone has no problem with Claude Code.
    fn uses_claude_code(&self) -> bool {
        let folder = sources::folder(Agent::ClaudeCode, &self.host);
        self.others.is_empty()
            || !self.found.is_empty()
            || folder.is_some_and(|folder| folder.is_dir())
    }

    fn gather(host: &Host) -> Self {
        let others = agents::look(host);
        let settings = InForce::read(host);
        let environment = Environment::of(host, Caller::Onlooker);
        let (config, problems) = Config::read(&environment);
        let host = environment.host.clone();
        let trust = sending::trust(&host).map_err(|error| error.to_string());
        let open = |directory: &std::path::PathBuf| Outbox::open_read_only(directory).transpose();
        let outbox = config.state_dir.as_ref().and_then(open).transpose();
        let outbox = outbox.map_err(|error| error.to_string());
        let status = match &outbox {
            Ok(Some(open)) => open.status().map_err(|error| error.to_string()),
            _ => Ok(Status::default()),
        };
        let (outbox, status) = match status {
            Ok(status) => (outbox, status),
            Err(error) => (Err(error), Status::default()),
        };
        Self {
            found: sources::of_agent(Agent::ClaudeCode, &host).found,
            unreadable: sources::all(&host).unreadable,
            others,
            host,
            environment,
            settings,
            config,
            problems,
            trust,
            outbox,
            status,
        }
    }
}
