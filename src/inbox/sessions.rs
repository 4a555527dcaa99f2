//! What traces have in common: the session that a span or a log record belongs to, and the response
//! that several instrumentations report, or OpenRouter and the application, each in a trace of its own.

use serde::Deserialize;

use crate::otlp::{Attributes, Span};

/// Names of the session in attributes, the best first.
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

/// Names of the id of a response in attributes.
const RESPONSE_KEYS: [&str; 3] = ["gen_ai.response.id", "ai.response.id", "llm.response.id"];

/// Beginnings of ids whose makers give each response one of its own.
const OF_RESPONSES: [&str; 3] = ["req_", "msg_", "resp_"];

/// Begins the name under which traces are kept that report a response. No session begins like it.
pub(super) const RESPONSE: &str = "response\u{1f}";

/// The name under which the trace of a span is kept for the response that the span reports. A span
/// within another one is in the same trace as other reports of its call, so only roots have one.
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

/// The id in a response that is kept as it was, as OpenInference does.
fn in_output(output: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Response {
        id: String,
    }
    let response: Response = serde_json::from_str(output).ok()?;
    Some(response.id)
}

/// The session that a span or a record names, or else its resource.
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

/// Begins the name under which traces are kept that report a request to OpenRouter. No session begins
/// like it.
pub(super) const REQUEST: &str = "openrouter\u{1f}";

/// The name under which the trace of a span is kept for the request to OpenRouter that the span reports.
/// The application and OpenRouter report it in traces of their own, which are read together.
pub(super) fn request_of(span: &Span) -> Option<String> {
    let attributes = &span.attributes;
    let mut ids = RESPONSE_KEYS.iter().filter_map(|key| attributes.text(key));
    // Parts of the course of a request have its id and a name after it.
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
