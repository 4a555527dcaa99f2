//! The types of lines, and the names of modes and tools, that are known.

use crate::session::{Asks, Order};

/// Line types that are read.
const USED: &[&str] = &[
    "user",
    "assistant",
    "attachment",
    "api-request",
    "cost-state",
    "permission-mode",
    "queue-operation",
    "system",
    "progress",
    "pr-link",
    "custom-title",
    "ai-title",
    "agent-setting",
    "relocated",
    "derived-from",
    "continued-in",
];

/// Line types that hold nothing we use.
pub(super) const IGNORED: &[&str] = &[
    "summary",
    "agent-name",
    "mode",
    "last-prompt",
    "file-history-snapshot",
    "file-history-delta",
    "tools-used",
    "atis-latch",
    "bridge-session",
    "api-request",
    "api-request-blob",
    "api-request-shape",
    // Of 2.1.332.
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
    "worktree-state",
];

/// Whether Claude Code asks nobody for permission: these modes and `claude -p` refuse what they
/// would have to ask for.
pub(super) fn asks_nobody(mode: Option<&str>, entrypoint: Option<&str>) -> bool {
    matches!(mode, Some("bypassPermissions" | "dontAsk")) || entrypoint == Some("sdk-cli")
}

/// Whether Claude Code asks before it runs this tool.
pub(super) fn asks_before(tool: &str) -> Asks {
    match tool {
        "AskUserQuestion" | "ExitPlanMode" => Asks::Always,
        // Those that start agents, wait for tasks or keep lists.
        "Agent" | "Task" | "TaskOutput" | "AgentOutputTool" | "BashOutput" | "TodoWrite"
        | "TaskCreate" | "TaskUpdate" | "TaskList" | "TaskGet" | "ToolSearch" => Asks::Never,
        _ => Asks::Perhaps,
    }
}

/// How Claude Code runs this tool beside others. A shell command runs alone unless it only reads,
/// which only Claude Code can tell.
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

/// Whether the reader knows what lines of this type are.
pub(super) fn is_known(kind: &str) -> bool {
    USED.contains(&kind) || IGNORED.contains(&kind)
}
