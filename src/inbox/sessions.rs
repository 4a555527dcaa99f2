//! Keys that traces have in common: the session of a span or log record, and the response that
//! several instrumentations, or OpenRouter and the application, report in traces of their own.

use serde::Deserialize;

use crate::otlp::{Attributes, Span};

/// Attributes with the session, the most trustworthy first.
const SESSION_KEYS: [&str; 13] = [
    "$ai_session_id",
    "ai.telemetry.metadata.$ai_session_id",
    "ai.telemetry.metadata.sessionId",
    "ai.telemetry.metadata.session_id",
    "ai.settings.context.$ai_session_id",
    "gen_ai.conversation.id",
    "session.id",
    "langfuse.session.id",
    "traceloop.association.properties.session_id",
    "langsmith.metadata.session_id",
    "langsmith.metadata.thread_id",
    "conversation.id",
    "gcp.vertex.agent.session_id",
];

/// Attributes with the id of a response.
const RESPONSE_KEYS: [&str; 3] = ["gen_ai.response.id", "ai.response.id", "llm.response.id"];

/// Prefixes of ids that are unique per response.
const OF_RESPONSES: [&str; 3] = ["req_", "msg_", "resp_"];

/// Prefix of the key of traces that report a response. No session id begins like it.
pub(super) const RESPONSE: &str = "response\u{1f}";

/// The key of a trace for the response that its root span reports. Other spans need none: they are
/// in the same trace as further reports of their call.
pub(super) fn response_of(span: &Span) -> Option<String> {
    if span.parent_span_id.is_some() {
        return None;
    }
    let attributes = &span.attributes;
    let stated = RESPONSE_KEYS.iter().find_map(|name| attributes.text(name));
    let id = match stated {
        Some(id) => id.to_owned(),
        None => in_output(attributes.text("output.value")?)?,
    };
    let is_unique = OF_RESPONSES.iter().any(|prefix| id.starts_with(prefix));
    is_unique.then(|| format!("{RESPONSE}{id}"))
}

/// The id in an output that is the provider's whole response, as OpenInference records it.
fn in_output(output: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Response {
        id: String,
    }
    let response: Response = serde_json::from_str(output).ok()?;
    Some(response.id)
}

/// The session in the attributes of a span or record, or else of its resource.
pub(super) fn session_of(attributes: [&Attributes; 2]) -> Option<&str> {
    attributes.into_iter().find_map(|attributes| {
        let named = attributes.iter().filter_map(|it| {
            let rank = SESSION_KEYS.iter().position(|key| *key == it.key)?;
            let session = it.value.as_text().filter(|text| !text.is_empty())?;
            Some((rank, session))
        });
        named.min_by_key(|(rank, _)| *rank).map(|(_, it)| it)
    })
}

/// Prefix of the key of traces that report a request to OpenRouter. No session id begins like it.
pub(super) const REQUEST: &str = "openrouter\u{1f}";

/// The key of a trace for the request to OpenRouter that a span reports. Application and OpenRouter
/// report it in traces of their own, which are read together.
pub(super) fn request_of(span: &Span) -> Option<String> {
    let attributes = &span.attributes;
    let mut ids = RESPONSE_KEYS.iter().filter_map(|key| attributes.text(key));
    // Spans about the course of a request have its id followed by a colon and a name.
    let id = ids.find(|id| id.starts_with("gen-") && id.len() >= 24 && !id.contains(':'))?;
    Some(format!("{REQUEST}{id}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_name_of_a_session_wins_and_an_empty_one_is_none() {
        let attributes = |pairs: &[(&str, &str)]| -> Attributes {
            let pairs = pairs.iter();
            pairs.map(|(key, value)| (*key, (*value).into())).collect()
        };
        let resource = attributes(&[("session.id", "of the resource")]);
        for (own, expected) in [
            (&[("session.id", "a"), ("$ai_session_id", "b")][..], "b"),
            (&[("session.id", ""), ("conversation.id", "c")], "c"),
            (&[("session", "a")], "of the resource"),
        ] {
            let own = attributes(own);
            assert_eq!(session_of([&own, &resource]), Some(expected));
        }
    }
}
