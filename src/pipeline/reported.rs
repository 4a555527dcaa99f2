//! Traces that coding agents send of sessions which this program reads anyway.

use crate::config::Config;
use crate::host::Host;
use crate::integrations;
use crate::outbox::{Outbox, OutboxError};
use crate::session::Agent;
use crate::sources::SessionRef;

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
    let Some(reporter) = found.reporter() else {
        return Ok(None);
    };
    let agent = reporter.agent;
    let is_installed = agent == Agent::ClaudeCode || integrations::plugin(agent, host).is_some();
    if config.is_on(agent) && is_installed {
        return Ok(Some(format!(
            "{} sends its sessions itself, and each call would be counted twice",
            agent.name()
        )));
    }
    let (Some(session), Some(directory)) = (reporter.session, &config.state_dir) else {
        return Ok(None);
    };
    let Some(outbox) = Outbox::open_read_only(directory)? else {
        return Ok(None);
    };
    let is_known = outbox.session(agent.as_str(), &session)?.is_some();
    Ok(is_known.then(|| transcribed(agent)))
}

/// The reason when a trace reports a session of which the transcript is read.
#[must_use]
pub fn transcribed(agent: Agent) -> String {
    let agent = agent.name();
    format!("its calls are those of a session of {agent}, which was read already")
}
