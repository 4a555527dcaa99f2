//! The applications whose sessions are read.

/// The applications whose sessions can be read: coding agents, and everything that is instrumented
/// with OpenTelemetry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Agent {
    /// Anthropic's Claude Code.
    ClaudeCode,
    /// Pi, by Earendil Works.
    Pi,
    /// OpenCode, by SST.
    OpenCode,
    /// Any application that reports its work over OpenTelemetry's protocol.
    Otlp,
}

impl Agent {
    /// All agents.
    pub const ALL: [Self; 4] = [Self::ClaudeCode, Self::Pi, Self::OpenCode, Self::Otlp];

    /// The name in identities, in `$ai_framework` and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClaudeCode => "claude-code",
            Self::Pi => "pi",
            Self::OpenCode => "opencode",
            Self::Otlp => "otlp",
        }
    }

    /// The name for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ClaudeCode => "Claude Code",
            Self::Pi => "Pi",
            Self::OpenCode => "OpenCode",
            Self::Otlp => "OpenTelemetry",
        }
    }
}
