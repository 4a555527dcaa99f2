//! Addresses of pages in PostHog's app.
//!
//! Source: PostHog's repository, `products/ai_observability/manifest.tsx`. The newest app has traces
//! at `/ai-observability/traces/<id>` and redirects `/llm-analytics/traces/<id>` to it; older ones,
//! which people host themselves, know the second path only. `event` selects an event of the trace
//! by its uuid, `$ai_span_id` or `$ai_generation_id`. Without `/project/<id>` in front, the app adds
//! the project that the user looked at last. `timestamp` is left out: with it, the page shows half
//! an hour of a session.

use std::fmt::Write as _;

use super::{Frozen, Grouping};
use crate::transport::Endpoint;

/// Page of a trace; `id` is its `$ai_trace_id`.
#[must_use]
pub fn trace(endpoint: &Endpoint, id: &str) -> String {
    let path = if endpoint.is_posthog_cloud() {
        "ai-observability"
    } else {
        "llm-analytics"
    };
    // The app decodes the id twice.
    let id = encoded(&encoded(id));
    format!("{}/{path}/traces/{id}", endpoint.app())
}

/// Page of a session's trace; `key` is [`Session::key`](crate::session::Session). `None` if each turn
/// is a trace of its own.
#[must_use]
pub fn session(endpoint: &Endpoint, frozen: &Frozen, key: &str) -> Option<String> {
    // The first trace of a session has the session's own id. The key of a received trace may have its
    // route before the id.
    let id = key.rsplit_once('/').map_or(key, |(_, id)| id);
    (frozen.grouping == Grouping::Session).then(|| trace(endpoint, id))
}

/// A text as part of an address: characters other than letters, digits, `-`, `_`, `.` and `~` are
/// escaped.
fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// Page of a trace with one of its events open; `span` is its `$ai_span_id`.
#[must_use]
pub fn span(endpoint: &Endpoint, id: &str, span: &str) -> String {
    format!("{}?event={}", trace(endpoint, id), encoded(span))
}

/// Address of the page of any trace, with `{trace}` in the place of its id.
#[must_use]
pub fn trace_template(endpoint: &Endpoint) -> String {
    trace(endpoint, "") + "{trace}"
}

/// Address of the page of any event, with `{trace}` and `{event}` in the places of the trace's id and
/// of the event's `$ai_span_id`.
#[must_use]
pub fn span_template(endpoint: &Endpoint) -> String {
    trace_template(endpoint) + "?event={event}"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traces_are_linked_at_the_app_and_by_the_path_that_it_knows() {
        for (host, page) in [
            ("us", "https://us.posthog.com/ai-observability/traces/t-1"),
            ("eu", "https://eu.posthog.com/ai-observability/traces/t-1"),
        ] {
            let endpoint = Endpoint::parse(&format!("{host}.i.posthog.com")).unwrap();
            assert_eq!(trace(&endpoint, "t-1"), page);
        }
        let own = Endpoint::parse("https://posthog.example.com/").unwrap();
        let page = "https://posthog.example.com/llm-analytics/traces/t-1";
        assert_eq!(trace(&own, "t-1"), page);
        let odd = "https://posthog.example.com/llm-analytics/traces/a%2520b%252Fc";
        assert_eq!(trace(&own, "a b/c"), odd);
        assert_eq!(span(&own, "t-1", "s-2"), format!("{page}?event=s-2"));
    }
}
