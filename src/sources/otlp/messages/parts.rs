//! Parts of messages in each dialect.

use std::sync::Arc;

use chrono::DateTime;
use serde_json::{Map, Value as Json};

use super::data::without_data;
use super::media;
use crate::session::{
    Asks, Background, Block, Circumstances, Order, ToolCall, ToolResult, ToolTime, Work,
};
use crate::sources::otlp::facts::parsed;
use crate::sources::otlp::withheld::is_withheld;

pub(super) type Fields = Map<String, Json>;

const TEXTS: [&str; 5] = [
    "text",
    "input_text",
    "output_text",
    "refusal",
    "message_text",
];
const THOUGHTS: [&str; 5] = [
    "reasoning",
    "thinking",
    "reasoning_text",
    "summary_text",
    "thought",
];
const CALLS: [&str; 9] = [
    "tool_call",
    "tool-call",
    "tool_use",
    "toolCall",
    "function_call",
    "function",
    "custom_tool_call",
    "server_tool_call",
    "server_tool_use",
];
const ANSWERS: [&str; 8] = [
    "tool_call_response",
    "tool-result",
    "tool_result",
    "toolResult",
    "function_call_output",
    "custom_tool_call_output",
    "server_tool_call_response",
    "tool_call_output",
];

/// Names of the id of a tool call. Names that only one kind of part has come before general ones.
const CALL_IDS: [&str; 8] = [
    "tool_call_id",
    "toolCallId",
    "call_id",
    "tool_use_id",
    "toolUseId",
    "id",
    "tool_id",
    "ref",
];
const NAMES: [&str; 5] = [
    "name",
    "toolName",
    "tool_name",
    "function_name",
    "toolUseName",
];
const ARGUMENTS: [&str; 6] = [
    "arguments",
    "input",
    "args",
    "parameters",
    "argument",
    "arguments_json",
];
const RESULTS: [&str; 6] = ["response", "result", "output", "content", "return", "value"];

/// Whether a part of this kind may occur without a message around it.
pub(super) fn is_part(kind: &str) -> bool {
    let kinds = [&TEXTS[..], &THOUGHTS, &CALLS, &ANSWERS];
    kinds.into_iter().flatten().any(|known| *known == kind)
}

/// Whether a part of this kind comes from the model.
pub(super) fn is_of_model(kind: &str) -> bool {
    THOUGHTS.contains(&kind) || CALLS.contains(&kind) || kind == "output_text"
}

/// The blocks of a part.
pub(super) fn blocks_of(part: Json) -> Vec<Block> {
    match part {
        Json::Null => Vec::new(),
        Json::String(text) => text_block(text).into_iter().collect(),
        Json::Array(parts) => parts.into_iter().flat_map(blocks_of).collect(),
        Json::Object(fields) => of_object(fields),
        other => vec![Block::Json(other)],
    }
}

/// A text as a block, unless it is empty or withheld. Encoded data in it are replaced.
pub(in crate::sources::otlp) fn text_block(text: String) -> Option<Block> {
    if text.is_empty() || is_withheld(&text) {
        return None;
    }
    match without_data(Json::String(text)) {
        Json::String(text) => Some(Block::Text(text)),
        other => Some(Block::Json(other)),
    }
}

fn of_object(fields: Fields) -> Vec<Block> {
    let kind = fields
        .get("type")
        .and_then(Json::as_str)
        .unwrap_or_default();
    if fields.get("thought") == Some(&Json::Bool(true)) || THOUGHTS.contains(&kind) {
        return thought(&fields).into_iter().collect();
    }
    if TEXTS.contains(&kind) {
        let text = first(&fields, &["text", "content", "refusal", "value"]);
        return text.map_or_else(Vec::new, |text| blocks_of(text.clone()));
    }
    if let Some(media) = media::of_part(&fields) {
        return vec![media];
    }
    if CALLS.contains(&kind) {
        return call(&fields).into_iter().collect();
    }
    if ANSWERS.contains(&kind) {
        return vec![answer(&fields)];
    }
    of_untyped(fields)
}

