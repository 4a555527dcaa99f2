//! Sessions that ended and are not stored yet: each has a note of its hook.

use serde_json::{Value, json};

use crate::commands::short;
use crate::commands::terms::Terms;
use crate::outbox::Endings;
use crate::session::Agent;
use crate::sources::SessionRef;
use crate::views::Machine;

/// Agents that call a hook at the end of a session.
const AGENTS: [Agent; 3] = [Agent::ClaudeCode, Agent::Pi, Agent::OpenCode];

/// A session that ended and is not stored yet.
pub(super) struct Unstored {
    agent: Agent,
    id: String,
    /// Whether hooks leave it alone, since it ended for another destination than that of the
    /// settings.
    is_for_another: bool,
}

/// The sessions whose hook left a note.
pub(super) fn of(machine: &Machine) -> Vec<Unstored> {
    let Some(state_dir) = &machine.config.state_dir else {
        return Vec::new();
    };
    let endings = Endings::of(state_dir);
    let mut all = Vec::new();
    for agent in AGENTS {
        for ending in endings.of_agent(agent.as_str()) {
            if let Some(found) = SessionRef::at(&ending.transcript) {
                all.push(Unstored {
                    agent,
                    id: found.session_id(),
                    is_for_another: Terms::is_for_another(&ending.settings, &machine.config),
                });
            }
        }
    }
    all.sort_by(|one, other| one.id.cmp(&other.id));
    all
}

impl Unstored {
    pub(super) fn in_words(&self) -> String {
        let id = short(&self.id);
        if self.is_for_another {
            format!(
                "session {id} ended under another destination; posthog-llma ingest {id} sends it \
                 to this one"
            )
        } else {
            format!(
                "session {id} ended and is not stored yet; the next session of {} does that, or \
                 posthog-llma ingest {id}",
                self.agent.name()
            )
        }
    }

    pub(super) fn as_json(&self) -> Value {
        json!({
            "agent": self.agent.as_str(),
            "id": self.id,
            "for_another_destination": self.is_for_another,
        })
    }
}
