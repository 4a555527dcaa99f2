//! Events as spans of OpenTelemetry, in its conventions of generative AI, for systems other than
//! PostHog. Only a redacted event can become a span.
//!
//! Source: the semantic conventions of generative AI (`gen_ai.*`), which count cached tokens as
//! input. They have no costs, whose names are those that gateways use; every property without a
//! convention keeps its name.
//!
//! # Identities
//!
//! Ids are a function of the event's ids: a trace id that is a UUID keeps its bytes, ids from
//! OpenTelemetry stay the same, others become the first bytes of a digest. So a span that is sent
//! twice is the same span.

mod attributes;
mod messages;

use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::otlp::{Resource, Scope, Span, SpanId, SpanKind, Status, StatusCode, TraceId, protobuf};
use crate::posthog::limits::Limits;
use crate::posthog::{Event, EventName, Json, names};
use crate::redact::Redacted;

/// Flag of a trace that is recorded.
const SAMPLED: u32 = 1;

/// A request to a collector with one event, within limits. Several requests in a row are one.
pub(crate) fn request(event: Redacted<Event<'_>>, limits: &Limits) -> Vec<u8> {
    let event = event.shortened(limits);
    protobuf::request(&span(event.get()))
}

fn span(event: &Event<'_>) -> Span {
    let text = |name: &str| text(event, name);
    let trace = text(names::TRACE_ID).unwrap_or_default();
    let span_of = |id: &str| span_id(trace, id);
    let own_id = event.uuid.to_string();
    let (start, end) = times(event);
    Span {
        resource: Arc::new(resource(event)),
        scope: Arc::new(Scope {
            name: env!("CARGO_PKG_NAME").to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            ..Scope::default()
        }),
        trace_id: trace_id(trace),
        span_id: span_of(text(names::SPAN_ID).unwrap_or(&own_id)),
        parent_span_id: match event.name {
            EventName::Trace => None,
            _ => text(names::PARENT_ID).map(span_of),
        },
        name: name(event),
        kind: match event.name {
            EventName::Generation | EventName::Embedding => SpanKind::Client,
            EventName::Span | EventName::Trace => SpanKind::Internal,
        },
        start,
        end,
        attributes: attributes::of(event),
        events: Vec::new(),
        links: Vec::new(),
        status: status(event),
        flags: SAMPLED,
        dropped_attributes: 0,
        dropped_events: 0,
    }
}

/// The operation of an event, in the conventions' words.
fn operation<'e>(event: &'e Event<'_>) -> &'e str {
    match event.name {
        EventName::Generation => "chat",
        EventName::Embedding => "embeddings",
        EventName::Trace => "invoke_agent",
        EventName::Span => match text(event, names::SPAN_TYPE) {
            Some("tool") => "execute_tool",
            Some("turn") | None => "invoke_agent",
            Some(other) => other,
        },
    }
}

/// The operation and its model or tool. Prompts are not names, which systems list to choose from.
fn name(event: &Event<'_>) -> String {
    let operation = operation(event);
    let with = match operation {
        "chat" | "embeddings" => text(event, names::MODEL),
        "invoke_agent" => text(event, names::AGENT_NAME),
        _ => text(event, names::SPAN_NAME),
    };
    with.map_or(operation.to_owned(), |with| format!("{operation} {with}"))
}

/// The project as the service, which systems list to choose from.
fn resource(event: &Event<'_>) -> Resource {
    let project = text(event, names::PROJECT_NAME).unwrap_or(env!("CARGO_PKG_NAME"));
    let mut attributes = vec![
        ("service.name", project.into()),
        ("openinference.project.name", project.into()),
    ];
    if let Some(agent) = text(event, names::FRAMEWORK) {
        attributes.push(("service.namespace", agent.into()));
    }
    Resource {
        attributes: attributes.into_iter().collect(),
    }
}

/// Start and end, in nanoseconds since 1970.
fn times(event: &Event<'_>) -> (u64, u64) {
    let length = number(event, names::LATENCY).or_else(|| number(event, names::ELAPSED));
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a float is clamped, and no length is negative"
    )]
    let length = (length.unwrap_or(0.0) * 1e9).round() as u64;
    let milliseconds = u64::try_from(event.timestamp.timestamp_millis()).unwrap_or(0);
    let time = milliseconds.saturating_mul(1_000_000);
    match event.name {
        EventName::Trace => (time, time.saturating_add(length)),
        _ => (time.saturating_sub(length), time),
    }
}

fn status(event: &Event<'_>) -> Status {
    if !is_error(event) {
        return Status::default();
    }
    Status {
        code: StatusCode::Error,
        message: text(event, names::ERROR).unwrap_or_default().to_owned(),
    }
}

fn trace_id(id: &str) -> TraceId {
    let own = Uuid::try_parse(id).ok();
    let own = own.and_then(|id| TraceId::from_bytes(id.into_bytes()));
    own.unwrap_or_else(|| TraceId::from_digest(digest(id, "")))
}

fn span_id(trace: &str, id: &str) -> SpanId {
    let own = id.parse().ok();
    own.unwrap_or_else(|| SpanId::from_digest(digest(trace, id)))
}

fn digest(trace: &str, span: &str) -> Sha256 {
    let digest = Sha256::new().chain_update(b"posthog-llma span\0");
    digest
        .chain_update(trace)
        .chain_update(b"\0")
        .chain_update(span)
}

fn text<'e>(event: &'e Event<'_>, name: &str) -> Option<&'e str> {
    event.properties.get(name)?.as_str()
}

fn number(event: &Event<'_>, name: &str) -> Option<f64> {
    event.properties.get(name)?.as_value()?.as_f64()
}

fn is_error(event: &Event<'_>) -> bool {
    let is_error = event.properties.get(names::IS_ERROR);
    is_error.and_then(Json::as_value) == Some(&serde_json::Value::Bool(true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_those_of_the_event() {
        let session = "4f2a8c11-1111-4222-8333-444455556666";
        assert_eq!(
            trace_id(session).to_string(),
            "4f2a8c11111142228333444455556666"
        );
        let of_telemetry = "0123456789abcdef0123456789abcdef";
        assert_eq!(trace_id(of_telemetry).to_string(), of_telemetry);
        assert_eq!(
            span_id(of_telemetry, "0123456789abcdef").to_string(),
            "0123456789abcdef"
        );
        // Other ids may be the same in several traces.
        assert_eq!(span_id("a", "1"), span_id("a", "1"));
        assert_ne!(span_id("a", "1"), span_id("b", "1"));
        assert_ne!(span_id("a", "1"), span_id("a", "2"));
    }
}
