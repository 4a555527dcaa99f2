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
    "agent-setting",
    "api-request-resumed",
    "artifact-autoreact-ledger",
    "artifact-comment-monitor",
    "attribution-snapshot",
    "content-replacement",
    "continued-in",
    "data-flow-incomplete",
    "data-flow-records",
    "derived-from",
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
    "relocated",
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
