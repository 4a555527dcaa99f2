//! Entries as Pi writes them. Every field may be missing or of another kind in another version:
//! that is as good as nothing, and no reason to lose the entry.

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

pub(super) use super::super::fields::payload;
use super::super::fields::{amount, count, lenient, lenient_borrowed};

/// A line of a session: its header, or an entry of its tree.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Line<'a> {
    #[serde(rename = "type", deserialize_with = "lenient")]
    pub(super) kind: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub(super) id: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub(super) parent_id: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub(super) timestamp: Option<String>,
    /// Of the header.
    #[serde(deserialize_with = "lenient")]
    pub(super) cwd: Option<String>,
    /// Of the header of a fork.
    #[serde(deserialize_with = "lenient")]
    pub(super) parent_session: Option<String>,
    /// The same in the first versions.
    #[serde(deserialize_with = "lenient")]
    pub(super) branched_from: Option<String>,
    #[serde(borrow)]
    pub(super) message: Option<&'a RawValue>,
    /// Of `custom_message`, which is a message itself.
    #[serde(borrow)]
    pub(super) content: Option<&'a RawValue>,
    /// Of `model_change` and `usage`.
    #[serde(deserialize_with = "lenient")]
    pub(super) provider: Option<String>,
    /// Of `model_change`.
    #[serde(deserialize_with = "lenient")]
    pub(super) model_id: Option<String>,
    /// Of `usage`.
    #[serde(deserialize_with = "lenient")]
    pub(super) model: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub(super) thinking_level: Option<String>,
    /// Of `session_info`.
    #[serde(deserialize_with = "lenient")]
    pub(super) name: Option<String>,
    /// Of `usage`: what it was used for.
    #[serde(rename = "kind", deserialize_with = "lenient")]
    pub(super) purpose: Option<String>,
    /// Of `compaction` and `branch_summary`.
    #[serde(deserialize_with = "lenient")]
    pub(super) summary: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub(super) first_kept_entry_id: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub(super) usage: Option<Usage>,
    #[serde(borrow)]
    pub(super) system_message: Option<&'a RawValue>,
    /// Of `context_edit`.
    #[serde(deserialize_with = "lenient")]
    pub(super) target_id: Option<String>,
}

/// What somebody said, whoever it was.
#[expect(clippy::struct_field_names, reason = "Pi's own names")]
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Message<'a> {
    #[serde(deserialize_with = "lenient")]
    pub(super) role: Option<String>,
    #[serde(borrow)]
    pub(super) content: Option<&'a RawValue>,
    /// Milliseconds since 1970: of an answer, when it was asked for.
    #[serde(deserialize_with = "lenient")]
    pub(super) timestamp: Option<i64>,
    #[serde(deserialize_with = "lenient")]
    pub(super) duration_ms: Option<u64>,

    // Of an answer.
    #[serde(deserialize_with = "lenient")]
    pub(super) provider: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub(super) model: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub(super) response_model: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub(super) response_id: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub(super) stop_reason: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub(super) raw_stop_reason: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub(super) error_message: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub(super) thinking_level: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub(super) usage: Option<Usage>,

    // Of the result of a tool.
    #[serde(deserialize_with = "lenient")]
    pub(super) tool_call_id: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub(super) is_error: Option<bool>,
    #[serde(deserialize_with = "lenient_borrowed", borrow)]
    pub(super) details: Option<Details<'a>>,

    // Of a command that the user ran.
    #[serde(deserialize_with = "lenient")]
    pub(super) command: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub(super) output: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub(super) exclude_from_context: Option<bool>,

    // Of the system.
    #[serde(deserialize_with = "lenient")]
    pub(super) sections: Option<Map<String, Value>>,
    #[serde(deserialize_with = "lenient")]
    pub(super) tools_added: Option<Vec<Value>>,
    #[serde(deserialize_with = "lenient")]
    pub(super) tools_removed: Option<Vec<Value>>,
}

/// What a tool says beside its result: the one that runs subagents keeps their conversations here.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Details<'a> {
    /// Id of the run, where the subagents have files of their own.
    #[serde(deserialize_with = "lenient")]
    pub(super) run_id: Option<String>,
    /// The same of a run that goes on in the background.
    #[serde(deserialize_with = "lenient")]
    pub(super) async_id: Option<String>,
    #[serde(deserialize_with = "lenient_borrowed", borrow)]
    pub(super) results: Option<Vec<SubagentRun<'a>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct SubagentRun<'a> {
    /// Path of the file that its session was written to.
    #[serde(deserialize_with = "lenient")]
    pub(super) session_file: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub(super) agent: Option<String>,
    #[serde(deserialize_with = "lenient_borrowed", borrow)]
    pub(super) messages: Option<Vec<&'a RawValue>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Usage {
    #[serde(deserialize_with = "count")]
    pub(super) input: Option<u64>,
    #[serde(deserialize_with = "count")]
    pub(super) output: Option<u64>,
    #[serde(deserialize_with = "count")]
    pub(super) reasoning: Option<u64>,
    #[serde(deserialize_with = "count")]
    pub(super) cache_read: Option<u64>,
    #[serde(deserialize_with = "count")]
    pub(super) cache_write: Option<u64>,
    #[serde(rename = "cacheWrite1h", deserialize_with = "count")]
    pub(super) cache_write_1h: Option<u64>,
    #[serde(deserialize_with = "cost")]
    pub(super) cost: Option<Cost>,
}

/// The parts of a cost, or its total alone.
fn cost<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Cost>, D::Error> {
    let raw: &RawValue = Deserialize::deserialize(deserializer)?;
    let total = amount(raw).ok().flatten();
    Ok(match total {
        Some(_) => Some(Cost {
            total,
            ..Cost::default()
        }),
        None => payload(Some(raw)),
    })
}

/// Dollars.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Cost {
    #[serde(deserialize_with = "amount")]
    pub(super) input: Option<f64>,
    #[serde(deserialize_with = "amount")]
    pub(super) output: Option<f64>,
    #[serde(rename = "cacheRead", deserialize_with = "amount")]
    pub(super) cache_read: Option<f64>,
    #[serde(rename = "cacheWrite", deserialize_with = "amount")]
    pub(super) cache_write: Option<f64>,
    #[serde(deserialize_with = "amount")]
    pub(super) total: Option<f64>,
}

/// A piece of a message.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Block<'a> {
    #[serde(rename = "type", deserialize_with = "lenient")]
    pub(super) kind: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub(super) text: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub(super) thinking: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub(super) id: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub(super) name: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub(super) arguments: Option<Value>,
    /// Base64.
    #[serde(borrow)]
    pub(super) data: Option<&'a RawValue>,
    #[serde(deserialize_with = "lenient")]
    pub(super) mime_type: Option<String>,
}
