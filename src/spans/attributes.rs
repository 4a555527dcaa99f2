//! The properties of an event as attributes of a span.

use serde_json::Value as Plain;

use super::{is_error, messages, operation, text};
use crate::otlp::{Attributes, Value};
use crate::posthog::{Event, EventName, Json, is_reasoning_added, names};

/// Properties with an attribute of another name, or only for PostHog.
const TRANSLATED: &[&str] = &[
    names::TRACE_ID,
    names::SPAN_ID,
    names::PARENT_ID,
    names::SPAN_TYPE,
    names::SESSION_ID,
    names::INPUT,
    names::OUTPUT_CHOICES,
    names::INPUT_STATE,
    names::OUTPUT_STATE,
    names::OFFERED_TOOLS,
    names::USER_PROMPT,
    names::MODEL,
    names::PROVIDER,
    names::STOP_REASON,
    names::INPUT_TOKENS,
    names::OUTPUT_TOKENS,
    names::TOTAL_TOKENS,
    names::CACHE_IS_EXCLUSIVE,
    names::HAS_OWN_COST,
    names::IS_ERROR,
    names::ERROR,
    names::LIBRARY,
    names::LIBRARY_VERSION,
    names::AI_LIBRARY,
    names::AI_LIBRARY_VERSION,
    names::NO_GEOIP,
    names::PERSON_PROFILE,
];

/// Properties that are attributes of another name with the same value.
const RENAMED: &[(&str, &str)] = &[
    (
        names::REASONING_TOKENS,
        "gen_ai.usage.reasoning.output_tokens",
    ),
    (
        names::CACHE_READ_TOKENS,
        "gen_ai.usage.cache_read.input_tokens",
    ),
    (
        names::CACHE_WRITE_TOKENS,
        "gen_ai.usage.cache_creation.input_tokens",
    ),
    (
        names::CACHE_WRITE_5M_TOKENS,
        "anthropic.usage.cache_creation.ephemeral_5m_input_tokens",
    ),
    (
        names::CACHE_WRITE_1H_TOKENS,
        "anthropic.usage.cache_creation.ephemeral_1h_input_tokens",
    ),
    (names::WEB_SEARCH_COUNT, "gen_ai.usage.web_search_requests"),
    (names::TOTAL_COST, "gen_ai.usage.total_cost"),
    (names::INPUT_COST, "gen_ai.usage.input_cost"),
    (names::OUTPUT_COST, "gen_ai.usage.output_cost"),
    (
        names::TIME_TO_FIRST_TOKEN,
        "gen_ai.response.time_to_first_chunk",
    ),
    (names::AGENT_NAME, "gen_ai.agent.name"),
    (names::TOOL_CALL_ID, "gen_ai.tool.call.id"),
    (names::HTTP_STATUS, "http.response.status_code"),
    (names::REQUESTED_MODEL, "gen_ai.request.model"),
    (names::GIT_BRANCH, "vcs.ref.head.name"),
    (names::GIT_REPOSITORY, "vcs.repository.name"),
];

/// Names of providers in the conventions, where they differ.
const PROVIDERS: &[(&str, &str)] = &[("bedrock", "aws.bedrock"), ("vertex", "gcp.vertex_ai")];

pub(super) fn of(event: &Event<'_>) -> Attributes {
    let mut all = List(Vec::with_capacity(48));
    all.add("gen_ai.operation.name", operation(event));
    if let Some(session) = text(event, names::SESSION_ID) {
        all.add("gen_ai.conversation.id", session);
        all.add("session.id", session);
    }
    all.add("user.id", event.distinct_id.as_str());
    if is_error(event) {
        let status = plain(event, names::HTTP_STATUS).map(Plain::to_string);
        all.add("error.type", status.as_deref().unwrap_or("_OTHER"));
    }
    match event.name {
        EventName::Generation | EventName::Embedding => call(event, &mut all),
        EventName::Span if operation(event) == "execute_tool" => tool(event, &mut all),
        EventName::Span | EventName::Trace => work(event, &mut all),
    }
    for (name, value) in event.properties.iter() {
        if TRANSLATED.contains(&name) {
            continue;
        }
        let mut renamed = RENAMED.iter();
        let renamed = renamed.find(|(own, _)| *own == name);
        all.add_json(renamed.map_or(name, |(_, renamed)| renamed), value);
    }
    all.0.into_iter().collect()
}

