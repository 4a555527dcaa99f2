//! The lines as Claude Code writes them: only the fields that are used, borrowed where they can
//! be. Payloads stay raw until a line turns out to need them; everything else is skipped.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::fields::lenient;
pub(super) use super::blocks::{Block, Content};
pub(super) use super::lenient::{Count, Number, Text, items, payload};
use super::lenient::{flag, object, text, text_or_number};
use super::tool_result::ToolUseResult;

/// The envelope of a line.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Line<'a> {
    #[serde(borrow, default, deserialize_with = "text", rename = "type")]
    pub(super) kind: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) subtype: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) uuid: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) parent_uuid: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) session_id: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) agent_id: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text_or_number")]
    pub(super) timestamp: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) cwd: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) git_branch: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) version: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) entrypoint: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) permission_mode: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) turn_origin: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) request_ref: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) request_id: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) effort: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) requested_model: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) agent_setting: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) relocated_cwd: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) continued_in_session_id: Option<Text<'a>>,
    /// Of a `derived-from` line.
    #[serde(borrow, default)]
    pub(super) sessions: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) custom_title: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) ai_title: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) id: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) attribution_agent: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) tool_denial_kind: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) pr_url: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text", rename = "parentToolUseID")]
    pub(super) parent_tool_use_id: Option<Text<'a>>,
    /// Of a `progress` line.
    #[serde(borrow, default)]
    pub(super) data: Option<&'a RawValue>,
    /// Of a `system` line.
    #[serde(default)]
    pub(super) duration_ms: Number,
    #[serde(default)]
    pub(super) pending_background_agent_count: Count,
    #[serde(default)]
    pub(super) thinking_duration_ms: Number,
    #[serde(default)]
    pub(super) tool_input_stream_ms: Number,
    #[serde(borrow, default)]
    pub(super) permission_decision: Option<&'a RawValue>,
    #[serde(default, deserialize_with = "flag")]
    pub(super) is_sidechain: Option<bool>,
    #[serde(default, deserialize_with = "flag")]
    pub(super) is_meta: Option<bool>,
    #[serde(default, deserialize_with = "flag")]
    pub(super) is_compact_summary: Option<bool>,
    #[serde(default, deserialize_with = "flag")]
    pub(super) is_api_error_message: Option<bool>,
    #[serde(default, deserialize_with = "flag")]
    pub(super) tool_denial_before_run: Option<bool>,
    #[serde(borrow, default)]
    pub(super) origin: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) error: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) api_error_status: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "object")]
    pub(super) message: Option<Message<'a>>,
    #[serde(default)]
    pub(super) tool_use_result: ToolUseResult,
    #[serde(borrow, default)]
    pub(super) attachment: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) rendered: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) operation: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) content: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) model_usage: Option<&'a RawValue>,
    #[serde(default)]
    pub(super) start_time: Number,
    #[serde(borrow, default)]
    pub(super) params: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) base: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) keep: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) tail: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) hash: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) shape_hash: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) shape: Option<&'a RawValue>,
}

/// `message` of a `user`, `assistant` or `api-request-blob` line.
#[derive(Debug, Deserialize)]
pub(super) struct Message<'a> {
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) role: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) id: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) model: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) stop_reason: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) content: Content<'a>,
    #[serde(borrow, default)]
    usage: Option<&'a RawValue>,
}

impl<'a> Message<'a> {
    /// What it used. An array would be read as the fields in their order.
    pub(super) fn usage(&self) -> Option<&'a RawValue> {
        self.usage.filter(|usage| usage.get().starts_with('{'))
    }
}

/// `source` of an image or document.
#[derive(Debug, Deserialize)]
pub(super) struct MediaSource<'a> {
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) media_type: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) data: Option<&'a RawValue>,
}

/// `usage` of a response. Numbers may be null.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Usage<'a> {
    #[serde(default)]
    pub(super) input_tokens: Count,
    #[serde(default)]
    pub(super) output_tokens: Count,
    #[serde(default)]
    pub(super) cache_read_input_tokens: Count,
    #[serde(default)]
    pub(super) cache_creation_input_tokens: Count,
    #[serde(default, deserialize_with = "object")]
    pub(super) cache_creation: Option<CacheCreation>,
    #[serde(default, deserialize_with = "object")]
    pub(super) server_tool_use: Option<ServerToolUse>,
    #[serde(default, deserialize_with = "object")]
    pub(super) output_tokens_details: Option<OutputDetails>,
    /// The calls that it took, among them those of other models.
    #[serde(borrow, default)]
    pub(super) iterations: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) service_tier: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) speed: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) inference_geo: Option<Text<'a>>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct CacheCreation {
    #[serde(default)]
    pub(super) ephemeral_5m_input_tokens: Count,
    #[serde(default)]
    pub(super) ephemeral_1h_input_tokens: Count,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct ServerToolUse {
    #[serde(default)]
    pub(super) web_search_requests: Count,
    #[serde(default)]
    pub(super) web_fetch_requests: Count,
}

/// One of `sessions` in a `derived-from` line.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Ancestor<'a> {
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) id: Option<Text<'a>>,
}

/// One of `iterations` in the usage of a response.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Iteration<'a> {
    #[serde(borrow, default, deserialize_with = "text", rename = "type")]
    pub(super) kind: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) model: Option<Text<'a>>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct OutputDetails {
    #[serde(default)]
    pub(super) thinking_tokens: Option<Count>,
}

/// `attachment` of a line of that type.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Attachment<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Text<'a>,
    #[serde(borrow, default)]
    pub(super) prompt: Content<'a>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) command_mode: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) hook_event: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text", rename = "toolUseID")]
    pub(super) tool_use_id: Option<Text<'a>>,
}

/// `origin` of a user line.
#[derive(Debug, Deserialize)]
pub(super) struct Origin<'a> {
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) kind: Option<Text<'a>>,
}

/// `permissionDecision` of a line that holds a tool's result.
#[derive(Debug, Deserialize)]
pub(super) struct PermissionDecision<'a> {
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) decision: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) source: Option<Text<'a>>,
}

/// `error` of an attempt that failed.
#[derive(Debug, Default, Deserialize)]
pub(super) struct AttemptError {
    #[serde(default)]
    pub(super) status: Number,
}

/// `shape` of an `api-request-shape` line.
#[derive(Debug, Deserialize)]
pub(super) struct Shape<'a> {
    #[serde(borrow, default)]
    pub(super) system: Content<'a>,
    #[serde(borrow, default)]
    pub(super) tools: Option<&'a RawValue>,
}

/// `agent-<id>.meta.json`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AgentMeta {
    #[serde(default, deserialize_with = "lenient")]
    pub(super) agent_type: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) tool_use_id: Option<String>,
}

/// `modelUsage` of a `cost-state` line.
pub(super) type Books<'a> = BTreeMap<String, &'a RawValue>;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ModelUsage {
    #[serde(default)]
    pub(super) input_tokens: Count,
    #[serde(default)]
    pub(super) output_tokens: Count,
    #[serde(default)]
    pub(super) thinking_tokens: Count,
    #[serde(default)]
    pub(super) cache_read_input_tokens: Count,
    #[serde(default)]
    pub(super) cache_creation_input_tokens: Count,
    #[serde(default, rename = "cacheCreationEphemeral1hInputTokens")]
    pub(super) cache_creation_1h: Count,
    #[serde(default)]
    pub(super) web_search_requests: Count,
}