/// Fields with a tool call: of Gemini, OpenInference, Amazon Bedrock and Genkit.
const CALL_FIELDS: [&str; 5] = [
    "functionCall",
    "function_call",
    "tool_call",
    "toolUse",
    "toolRequest",
];
/// Fields with the result of a tool.
const ANSWER_FIELDS: [&str; 4] = [
    "functionResponse",
    "function_response",
    "toolResult",
    "toolResponse",
];

/// Whether these are parts of Amazon Bedrock, which have no type: each has one field, whose name is
/// the kind.
pub(in crate::sources::otlp) fn are_of_bedrock(parts: &Json) -> bool {
    const KINDS: [&str; 7] = [
        "text",
        "toolUse",
        "toolResult",
        "reasoningContent",
        "image",
        "document",
        "json",
    ];
    let is_part = |it: &Json| {
        let fields = it.as_object();
        fields.is_some_and(|it| it.len() == 1 && it.keys().all(|it| KINDS.contains(&it.as_str())))
    };
    let parts = parts.as_array().filter(|it| !it.is_empty());
    parts.is_some_and(|it| it.iter().all(is_part))
}

/// Blocks of parts whose only field names their kind.
fn of_untyped(mut fields: Fields) -> Vec<Block> {
    let mut object = |name: &str| {
        let object = fields.get_mut(name).filter(|it| it.is_object());
        match object.map(Json::take) {
            Some(Json::Object(inner)) => Some(inner),
            _ => None,
        }
    };
    if let Some(inner) = CALL_FIELDS.iter().find_map(|it| object(it)) {
        return call(&inner).into_iter().collect();
    }
    if let Some(inner) = ANSWER_FIELDS.iter().find_map(|it| object(it)) {
        return vec![answer(&inner)];
    }
    if let Some(inner) = object("reasoningContent") {
        let text = inner.get("reasoningText").and_then(Json::as_object);
        return text.and_then(thought).into_iter().collect();
    }
    if let Some(inner) = object("message_content") {
        return of_object(inner);
    }
    if let Some(Json::String(text)) = fields.get("text") {
        return text_block(text.clone()).into_iter().collect();
    }
    let rest = without_data(Json::Object(fields));
    vec![if rest.get("type").is_some_and(Json::is_string) {
        Block::Other(rest)
    } else {
        Block::Json(rest)
    }]
}

/// A thought of the model. An encrypted one has no text.
fn thought(fields: &Fields) -> Option<Block> {
    let text = first(
        fields,
        &["text", "content", "thinking", "reasoning", "summary"],
    )?;
    thinking(text_of_thought(text)?)
}

/// The text of a thought. OpenLLMetry writes the summaries of one as JSON.
fn text_of_thought(text: &Json) -> Option<String> {
    let summaries = |items: &[Json]| {
        let texts = items.iter().map(|item| item["text"].as_str());
        texts.collect::<Option<Vec<_>>>().map(|it| it.join("\n"))
    };
    match text {
        Json::String(text) => match parsed(Json::String(text.clone())) {
            Json::Array(items) if !items.is_empty() => {
                summaries(&items).or_else(|| Some(text.clone()))
            }
            _ => Some(text.clone()),
        },
        Json::Array(items) => {
            let texts = items.iter().filter_map(|item| item["text"].as_str());
            Some(texts.collect::<Vec<_>>().join("\n"))
        }
        _ => None,
    }
}

/// A thought as a block, unless it is empty or withheld.
pub(in crate::sources::otlp) fn thinking(text: String) -> Option<Block> {
    match text_block(text)? {
        Block::Text(text) => Some(Block::Thinking(text)),
        other => Some(other),
    }
}

