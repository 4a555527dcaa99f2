//! The lines as Claude Code writes them: only the fields that are used, borrowed if possible.
//! Payloads stay raw until a line turns out to need them; everything else is skipped.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

pub(super) use super::blocks::{Block, Content};
use super::kinds::{AttachmentKind, LineKind, SystemKind};
use super::tool_result::ToolUseResult;
use crate::sources::lenient::{Text, known, object, optional, text_or_number};

/// The envelope of a line.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Line<'a> {
    #[serde(borrow, default, rename = "type")]
    pub(super) kind: LineKind<'a>,
    /// Of a `system` line.
    #[serde(default, deserialize_with = "optional", rename = "subtype")]
    pub(super) system_kind: Option<SystemKind>,
    #[serde(borrow, default, deserialize_with = "known")]
    pub(super) uuid: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "known")]
    pub(super) parent_uuid: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "known")]
    pub(super) session_id: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "known")]
    pub(super) agent_id: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text_or_number")]
    pub(super) timestamp: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "known")]
    pub(super) cwd: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "known")]
    pub(super) git_branch: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "known")]
    pub(super) version: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "known")]
    pub(super) entrypoint: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "known")]
    pub(super) permission_mode: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "known")]
    pub(super) turn_origin: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "known")]
    pub(super) request_ref: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "known")]
    pub(super) request_id: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "known")]
    pub(super) effort: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "known")]
    pub(super) requested_model: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "known")]
    pub(super) agent_setting: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "known")]
    pub(super) relocated_cwd: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "known")]
    pub(super) continued_in_session_id: Option<Text<'a>>,
    /// Of a `derived-from` line.
    #[serde(borrow, default)]
    pub(super) sessions: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "known")]
    pub(super) custom_title: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "known")]
    pub(super) ai_title: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "known")]
    pub(super) id: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "known")]
    pub(super) attribution_agent: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "known")]
    pub(super) tool_denial_kind: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "known")]
    pub(super) pr_url: Option<Text<'a>>,
    #[serde(
        borrow,
        default,
        deserialize_with = "known",
        rename = "parentToolUseID"
    )]
    pub(super) parent_tool_use_id: Option<Text<'a>>,
    /// Of a `progress` line.
    #[serde(borrow, default)]
    pub(super) data: Option<&'a RawValue>,
    /// Of a `system` line.
    #[serde(default, deserialize_with = "known")]
    pub(super) duration_ms: Option<f64>,
    #[serde(default, deserialize_with = "known")]
    pub(super) pending_background_agent_count: Option<u64>,
    #[serde(default, deserialize_with = "known")]
    pub(super) thinking_duration_ms: Option<f64>,
    #[serde(default, deserialize_with = "known")]
    pub(super) tool_input_stream_ms: Option<f64>,
    #[serde(borrow, default)]
    pub(super) permission_decision: Option<&'a RawValue>,
    #[serde(default, deserialize_with = "known")]
    pub(super) is_sidechain: Option<bool>,
    #[serde(default, deserialize_with = "known")]
    pub(super) is_meta: Option<bool>,
    #[serde(default, deserialize_with = "known")]
    pub(super) is_compact_summary: Option<bool>,
    #[serde(default, deserialize_with = "known")]
    pub(super) is_api_error_message: Option<bool>,
    #[serde(default, deserialize_with = "known")]
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
    #[serde(borrow, default, deserialize_with = "known")]
    pub(super) operation: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) content: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) model_usage: Option<&'a RawValue>,
    #[serde(default, deserialize_with = "known")]
    pub(super) start_time: Option<f64>,
    #[serde(borrow, default)]
    pub(super) params: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "known")]
    pub(super) base: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) keep: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) tail: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "known")]
    pub(super) hash: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "known")]
    pub(super) shape_hash: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) shape: Option<&'a RawValue>,
}

/// `message` of a `user`, `assistant` or `api-request-blob` line.
#[derive(Debug, Deserialize)]
pub(super) struct Message<'a> {
    #[serde(borrow, default, deserialize_with = "known")]
    pub(super) role: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "known")]
    pub(super) id: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "known")]
    pub(super) model: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "known")]
    pub(super) stop_reason: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) content: Content<'a>,
    #[serde(borrow, default)]
    usage: Option<&'a RawValue>,
}

/// The model name in messages that the agent wrote in the model's name.
pub(super) const SYNTHETIC: &str = "<synthetic>";

impl<'a> Message<'a> {
    /// Whether the agent wrote the message in the model's name.
    pub(super) fn is_synthetic(&self) -> bool {
        let model = self.model.as_ref();
        model.is_some_and(|model| model.as_str() == SYNTHETIC)
    }

    /// Its usage. An array is ignored, though it could be read as the fields in order.
    pub(super) fn usage(&self) -> Option<&'a RawValue> {
        self.usage.filter(|usage| usage.get().starts_with('{'))
    }
}

