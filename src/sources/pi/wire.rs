//! Entries as Pi writes them. Every field may be missing or of another type in another version.

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

pub(super) use crate::sources::lenient::payload;
use crate::sources::lenient::{known, optional};

/// A line of a session: its header, or an entry of its tree.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Line<'a> {
    #[serde(rename = "type", deserialize_with = "optional")]
    pub(super) kind: Option<EntryKind>,
    #[serde(deserialize_with = "optional")]
    pub(super) id: Option<String>,
    #[serde(deserialize_with = "optional")]
    pub(super) parent_id: Option<String>,
    #[serde(deserialize_with = "optional")]
    pub(super) timestamp: Option<String>,
    /// Of the header.
    #[serde(deserialize_with = "optional")]
    pub(super) cwd: Option<String>,
    /// Of the header of a fork.
    #[serde(deserialize_with = "optional")]
    pub(super) parent_session: Option<String>,
    /// The same field in the first versions.
    #[serde(deserialize_with = "optional")]
    pub(super) branched_from: Option<String>,
    #[serde(borrow)]
    pub(super) message: Option<&'a RawValue>,
    /// Of `custom_message`, which is a message itself.
    #[serde(borrow)]
    pub(super) content: Option<&'a RawValue>,
    /// Of `model_change` and `usage`.
    #[serde(deserialize_with = "optional")]
    pub(super) provider: Option<String>,
    /// Of `model_change`.
    #[serde(deserialize_with = "optional")]
    pub(super) model_id: Option<String>,
    /// Of `usage`.
    #[serde(deserialize_with = "optional")]
    pub(super) model: Option<String>,
    #[serde(deserialize_with = "optional")]
    pub(super) thinking_level: Option<String>,
    /// Of `session_info`.
    #[serde(deserialize_with = "optional")]
    pub(super) name: Option<String>,
    /// Of `usage`: its purpose.
    #[serde(rename = "kind", deserialize_with = "optional")]
    pub(super) purpose: Option<String>,
    /// Of `compaction` and `branch_summary`.
    #[serde(deserialize_with = "optional")]
    pub(super) summary: Option<String>,
    #[serde(deserialize_with = "optional")]
    pub(super) first_kept_entry_id: Option<String>,
    #[serde(deserialize_with = "optional")]
    pub(super) usage: Option<Usage>,
    #[serde(borrow)]
    pub(super) system_message: Option<&'a RawValue>,
    /// Of `context_edit`.
    #[serde(deserialize_with = "optional")]
    pub(super) target_id: Option<String>,
}

/// The type of an entry.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum EntryKind {
    /// The header of a session.
    Session,
    Message,
    ModelChange,
    ThinkingLevelChange,
    /// The summary that takes the place of the conversation before it.
    Compaction,
    /// The summary of a branch that was left.
    BranchSummary,
    /// The usage of a call without a message.
    Usage,
    /// A message of an extension.
    CustomMessage,
    /// The removal of an entry from later input.
    ContextEdit,
    /// The title of a session.
    SessionInfo,
    /// The state of an extension.
    Custom,
    /// A bookmark of the user.
    Label,
    #[serde(untagged)]
    Other(String),
}

/// The author of a message.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Role {
    User,
    Assistant,
    ToolResult,
    System,
    /// An extension.
    Custom,
    /// An extension, in older versions.
    HookMessage,
    BranchSummary,
    CompactionSummary,
    /// A shell command that the user ran.
    BashExecution,
    #[serde(untagged)]
    Other(String),
}

/// Why the model stopped, in Pi's words.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum StopReason {
    Aborted,
    Error,
    ToolUse,
    #[serde(untagged)]
    Other(String),
}

