//! Requests and answers of a model, from the attributes of any dialect.

use serde_json::Value as Json;

use super::dialects::candidates as names;
use super::facts::{Facts, parsed, unquoted};
use super::logs::Said;
use super::messages;
use crate::session::{Block, Message, Role};

/// The request of a call.
#[derive(Clone, Debug, Default)]
pub(super) struct Request {
    /// The system prompt.
    pub(super) system: Vec<Block>,
    /// The conversation so far.
    pub(super) messages: Vec<Message>,
    /// The tools offered to the model.
    pub(super) tools: Vec<Json>,
}

/// The request of a call.
pub(super) fn request(facts: &Facts<'_>, said: &Said) -> Request {
    let mut request = Request {
        tools: tools(facts),
        ..Request::default()
    };
    if let Some(system) = facts.value(names::SYSTEM) {
        request.system = messages::blocks(system);
    }
    for message in conversation(facts, said).unwrap_or_default() {
        if message.role == Role::System {
            // A system prompt that is given twice is one.
            let is_known = request
                .system
                .iter()
                .any(|it| is_same_text(it, &message.content));
            if !is_known {
                request.system.extend(message.content);
            }
        } else {
            request.messages.push(message);
        }
    }
    request
}

fn is_same_text(block: &Block, content: &[Block]) -> bool {
    match (block, content) {
        (Block::Text(known), [Block::Text(text)]) => known == text,
        _ => false,
    }
}

fn conversation(facts: &Facts<'_>, said: &Said) -> Option<Vec<Message>> {
    let parse = |value| messages::messages(value, Role::User);
    let listed = facts.value(names::INPUT).and_then(parse);
    let in_events = || parse(Json::Array(said.input.clone()));
    let spread = || {
        let mut lists = names::SPREAD_INPUT.iter();
        lists.find_map(|prefix| parse(facts.spread(prefix)?))
    };
    let other = || {
        let mut others = names::OTHER_INPUT.iter();
        others.find_map(|name| parse(facts.value(&[name])?))
    };
    listed.or_else(in_events).or_else(spread).or_else(other)
}

/// The blocks of the answer, in their order.
pub(super) fn answer(facts: &Facts<'_>, said: &Said) -> Vec<Block> {
    let parse = |value| messages::messages(value, Role::Assistant);
    let listed = facts.value(names::OUTPUT).and_then(parse);
    let in_pieces = || {
        let pieces = answer_in_pieces(facts);
        (!pieces.is_empty()).then_some(pieces)
    };
    let in_events = || parse(Json::Array(said.output.clone())).map(of_model);
    let spread = || {
        let mut lists = names::SPREAD_OUTPUT.iter();
        lists.find_map(|prefix| parse(facts.spread(prefix)?).map(of_model))
    };
    let other = || {
        let mut others = names::OTHER_OUTPUT.iter();
        others.find_map(|name| parse(facts.value(&[name])?).map(of_model))
    };
    let listed = listed.map(of_model);
    let found = listed.or_else(in_pieces).or_else(in_events);
    found.or_else(spread).or_else(other).unwrap_or_default()
}

fn of_model(messages: Vec<Message>) -> Vec<Block> {
    let by_model = messages.into_iter().filter(|it| it.role == Role::Assistant);
    by_model.flat_map(|message| message.content).collect()
}

/// The answer as the AI SDK writes it: thoughts, text, tool calls and objects in separate
/// attributes.
fn answer_in_pieces(facts: &Facts<'_>) -> Vec<Block> {
    let mut blocks = Vec::new();
    if let Some(Json::String(thought)) = facts.value(names::OUTPUT_REASONING) {
        blocks.extend(messages::thinking(thought));
    }
    match facts.value(names::OUTPUT_TEXT) {
        Some(Json::String(text)) => blocks.extend(text_or_list(text)),
        Some(other) => blocks.extend(messages::blocks(other)),
        None => {}
    }
    if let Some(calls) = facts.value(names::OUTPUT_CALLS) {
        blocks.extend(messages::calls(calls));
    }
    if let Some(object) = facts.value(names::OUTPUT_OBJECT) {
        let text = match object {
            Json::String(text) => text,
            other => other.to_string(),
        };
        blocks.extend(messages::text_block(text));
    }
    blocks
}

