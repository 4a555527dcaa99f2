//! A trace without personal data, for checking what happens to one.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::properties::Properties;
use super::{Event, EventName};

/// The name of the trace in PostHog.
pub const TEST_TRACE: &str = "posthog-llma setup test";

/// A trace with one call that used no tokens, of no person. Unlike the ids of sessions, its id is
/// different each time, so that exactly this trace can be found.
#[must_use]
pub fn test_trace(id: Uuid, now: DateTime<Utc>) -> [Event; 2] {
    let generation = Uuid::new_v5(&id, b"generation");
    let event = |name, uuid, of_kind: &dyn Fn(&mut Properties)| {
        let mut properties = Properties::default();
        for name in ["$ai_trace_id", "$ai_session_id"] {
            properties.set(name, id);
        }
        properties.set("$ai_span_id", uuid);
        properties.set("$ai_span_name", TEST_TRACE);
        of_kind(&mut properties);
        for name in ["$ai_lib", "$lib"] {
            properties.set(name, env!("CARGO_PKG_NAME"));
        }
        for name in ["$ai_lib_version", "$lib_version"] {
            properties.set(name, env!("CARGO_PKG_VERSION"));
        }
        properties.set("$ai_latency", 0);
        properties.set("$ai_is_error", false);
        properties.set("$geoip_disable", true);
        properties.set("$process_person_profile", false);
        Event {
            name,
            uuid,
            distinct_id: format!("posthog-llma:{id}"),
            timestamp: now,
            properties,
        }
    };
    [
        event(EventName::Generation, generation, &|properties| {
            properties.set("$ai_parent_id", id);
            properties.set("$ai_model", "none");
            properties.set("$ai_provider", env!("CARGO_PKG_NAME"));
            properties.set("$ai_input_tokens", 0);
            properties.set("$ai_output_tokens", 0);
        }),
        event(EventName::Trace, id, &|properties| {
            properties.set("$ai_trace_name", TEST_TRACE);
        }),
    ]
}
