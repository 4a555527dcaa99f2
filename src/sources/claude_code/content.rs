//! Converts content blocks and usage from Claude Code's format to the types of a session.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::assembly::Advice;
use super::blocks::value;
use super::kinds;
use super::times;
use super::tool_result::ToolUseResult;
use super::wire::{self, Content, Line, MediaSource, PermissionDecision};
use crate::fingerprint;
use crate::models;
use crate::session::{
    Background, Block, ByModel, CallError, Circumstances, Permission, ToolCall, ToolResult,
    ToolTime, Usage,
};
use crate::sources::lenient::{Known, payload};

/// Facts about a line that apply to all of its blocks.
pub(super) struct LineFacts<'a> {
    pub(super) at: DateTime<Utc>,
    /// Whether `at` is the time of the line before it.
    pub(super) is_untimed: bool,
    pub(super) circumstances: &'a Arc<Circumstances>,
    pub(super) tool: &'a ToolUseResult,
    pub(super) permission: Option<Permission>,
    /// Whether content is wanted.
    pub(super) keeps_content: bool,
}

impl<'a> LineFacts<'a> {
    pub(super) fn of(
        line: &'a Line<'_>,
        at: DateTime<Utc>,
        circumstances: &'a Arc<Circumstances>,
        keeps_content: bool,
    ) -> Self {
        Self {
            at,
            is_untimed: times::of_line(line).is_none(),
            circumstances,
            tool: &line.tool_use_result,
            permission: permission(line),
            keeps_content,
        }
    }
}

/// The decision about the tool whose result is on this line. Sources that begin with `user` are
/// persons; the others are settings, modes and hooks. Before 2.1.329 only a refusal is recorded.
fn permission(line: &Line<'_>) -> Option<Permission> {
    if line.tool_denial_before_run == Some(true) {
        let kind = line.tool_denial_kind.as_ref()?;
        return kind
            .as_str()
            .starts_with("user")
            .then_some(Permission::Refused);
    }
    let Some(decision) = payload::<PermissionDecision<'_>>(line.permission_decision) else {
        let is_refused = line.tool_use_result.is_refused;
        return is_refused.then_some(Permission::Refused);
    };
    let is_person = decision.source?.as_str().starts_with("user");
    match (decision.decision?.as_str(), is_person) {
        ("accept", true) => Some(Permission::Granted),
        ("reject", true) => Some(Permission::Refused),
        ("accept" | "reject", false) => Some(Permission::Rule),
        _ => None,
    }
}

/// The blocks of a message's content. A plain string is one text block.
pub(super) fn blocks(content: &Content<'_>, facts: &LineFacts<'_>) -> Vec<Block> {
    match content {
        Content::Nothing => Vec::new(),
        Content::Text(text) => vec![Block::Text(kept(text, facts))],
        Content::Blocks(blocks) => blocks.iter().map(|it| block(it, facts)).collect(),
    }
}

fn block(block: &wire::Block<'_>, facts: &LineFacts<'_>) -> Block {
    match block {
        wire::Block::ToolResult {
            call_id,
            is_error,
            content,
        } => Block::ToolResult {
            call_id: call_id.as_str().to_owned(),
            result: Arc::new(ToolResult {
                content: of_result(content.filter(|_| facts.keeps_content), facts),
                is_error: *is_error,
                returned_at: facts.at,
                is_untimed: facts.is_untimed,
                duration_ms: facts.tool.duration_ms.and_then(times::whole_milliseconds),
                permission: facts.permission,
                background: match &facts.tool.agent_id {
                    Some(agent) if facts.tool.is_launch => Background::Running(agent.clone()),
                    _ => Background::No,
                },
                web_searches: facts.tool.searches,
                work: facts.tool.work.clone(),
            }),
        },
        plain => plain_block(plain, facts),
    }
}

/// The content of a tool result: plain blocks. A result inside it is not a result of this session.
fn of_result(content: Option<&RawValue>, facts: &LineFacts<'_>) -> Vec<Block> {
    match payload(content).unwrap_or_default() {
        Content::Blocks(blocks) => blocks.iter().map(|it| plain_block(it, facts)).collect(),
        text => blocks(&text, facts),
    }
}

