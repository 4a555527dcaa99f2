//! The session that a span or a log record belongs to.

use crate::otlp::Attributes;

/// Names of the session in attributes, the best first.
const SESSION_KEYS: [&str; 11] = [
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
    "conversation.id",
];

/// Names of the id of a response.
const RESPONSE_KEYS: [&str; 2] = ["gen_ai.response.id", "ai.response.id"];

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

/// OpenRouter's id of the response of a call. The application and OpenRouter report the call in traces of
/// their own, which are read together like those of a session.
pub(super) fn response_of(attributes: &Attributes) -> Option<&str> {
    let mut ids = RESPONSE_KEYS.iter().filter_map(|key| attributes.text(key));
    // Parts of the course of a request have its id and a name after it.
    ids.find(|id| id.starts_with("gen-") && id.len() >= 24 && !id.contains(':'))
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
