//! Messages of events, in OpenAI's chat format, converted to the format of the conventions.

use serde_json::{Value, json};

use crate::posthog::{Event, names};

/// The input of a call; `None` if it is not recorded.
pub(super) fn input(event: &Event<'_>) -> Option<Value> {
    let messages = list(event, names::INPUT)?;
    Some(messages.into_iter().filter_map(message).collect())
}

/// The answer of a call; `None` if it is not recorded. Its parts are one message.
pub(super) fn output(event: &Event<'_>) -> Option<Value> {
    let messages = list(event, names::OUTPUT_CHOICES)?;
    let messages = messages.into_iter().filter_map(message);
    let parts: Vec<Value> = messages
        .flat_map(|mut message| match message["parts"].take() {
            Value::Array(parts) => parts,
            _ => Vec::new(),
        })
        .collect();
    if parts.is_empty() {
        return None;
    }
    let mut answer = json!({ "role": "assistant", "parts": parts });
    let reason = event.properties.get(names::STOP_REASON);
    if let Some(reason) = reason.and_then(|it| it.as_str()) {
        answer["finish_reason"] = finish_reason(reason).into();
    }
    Some(json!([answer]))
}

/// The tools offered to a call.
pub(super) fn tools(event: &Event<'_>) -> Option<Value> {
    let tools = list(event, names::OFFERED_TOOLS)?;
    let flat = tools.into_iter().map(|mut tool| {
        let mut function = tool["function"].take();
        if !function.is_object() {
            return tool;
        }
        function["type"] = "function".into();
        function
    });
    Some(flat.collect())
}

/// A text as a list with one message.
pub(super) fn said(role: &str, text: &str) -> Value {
    json!([{ "role": role, "parts": [part_of_text(text)] }])
}

/// Why a model stopped, in the conventions' words.
pub(super) fn finish_reason(reason: &str) -> &str {
    match reason {
        "tool_calls" => "tool_call",
        other => other,
    }
}

fn list(event: &Event<'_>, name: &str) -> Option<Vec<Value>> {
    match event.properties.get(name)?.clone().into_value() {
        Value::Array(items) => Some(items),
        _ => None,
    }
}

/// A message; `None` if none of it is recorded.
fn message(mut message: Value) -> Option<Value> {
    let content = message["content"].take();
    let role = message["role"].as_str()?;
    if role == "tool" {
        let part = json!({
            "type": "tool_call_response",
            "id": message["tool_call_id"],
            "response": content,
        });
        return Some(json!({ "role": role, "parts": [part] }));
    }
    let parts = match content {
        Value::String(text) => vec![part_of_text(&text)],
        Value::Array(parts) => parts.into_iter().map(part).collect(),
        _ => return None,
    };
    Some(json!({ "role": role, "parts": parts }))
}

fn part(mut part: Value) -> Value {
    match part["type"].as_str() {
        Some("text") => json!({ "type": "text", "content": part["text"].take() }),
        Some("thinking") => json!({ "type": "reasoning", "content": part["thinking"].take() }),
        Some("function") => {
            let mut function = part["function"].take();
            json!({
                "type": "tool_call",
                "id": part["id"].take(),
                "name": function["name"].take(),
                "arguments": function["arguments"].take(),
            })
        }
        _ => part,
    }
}

fn part_of_text(text: &str) -> Value {
    json!({ "type": "text", "content": text })
}
