//! Content that instrumentations send as log records, or as events of a span.
//!
//! OpenTelemetry's official instrumentations write each message as an event: `gen_ai.user.message`
//! for input of the model, `gen_ai.choice` for its answer. The event names the author; its body (or
//! its attributes) contains the message.

use serde_json::{Map, Value as Json};

use super::facts::parsed;
use super::messages::are_of_bedrock;
use crate::otlp::{Attributes, LogRecord, SpanEvent, Value};

/// Messages from the events of one call.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// Input of the model, as a list of messages.
    pub(super) input: Vec<Json>,
    /// Its answers.
    pub(super) output: Vec<Json>,
}

/// The author of a message, by the name of its event.
fn author(event: &str) -> Option<&'static str> {
    Some(match event {
        "gen_ai.system.message" => "system",
        "gen_ai.user.message" => "user",
        "gen_ai.assistant.message" => "assistant",
        "gen_ai.tool.message" => "tool",
        _ => return None,
    })
}

/// Time of a record, in nanoseconds since 1970.
pub(super) const fn at(log: &LogRecord) -> u64 {
    if log.time > 0 { log.time } else { log.observed }
}

/// The event that a log record describes.
pub(super) fn event_of(log: &LogRecord) -> &str {
    if !log.event_name.is_empty() && !log.event_name.starts_with("event ") {
        return &log.event_name;
    }
    let named = log.attributes.text("event.name");
    named.or_else(|| log.body.as_text()).unwrap_or_default()
}

impl Said {
    /// The messages in the log records and events of a span.
    pub(super) fn of(logs: &[&LogRecord], events: &[SpanEvent]) -> Self {
        let mut said = Self::default();
        for log in logs {
            said.add(event_of(log), &log.body, &log.attributes);
        }
        for event in events {
            said.add(&event.name, &Value::Null, &event.attributes);
        }
        said
    }

    fn add(&mut self, event: &str, body: &Value, attributes: &Attributes) {
        // OpenTelemetry's older conventions: one event with all of them.
        if let Some(prompt) = attributes
            .get("gen_ai.prompt")
            .filter(|_| event == "gen_ai.content.prompt")
        {
            self.input.push(prompt.clone().into());
        }
        if let Some(answer) = attributes
            .get("gen_ai.completion")
            .filter(|_| event == "gen_ai.content.completion")
        {
            self.output.push(answer.clone().into());
        }
        if let Some(author) = author(event) {
            self.input.push(message(author, body, attributes));
        } else if event == "gen_ai.choice" {
            self.output.push(message("assistant", body, attributes));
        }
    }

    /// Adds events that are a list in one value, as pydantic-ai 1 and Logfire write them.
    pub(super) fn add_listed(&mut self, events: Json) {
        let Json::Array(events) = events else { return };
        for event in events {
            let Json::Object(mut fields) = event else {
                continue;
            };
            let name = fields
                .get("event.name")
                .and_then(Json::as_str)
                .unwrap_or_default()
                .to_owned();
            fields.retain(|name, _| !name.starts_with("event.") && name != "gen_ai.message.index");
            match author(&name) {
                Some(author) => {
                    fields.entry("role").or_insert_with(|| author.into());
                    self.input.push(Json::Object(fields));
                }
                None if name == "gen_ai.choice" => self.output.push(Json::Object(fields)),
                None => {}
            }
        }
    }
}

/// The message in the body of an event, or else in its attributes.
fn message(author: &str, body: &Value, attributes: &Attributes) -> Json {
    let mut fields = match Json::from(body.clone()) {
        Json::Object(fields) => fields,
        Json::String(text) => Map::from_iter([("content".to_owned(), Json::String(text))]),
        _ => {
            let known = [
                "content",
                "tool_calls",
                "id",
                "message",
                "role",
                "finish_reason",
            ];
            let given = attributes
                .iter()
                .filter(|it| known.contains(&it.key.as_str()));
            let given = given.map(|it| (it.key.clone(), in_parts(it.value.clone().into())));
            given.chain(in_one(attributes)).collect()
        }
    };
    if fields.get("message").is_some_and(Json::is_array) {
        // Strands calls the parts of an answer `message`.
        let parts = fields.swap_remove("message").unwrap_or_default();
        fields.insert("content".to_owned(), parts);
    }
    if !fields.contains_key("message") {
        fields.entry("role").or_insert_with(|| author.into());
        // Emitters send events without content if they do not record it.
        fields.entry("content").or_insert(Json::Null);
    }
    Json::Object(fields)
}

/// Parts that Strands writes as JSON.
pub(super) fn in_parts(value: Json) -> Json {
    let parts = parsed(value.clone());
    if are_of_bedrock(&parts) { parts } else { value }
}

/// The fields of a message that Azure's library writes as JSON in one attribute.
fn in_one(attributes: &Attributes) -> Map<String, Json> {
    let content = attributes.get("gen_ai.event.content").cloned();
    match content.map(|it| parsed(it.into())) {
        Some(Json::Object(fields)) => fields,
        _ => Map::new(),
    }
}