/// A call of a model.
fn call(event: &Event<'_>, all: &mut List) {
    if let Some(provider) = text(event, names::PROVIDER) {
        let mut known = PROVIDERS.iter();
        let known = known.find(|(own, _)| *own == provider);
        all.add("gen_ai.provider.name", known.map_or(provider, |(_, it)| it));
    }
    if let Some(model) = text(event, names::MODEL) {
        all.add("gen_ai.response.model", model);
        if text(event, names::REQUESTED_MODEL).is_none() {
            all.add("gen_ai.request.model", model);
        }
    }
    tokens(event, all);
    if let Some(reason) = text(event, names::STOP_REASON) {
        let reason = messages::finish_reason(reason);
        let reasons = Value::Array(vec![Value::Text(reason.to_owned())]);
        all.0
            .push(("gen_ai.response.finish_reasons".to_owned(), reasons));
    }
    if let Some(Plain::Object(parameters)) = plain(event, names::MODEL_PARAMETERS) {
        for name in ["max_tokens", "temperature", "top_p"] {
            if let Some(value) = parameters.get(name).filter(|it| it.is_number()) {
                let name = format!("gen_ai.request.{name}");
                all.0.push((name, Value::from(value.clone())));
            }
        }
    }
    all.add_messages("gen_ai.input.messages", messages::input(event));
    all.add_messages("gen_ai.output.messages", messages::output(event));
    all.add_messages("gen_ai.tool.definitions", messages::tools(event));
}

/// Cached tokens are input and reasoning is output, as the conventions demand.
fn tokens(event: &Event<'_>, all: &mut List) {
    let sum = |of: &[&str]| of.iter().filter_map(|name| count(event, name)).sum::<i64>();
    if let Some(input) = count(event, names::INPUT_TOKENS) {
        let is_exclusive = plain(event, names::CACHE_IS_EXCLUSIVE) == Some(&Plain::Bool(true));
        let cached = sum(&[names::CACHE_READ_TOKENS, names::CACHE_WRITE_TOKENS]);
        let cached = if is_exclusive { cached } else { 0 };
        all.add_number("gen_ai.usage.input_tokens", input.saturating_add(cached));
    }
    if let Some(output) = count(event, names::OUTPUT_TOKENS) {
        let is_added = text(event, names::MODEL).is_some_and(is_reasoning_added);
        let reasoning = if is_added {
            sum(&[names::REASONING_TOKENS])
        } else {
            0
        };
        all.add_number(
            "gen_ai.usage.output_tokens",
            output.saturating_add(reasoning),
        );
    }
}

fn tool(event: &Event<'_>, all: &mut List) {
    if let Some(name) = text(event, names::SPAN_NAME) {
        all.add("gen_ai.tool.name", name);
    }
    for (name, state) in [
        ("gen_ai.tool.call.arguments", names::INPUT_STATE),
        ("gen_ai.tool.call.result", names::OUTPUT_STATE),
    ] {
        if let Some(value) = event.properties.get(state) {
            all.add_json(name, value);
        }
    }
}

/// A turn, a session, or other work, with its input and output.
fn work(event: &Event<'_>, all: &mut List) {
    for (messages, value, state, role) in [
        (
            "gen_ai.input.messages",
            "input.value",
            names::INPUT_STATE,
            "user",
        ),
        (
            "gen_ai.output.messages",
            "output.value",
            names::OUTPUT_STATE,
            "assistant",
        ),
    ] {
        match event.properties.get(state) {
            Some(Json::Text(text)) => {
                all.add_messages(messages, Some(messages::said(role, text)));
            }
            Some(other) => all.add_json(value, other),
            None => {}
        }
    }
}

fn plain<'e>(event: &'e Event<'_>, name: &str) -> Option<&'e Plain> {
    event.properties.get(name)?.as_value()
}

fn count(event: &Event<'_>, name: &str) -> Option<i64> {
    plain(event, name)?.as_i64()
}

/// Attributes that are being collected.
struct List(Vec<(String, Value)>);

impl List {
    fn add(&mut self, name: &str, text: &str) {
        self.0.push((name.to_owned(), Value::Text(text.to_owned())));
    }

    fn add_number(&mut self, name: &str, number: i64) {
        self.0.push((name.to_owned(), Value::Int(number)));
    }

    /// Adds a value. Most systems show lists and objects as JSON text at best.
    fn add_json(&mut self, name: &str, value: &Json<'_>) {
        let value = match value {
            Json::Text(text) => Value::Text(text.clone().into_owned()),
            other => match other.clone().into_value() {
                Plain::Null => return,
                composed @ (Plain::Array(_) | Plain::Object(_)) => {
                    Value::Text(composed.to_string())
                }
                single => Value::from(single),
            },
        };
        self.0.push((name.to_owned(), value));
    }

    fn add_messages(&mut self, name: &str, messages: Option<Plain>) {
        if let Some(messages) = messages {
            self.add(name, &messages.to_string());
        }
    }
}
