//! The program that passed the environment on.

use crate::host::Host;
use crate::variables::Variable;

/// The program that passed the environment on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// Claude Code, which has replaced the user's variables by those of its settings files.
    ClaudeCode,
    /// Another agent, which passes on the environment of its shell.
    OtherAgent,
    /// A shell. Claude Code's settings are read as well, since a person expects what its hooks do.
    Shell,
    /// A command that shows what Claude Code's hooks see, or that Claude Code runs other than as a
    /// hook.
    Onlooker,
}

impl Caller {
    /// The caller of a command that a person could have typed.
    pub(crate) fn of_command(host: &Host) -> Self {
        let told = [Variable::InsideClaudeCode, Variable::ClaudeSessionId];
        // A project can set these variables to empty values but cannot unset them.
        if told.iter().any(|variable| host.has(*variable)) {
            Self::Onlooker
        } else {
            Self::Shell
        }
    }

    /// Whether a project's settings may hide the values from the user's shell.
    pub(super) const fn sees_no_shell(self) -> bool {
        matches!(self, Self::ClaudeCode | Self::Onlooker)
    }

    /// Whether the values in Claude Code's settings still have to be put into the environment.
    pub(super) const fn wants_settings(self) -> bool {
        matches!(self, Self::Shell | Self::Onlooker)
    }
}
