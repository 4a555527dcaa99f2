//! `posthog-llma` without a command: the state in five lines, and the next step.

use super::{Exit, status, words};
use crate::host::Host;
use crate::integrations;
use crate::integrations::claude_code::{marketplace, plugin};
use crate::session::Agent;
use crate::sources;
use crate::ui;
use crate::views::{Machine, OtherAgent, Switch, Switched};

/// Column in which the texts begin.
const COLUMN: usize = 13;

/// Text for an agent without sessions, and for a receiver that never ran.
const UNUSED: &str = "not used here";

/// Command that finds problems.
const DOCTOR: &str = "posthog-llma doctor";

pub(super) fn run(host: &Host) -> anyhow::Result<Exit> {
    let machine = Machine::gather(host);
    let entries = [
        ("Claude Code", claude_code(&machine)),
        ("OpenCode", other(Agent::OpenCode, &machine)),
        ("Pi", other(Agent::Pi, &machine)),
        ("receiver", receiver(&machine)),
        ("PostHog", status::destination(&machine)),
    ];
    // One line each, whatever the length of a path: `status` has the whole text.
    for (label, text) in entries {
        let text = ui::fit(&text, words::WIDTH - COLUMN);
        ui::print(format_args!("{}{text}", ui::cell(label, COLUMN)))?;
    }
    let next = next_step(&machine);
    ui::print(format_args!("\n{}{next}", ui::cell("next", COLUMN)))?;
    Ok(Exit::Done)
}

fn claude_code(machine: &Machine) -> String {
    if !machine.uses_claude_code() {
        return UNUSED.to_owned();
    }
    if machine.unloadable().is_some() {
        return "off: Claude Code cannot load the plugin".to_owned();
    }
    if machine.is_on() && !is_called(machine) {
        return "off: its plugin is not installed".to_owned();
    }
    Switched::of(machine).state
}

/// Whether a hook of Claude Code calls this program.
fn is_called(machine: &Machine) -> bool {
    matches!(machine.plugin, Ok(Some(_))) || machine.own_hook().is_some()
}

fn other(agent: Agent, machine: &Machine) -> String {
    let found = machine.others.iter().find(|it| it.agent == agent);
    match found {
        None => UNUSED.to_owned(),
        Some(other) => match (&other.plugin, &other.switched) {
            (None, _) => "off: its plugin is not installed".to_owned(),
            (_, Err(why)) => format!("off: {why}"),
            (Some(file), Ok(())) => format!("on, by {}", words::path(file, &machine.host)),
        },
    }
}

fn receiver(machine: &Machine) -> String {
    let Some(received) = &machine.received else {
        return UNUSED.to_owned();
    };
    let state = if received.is_running {
        "receives"
    } else {
        "does not run"
    };
    let service = received.status.as_ref().ok();
    let service = service.and_then(|status| status.services.first());
    service.map_or_else(
        || state.to_owned(),
        |service| {
            let last = words::when(service.last_at.into(), machine.host.now());
            format!("{state}; last from {:?} {last}", service.service)
        },
    )
}

/// The command that helps the user most: against a problem that prevents sending, else for
/// something not switched on, else for unsent sessions.
fn next_step(machine: &Machine) -> String {
    let command = blocked(machine)
        .or_else(|| off(machine))
        .or_else(|| unsent(machine));
    command.unwrap_or_else(|| "posthog-llma status".to_owned())
}

/// The step that removes an obstacle to sending.
fn blocked(machine: &Machine) -> Option<String> {
    let is_broken = matches!(
        machine.switch(),
        Switch::Stopped(_) | Switch::NoStateDirectory
    ) || !machine.problems.is_empty()
        || !machine.troubles().is_empty()
        || machine.unloadable().is_some();
    if is_broken {
        return Some(DOCTOR.to_owned());
    }
    machine.unconfirmed().map(|it| it.command)
}

/// The step that switches something on.
fn off(machine: &Machine) -> Option<String> {
    let others = &machine.others;
    if let Some(received) = &machine.received
        && !machine.sends()
    {
        let has_key = machine.config.destination.has_key();
        return match (has_key, received.is_running) {
            (false, _) => Some(DOCTOR.to_owned()),
            (true, false) => Some("posthog-llma serve".to_owned()),
            (true, true) => None,
        };
    }
    if !machine.sends() && (machine.uses_claude_code() || others.is_empty()) {
        return Some("posthog-llma setup".to_owned());
    }
    if machine.uses_claude_code() && machine.is_on() && !is_called(machine) {
        let is_known = marketplace::is_known(&machine.host);
        let step = if is_known {
            plugin::INSTALL
        } else {
            plugin::ADD_MARKETPLACE
        };
        return Some(step.to_owned());
    }
    let without_plugin = others.iter().find(|it| it.plugin.is_none());
    let without_plugin =
        without_plugin.and_then(|it| integrations::install_commands(it.agent).first());
    let is_off = |it: &OtherAgent| !it.is_on();
    without_plugin
        .map(|line| (*line).to_owned())
        .or_else(|| others.iter().any(is_off).then(|| DOCTOR.to_owned()))
}

/// The step for sessions that were never sent.
fn unsent(machine: &Machine) -> Option<String> {
    let is_first = machine.status.sessions_total == 0 && machine.sends();
    let has_sessions = || !sources::all(&machine.host).found.is_empty();
    (is_first && has_sessions()).then(|| "posthog-llma ingest --since 7d".to_owned())
}