/// A message of a conversation.
#[expect(clippy::struct_field_names, reason = "Pi's own names")]
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Message<'a> {
    #[serde(deserialize_with = "optional")]
    pub(super) role: Option<Role>,
    #[serde(borrow)]
    pub(super) content: Option<&'a RawValue>,
    /// Milliseconds since 1970; in an answer, the time of the request.
    #[serde(deserialize_with = "optional")]
    pub(super) timestamp: Option<i64>,
    #[serde(deserialize_with = "optional")]
    pub(super) duration_ms: Option<u64>,

    // Of an answer.
    #[serde(deserialize_with = "optional")]
    pub(super) provider: Option<String>,
    #[serde(deserialize_with = "optional")]
    pub(super) model: Option<String>,
    #[serde(deserialize_with = "optional")]
    pub(super) response_model: Option<String>,
    #[serde(deserialize_with = "optional")]
    pub(super) response_id: Option<String>,
    #[serde(deserialize_with = "optional")]
    pub(super) stop_reason: Option<StopReason>,
    #[serde(deserialize_with = "optional")]
    pub(super) raw_stop_reason: Option<String>,
    #[serde(deserialize_with = "optional")]
    pub(super) error_message: Option<String>,
    #[serde(deserialize_with = "optional")]
    pub(super) thinking_level: Option<String>,
    #[serde(deserialize_with = "optional")]
    pub(super) usage: Option<Usage>,

    // Of the result of a tool.
    #[serde(deserialize_with = "optional")]
    pub(super) tool_call_id: Option<String>,
    #[serde(deserialize_with = "optional")]
    pub(super) is_error: Option<bool>,
    #[serde(deserialize_with = "optional", borrow)]
    pub(super) details: Option<Details<'a>>,

    // Of a command that the user ran.
    #[serde(deserialize_with = "optional")]
    pub(super) command: Option<String>,
    #[serde(deserialize_with = "optional")]
    pub(super) output: Option<String>,
    #[serde(deserialize_with = "optional")]
    pub(super) exclude_from_context: Option<bool>,

    // Of the system.
    #[serde(deserialize_with = "optional")]
    pub(super) sections: Option<Map<String, Value>>,
    #[serde(deserialize_with = "optional")]
    pub(super) tools_added: Option<Vec<Value>>,
    #[serde(deserialize_with = "optional")]
    pub(super) tools_removed: Option<Vec<Value>>,
}

/// Details that a tool keeps with its result; those of the subagent tool contain conversations.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Details<'a> {
    /// Id of the run, if the subagents have their own files.
    #[serde(deserialize_with = "optional")]
    pub(super) run_id: Option<String>,
    /// Id of a run that continues in the background.
    #[serde(deserialize_with = "optional")]
    pub(super) async_id: Option<String>,
    #[serde(deserialize_with = "optional", borrow)]
    pub(super) results: Option<Vec<SubagentRun<'a>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct SubagentRun<'a> {
    /// Path of its session file.
    #[serde(deserialize_with = "optional")]
    pub(super) session_file: Option<String>,
    #[serde(deserialize_with = "optional")]
    pub(super) agent: Option<String>,
    #[serde(deserialize_with = "optional", borrow)]
    pub(super) messages: Option<Vec<&'a RawValue>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Usage {
    #[serde(deserialize_with = "known")]
    pub(super) input: Option<u64>,
    #[serde(deserialize_with = "known")]
    pub(super) output: Option<u64>,
    #[serde(deserialize_with = "known")]
    pub(super) reasoning: Option<u64>,
    #[serde(deserialize_with = "known")]
    pub(super) cache_read: Option<u64>,
    #[serde(deserialize_with = "known")]
    pub(super) cache_write: Option<u64>,
    #[serde(rename = "cacheWrite1h", deserialize_with = "known")]
    pub(super) cache_write_1h: Option<u64>,
    #[serde(deserialize_with = "cost")]
    pub(super) cost: Option<Cost>,
}

/// The parts of a cost, or only its total.
fn cost<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Cost>, D::Error> {
    let raw: &RawValue = Deserialize::deserialize(deserializer)?;
    let total = known(raw).ok().flatten();
    Ok(match total {
        Some(_) => Some(Cost {
            total,
            ..Cost::default()
        }),
        None => payload(Some(raw)),
    })
}

/// A cost in dollars.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Cost {
    #[serde(deserialize_with = "known")]
    pub(super) input: Option<f64>,
    #[serde(deserialize_with = "known")]
    pub(super) output: Option<f64>,
    #[serde(rename = "cacheRead", deserialize_with = "known")]
    pub(super) cache_read: Option<f64>,
    #[serde(rename = "cacheWrite", deserialize_with = "known")]
    pub(super) cache_write: Option<f64>,
    #[serde(deserialize_with = "known")]
    pub(super) total: Option<f64>,
}

/// A block of a message.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Block<'a> {
    #[serde(rename = "type", deserialize_with = "optional")]
    pub(super) kind: Option<String>,
    #[serde(deserialize_with = "optional")]
    pub(super) text: Option<String>,
    #[serde(deserialize_with = "optional")]
    pub(super) thinking: Option<String>,
    #[serde(deserialize_with = "optional")]
    pub(super) id: Option<String>,
    #[serde(deserialize_with = "optional")]
    pub(super) name: Option<String>,
    #[serde(deserialize_with = "optional")]
    pub(super) arguments: Option<Value>,
    /// Base64.
    #[serde(borrow)]
    pub(super) data: Option<&'a RawValue>,
    #[serde(deserialize_with = "optional")]
    pub(super) mime_type: Option<String>,
}
