//! Deliveries of OpenRouter's Broadcast: how to recognise them, and which parts are never kept.
//!
//! # Facts
//!
//! From OpenRouter's documentation of Broadcast (November 2026), and from published deliveries
//! where they show more:
//!
//! | subject | fact |
//! |---|---|
//! | a request | one delivery: a span for the call, and one or two about its course below it |
//! | test of a destination | no span and a header, or a span named `openrouter-connection-test` |
//! | "Send trace" | a call named `Test Generation` with a made-up conversation |
//! | content | in `gen_ai.prompt` and `gen_ai.completion`, repeated in `span.*` and `trace.*` |
//! | `rawRequest` | in the completion: the whole body that the caller sent |
//! | a text | is cut at 10,000,000 characters, even in the middle of its JSON |

use std::collections::HashSet;

pub use super::raw_request::PARAMETERS;
use super::responses::is_like_openrouters;
use super::{Attribute, Span, SpanId, TraceId, raw_request};

/// Name of the span with which `OpenRouter` tests a destination of type `OpenTelemetry` Collector.
const CONNECTION_TEST: &str = "openrouter-connection-test";
/// Name of the made-up call that `OpenRouter` sends when its user presses "Send trace".
const TEST_REQUEST: &str = "Test Generation";

/// Prefix of the attributes with facts of `OpenRouter`'s own.
const OWN: &str = "trace.metadata.openrouter.";
/// Attribute with the name of the key that paid for a request.
const KEY_NAME: &str = "trace.metadata.openrouter.api_key_name";

/// Own facts of `OpenRouter` that are kept. The others identify accounts, machines and endpoints.
const KEPT_OF_OWN: [&str; 15] = [
    "source",
    "api_key_name",
    "provider_name",
    "provider_slug",
    "finish_reason",
    "router_latency_ms",
    "provider_request_ms",
    "provider_headers_ms",
    "first_token_ms",
    "provider_time_to_first_token_ms",
    "provider_body_end_ms",
    "inter_token_latency_ms",
    "input_unit_price",
    "output_unit_price",
    "is_byok",
];
/// Attributes of an attempt that are kept. The others repeat the caller's own keys.
const KEPT_OF_ATTEMPT: [&str; 4] = ["attempt_index", "status_code", "is_byok", "model_permaslug"];
/// Attributes that are kept, with those below them. All others may concern anybody.
const KEPT: [&str; 15] = [
    "gen_ai",
    "trace.name",
    "trace.tags",
    "trace.metadata",
    "trace.input",
    "trace.output",
    "span.type",
    "span.level",
    "span.status_message",
    "span.input",
    "span.output",
    "session.id",
    "user.id",
    "error",
    "http.response",
];
/// Attributes among these that are dropped: ids of people, attempts and endpoints, and optional
/// facts about accounts and origins.
const DROPPED: [&str; 8] = [
    "gen_ai.user",
    "trace.metadata.provider_responses",
    "trace.metadata.openrouter",
    "trace.metadata.openrouter_generation",
    "trace.metadata.openrouterGeneration",
    "trace.metadata.device_id",
    "trace.metadata.endpoint_id",
    "trace.metadata.entity_id",
];
/// Copies of attributes, each with the attribute that it repeats.
const COPIES: [(&str, &str); 4] = [
    ("span.input", "gen_ai.prompt"),
    ("trace.input", "gen_ai.prompt"),
    ("span.output", "gen_ai.completion"),
    ("trace.output", "gen_ai.completion"),
];
/// A trial that a user of `OpenRouter` starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trial {
    /// A test whether a destination answers.
    Connection,
    /// A made-up request.
    Request,
}

/// Whether Broadcast sent the span, even if a Collector in between renamed its service.
#[must_use]
pub fn is_delivery(span: &Span) -> bool {
    let mut names = span.attributes.iter().map(|it| it.key.as_str());
    let of_resource = &span.resource.attributes;
    is_part_of_course(span)
        || span.scope.name == "openrouter"
        || of_resource.text("service.name") == Some("openrouter")
        || of_resource.get("openrouter.trace.id").is_some()
        || names.any(|name| name.starts_with(OWN))
}

/// The trial that a span belongs to; `None` for a span of a real request.
#[must_use]
pub fn trial(span: &Span) -> Option<Trial> {
    match span.name.as_str() {
        // A Collector may have changed everything but the span's name.
        CONNECTION_TEST if !is_call(span) => Some(Trial::Connection),
        TEST_REQUEST if is_delivery(span) && !is_somebodys(span) => Some(Trial::Request),
        _ => None,
    }
}

/// Whether a span is about a call of a model.
fn is_call(span: &Span) -> bool {
    let mut names = span.attributes.iter().map(|it| it.key.as_str());
    names.any(|name| name.starts_with("gen_ai."))
}

/// Whether a request was made by or for a person, who may have named it. Trials are made by
/// `OpenRouter` itself.
fn is_somebodys(span: &Span) -> bool {
    let mut names = span.attributes.iter().map(|it| it.key.as_str());
    names.any(|name| match name.strip_prefix("trace.metadata.") {
        Some(key) => !key.starts_with("openrouter") && is_kept(name),
        None => matches!(name, "user.id" | "session.id"),
    })
}

/// The name of the key that paid for the request of a span; `None` for spans about the course of a
/// request.
#[must_use]
pub fn key_name(span: &Span) -> Option<&str> {
    span.attributes.text(KEY_NAME)
}

