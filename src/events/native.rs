//! Content in the form that PostHog's trace page renders: Anthropic's own blocks.
//!
//! What is not recorded is `null` where a field of a block must stand, and absent otherwise. A
//! call keeps its name and id: PostHog's trace page shows it, with `null` for its arguments.

use serde_json::{Value, json};

use super::Recording;
use crate::session::{Block, Message, Role, ToolResult};

/// A message with its role. What a tool gave back, or the model itself, is an output, though the
/// model is given it.
pub(super) fn message(message: &Message, recording: Recording) -> Value {
    spoken(message.role, &message.content, recording)
}

/// What somebody said.
pub(super) fn spoken(role: Role, content: &[Block], recording: Recording) -> Value {
    let name = match role {
        Role::User => "user",
        Role::Assistant => "assistant",
        Role::System => "system",
    };
    let content = match role {
        Role::Assistant if !recording.outputs() => Value::Null,
        _ => Value::Array(blocks(content, recording)),
    };
    object([("role", json!(name)), ("content", content)])
}

/// An object of values that are moved into it: `json!` would copy them, and they are long.
fn object<const N: usize>(fields: [(&str, Value); N]) -> Value {
    let fields = fields.map(|(name, value)| (name.to_owned(), value));
    Value::Object(fields.into_iter().collect())
}

/// The blocks that say something, in their order.
pub(super) fn blocks(blocks: &[Block], recording: Recording) -> Vec<Value> {
    blocks
        .iter()
        .filter_map(|each| block(each, recording))
        .collect()
}

/// What a tool gave back: plain text where it is that, else blocks. All of it is output, whatever
/// kind of block it is in.
pub(super) fn result(result: &ToolResult, recording: Recording) -> Value {
    if !recording.outputs() {
        return Value::Null;
    }
    let mut texts = Vec::new();
    for block in &result.content {
        match block {
            Block::Text(text) => texts.push(text.as_str()),
            _ => return Value::Array(blocks(&result.content, Recording::Full)),
        }
    }
    Value::String(texts.join("\n"))
}

fn block(block: &Block, recording: Recording) -> Option<Value> {
    Some(match block {
        Block::Text(content) | Block::Report(content) | Block::Thinking(content)
            if content.is_empty() =>
        {
            return None;
        }
        Block::Text(content) => text(content),
        Block::Report(content) => text(Some(content).filter(|_| recording == Recording::Full)?),
        Block::Thinking(thinking) => {
            let thinking = Some(thinking).filter(|_| recording.outputs())?;
            json!({ "type": "thinking", "thinking": thinking })
        }
        Block::ToolCall(call) => {
            let input = Some(&call.input).filter(|_| recording.inputs());
            json!({ "type": "tool_use", "id": call.id, "name": call.name, "input": input })
        }
        Block::ToolResult {
            call_id,
            result: answer,
        } => {
            let mut value = object([
                ("type", json!("tool_result")),
                ("tool_use_id", json!(call_id)),
                ("content", result(answer, recording)),
            ]);
            if answer.is_error {
                value["is_error"] = Value::Bool(true);
            }
            value
        }
        Block::Media {
            kind,
            media_type,
            bytes,
        } => {
            let media_type = media_type.as_deref().unwrap_or("of unknown type");
            text(&format!("[{kind} {media_type}, {bytes} bytes]"))
        }
        Block::Other(value) => text(&foreign(value, recording)),
    })
}

fn text(text: &str) -> Value {
    json!({ "type": "text", "text": text })
}

/// A block that PostHog cannot render, in words. One of a kind that is not known may hold inputs
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
