//! Types of lines, and names of modes and tools, that Claude Code writes.

use serde::{Deserialize, Deserializer};

use crate::session::{Asks, Order};
use crate::sources::lenient::{Text, known};

/// The type of a line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum LineKind<'a> {
    /// A message to the model.
    User,
    /// A part of a response.
    Assistant,
    /// A message that the agent added to a conversation.
    Attachment,
    /// An event of the agent; see [`SystemKind`].
    System,
    /// Progress of a hook or a tool.
    Progress,
    /// A change of the queue of prompts.
    QueueOperation,
    /// The agent's own token totals.
    CostState,
    /// A change of the permission mode.
    PermissionMode,
    /// A link to a pull request.
    PrLink,
    /// A title given by the user.
    CustomTitle,
    /// A title given by the agent.
    AiTitle,
    /// The persona that the user chose.
    AgentSetting,
    /// A change of the working directory.
    Relocated,
    /// The sessions that this one was derived from.
    DerivedFrom,
    /// The session in which this one continued.
    ContinuedIn,
    /// A request to the model.
    ApiRequest,
    /// A message of a request.
    ApiRequestBlob,
    /// System prompt and tools of a request.
    ApiRequestShape,
    /// A work tree that the session runs in.
    WorktreeState,
    /// A known type without anything that is used.
    Ignored,
    /// An unknown type.
    Other(Text<'a>),
    /// No type.
    #[default]
    Missing,
}

impl<'a> LineKind<'a> {
    fn of(name: Text<'a>) -> Self {
        match name.as_str() {
            "user" => Self::User,
            "assistant" => Self::Assistant,
            "attachment" => Self::Attachment,
            "system" => Self::System,
            "progress" => Self::Progress,
            "queue-operation" => Self::QueueOperation,
            "cost-state" => Self::CostState,
            "permission-mode" => Self::PermissionMode,
            "pr-link" => Self::PrLink,
            "custom-title" => Self::CustomTitle,
            "ai-title" => Self::AiTitle,
            "agent-setting" => Self::AgentSetting,
            "relocated" => Self::Relocated,
            "derived-from" => Self::DerivedFrom,
            "continued-in" => Self::ContinuedIn,
            "api-request" => Self::ApiRequest,
            "api-request-blob" => Self::ApiRequestBlob,
            "api-request-shape" => Self::ApiRequestShape,
            "worktree-state" => Self::WorktreeState,
            ignored if IGNORED.contains(&ignored) => Self::Ignored,
            _ => Self::Other(name),
        }
    }

    /// Whether a line of this type is part of a conversation.
    pub(super) const fn is_conversation(&self) -> bool {
        matches!(self, Self::User | Self::Assistant | Self::Attachment)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for LineKind<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(known(deserializer)?.map_or(Self::Missing, Self::of))
    }
}

/// The type of a `system` line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum SystemKind {
    /// A failed attempt at a call of the model.
    ApiError,
    /// The conversation was summarised.
    CompactBoundary,
    /// A command that ran without the model.
    LocalCommand,
    /// The agent's working time for a prompt.
    TurnDuration,
    /// Any other type.
    #[serde(other)]
    Other,
}

/// The type of an attachment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum AttachmentKind {
    /// A prompt that was typed while the agent worked.
    QueuedCommand,
    /// System prompt and tools.
    PromptSnapshot,
    /// Any other type.
    #[serde(other)]
    Other,
}

/// Line types without anything that is used.
const IGNORED: &[&str] = &[
    "summary",
    "agent-name",
    "mode",
    "last-prompt",
    "file-history-snapshot",
    "file-history-delta",
    "tools-used",
    "atis-latch",
    "bridge-session",
    // Seen in 2.1.332.
    "agent-color",
    "api-request-resumed",
    "artifact-autoreact-ledger",
    "artifact-comment-monitor",
    "attribution-snapshot",
    "content-replacement",
    "data-flow-incomplete",
    "data-flow-records",
    "dev-mods",
    "ended-by-model",
    "fork-context-ref",
    "frame-link",
    "history-suppression",
    "host-row",
    "hybrid-organization",
    "isolation-latch",
    "memory-mode",
    "observer-ref",
    "repl-mode",
    "resume-head-vouch",
    "session-owner",
    "tag",
];

/// Whether Claude Code never asks for permission: these modes and `claude -p` refuse instead.
pub(super) fn asks_nobody(mode: Option<&str>, entrypoint: Option<&str>) -> bool {
    matches!(mode, Some("bypassPermissions" | "dontAsk")) || entrypoint == Some("sdk-cli")
}

/// Whether Claude Code asks before it runs this tool.
pub(super) fn asks_before(tool: &str) -> Asks {
    match tool {
        "AskUserQuestion" | "ExitPlanMode" => Asks::Always,
        // Tools that start agents, wait for tasks or keep lists.
        "Agent" | "Task" | "TaskOutput" | "AgentOutputTool" | "BashOutput" | "TodoWrite"
        | "TaskCreate" | "TaskUpdate" | "TaskList" | "TaskGet" | "ToolSearch" => Asks::Never,
        _ => Asks::Perhaps,
    }
}

/// How Claude Code runs this tool relative to others. A shell command runs alone unless it only
/// reads, which only Claude Code knows.
pub(super) fn order_of(tool: &str) -> Order {
    match tool {
        "Edit" | "MultiEdit" | "Write" | "NotebookEdit" | "TodoWrite" | "ExitPlanMode" => {
            Order::Alone
        }
        "Read" | "Grep" | "Glob" | "LS" | "WebFetch" | "WebSearch" | "Agent" | "Task"
        | "TaskOutput" | "TaskCreate" | "TaskUpdate" | "TaskList" | "TaskGet" | "ToolSearch" => {
            Order::Together
        }
        _ => Order::Unknown,
    }
}

/// Whether a tool starts a subagent, by its names in old and new versions.
pub(super) fn is_agent_tool(tool: &str) -> bool {
    matches!(tool, "Task" | "Agent")
}
