//! How each agent is switched on: its settings files, the plugin that calls this program, and which of
//! its sessions are open. Nothing here reads a transcript.

pub mod claude_code;
mod opencode;
mod pi;

use std::path::PathBuf;

use crate::host::Host;
use crate::session::Agent;
use crate::sources::SessionRef;
pub use claude_code::Running;

/// The file that has an agent other than Claude Code call this program when a session rests.
#[must_use]
pub fn plugin(agent: Agent, host: &Host) -> Option<PathBuf> {
    match agent {
        Agent::ClaudeCode => None,
        Agent::Pi => pi::extension(host),
        Agent::OpenCode => opencode::plugin(host),
    }
}

/// Which sessions are open right now.
#[must_use]
pub fn running(agent: Agent, host: &Host) -> Running {
    match agent {
        Agent::ClaudeCode => claude_code::running(host),
        Agent::Pi | Agent::OpenCode => Running::Unknown,
    }
}

/// Which sessions are open where that one lies.
#[must_use]
pub fn running_beside(found: &SessionRef, host: &Host) -> Running {
    match found.agent {
        Agent::ClaudeCode => claude_code::running_beside(found.locator.file(), host),
        Agent::Pi | Agent::OpenCode => Running::Unknown,
    }
}
