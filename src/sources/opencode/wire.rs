//! Messages and parts as OpenCode writes them, in rows of its database and in files.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::sources::lenient::{known, optional};

/// A session, from its file or from the columns of its row.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Info {
    #[serde(deserialize_with = "optional")]
    pub(super) id: Option<String>,
    #[serde(rename = "parentID", deserialize_with = "optional")]
    pub(super) parent_id: Option<String>,
    #[serde(deserialize_with = "optional")]
    pub(super) directory: Option<String>,
    #[serde(deserialize_with = "optional")]
    pub(super) title: Option<String>,
    #[serde(deserialize_with = "optional")]
    pub(super) version: Option<String>,
    #[serde(deserialize_with = "optional")]
    pub(super) agent: Option<String>,
    /// The session that this one was forked from, if recorded.
    #[serde(skip)]
    pub(super) forked_from: Option<String>,
    #[serde(deserialize_with = "times")]
    pub(super) time: Times,
}

/// Milliseconds since 1970.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Times {
    #[serde(deserialize_with = "optional")]
    pub(super) created: Option<i64>,
    #[serde(deserialize_with = "optional")]
    pub(super) updated: Option<i64>,
    #[serde(deserialize_with = "optional")]
    pub(super) completed: Option<i64>,
    #[serde(deserialize_with = "optional")]
    pub(super) start: Option<i64>,
    #[serde(deserialize_with = "optional")]
    pub(super) end: Option<i64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Message {
    #[serde(deserialize_with = "optional")]
    pub(super) role: Option<Role>,
    #[serde(deserialize_with = "times")]
    pub(super) time: Times,

    /// The agent that works (`build`, `plan`, `general`), or that the user chose.
    #[serde(deserialize_with = "optional")]
    pub(super) agent: Option<String>,
    /// The same field in older versions.
    #[serde(deserialize_with = "optional")]
    pub(super) mode: Option<String>,

    // Of an answer.
    /// The message of the user that it answers.
    #[serde(rename = "parentID", deserialize_with = "optional")]
    pub(super) parent_id: Option<String>,
    #[serde(rename = "modelID", deserialize_with = "optional")]
    pub(super) model_id: Option<String>,
    #[serde(rename = "providerID", deserialize_with = "optional")]
    pub(super) provider_id: Option<String>,
    /// Cost of all its calls in dollars.
    #[serde(deserialize_with = "known")]
    pub(super) cost: Option<f64>,
    #[serde(deserialize_with = "optional")]
    pub(super) tokens: Option<Tokens>,
    #[serde(deserialize_with = "optional")]
    pub(super) finish: Option<String>,
    #[serde(deserialize_with = "optional")]
    pub(super) error: Option<Failure>,
    /// `true` in the summary of a compaction; another value in a message of the user.
    #[serde(deserialize_with = "optional")]
    pub(super) summary: Option<bool>,
    #[serde(deserialize_with = "optional")]
    pub(super) path: Option<Paths>,

    /// Effort level in the provider's words, in an answer or, in other versions, in the user's
    /// message.
    #[serde(deserialize_with = "optional")]
    pub(super) variant: Option<String>,
    #[serde(deserialize_with = "optional")]
    pub(super) model: Option<Model>,
}

/// The author of a message.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Role {
    User,
    Assistant,
    #[serde(untagged)]
    Other(String),
}

/// The type of a part of a message.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum PartKind {
    Text,
    Reasoning,
    Tool,
    File,
    /// The prompt of a command that runs in a subagent.
    Subtask,
    /// The beginning of a call of the model.
    StepStart,
    /// The end of a call of the model.
    StepFinish,
    /// A failed attempt at a call.
    Retry,
    /// The user's request for a summary.
    Compaction,
    Agent,
    Patch,
    Snapshot,
    #[serde(untagged)]
    Other(String),
}

