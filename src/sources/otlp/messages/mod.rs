//! Messages of conversations, in every shape that emitters write, converted to the types of a
//! session.
//!
//! Nothing is assumed of the dialect: the shapes do not contradict each other, and libraries pass
//! each other's messages on.

mod data;
mod media;
mod parts;

use std::collections::HashSet;

use serde_json::Value as Json;

use self::parts::Fields;
use super::facts::{parsed, unquoted};
use super::lenient::CUT_OFF;
use crate::session::{Block, Message, Role};
pub(super) use data::without_data;
pub(super) use parts::{are_of_bedrock, result, text_block, thinking, tool_call};

/// Levels of wrappers around messages.
const DEEPEST: usize = 8;

/// The messages in a value. `author` is that of a text without one. `None` if the value is
/// something else.
pub(super) fn messages(value: Json, author: Role) -> Option<Vec<Message>> {
    let mut found = Vec::new();
    collect(value, author, &mut found, 0).then_some(found)
}

/// The blocks of a part, a text or a list of either.
pub(super) fn blocks(value: Json) -> Vec<Block> {
    parts::blocks_of(parsed(value))
}

/// The tool calls in a list, or in a text that contains one.
pub(super) fn calls(value: Json) -> Vec<Block> {
    let Json::Array(calls) = parsed(value) else {
        return Vec::new();
    };
    let objects = calls.into_iter().filter_map(|call| match parsed(call) {
        Json::Object(fields) => Some(fields),
        _ => None,
    });
    objects
        .filter_map(|fields| match fields.get("tool_call") {
            Some(Json::Object(inner)) => parts::call(inner),
            _ => parts::call(&fields),
        })
        .collect()
}

/// Fields with the messages, whatever the other fields are.
const LISTS: [&str; 11] = [
    "messages",
    "contents",
    "choices",
    "candidates",
    "generations",
    "replies",
    "inputs",
    "outputs",
    "output",
    "input",
    "prompt",
];
const INSTRUCTIONS: [&str; 4] = [
    "system",
    "instructions",
    "systemInstruction",
    "system_instruction",
];

/// Adds the messages in a value, and returns whether there are any.
fn collect(value: Json, author: Role, found: &mut Vec<Message>, depth: usize) -> bool {
    if depth > DEEPEST {
        return false;
    }
    match parsed(value) {
        Json::String(text) if text.trim().is_empty() => false,
        Json::String(text) => {
            // Langfuse writes a text as JSON.
            let content = parts::blocks_of(Json::String(unquoted(text)));
            let is_said = !content.is_empty();
            found.extend(is_said.then_some(Message {
                role: author,
                content,
            }));
            is_said
        }
        Json::Array(items) => {
            let before = found.len();
            for item in items {
                collect(item, author, found, depth + 1);
            }
            found.len() > before
        }
        Json::Object(fields) => of_object(fields, author, found, depth),
        _ => false,
    }
}

fn of_object(mut fields: Fields, author: Role, found: &mut Vec<Message>, depth: usize) -> bool {
    if let Some(fields) = langchain(&mut fields) {
        return of_object(fields, author, found, depth + 1);
    }
    if let Some(inner) = wrapped(&mut fields) {
        return of_object(inner, author, found, depth + 1);
    }
    if let Some(message) = answer_of_openrouter(&fields) {
        found.push(message);
        return true;
    }
    let kind = fields
        .get("type")
        .and_then(Json::as_str)
        .unwrap_or_default();
    if !fields.contains_key("role") && parts::is_part(kind) {
        let role = if parts::is_of_model(kind) {
            Role::Assistant
        } else {
            author
        };
        let content = parts::blocks_of(Json::Object(fields));
        push(found, role, content);
        return true;
    }
    if let Some(message) = message(&fields, author) {
        push(found, message.role, message.content);
        return true;
    }
    if let Some(Json::String(text)) = fields.get("text") {
        // A part of Gemini's, which has no type.
        push(found, author, parts::blocks_of(Json::String(text.clone())));
        return true;
    }
    let mut holds_any = false;
    // Google's ADK puts them into the settings.
    let settings = fields.get("config").and_then(Json::as_object);
    let system = parts::first(&fields, &INSTRUCTIONS);
    let system = system.or_else(|| parts::first(settings?, &INSTRUCTIONS));
    if let Some(system) = system.cloned() {
        holds_any |= collect(of_parts(system), Role::System, found, depth + 1);
    }
    // An older `prompt` may exist beside `messages`.
    if let Some(list) = parts::first(&fields, &LISTS).cloned() {
        holds_any |= collect(list, author, found, depth + 1);
    }
    holds_any
}