fn plain_block(block: &wire::Block<'_>, facts: &LineFacts<'_>) -> Block {
    match block {
        wire::Block::Text(text) => Block::Text(said(text, facts)),
        wire::Block::Thinking(text) => Block::Thinking(said(text, facts)),
        wire::Block::ToolUse { id, name, input } => {
            // The arguments of its call identify a subagent.
            let is_wanted = facts.keeps_content || kinds::is_agent_tool(name.as_str());
            Block::ToolCall(Box::new(ToolCall {
                id: id.as_str().to_owned(),
                name: name.as_str().to_owned(),
                input: input.filter(|_| is_wanted).map_or(Value::Null, value),
                called_at: facts.at,
                is_untimed: facts.is_untimed,
                traced: None,
                asks: kinds::asks_before(name.as_str()),
                order: kinds::order_of(name.as_str()),
                time: ToolTime::default(),
                result: None,
                subagents: Vec::new(),
                circumstances: Arc::clone(facts.circumstances),
            }))
        }
        wire::Block::ToolResult {
            call_id, content, ..
        } => Block::Other(json!({
            "type": "tool_result",
            "tool_use_id": call_id.as_str(),
            "content": content.filter(|_| facts.keeps_content).map(value),
        })),
        wire::Block::Media { kind, source } => {
            let source: Option<MediaSource<'_>> = payload(*source);
            let data = source.as_ref().and_then(|source| source.data);
            Block::Media {
                kind: kind.as_str().to_owned(),
                bytes: data.map_or(0, |data| decoded_length(data.get())),
                media_type: source
                    .and_then(|source| source.media_type)
                    .map(|kind| kind.0.into_owned()),
            }
        }
        wire::Block::Other(fields) => {
            let mut value = fields.value();
            drop_binary(&mut value);
            Block::Other(value)
        }
    }
}

/// Fingerprints of the texts of blocks, if content is not kept: without their texts, blocks that
/// differ look the same.
pub(super) fn unkept(content: &Content<'_>, facts: &LineFacts<'_>) -> Vec<u64> {
    let Content::Blocks(blocks) = content else {
        return Vec::new();
    };
    let blocks = blocks.iter().filter(|_| !facts.keeps_content);
    let text = |block: &wire::Block<'_>| match block {
        wire::Block::Text(text) => Some(fingerprint::of(&[b"text", text.get().as_bytes()])),
        wire::Block::Thinking(text) => Some(fingerprint::of(&[b"thinking", text.get().as_bytes()])),
        _ => None,
    };
    blocks.filter_map(text).collect()
}

fn kept(text: &str, facts: &LineFacts<'_>) -> String {
    let text = if facts.keeps_content { text } else { "" };
    text.to_owned()
}

/// Parses a text, if content is wanted.
fn said(raw: &RawValue, facts: &LineFacts<'_>) -> String {
    let raw = Some(raw).filter(|_| facts.keeps_content);
    payload(raw).unwrap_or_default()
}

/// Replaces binary data, which unknown blocks may contain under one of these names.
fn drop_binary(value: &mut Value) {
    const BINARY: [&str; 4] = ["data", "blob", "encrypted_content", "signature"];
    match value {
        Value::Array(items) => items.iter_mut().for_each(drop_binary),
        Value::Object(fields) => {
            for (name, field) in fields {
                match field {
                    Value::String(text) if BINARY.contains(&name.as_str()) => {
                        let bytes = decoded_length(text);
                        *text = format!("[{bytes} bytes]");
                    }
                    _ => drop_binary(field),
                }
            }
        }
        _ => {}
    }
}

/// Number of bytes in a quoted base64 string.
fn decoded_length(quoted: &str) -> u64 {
    let text = quoted.trim_matches('"').trim_end_matches('=');
    text.len() as u64 * 3 / 4
}