/// The ids of the spans that meet a condition, and of all delivered spans below them: the course of
/// the same requests.
pub fn with_course(
    spans: &[Span],
    condition: impl Fn(&Span) -> bool,
) -> HashSet<(TraceId, SpanId)> {
    let tops = spans.iter().filter(|it| condition(it));
    let mut found: HashSet<_> = tops.map(|it| (it.trace_id, it.span_id)).collect();
    let course: Vec<_> = spans
        .iter()
        .filter(|it| is_course(it))
        .filter(|it| {
            let parent = it.parent_span_id.map(|parent| (it.trace_id, parent));
            parent.is_some_and(|it| found.contains(&it))
        })
        .map(|it| (it.trace_id, it.span_id))
        .collect();
    found.extend(course);
    found
}

/// Whether a span is about the course of a request rather than the request itself.
#[must_use]
pub fn is_course(span: &Span) -> bool {
    let says_so = || span.attributes.text("span.type") == Some("span");
    is_part_of_course(span) || is_delivery(span) && says_so()
}

/// Whether a span has the id of a request followed by a part of its course. A Collector may have
/// dropped everything else.
fn is_part_of_course(span: &Span) -> bool {
    let response = span.attributes.text("gen_ai.response.id");
    response.is_some_and(|id| is_like_openrouters(id) && id.contains(':'))
}

/// Removes from a delivered span everything that is never sent, so that it does not reach the disk
/// either: `OpenRouter`'s ids of accounts and endpoints, copies of content, and the caller's own
/// request except for parameters and tools.
pub fn clean(span: &mut Span) {
    let has = |name: &str| span.attributes.get(name).is_some();
    let copies = COPIES.iter().filter(|(_, original)| has(original));
    let copies: Vec<&str> = copies.map(|(copy, _)| *copy).collect();
    let kept = std::mem::take(&mut span.attributes);
    let kept = kept.into_iter();
    let kept = kept.filter(|it| is_kept(&it.key) && !copies.contains(&it.key.as_str()));
    let kept = kept.map(|Attribute { key, value }| Attribute {
        key,
        value: raw_request::without(value),
    });
    span.attributes = kept.collect();
}

fn is_kept(name: &str) -> bool {
    if let Some(own) = name.strip_prefix(OWN) {
        return KEPT_OF_OWN.contains(&own);
    }
    if let Some(of_attempt) = name.strip_prefix("span.metadata.") {
        return KEPT_OF_ATTEMPT.contains(&of_attempt);
    }
    let is_below = |it: &str| {
        let rest = name.strip_prefix(it);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    KEPT.iter().any(|it| is_below(it))
        && !DROPPED.iter().any(|it| is_below(it))
        && !raw_request::is_named(name)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::otlp::{Resource, Scope, SpanKind, Status};

    fn span(name: &str, attributes: &[(&str, &str)]) -> Span {
        let attributes = attributes.iter();
        Span {
            resource: Arc::new(Resource::default()),
            scope: Arc::new(Scope::default()),
            trace_id: TraceId::from_bytes([1; 16]).unwrap(),
            span_id: SpanId::from_bytes([1; 8]).unwrap(),
            parent_span_id: None,
            name: name.to_owned(),
            kind: SpanKind::default(),
            start: 0,
            end: 0,
            attributes: attributes
                .map(|(key, value)| (*key, (*value).into()))
                .collect(),
            events: Vec::new(),
            links: Vec::new(),
            status: Status::default(),
            flags: 0,
            dropped_attributes: 0,
            dropped_events: 0,
        }
    }

    #[test]
    fn ids_of_accounts_and_copies_are_removed_and_the_rest_stays() {
        let mut delivery = span(
            "LLM Generation",
            &[
                ("gen_ai.prompt", "p"),
                ("span.input", "p"),
                ("trace.input", "p"),
                ("span.output", "o"),
                ("trace.metadata.openrouter.entity_id", "planted"),
                ("trace.metadata.openrouter.creator_user_id", "planted"),
                ("trace.metadata.openrouter.unheard_of", "planted"),
                (
                    "trace.metadata.openrouter_generation.identity.user",
                    "planted",
                ),
                ("trace.metadata.provider_responses", "planted"),
                ("span.metadata.endpoint_id", "planted"),
                ("span.metadata.feature", "planted"),
                ("span.metadata.status_code", "429"),
                ("trace.metadata.openrouter.provider_name", "Anthropic"),
                ("trace.metadata.feature", "shopping"),
            ],
        );
        clean(&mut delivery);
        let names: Vec<&str> = delivery
            .attributes
            .iter()
            .map(|it| it.key.as_str())
            .collect();
        assert_eq!(
            names,
            [
                "gen_ai.prompt",
                "span.output",
                "span.metadata.status_code",
                "trace.metadata.openrouter.provider_name",
                "trace.metadata.feature",
            ],
            "a copy without its original is none"
        );
    }

    #[test]
    fn trials_are_known_by_their_names_and_those_of_others_are_not_touched() {
        let own = ("trace.metadata.openrouter.source", "test");
        for (name, attributes, expected) in [
            (
                "openrouter-connection-test",
                &[][..],
                Some(Trial::Connection),
            ),
            ("Test Generation", &[own], Some(Trial::Request)),
            ("Test Generation", &[], None),
            ("Test Generation", &[own, ("user.id", "ada")], None),
            (
                "openrouter-connection-test",
                &[("gen_ai.system", "x")],
                None,
            ),
            ("LLM Generation", &[own], None),
        ] {
            assert_eq!(trial(&span(name, attributes)), expected, "{name}");
        }
    }
}