/// `source` of an image or document.
#[derive(Debug, Deserialize)]
pub(super) struct MediaSource<'a> {
    #[serde(borrow, default, deserialize_with = "known")]
    pub(super) media_type: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) data: Option<&'a RawValue>,
}

/// `usage` of a response. Numbers may be null.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Usage<'a> {
    #[serde(default, deserialize_with = "known")]
    pub(super) input_tokens: Option<u64>,
    #[serde(default, deserialize_with = "known")]
    pub(super) output_tokens: Option<u64>,
    #[serde(default, deserialize_with = "known")]
    pub(super) cache_read_input_tokens: Option<u64>,
    #[serde(default, deserialize_with = "known")]
    pub(super) cache_creation_input_tokens: Option<u64>,
    #[serde(default, deserialize_with = "object")]
    pub(super) cache_creation: Option<CacheCreation>,
    #[serde(default, deserialize_with = "object")]
    pub(super) server_tool_use: Option<ServerToolUse>,
    #[serde(default, deserialize_with = "object")]
    pub(super) output_tokens_details: Option<OutputDetails>,
    /// The calls within the response, including those of other models.
    #[serde(borrow, default)]
    pub(super) iterations: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "known")]
    pub(super) service_tier: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "known")]
    pub(super) speed: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "known")]
    pub(super) inference_geo: Option<Text<'a>>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct CacheCreation {
    #[serde(default, deserialize_with = "known")]
    pub(super) ephemeral_5m_input_tokens: Option<u64>,
    #[serde(default, deserialize_with = "known")]
    pub(super) ephemeral_1h_input_tokens: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct ServerToolUse {
    #[serde(default, deserialize_with = "known")]
    pub(super) web_search_requests: Option<u64>,
    #[serde(default, deserialize_with = "known")]
    pub(super) web_fetch_requests: Option<u64>,
}

/// One of `sessions` in a `derived-from` line.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Ancestor<'a> {
    #[serde(borrow, default, deserialize_with = "known")]
    pub(super) id: Option<Text<'a>>,
}

/// One of `iterations` in the usage of a response.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Iteration<'a> {
    #[serde(borrow, default, deserialize_with = "known", rename = "type")]
    pub(super) kind: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "known")]
    pub(super) model: Option<Text<'a>>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct OutputDetails {
    #[serde(default, deserialize_with = "known")]
    pub(super) thinking_tokens: Option<u64>,
}

/// `attachment` of a line of that type.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Attachment<'a> {
    #[serde(rename = "type")]
    pub(super) kind: AttachmentKind,
    #[serde(borrow, default)]
    pub(super) prompt: Content<'a>,
    #[serde(borrow, default, deserialize_with = "known")]
    pub(super) command_mode: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "known")]
    pub(super) hook_event: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "known", rename = "toolUseID")]
    pub(super) tool_use_id: Option<Text<'a>>,
}

/// `origin` of a user line.
#[derive(Debug, Deserialize)]
pub(super) struct Origin<'a> {
    #[serde(borrow, default, deserialize_with = "known")]
    pub(super) kind: Option<Text<'a>>,
}

/// `permissionDecision` of a line with a tool result.
#[derive(Debug, Deserialize)]
pub(super) struct PermissionDecision<'a> {
    #[serde(borrow, default, deserialize_with = "known")]
    pub(super) decision: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "known")]
    pub(super) source: Option<Text<'a>>,
}

/// `error` of an attempt that failed.
#[derive(Debug, Default, Deserialize)]
pub(super) struct AttemptError {
    #[serde(default, deserialize_with = "known")]
    pub(super) status: Option<f64>,
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
    #[serde(default, deserialize_with = "optional")]
    pub(super) agent_type: Option<String>,
    #[serde(default, deserialize_with = "optional")]
    pub(super) tool_use_id: Option<String>,
}

/// `modelUsage` of a `cost-state` line.
pub(super) type Books<'a> = BTreeMap<String, &'a RawValue>;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ModelUsage {
    #[serde(default, deserialize_with = "known")]
    pub(super) input_tokens: Option<u64>,
    #[serde(default, deserialize_with = "known")]
    pub(super) output_tokens: Option<u64>,
    #[serde(default, deserialize_with = "known")]
    pub(super) thinking_tokens: Option<u64>,
    #[serde(default, deserialize_with = "known")]
    pub(super) cache_read_input_tokens: Option<u64>,
    #[serde(default, deserialize_with = "known")]
    pub(super) cache_creation_input_tokens: Option<u64>,
    #[serde(
        default,
        deserialize_with = "known",
        rename = "cacheCreationEphemeral1hInputTokens"
    )]
    pub(super) cache_creation_1h: Option<u64>,
    #[serde(default, deserialize_with = "known")]
    pub(super) web_search_requests: Option<u64>,
}