/// The state of a tool call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum ToolStatus {
    Completed,
    Error,
    /// Any other state: the tool has not ended.
    #[serde(other)]
    Open,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Paths {
    #[serde(deserialize_with = "optional")]
    pub(super) cwd: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Model {
    #[serde(deserialize_with = "optional")]
    pub(super) variant: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Tokens {
    #[serde(deserialize_with = "known")]
    pub(super) input: Option<u64>,
    #[serde(deserialize_with = "known")]
    pub(super) output: Option<u64>,
    #[serde(deserialize_with = "known")]
    pub(super) reasoning: Option<u64>,
    #[serde(deserialize_with = "optional")]
    pub(super) cache: Option<Cache>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Cache {
    #[serde(deserialize_with = "known")]
    pub(super) read: Option<u64>,
    #[serde(deserialize_with = "known")]
    pub(super) write: Option<u64>,
}

/// The error of a failed call. Other fields, such as headers and bodies of answers, are not read.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Failure {
    #[serde(deserialize_with = "optional")]
    pub(super) name: Option<String>,
    #[serde(deserialize_with = "optional")]
    pub(super) data: Option<FailureData>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct FailureData {
    #[serde(deserialize_with = "optional")]
    pub(super) message: Option<String>,
    #[serde(deserialize_with = "optional")]
    pub(super) status_code: Option<u16>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Part<'a> {
    #[serde(rename = "type", deserialize_with = "optional")]
    pub(super) kind: Option<PartKind>,
    #[serde(deserialize_with = "times")]
    pub(super) time: Times,
    #[serde(deserialize_with = "optional")]
    pub(super) text: Option<String>,
    /// Whether OpenCode added the text.
    #[serde(deserialize_with = "optional")]
    pub(super) synthetic: Option<bool>,
    /// Whether the model does not receive the text.
    #[serde(deserialize_with = "optional")]
    pub(super) ignored: Option<bool>,

    // Of `file`.
    #[serde(deserialize_with = "optional")]
    pub(super) mime: Option<String>,
    #[serde(borrow)]
    pub(super) url: Option<&'a RawValue>,

    // Of `tool`.
    #[serde(deserialize_with = "optional")]
    pub(super) tool: Option<String>,
    #[serde(rename = "callID", deserialize_with = "optional")]
    pub(super) call_id: Option<String>,
    #[serde(deserialize_with = "optional", borrow)]
    pub(super) state: Option<State<'a>>,

    // Of `step-finish`.
    #[serde(deserialize_with = "optional")]
    pub(super) reason: Option<String>,
    #[serde(deserialize_with = "known")]
    pub(super) cost: Option<f64>,
    #[serde(deserialize_with = "optional")]
    pub(super) tokens: Option<Tokens>,

    /// Of `subtask`.
    #[serde(deserialize_with = "optional")]
    pub(super) prompt: Option<String>,

    /// Of `retry`.
    #[serde(deserialize_with = "optional")]
    pub(super) error: Option<Failure>,
}

/// The state of a tool call.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct State<'a> {
    #[serde(deserialize_with = "optional")]
    pub(super) status: Option<ToolStatus>,
    #[serde(deserialize_with = "optional")]
    pub(super) input: Option<Value>,
    #[serde(deserialize_with = "optional")]
    pub(super) output: Option<String>,
    #[serde(deserialize_with = "optional")]
    pub(super) error: Option<String>,
    #[serde(deserialize_with = "optional")]
    pub(super) metadata: Option<Metadata>,
    #[serde(deserialize_with = "times")]
    pub(super) time: Times,
    #[serde(deserialize_with = "optional", borrow)]
    pub(super) attachments: Option<Vec<Part<'a>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Metadata {
    /// Of a command: its exit code. `null` when it was stopped.
    #[serde(deserialize_with = "present")]
    pub(super) exit: Option<Value>,
    /// Of a subagent: its session.
    #[serde(alias = "sessionID", deserialize_with = "optional")]
    pub(super) session_id: Option<String>,
    /// Of a change to a file.
    #[serde(rename = "filediff", deserialize_with = "optional")]
    pub(super) file_diff: Option<FileDiff>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct FileDiff {
    #[serde(deserialize_with = "optional")]
    pub(super) additions: Option<u64>,
    #[serde(deserialize_with = "optional")]
    pub(super) deletions: Option<u64>,
}

/// A value, including `null`.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

fn times<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Times, D::Error> {
    Ok(optional(deserializer)?.unwrap_or_default())
}
