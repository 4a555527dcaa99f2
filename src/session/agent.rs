//! The applications whose sessions are read.

/// The coding agents whose sessions can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Agent {
    /// Anthropic's Claude Code.
    ClaudeCode,
    /// Pi, by Earendil Works.
    Pi,
    /// OpenCode, by SST.
    OpenCode,
}

impl Agent {
    /// All agents.
    pub const ALL: [Self; 3] = [Self::ClaudeCode, Self::Pi, Self::OpenCode];

    /// The name in identities, in `$ai_framework` and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClaudeCode => "claude-code",
            Self::Pi => "pi",
            Self::OpenCode => "opencode",
        }
    }

    /// The name for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ClaudeCode => "Claude Code",
            Self::Pi => "Pi",
            Self::OpenCode => "OpenCode",
        }
    }
}