/// The message within an object that is not one itself: in `message`, or in the `content` of a
/// candidate of Gemini.
fn wrapped(fields: &mut Fields) -> Option<Fields> {
    if fields.contains_key("role") || fields.contains_key("parts") {
        return None;
    }
    let is_candidate = fields
        .get("content")
        .is_some_and(|it| it.get("parts").is_some());
    let name = if is_candidate { "content" } else { "message" };
    match fields.get_mut(name).map(Json::take) {
        Some(Json::Object(inner)) => Some(inner),
        Some(other) => {
            fields.insert(name.to_owned(), other);
            None
        }
        None => None,
    }
}

/// Gemini's instructions are a message without a role.
fn of_parts(value: Json) -> Json {
    match value {
        Json::Object(mut fields) if fields.contains_key("parts") => {
            fields.swap_remove("parts").unwrap_or_default()
        }
        other => other,
    }
}

/// Adds a message, joined with one of the same author before it: some interfaces split an answer.
fn push(found: &mut Vec<Message>, role: Role, content: Vec<Block>) {
    match found.last_mut() {
        Some(last) if last.role == Role::Assistant && role == Role::Assistant => {
            last.content.extend(content);
        }
        _ if content.is_empty() => {}
        _ => found.push(Message { role, content }),
    }
}

/// The fields of a message that LangChain serialized: `kwargs` of a constructor, or `data`.
fn langchain(fields: &mut Fields) -> Option<Fields> {
    let class = fields
        .get("id")
        .and_then(|id| id.as_array()?.last()?.as_str());
    let kind = match (class, fields.get("type").and_then(Json::as_str)) {
        (Some(class), _) => class
            .trim_end_matches("Chunk")
            .trim_end_matches("Message")
            .to_lowercase(),
        (None, Some(kind)) => kind.to_owned(),
        (None, None) => String::new(),
    };
    let holder = ["kwargs", "data", "update"];
    let inner = holder
        .into_iter()
        .find(|it| fields.get(*it).is_some_and(Json::is_object))?;
    let Some(Json::Object(mut inner)) = fields.get_mut(inner).map(Json::take) else {
        return None;
    };
    let is_message = inner.contains_key("content") || inner.contains_key("messages");
    if !is_message {
        return None;
    }
    if !kind.is_empty() && role_of(&kind).is_some() {
        inner.insert("role".to_owned(), Json::String(kind));
    }
    Some(inner)
}

/// The answer in the format of OpenRouter's Broadcast.
fn answer_of_openrouter(fields: &Fields) -> Option<Message> {
    let completion = fields.get("completion")?;
    let thought = fields.get("reasoning").and_then(Json::as_str);
    let thought = thought.and_then(|it| thinking(it.to_owned()));
    let mut content: Vec<Block> = thought.into_iter().collect();
    content.extend(parts::blocks_of(completion.clone()));
    content.extend(
        fields
            .get("toolCalls")
            .cloned()
            .map(calls)
            .unwrap_or_default(),
    );
    Some(Message {
        role: Role::Assistant,
        content,
    })
}

