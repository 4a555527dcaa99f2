//! Traces in which coding agents report sessions that this program reads from disk.

use crate::config::Config;
use crate::host::Host;
use crate::integrations;
use crate::outbox::{Exclusions, Outbox, OutboxError};
use crate::session::Agent;
use crate::sources::{self, Reporter, SessionRef};

/// The reason to leave a trace alone: it came by a route with other settings; the user excluded a
/// session that it names; or the agent that reports it keeps the same session on disk, which is sent from there,
/// so that every call would be counted twice.
///
/// # Errors
/// When the outbox cannot be read.
pub fn reported(
    found: &SessionRef,
    config: &Config,
    host: &Host,
) -> Result<Option<String>, OutboxError> {
    if let Some(route) = found.route().filter(|it| *it != config.route) {
        return Ok(Some(format!(
            "it came by the route {route}, and posthog-llma serve sends it to the project of that route"
        )));
    }
    if let Some(reason) = excluded(found, config)? {
        return Ok(Some(reason));
    }
    let (agents, sessions) = match found.reporter() {
        Some(Reporter::Agent { agent, session }) => (vec![agent], Vec::from_iter(session)),
        Some(Reporter::Gateway { sessions }) => (AGENTS.to_vec(), sessions),
        None => return Ok(None),
    };
    // A trace for another project is not counted twice in this one.
    if !config.namespace.is_of_settings() {
        return Ok(None);
    }
    let mut own = agents.iter().filter(|it| sends_itself(**it, config, host));
    let keeps = |agent: Agent| {
        let mut sessions = sessions.iter();
        sessions.any(|it| sources::locate(agent, it, host).is_some())
    };
    // A trace from a single agent need not name its session.
    let is_alone = agents.len() == 1;
    if let Some(agent) = own.find(|it| is_alone || keeps(**it)) {
        return Ok(Some(twice(*agent)));
    }
    of_known(&agents, &sessions, config)
}

/// Why nothing is sent of a trace that names a session which the user excluded; `None` if it names
/// none.
fn excluded(found: &SessionRef, config: &Config) -> Result<Option<String>, OutboxError> {
    let Some(directory) = &config.state_dir else {
        return Ok(None);
    };
    let exclusions = Exclusions::of(directory);
    if exclusions.is_empty() {
        return Ok(None);
    }
    match found.named() {
        Ok(named) => {
            let exclusion = exclusions.of_named(&named)?;
            Ok(exclusion.map(|it| it.reason()))
        }
        Err(error) => Ok(Some(format!(
            "the sessions that it names are unknown: {error}"
        ))),
    }
}

/// The agents whose sessions are read from disk.
const AGENTS: [Agent; 3] = [Agent::ClaudeCode, Agent::Pi, Agent::OpenCode];

/// Whether the hooks of an agent send its sessions.
fn sends_itself(agent: Agent, config: &Config, host: &Host) -> bool {
    let is_installed = agent == Agent::ClaudeCode || integrations::plugin(agent, host).is_some();
    config.is_on(agent) && is_installed
}

fn twice(agent: Agent) -> String {
    format!(
        "{} sends its sessions itself, and each call would be counted twice",
        agent.name()
    )
}

/// The reason if one of these sessions of these agents was sent.
fn of_known(
    agents: &[Agent],
    sessions: &[String],
    config: &Config,
) -> Result<Option<String>, OutboxError> {
    let Some(directory) = &config.state_dir else {
        return Ok(None);
    };
    let Some(outbox) = Outbox::open_read_only(directory)? else {
        return Ok(None);
    };
    for agent in agents {
        for session in sessions {
            if outbox.session(agent.as_str(), session)?.is_some() {
                return Ok(Some(transcribed(*agent)));
            }
        }
    }
    Ok(None)
}

/// The reason for a trace of a session whose transcript is read.
#[must_use]
pub fn transcribed(agent: Agent) -> String {
    let agent = agent.name();
    format!("its calls are those of a session of {agent}, which was read already")
}
