//! Content as messages in `OpenAI`'s chat format, for every provider: PostHog's own integrations
//! promise that format, and PostHog renders it and counts the tool calls in it.
//!
//! A message has a role and parts: `text`, `thinking`, and `function` for a tool call. A tool
//! result is a message of its own with the role `tool`.
//!
//! Content that is not recorded is `null` where the format requires a field, and absent otherwise.
//! A tool call keeps its name and id: PostHog's trace page shows it, with `null` for its arguments.

use std::borrow::Cow;

use serde_json::Value;

use super::Recording;
use super::json::Json;
use crate::session::{Block, Role, ToolResult};

/// Prefix of the text of a failed result: the chat format has no field for a failure.
const FAILED: &str = "[failed] ";

/// Converts the content of one message. PostHog displays one message as a unit, so tool results and
/// thinking become separate messages, in their original order. Empty content gives no message.
///
/// PostHog recognises a `function` part beside texts and a `thinking` part beside anything, but no
/// `function` beside `thinking` (`compat_array` and `anthropic` of its rendering recipes).
pub(super) fn messages(role: Role, content: &[Block], recording: Recording) -> Vec<Json<'_>> {
    // Text of the model counts as output, also when it is given back to the model.
    if role == Role::Assistant && !recording.outputs() {
        return vec![said(role, Json::NULL)];
    }
    let runs = content.chunk_by(|a, b| match (a, b) {
        (Block::ToolResult { .. }, _) | (_, Block::ToolResult { .. }) => false,
        (a, b) => matches!(a, Block::Thinking(_)) == matches!(b, Block::Thinking(_)),
    });
    runs.filter_map(|run| match run {
        [Block::ToolResult { call_id, result }] => Some(answer(call_id, result, recording)),
        run => {
            let parts = parts(run, recording);
            (!parts.is_empty()).then(|| said(role, Json::List(parts)))
        }
    })
    .collect()
}

fn said(role: Role, content: Json<'_>) -> Json<'_> {
    let name = match role {
        Role::User => "user",
        Role::Assistant => "assistant",
        Role::System => "system",
    };
    Json::object([("role", name.into()), ("content", content)])
}

/// A tool result as a message.
fn answer<'a>(call_id: &'a str, result: &'a ToolResult, recording: Recording) -> Json<'a> {
    let mut content = text_of(result, recording);
    if let Some(text) = &mut content
        && result.is_error
    {
        text.to_mut().insert_str(0, FAILED);
    }
    Json::object([
        ("role", "tool".into()),
        ("tool_call_id", call_id.into()),
        ("content", content.into()),
    ])
}

/// The blocks that have content, in order.
fn parts(blocks: &[Block], recording: Recording) -> Vec<Json<'_>> {
    blocks
        .iter()
        .filter_map(|block| part(block, recording))
        .collect()
}

/// A tool result: a value or a plain text if it is nothing else, otherwise parts. All of it counts
/// as output, whatever the kinds of its blocks.
pub(super) fn result(result: &ToolResult, recording: Recording) -> Json<'_> {
    if let ([Block::Json(value)], true) = (result.content.as_slice(), recording.outputs()) {
        return value.into();
    }
    let is_text = |block: &Block| matches!(block, Block::Text(_));
    if recording.outputs() && !result.content.iter().all(is_text) {
        return Json::List(parts(&result.content, Recording::Full));
    }
    text_of(result, recording).into()
}

/// A tool result as one text, with other content described in words. `None` if it is not recorded.
fn text_of(result: &ToolResult, recording: Recording) -> Option<Cow<'_, str>> {
    if !recording.outputs() {
        return None;
    }
    let texts = result.content.iter();
    let mut texts = texts.filter_map(|block| words(block, Recording::Full));
    let first = texts.next().unwrap_or_default();
    Some(texts.fold(first, |all, text| all + "\n" + text))
}

fn part(block: &Block, recording: Recording) -> Option<Json<'_>> {
    match block {
        Block::ToolCall(call) => {
            let arguments = Some(&call.input).filter(|_| recording.inputs());
            let function = [
                ("name", (&call.name).into()),
                ("arguments", arguments.into()),
            ];
            Some(Json::object([
                ("type", "function".into()),
                ("id", (&call.id).into()),
                ("function", Json::object(function)),
            ]))
        }
        Block::Thinking(thinking) => {
            let is_shown = recording.outputs() && !thinking.is_empty();
            let fields = [("type", "thinking".into()), ("thinking", thinking.into())];
            is_shown.then(|| Json::object(fields))
        }
        block => {
            let words = words(block, recording).filter(|words| !words.is_empty())?;
            Some(Json::object([
                ("type", "text".into()),
                ("text", words.into()),
            ]))
        }
    }
}

/// A block as text. Content other than text is described.
fn words(block: &Block, recording: Recording) -> Option<Cow<'_, str>> {
    Some(match block {
        Block::Text(text) => Cow::Borrowed(text.as_str()),
        Block::Report(text) => Cow::Borrowed(Some(text).filter(|_| recording == Recording::Full)?),
        Block::Thinking(thinking) => Cow::Borrowed(Some(thinking).filter(|_| recording.outputs())?),
        Block::ToolCall(call) => Cow::Owned(format!("[call of {}]", call.name)),
        Block::ToolResult { result, .. } => text_of(result, recording)?,
        Block::Media {
            kind,
            media_type,
            bytes,
        } => {
            let media_type = media_type.as_deref().unwrap_or("of unknown type");
            Cow::Owned(format!("[{kind} {media_type}, {bytes} bytes]"))
        }
        Block::Json(value) => {
            let is_recorded = recording == Recording::Full;
            Cow::Owned(Some(value).filter(|_| is_recorded)?.to_string())
        }
        Block::Other(value) => Cow::Owned(foreign(value, recording)),
    })
}

/// A description of a block that PostHog cannot render. A block of an unknown kind may hold inputs
/// as well as outputs.
fn foreign(value: &Value, recording: Recording) -> String {
    let Some(kind) = value.get("type").and_then(Value::as_str) else {
        return match recording {
            Recording::Full => value.to_string(),
            _ => "[block]".to_owned(),
        };
    };
    let is_recorded = match kind {
        "redacted_thinking" => return "[redacted thinking]".to_owned(),
        kind if kind.ends_with("tool_use") => recording.inputs(),
        kind if kind.ends_with("tool_result") => recording.outputs(),
        _ => recording == Recording::Full,
    };
    let mut rest = value.clone();
    if let Some(fields) = rest.as_object_mut() {
        fields.shift_remove("type");
        if !is_recorded {
            fields
                .retain(|name, field| ["id", "name"].contains(&name.as_str()) && field.is_string());
        }
    }
    format!("[{kind}] {rest}")
}
