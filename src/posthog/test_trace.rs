//! A trace without personal data, for checking what happens to one.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::properties::Properties;
use super::{Event, EventName, names};

/// The name of the trace in PostHog.
pub const TEST_TRACE: &str = "posthog-llma setup test";

/// A trace with one call that used no tokens, of no person. Unlike the ids of sessions, its id is
/// different each time, so that exactly this trace can be found.
#[must_use]
pub fn test_trace(id: Uuid, now: DateTime<Utc>) -> [Event; 2] {
    let generation = Uuid::new_v5(&id, b"generation");
    let event = |name, uuid, of_kind: &dyn Fn(&mut Properties)| {
        let mut properties = Properties::default();
        for name in [names::TRACE_ID, names::SESSION_ID] {
            properties.set(name, id);
        }
        properties.set(names::SPAN_ID, uuid);
        properties.set(names::SPAN_NAME, TEST_TRACE);
        of_kind(&mut properties);
        for name in [names::AI_LIBRARY, names::LIBRARY] {
            properties.set(name, env!("CARGO_PKG_NAME"));
        }
        for name in [names::AI_LIBRARY_VERSION, names::LIBRARY_VERSION] {
            properties.set(name, env!("CARGO_PKG_VERSION"));
        }
        properties.set(names::LATENCY, 0);
        properties.set(names::IS_ERROR, false);
        properties.set(names::NO_GEOIP, true);
        properties.set(names::PERSON_PROFILE, false);
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
            properties.set(names::PARENT_ID, id);
            properties.set(names::MODEL, "none");
            properties.set(names::PROVIDER, env!("CARGO_PKG_NAME"));
            properties.set(names::INPUT_TOKENS, 0);
            properties.set(names::OUTPUT_TOKENS, 0);
        }),
        event(EventName::Trace, id, &|properties| {
            properties.set(names::TRACE_NAME, TEST_TRACE);
        }),
    ]
}
