//! Content blocks and usage: from the wire to the vocabulary of a session.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::agents::is_agent_tool;
use super::tool_result::ToolUseResult;
use super::wire::{
    self, Content, ContentBlock, Line, MediaSource, PermissionDecision, Text, payload,
};
use crate::session::{
    Block, ByModel, CallError, Circumstances, Permission, ToolCall, ToolResult, Usage, books,
};

/// What the line says about all of its blocks.
pub(super) struct LineFacts<'a> {
    pub(super) at: DateTime<Utc>,
    pub(super) circumstances: &'a Arc<Circumstances>,
    pub(super) tool: &'a ToolUseResult,
    pub(super) permission: Option<Permission>,
    /// Whether anybody wants to know what was said.
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
            circumstances,
            tool: &line.tool_use_result,
            permission: permission(line),
            keeps_content,
        }
    }
}

/// Who allowed the tool whose result stands on this line. Sources that begin with `user` are
/// people; the others are settings, modes and hooks.
fn permission(line: &Line<'_>) -> Option<Permission> {
    if line.tool_denial_before_run == Some(true) {
        let kind = line.tool_denial_kind.as_ref()?;
        return kind
            .as_str()
            .starts_with("user")
            .then_some(Permission::Refused);
    }
    let decision: PermissionDecision<'_> = payload(line.permission_decision)?;
    if decision.decision?.as_str() != "accept" {
        return None;
    }
    let is_person = decision.source?.as_str().starts_with("user");
    Some(if is_person {
        Permission::Granted
    } else {
        Permission::Rule
    })
}

/// The blocks of a message's content. A plain string is one text block.
pub(super) fn blocks(content: Option<&RawValue>, facts: &LineFacts<'_>) -> Vec<Block> {
    blocks_at(Depth::Message, content, facts)
}

/// A result stands in a message and holds plain blocks; there is nothing deeper.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Depth {
    Message,
    Result,
}

fn blocks_at(depth: Depth, content: Option<&RawValue>, facts: &LineFacts<'_>) -> Vec<Block> {
    match Content::parse(content) {
        None => Vec::new(),
        Some(Content::Text(raw)) => {
            let text = text(raw, facts);
            text.map(Block::Text).into_iter().collect()
        }
        Some(Content::Blocks(found)) => found
            .into_iter()
            .map(|found| match found {
                wire::Block::Known(known) => block(depth, known, facts),
                wire::Block::Other(raw) => other(raw),
            })
            .collect(),
    }
}

fn block(depth: Depth, block: ContentBlock<'_>, facts: &LineFacts<'_>) -> Block {
    let owned = |text: Option<Text<'_>>| text.map_or_else(String::new, |text| text.0.into_owned());
    let content = |raw: Option<&RawValue>| raw.and_then(|raw| text(raw, facts)).unwrap_or_default();
    // How a subagent is recognised stands in the arguments of its call.
    let starts_agent = block
        .name
        .as_ref()
        .is_some_and(|name| is_agent_tool(name.as_str()));
    match block.kind() {
        "text" => Block::Text(content(block.text)),
        "thinking" => Block::Thinking(content(block.thinking)),
        "tool_use" => Block::ToolCall(Box::new(ToolCall {
            id: owned(block.id),
            name: owned(block.name),
            input: block
                .input
                .filter(|_| facts.keeps_content || starts_agent)
                .map_or(Value::Null, value),
            called_at: facts.at,
            result: None,
            subagents: Vec::new(),
            circumstances: Arc::clone(facts.circumstances),
        })),
        "tool_result" if depth == Depth::Result => Block::Other(json!({
            "type": "tool_result",
            "tool_use_id": owned(block.tool_use_id),
            "content": block.content.filter(|_| facts.keeps_content).map(value),
        })),
        "tool_result" => {
            let content = block.content.filter(|_| facts.keeps_content);
            Block::ToolResult {
                call_id: owned(block.tool_use_id),
                result: Arc::new(ToolResult {
                    content: blocks_at(Depth::Result, content, facts),
                    is_error: block.is_error.unwrap_or(false),
                    returned_at: facts.at,
                    duration_ms: facts.tool.duration_ms.and_then(whole_milliseconds),
                    permission: facts.permission,
                    web_searches: facts.tool.searches,
                    work: facts.tool.work.clone(),
                }),
            }
        }
        kind => {
            let source: Option<MediaSource<'_>> = payload(block.source);
            let data = source.as_ref().and_then(|source| source.data);
            Block::Media {
                kind: kind.to_owned(),
                bytes: data.map_or(0, |data| decoded_length(data.get())),
                media_type: source
                    .and_then(|source| source.media_type)
                    .map(|kind| kind.0.into_owned()),
            }
        }
    }
}