/// The usage of a response; `None` when the line has none.
pub(super) fn usage(raw: Option<&wire::Usage<'_>>) -> Option<Usage> {
    let raw = raw?;
    let split = raw.cache_creation.as_ref();
    let five_minutes = split.map_or(0, |split| split.ephemeral_5m_input_tokens.unwrap_or(0));
    let one_hour = split.map_or(0, |split| split.ephemeral_1h_input_tokens.unwrap_or(0));
    let cache_write = raw
        .cache_creation_input_tokens
        .unwrap_or(0)
        .max(five_minutes + one_hour);
    let details = raw.output_tokens_details.as_ref();
    Some(Usage {
        input: raw.input_tokens.unwrap_or(0),
        output: raw.output_tokens.unwrap_or(0),
        reasoning: details.and_then(|details| details.thinking_tokens),
        cache_read: raw.cache_read_input_tokens.unwrap_or(0),
        cache_write,
        cache_write_long: one_hour,
        web_searches: raw
            .server_tool_use
            .as_ref()
            .map_or(0, |used| used.web_search_requests.unwrap_or(0)),
        web_fetches: raw
            .server_tool_use
            .as_ref()
            .map_or(0, |used| used.web_fetch_requests.unwrap_or(0)),
        ..Usage::default()
    })
}

/// Calls of other models within a response, which `usage` does not include.
pub(super) fn advisors(usage: Option<&wire::Usage<'_>>, response_id: &str) -> Vec<Advice> {
    let iterations: Option<Vec<&RawValue>> = payload(usage.and_then(|usage| usage.iterations));
    let advice = |raw: &RawValue| {
        let iteration: wire::Iteration<'_> = payload(Some(raw))?;
        let kind = iteration.kind?;
        (kind.as_str() == "advisor_message").then_some(())?;
        let used: wire::Usage<'_> = payload(Some(raw))?;
        let model = iteration.model.map(|model| model.0.into_owned());
        Some(Advice {
            provider: provider_of(response_id, model.as_deref()),
            model,
            usage: self::usage(Some(&used))?,
        })
    };
    let iterations = iterations.unwrap_or_default().into_iter();
    iterations.filter_map(advice).collect()
}

/// The provider that ran the model. Clouds mark the ids of their responses; gateways do not.
pub(super) fn provider_of(response_id: &str, model: Option<&str>) -> Option<&'static str> {
    if response_id.starts_with("msg_bdrk_") {
        Some("bedrock")
    } else if response_id.starts_with("msg_vrtx_") {
        Some("vertex")
    } else {
        model.map_or(Some("anthropic"), models::provider)
    }
}

/// An HTTP status, if the number is one.
pub(super) fn http_status(status: Option<f64>) -> Option<u16> {
    status?.to_string().parse().ok()
}

/// The error of a failed call, as Claude Code showed it.
pub(super) fn call_error(line: &Line<'_>, content: &[Block]) -> CallError {
    let message = content.iter().find_map(|block| match block {
        Block::Text(text) => Some(text.clone()),
        _ => None,
    });
    CallError {
        kind: payload(line.error),
        message: message.unwrap_or_default(),
        status: payload(line.api_error_status).and_then(|Known(status)| http_status(status)),
    }
}

/// The model's name without the suffix for a larger context window (`[1m]`), which only the books
/// of Claude Code have.
fn without_window(model: &str) -> &str {
    model.split_once('[').map_or(model, |(name, _)| name)
}

/// Usage by model in Claude Code's books; `None` when they name no model.
pub(super) fn books(raw: &wire::Books<'_>) -> Option<ByModel> {
    let mut books = ByModel::new();
    for (model, used) in raw {
        let Some(used) = payload::<wire::ModelUsage>(Some(used)) else {
            continue;
        };
        let one_hour = used.cache_creation_1h.unwrap_or(0);
        let cache_write = used.cache_creation_input_tokens.unwrap_or(0).max(one_hour);
        let usage = Usage {
            input: used.input_tokens.unwrap_or(0),
            output: used.output_tokens.unwrap_or(0),
            reasoning: Some(used.thinking_tokens.unwrap_or(0)).filter(|tokens| *tokens > 0),
            cache_read: used.cache_read_input_tokens.unwrap_or(0),
            cache_write,
            cache_write_long: one_hour,
            web_searches: used.web_search_requests.unwrap_or(0),
            ..Usage::default()
        };
        let sum = books.entry(without_window(model).to_owned()).or_default();
        *sum = sum.plus(usage);
    }
    (!books.is_empty()).then_some(books)
}
