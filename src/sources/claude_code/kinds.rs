//! The types of lines that are known.

/// Line types that are read.
const USED: &[&str] = &[
    "user",
    "assistant",
    "attachment",
    "api-request",
    "cost-state",
    "permission-mode",
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
    "queue-operation",
    "file-history-snapshot",
    "file-history-delta",
    "tools-used",
    "atis-latch",
    "bridge-session",
    "api-request",
    "api-request-blob",
    "api-request-shape",
];

/// Whether the reader knows what lines of this type are.
pub(super) fn is_known(kind: &str) -> bool {
    USED.contains(&kind) || IGNORED.contains(&kind)
}