/// A tool call, in whichever fields its name and arguments are.
pub(super) fn call(fields: &Fields) -> Option<Block> {
    let function = fields.get("function").and_then(Json::as_object);
    let places = [Some(fields), function];
    let of = |names: &[&str]| {
        let mut places = places.into_iter().flatten();
        places.find_map(|place| first(place, names))
    };
    let name = of(&NAMES).and_then(Json::as_str);
    let name = name.or_else(|| fields.get("function").and_then(Json::as_str))?;
    let input = of(&ARGUMENTS).cloned().unwrap_or(Json::Null);
    let id = of(&CALL_IDS).and_then(Json::as_str).unwrap_or_default();
    Some(Block::ToolCall(Box::new(ToolCall {
        input: arguments(input),
        ..tool_call(id.to_owned(), name.to_owned())
    })))
}

/// The arguments of a tool call; null if they are withheld.
fn arguments(input: Json) -> Json {
    match parsed(input) {
        Json::String(text) if is_withheld(&text) => Json::Null,
        input => without_data(input),
    }
}

/// A tool call without arguments, at an unknown time.
pub(in crate::sources::otlp) fn tool_call(id: String, name: String) -> ToolCall {
    ToolCall {
        id,
        traced: None,
        name,
        input: Json::Null,
        called_at: DateTime::UNIX_EPOCH,
        is_untimed: true,
        asks: Asks::Never,
        order: Order::Unknown,
        time: ToolTime::default(),
        result: None,
        subagents: Vec::new(),
        circumstances: Arc::new(Circumstances::default()),
    }
}

fn answer(fields: &Fields) -> Block {
    let id = first(fields, &CALL_IDS).and_then(Json::as_str);
    let mut value = first(fields, &RESULTS).cloned().unwrap_or(Json::Null);
    let mut is_error = ["is_error", "isError"]
        .iter()
        .any(|name| fields.get(*name) == Some(&Json::Bool(true)));
    // Amazon Bedrock marks an error by `status`.
    is_error |= fields.contains_key("toolUseId") && fields.get("status") == Some(&"error".into());
    // The AI SDK states the kind of a result.
    let output = value.as_object();
    if let Some((kind, inner)) =
        output.and_then(|it| Some((it.get("type")?.as_str()?, it.get("value")?)))
    {
        is_error |= kind.starts_with("error");
        value = inner.clone();
    }
    Block::ToolResult {
        call_id: id.unwrap_or_default().to_owned(),
        result: Arc::new(result(value, is_error)),
    }
}

/// The answer of a tool to the call with that id.
pub(super) fn answer_to(call_id: &str, content: Json) -> Block {
    Block::ToolResult {
        call_id: call_id.to_owned(),
        result: Arc::new(result(content, false)),
    }
}

/// A result with this content, at an unknown time.
pub(in crate::sources::otlp) fn result(value: Json, is_error: bool) -> ToolResult {
    ToolResult {
        content: result_content(value),
        is_error,
        returned_at: DateTime::UNIX_EPOCH,
        is_untimed: true,
        duration_ms: None,
        permission: None,
        background: Background::No,
        web_searches: 0,
        work: Work::NONE,
    }
}

fn result_content(value: Json) -> Vec<Block> {
    match parsed(value) {
        Json::Null => Vec::new(),
        Json::String(text) => text_block(text).into_iter().collect(),
        Json::Array(parts) if parts.iter().all(is_typed) => {
            parts.into_iter().flat_map(blocks_of).collect()
        }
        value => vec![Block::Json(without_data(value))],
    }
}

fn is_typed(part: &Json) -> bool {
    let is_known = |kind: &str| TEXTS.contains(&kind);
    let is_medium = || {
        part.as_object()
            .is_some_and(|it| media::of_part(it).is_some())
    };
    part["type"].as_str().is_some_and(is_known) || is_medium()
}

/// The first of these fields that is not null.
pub(super) fn first<'a>(fields: &'a Fields, names: &[&str]) -> Option<&'a Json> {
    let mut names = names.iter();
    names.find_map(|name| fields.get(*name).filter(|value| !value.is_null()))
}
