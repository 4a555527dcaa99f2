//! The connection to each agent: its settings files, the plugin that calls this program, and its
//! open sessions. Nothing here reads a transcript.

pub mod claude_code;
mod npm;
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

/// The version of the package by which an agent other than Claude Code calls this program; `None` if
/// no package is found.
#[must_use]
pub fn package_version(agent: Agent, host: &Host) -> Option<String> {
    match agent {
        Agent::ClaudeCode | Agent::Otlp => None,
        Agent::Pi => pi::version(host),
        Agent::OpenCode => opencode::version(host),
    }
}

/// The commands that install this program's plugin in an agent: its program and arguments, separated by
/// single spaces. Those of Pi and OpenCode also update it.
#[must_use]
pub const fn install_commands(agent: Agent) -> &'static [&'static str] {
    match agent {
        Agent::ClaudeCode => &[
            claude_code::plugin::ADD_MARKETPLACE,
            claude_code::plugin::INSTALL,
        ],
        Agent::Pi => &[pi::INSTALL],
        Agent::OpenCode => &[opencode::INSTALL],
        Agent::Otlp => &[],
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
