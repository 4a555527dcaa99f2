//! The types of lines that are known.

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
    "progress",
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

/// Whether the reader knows what lines of this type are.
pub(super) fn is_known(kind: &str) -> bool {
    USED.contains(&kind) || IGNORED.contains(&kind)
}
