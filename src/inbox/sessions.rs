//! Keys that traces have in common: the session of a span or log record, and the response that
//! several instrumentations, or OpenRouter and the application, report in traces of their own.

use serde::Deserialize;

use crate::otlp::{Attributes, Span, responses, sessions};

/// Prefix of the key of traces that report a response. No session id begins like it.
pub(super) const RESPONSE: &str = "response\u{1f}";

/// The key of a trace for the response that its root span reports. Other spans need none: they are
/// in the same trace as further reports of their call.
pub(super) fn response_of(span: &Span) -> Option<String> {
    if span.parent_span_id.is_some() {
        return None;
    }
    let attributes = &span.attributes;
    let stated = responses::NAMES
        .iter()
        .find_map(|name| attributes.text(name));
    let id = match stated {
        Some(id) => id.to_owned(),
        None => in_output(attributes.text("output.value")?)?,
    };
    // Requests to OpenRouter have keys of their own.
    let is_other = !responses::is_like_openrouters(&id);
    (is_other && responses::is_unique(&id)).then(|| format!("{RESPONSE}{id}"))
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
pub(super) fn session_of(attributes: [&Attributes; 2]) -> Option<String> {
    attributes.into_iter().find_map(sessions::stated)
}

/// Prefix of the key of traces that name a session only in some other way, or in another spelling.
/// No session id begins like it. The rest of the key is in lower case.
pub(super) const NAMED: &str = "named\u{1f}";

/// The keys of a trace for the sessions that attributes name, see [`sessions::named`].
pub(super) fn named_in(attributes: &Attributes, found: &mut impl FnMut(String)) {
    sessions::named(attributes, &mut |id| found(format!("{NAMED}{id}")));
}

/// Prefix of the key of traces that report a request to OpenRouter. No session id begins like it.
pub(super) const REQUEST: &str = "openrouter\u{1f}";

/// The key of a trace for the request to OpenRouter that a span reports. Application and OpenRouter
/// report it in traces of their own, which are read together.
pub(super) fn request_of(span: &Span) -> Option<String> {
    let attributes = &span.attributes;
    let mut ids = responses::NAMES
        .iter()
        .filter_map(|key| attributes.text(key));
    // Spans about the course of a request have its id followed by a colon and a name.
    let id = ids.find(|id| responses::is_of_openrouter(id) && !id.contains(':'))?;
    Some(format!("{REQUEST}{id}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_names_its_session_before_its_resource_does() {
        let attributes = |session: &str| -> Attributes {
            [("session.id", session.into())].into_iter().collect()
        };
        let resource = attributes("of the resource");
        for (own, expected) in [("a", "a"), ("", "of the resource")] {
            let own = attributes(own);
            assert_eq!(session_of([&own, &resource]).as_deref(), Some(expected));
        }
    }
}