/// A text, where content is wanted.
fn text(raw: &RawValue, facts: &LineFacts<'_>) -> Option<String> {
    if facts.keeps_content {
        payload(Some(raw))
    } else {
        Some(String::new())
    }
}

fn other(raw: &RawValue) -> Block {
    let mut value = value(raw);
    drop_binary(&mut value);
    Block::Other(value)
}

/// A value as it stands in the transcript; one that is nested too deep to be built, as text.
fn value(raw: &RawValue) -> Value {
    serde_json::from_str(raw.get()).unwrap_or_else(|_| Value::String(raw.get().to_owned()))
}

/// Blocks that we do not know may hold bytes too, under one of these names.
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

/// Bytes that a quoted base64 string stands for.
fn decoded_length(quoted: &str) -> u64 {
    let text = quoted.trim_matches('"').trim_end_matches('=');
    text.len() as u64 * 3 / 4
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked before"
)]
pub(super) fn whole_milliseconds(duration: f64) -> Option<u64> {
    (duration.is_finite() && duration >= 0.0).then(|| duration.round() as u64)
}

/// The usage of a response; `None` when the line has none.
pub(super) fn usage(raw: Option<&wire::Usage<'_>>) -> Option<Usage> {
    let raw = raw?;
    let split = raw.cache_creation.as_ref();
    let five_minutes = split.map_or(0, |split| split.ephemeral_5m_input_tokens.0);
    let one_hour = split.map_or(0, |split| split.ephemeral_1h_input_tokens.0);
    let cache_write = raw
        .cache_creation_input_tokens
        .0
        .max(five_minutes + one_hour);
    let details = raw.output_tokens_details.as_ref();
    Some(Usage {
        input: raw.input_tokens.0,
        output: raw.output_tokens.0,
        reasoning: details
            .and_then(|details| details.thinking_tokens)
            .map(|count| count.0),
        cache_read: raw.cache_read_input_tokens.0,
        cache_write,
        // What the split leaves out was kept for the default time, five minutes.
        cache_write_5m: cache_write - one_hour,
        cache_write_1h: one_hour,
        web_searches: raw
            .server_tool_use
            .as_ref()
            .map_or(0, |used| used.web_search_requests.0),
    })
}

/// The clouds mark the ids of the responses they serve.
pub(super) fn provider_of(response_id: &str) -> &'static str {
    if response_id.starts_with("msg_bdrk_") {
        "bedrock"
    } else if response_id.starts_with("msg_vrtx_") {
        "vertex"
    } else {
        "anthropic"
    }
}

/// Why a call failed, as Claude Code showed it.
pub(super) fn call_error(line: &Line<'_>, content: &[Block]) -> CallError {
    let message = content.iter().find_map(|block| match block {
        Block::Text(text) => Some(text.clone()),
        _ => None,
    });
    CallError {
        kind: payload(line.error),
        message: message.unwrap_or_default(),
        status: payload(line.api_error_status),
    }
}

/// What Claude Code's books say was used, by model. `None` when they name no model.
pub(super) fn books(raw: &wire::Books) -> Option<ByModel> {
    let mut books = ByModel::new();
    for (model, used) in raw {
        let one_hour = used.cache_creation_1h.0;
        let cache_write = used.cache_creation_input_tokens.0.max(one_hour);
        let usage = Usage {
            input: used.input_tokens.0,
            output: used.output_tokens.0,
            reasoning: Some(used.thinking_tokens.0).filter(|tokens| *tokens > 0),
            cache_read: used.cache_read_input_tokens.0,
            cache_write,
            cache_write_5m: cache_write - one_hour,
            cache_write_1h: one_hour,
            web_searches: used.web_search_requests.0,
        };
        let sum = books.entry(books::name_of(model).to_owned()).or_default();
        *sum = sum.plus(usage);
    }
    (!books.is_empty()).then_some(books)
}
