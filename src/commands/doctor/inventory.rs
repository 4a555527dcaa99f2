//! The state of the machine as fields for an inventory of many machines.

use serde_json::{Value, json};

use crate::config::KeySource;
use crate::integrations;
use crate::integrations::claude_code::plugin::Plugin;
use crate::session::Agent;
use crate::transport::Endpoint;
use crate::views::{Machine, OtherAgent};

/// The inventory: what is installed, switched on and configured, and the last sends. Fields may be
/// added; existing ones keep their meaning.
pub(super) fn of(machine: &Machine) -> Value {
    let destination = &machine.config.destination;
    let status = &machine.status;
    let sent = status.sessions.iter();
    let last_sent_at = sent.filter_map(|session| session.last_sent_at).max();
    let plugin = machine.plugin.as_ref().ok().and_then(Option::as_ref);
    json!({
        "enabled": machine.sends(),
        "agents": {
            "claude-code": {
                "enabled": machine.uses_claude_code() && machine.is_on(),
                "plugin_version": plugin.map(|Plugin { version, .. }| version),
            },
            "opencode": other(Agent::OpenCode, machine),
            "pi": other(Agent::Pi, machine),
        },
        "host": destination.endpoint.as_ref().map(Endpoint::base),
        "key_source": destination.key_source.as_ref().map(KeySource::word),
        "last_sent_at": last_sent_at,
        "sessions_total": status.sessions_total,
        "waiting": machine.waiting(),
        "refused": status.parked_total,
        "records_inputs": machine.config.events.recording.inputs(),
        "records_outputs": machine.config.events.recording.outputs(),
        "receiver": machine.received.as_ref().map(|it| json!({ "running": it.is_running })),
    })
}

fn other(agent: Agent, machine: &Machine) -> Value {
    let found = machine.others.iter().find(|it| it.agent == agent);
    json!({
        "enabled": found.is_some_and(OtherAgent::is_on),
        "plugin_version": integrations::package_version(agent, &machine.host),
    })
}
