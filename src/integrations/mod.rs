//! The connection to each agent: its settings files, the plugin that calls this program, and its
//! open sessions. Nothing here reads a transcript.

pub mod claude_code;
mod opencode;
mod pi;

use std::path::PathBuf;

use crate::host::Host;
use crate::session::Agent;
use crate::sources::SessionRef;
pub use claude_code::Running;

/// The file by which an agent other than Claude Code calls this program at the end of a turn.
#[must_use]
pub fn plugin(agent: Agent, host: &Host) -> Option<PathBuf> {
    match agent {
        Agent::ClaudeCode | Agent::Otlp => None,
        Agent::Pi => pi::extension(host),
        Agent::OpenCode => opencode::plugin(host),
    }
}

/// The sessions that are open now.
#[must_use]
pub fn running(agent: Agent, host: &Host) -> Running {
    match agent {
        Agent::ClaudeCode => claude_code::running(host),
        Agent::Pi | Agent::OpenCode | Agent::Otlp => Running::Unknown,
    }
}

/// The sessions that are open in the folder of another session.
#[must_use]
pub fn running_beside(found: &SessionRef, host: &Host) -> Running {
    match found.agent {
        Agent::ClaudeCode => claude_code::running_beside(found.locator.file(), host),
        Agent::Pi | Agent::OpenCode | Agent::Otlp => Running::Unknown,
    }
}