/// The author of a message, and whether it is the answer of a tool.
fn role_of(name: &str) -> Option<(Role, bool)> {
    Some(match name.to_lowercase().as_str() {
        "user" | "human" => (Role::User, false),
        "assistant" | "ai" | "model" | "bot" | "chatbot" => (Role::Assistant, false),
        "system" | "developer" | "instructions" => (Role::System, false),
        "tool" | "function" | "ipython" | "environment" => (Role::User, true),
        _ => return None,
    })
}

fn message(fields: &Fields, author: Role) -> Option<Message> {
    let named = parts::first(fields, &["role", "type"]).and_then(Json::as_str);
    // Gemini's `contents` are messages; in a message with a role they are its parts.
    let said: &[&str] = if fields.contains_key("role") {
        &["content", "parts", "contents"]
    } else {
        &["content", "parts"]
    };
    let has_content =
        said.iter().any(|name| fields.contains_key(*name)) || fields.contains_key("tool_calls");
    let (role, is_answer) = match named.map(role_of) {
        Some(Some(role)) => role,
        // Messages of an unknown role are input.
        Some(None) if has_content && fields.contains_key("role") => (Role::User, false),
        _ if fields.contains_key("parts") || has_content => (author, false),
        _ => return None,
    };
    let content = parts::first(fields, said).cloned().unwrap_or(Json::Null);
    let content = if content.is_string() {
        content
    } else {
        parsed(content)
    };
    let mut blocks = thoughts(fields);
    let call_id = parts::first(fields, &["tool_call_id", "toolCallId", "call_id"]);
    let call_id = call_id
        .or_else(|| fields.get("id").filter(|_| is_answer))
        .and_then(Json::as_str);
    let is_wrapped = |part: &Json| {
        let kind = part["type"].as_str().unwrap_or_default();
        kind.contains("result")
            || kind.contains("response")
            || part.get("functionResponse").is_some()
    };
    match (is_answer, call_id, &content) {
        (true, _, Json::Array(list)) if list.iter().any(is_wrapped) => {
            blocks.extend(parts::blocks_of(content));
        }
        (true, id, _) => blocks.push(parts::answer_to(id.unwrap_or_default(), content)),
        _ => blocks.extend(parts::blocks_of(content)),
    }
    let calls = fields
        .get("tool_calls")
        .cloned()
        .map(calls)
        .unwrap_or_default();
    // Some emitters list a tool call both among the parts and beside them.
    let mut known: HashSet<(String, String)> = blocks.iter().filter_map(id_and_name).collect();
    for call in calls {
        if id_and_name(&call).is_none_or(|it| known.insert(it)) {
            blocks.push(call);
        }
    }
    Some(Message {
        role,
        content: blocks,
    })
}

/// Id and name, which identify a tool call within a message.
fn id_and_name(block: &Block) -> Option<(String, String)> {
    match block {
        Block::ToolCall(call) => Some((call.id.clone(), call.name.clone())),
        _ => None,
    }
}

/// Thoughts beside the content of a message.
fn thoughts(fields: &Fields) -> Vec<Block> {
    let text = parts::first(fields, &["reasoning_content", "reasoning", "thinking"]);
    let text = text.and_then(Json::as_str).map(str::to_owned);
    let details = || {
        let details = fields.get("reasoning_details")?.as_array()?;
        let texts = details.iter().filter_map(|it| it["text"].as_str());
        Some(texts.collect::<Vec<_>>().join("\n"))
    };
    let text = text.or_else(details);
    text.and_then(thinking).into_iter().collect()
}

/// The text of this author's last message with any text.
pub(super) fn last_text(messages: &[Message], author: Role) -> Option<String> {
    let by_author = messages.iter().rev().filter(|it| it.role == author);
    let mut texts = by_author.map(text_of);
    texts.find(|text| !text.is_empty() && text != CUT_OFF)
}

/// The texts in a message, without thoughts and tool calls.
pub(super) fn text_of(message: &Message) -> String {
    let texts = message.content.iter().filter_map(|block| match block {
        Block::Text(text) => Some(text.as_str()),
        _ => None,
    });
    texts.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests;
