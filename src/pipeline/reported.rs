//! Traces that coding agents send of sessions which this program reads anyway.

use crate::config::Config;
use crate::host::Host;
use crate::integrations;
use crate::outbox::{Outbox, OutboxError};
use crate::session::Agent;
use crate::sources::{self, Reporter, SessionRef};

/// The reason to leave a trace alone: it was received by a route with other settings; or the agent
/// that reports it keeps the same session on disk, from where it is sent, and every call would be
/// counted twice.
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
    // What goes to another project is not counted twice in this one.
    if !config.namespace.is_of_settings() {
        return Ok(None);
    }
    match found.reporter() {
        Some(Reporter::Agent { agent, session }) => {
            if sends_itself(agent, config, host) {
                return Ok(Some(twice(agent)));
            }
            of_known(&[agent], session.as_deref(), config)
        }
        Some(Reporter::Gateway { session }) => {
            let mut own = AGENTS
                .into_iter()
                .filter(|it| sends_itself(*it, config, host));
            if let Some(agent) = own.find(|it| sources::locate(*it, &session, host).is_some()) {
                return Ok(Some(twice(agent)));
            }
            of_known(&AGENTS, Some(&session), config)
        }
        None => Ok(None),
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

/// The reason when one of these agents has a session of that id, which was sent.
fn of_known(
    agents: &[Agent],
    session: Option<&str>,
    config: &Config,
) -> Result<Option<String>, OutboxError> {
    let (Some(session), Some(directory)) = (session, &config.state_dir) else {
        return Ok(None);
    };
    let Some(outbox) = Outbox::open_read_only(directory)? else {
        return Ok(None);
    };
    for agent in agents {
        if outbox.session(agent.as_str(), session)?.is_some() {
            return Ok(Some(transcribed(*agent)));
        }
    }
    Ok(None)
}

/// The reason when a trace reports a session of which the transcript is read.
#[must_use]
pub fn transcribed(agent: Agent) -> String {
    let agent = agent.name();
    format!("its calls are those of a session of {agent}, which was read already")
}
