//! `posthog-llma doctor`: finds the reason why sessions do not arrive, and names the next step.
//!
//! Each module checks one stage between the settings and PostHog and returns a [`Diagnosis`] for
//! each check. None of them prints, changes anything, or sends an event. A diagnosis holds no key
//! and no content of a session.

mod diagnosis;
mod hooks;
mod inventory;
mod network;
mod outbox;
mod receiver;
mod settings;
mod text;
mod transcripts;
mod versions;

use serde_json::{Value, json};

use super::{Exit, agents};
use crate::cli;
use crate::host::Host;
use crate::session::Agent;
use crate::sources::{self, SessionRef, Unreadable};
use crate::ui;
use crate::views::{Machine, OtherAgent};
use diagnosis::Diagnosis;

/// The input of the checks, gathered once.
struct Facts {
    machine: Machine,
    /// All sessions of Claude Code on this machine, the last written first.
    found: Vec<SessionRef>,
    /// Folders and files of any agent that cannot be read and may hold sessions.
    unreadable: Vec<Unreadable>,
}

pub(super) fn run(arguments: &cli::Doctor, host: &Host) -> anyhow::Result<Exit> {
    let facts = Facts::gather(host);
    let diagnoses = examine(&facts);
    let inventory = inventory::of(&facts.machine);
    report(&diagnoses, arguments.json.then_some(inventory))
}

/// `posthog-llma self-check`: only the checks that program, plugins and hooks have one version.
pub(super) fn self_check(arguments: &cli::SelfCheck, host: &Host) -> anyhow::Result<Exit> {
    let machine = Machine::gather(host);
    let mut diagnoses = vec![versions::of_this_program(&machine.host)];
    if let Ok(Some(plugin)) = &machine.plugin {
        diagnoses.push(versions::of_claude_code("plugin", plugin, &machine.host));
    }
    diagnoses.extend(versions::check(&machine));
    report(&diagnoses, arguments.json.then(|| json!({})))
}

/// Prints diagnoses: as text, or as an object with these fields and the diagnoses.
fn report(diagnoses: &[Diagnosis], fields: Option<Value>) -> anyhow::Result<Exit> {
    let problems = diagnoses.iter().filter(|it| it.is_problem()).count();
    if let Some(mut report) = fields {
        let checks: Vec<_> = diagnoses.iter().map(Diagnosis::as_json).collect();
        report["version"] = versions::VERSION.into();
        report["problems"] = problems.into();
        report["checks"] = checks.into();
        ui::print(format_args!("{report:#}"))?;
    } else {
        ui::print_styled(&text::of(diagnoses))?;
    }
    Ok(if problems == 0 {
        Exit::Done
    } else {
        Exit::Incomplete
    })
}

/// Runs the checks in the order in which the stages depend on each other.
fn examine(facts: &Facts) -> Vec<Diagnosis> {
    let machine = &facts.machine;
    let mut diagnoses = settings::check(machine);
    diagnoses.extend(network::check(machine));
    // A consequence of a problem is not reported as a second problem.
    let explained = explained(&diagnoses);
    if machine.uses_claude_code() {
        diagnoses.extend(hooks::check(facts, explained));
        diagnoses.extend(transcripts::check(facts));
    }
    diagnoses.extend(versions::check(machine));
    diagnoses.extend(transcripts::listed(facts));
    diagnoses.extend(
        machine
            .others
            .iter()
            .map(|other| of_agent(other, &machine.host)),
    );
    diagnoses.extend(receiver::check(machine));
    diagnoses.extend(outbox::check(machine, explained));
    diagnoses
}

/// Whether an earlier check found a problem whose consequences later checks may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Explained {
    Yes,
    No,
}

fn explained(diagnoses: &[Diagnosis]) -> Explained {
    if diagnoses.iter().any(Diagnosis::is_problem) {
        Explained::Yes
    } else {
        Explained::No
    }
}

/// Whether the hooks of an agent besides Claude Code send its sessions.
fn of_agent(other: &OtherAgent, host: &Host) -> Diagnosis {
    let check = other.agent.as_str();
    let found = agents::in_words(other, host);
    let diagnosis = if other.is_on() {
        Diagnosis::fine(check, found)
    } else {
        Diagnosis::advice(check, found, agents::fix(other))
    };
    diagnosis.with(agents::as_json(other))
}

impl Facts {
    fn gather(host: &Host) -> Self {
        let mut machine = Machine::gather(host);
        machine.ask_for_key();
        Self {
            found: sources::of_agent(Agent::ClaudeCode, &machine.host).found,
            unreadable: sources::all(&machine.host).unreadable,
            machine,
        }
    }
}
