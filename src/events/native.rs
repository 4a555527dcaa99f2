//! Content in the form that PostHog's trace page renders: Anthropic's own blocks.

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

/// What a tool gave back: plain text where it is that, else blocks.
pub(super) fn result(result: &ToolResult) -> Value {
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
        Block::Text(content) | Block::Thinking(content) if content.is_empty() => return None,
        Block::Text(content) => text(content),
        Block::Thinking(thinking) => json!({ "type": "thinking", "thinking": thinking }),
        Block::ToolCall(call) => {
            json!({ "type": "tool_use", "id": call.id, "name": call.name, "input": call.input })
        }
        Block::ToolResult {
            call_id,
            result: answer,
        } => {
            let content = if recording.outputs() {
                result(answer)
            } else {
                Value::Null
            };
            let mut value = object([
                ("type", json!("tool_result")),
                ("tool_use_id", json!(call_id)),
                ("content", content),
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
        Block::Other(value) => text(&foreign(value)),
    })
}

fn text(text: &str) -> Value {
    json!({ "type": "text", "text": text })
}

/// A block that PostHog cannot render, in words.
fn foreign(value: &Value) -> String {
    match value.get("type").and_then(Value::as_str) {
        Some("redacted_thinking") => "[redacted thinking]".to_owned(),
        Some(kind) => {
            let mut rest = value.clone();
            if let Some(fields) = rest.as_object_mut() {
                fields.shift_remove("type");
            }
            format!("[{kind}] {rest}")
        }
        None => value.to_string(),
    }
}