/// Sentry writes texts as a list in JSON. An answer that is a list of anything else is a text.
fn text_or_list(text: String) -> Vec<Block> {
    let list: Option<Vec<String>> = serde_json::from_str(&text).ok();
    match list {
        Some(texts) => {
            let blocks = texts.into_iter().filter_map(messages::text_block);
            blocks.collect()
        }
        None => messages::text_block(text).into_iter().collect(),
    }
}

/// The tools offered to the model, each as one object.
fn tools(facts: &Facts<'_>) -> Vec<Json> {
    let listed = facts.value(names::TOOLS).map(parsed);
    let spread = || {
        let mut lists = names::SPREAD_TOOLS.iter();
        lists.find_map(|prefix| facts.spread(prefix))
    };
    let in_request = || {
        let parameters = facts.value(&["llm.invocation_parameters#tools"])?;
        Some(parsed(parameters))
    };
    let Some(Json::Array(tools)) = listed.or_else(spread).or_else(in_request) else {
        return Vec::new();
    };
    let tools = tools.into_iter().map(parsed).map(|tool| match tool {
        Json::Object(mut fields) if fields.contains_key("tool") => {
            let inner = fields.swap_remove("tool").unwrap_or_default();
            inner.get("json_schema").cloned().map_or(inner, parsed)
        }
        other => other,
    });
    let tools = tools.filter(Json::is_object).map(without_credentials);
    tools.map(messages::without_data).collect()
}

/// A tool without the credentials for its server, such as the headers of an MCP server.
fn without_credentials(mut tool: Json) -> Json {
    if let Json::Object(fields) = &mut tool {
        fields.retain(|name, _| !CREDENTIALS.contains(&name.as_str()));
    }
    tool
}

/// Fields of a tool with credentials for its server.
const CREDENTIALS: [&str; 3] = ["headers", "authorization", "authorization_token"];

/// The texts that a call turned into vectors.
pub(super) fn embedded(facts: &Facts<'_>) -> Vec<Message> {
    let listed = facts.value(names::EMBEDDED).map(parsed);
    let spread = || {
        let mut lists = names::SPREAD_EMBEDDED.iter();
        lists.find_map(|prefix| facts.spread(prefix))
    };
    let other = || facts.value(names::OTHER_EMBEDDED).map(parsed);
    let Some(value) = listed.or_else(spread).or_else(other) else {
        return Vec::new();
    };
    let items = match value {
        Json::Array(items) => items,
        Json::Object(mut fields) => match fields.swap_remove("input") {
            Some(Json::Array(items)) => items,
            Some(one) => vec![one],
            None => vec![Json::Object(fields)],
        },
        one => vec![one],
    };
    items.into_iter().flat_map(embedded_text).collect()
}

/// The text of one embedding, as a message.
fn embedded_text(item: Json) -> Vec<Message> {
    let text = |text: String| {
        let messages = messages::text_block(text).map(|it| Message {
            role: Role::User,
            content: vec![it],
        });
        messages.into_iter().collect()
    };
    match item {
        // The AI SDK writes each text as JSON.
        Json::String(value) => text(unquoted(value)),
        Json::Object(fields) => {
            let inner = fields.get("embedding").and_then(|it| it.get("text"));
            let stated = inner.or_else(|| fields.get("text")).and_then(Json::as_str);
            if let Some(stated) = stated {
                return text(stated.to_owned());
            }
            messages::messages(Json::Object(fields), Role::User).unwrap_or_default()
        }
        _ => Vec::new(),
    }
}
