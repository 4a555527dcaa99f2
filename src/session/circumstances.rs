//! Circumstances in which a line was written.

use std::sync::Arc;

use super::origin::Origin;

/// The circumstances in which a line was written. They may change within a session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Circumstances {
    /// Working directory.
    pub cwd: Option<String>,
    /// The checked-out branch.
    pub git_branch: Option<String>,
    /// The agent's version.
    pub agent_version: Option<String>,
    /// How the agent was started (`cli`, `sdk-cli`, …).
    pub entrypoint: Option<String>,
    /// The agent's permission mode.
    pub permission_mode: Option<String>,
    /// Whether the agent never asks for permission, because of this mode or the way it was started.
    pub asks_nobody: bool,
    /// Name of the agent's persona (`build` and `plan` in OpenCode), which selects instructions and
    /// tools.
    pub persona: Option<String>,
    /// The application's own facts about the work.
    pub origin: Option<Arc<Origin>>,
}

impl Circumstances {
    /// Unknown circumstances.
    pub const UNKNOWN: Self = Self {
        cwd: None,
        git_branch: None,
        agent_version: None,
        entrypoint: None,
        permission_mode: None,
        asks_nobody: false,
        persona: None,
        origin: None,
    };
}
