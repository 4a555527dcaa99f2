//! A trace without personal data, for checking what happens to one.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::properties::Properties;
use super::{Event, EventName, Identities, names};

/// The name of the trace in PostHog.
pub const TEST_TRACE: &str = "posthog-llma setup test";

/// A trace with one call that used no tokens, of no person. Unlike the ids of sessions, its id is
/// different each time, so that exactly this trace can be found.
#[must_use]
pub fn test_trace(id: Uuid, now: DateTime<Utc>) -> [Event<'static>; 2] {
    let generation = Uuid::new_v5(&id, b"generation");
    let event = |name, uuid: Uuid, of_kind: &dyn Fn(&mut Properties<'static>)| {
        let mut properties = Properties::default();
        for name in [names::TRACE_ID, names::SESSION_ID] {
            properties.insert(name, id.to_string());
        }
        properties.insert(names::SPAN_ID, uuid.to_string());
        properties.insert(names::SPAN_NAME, TEST_TRACE);
        of_kind(&mut properties);
        for name in [names::AI_LIBRARY, names::LIBRARY] {
            properties.insert(name, env!("CARGO_PKG_NAME"));
        }
        for name in [names::AI_LIBRARY_VERSION, names::LIBRARY_VERSION] {
            properties.insert(name, env!("CARGO_PKG_VERSION"));
        }
        properties.insert(names::LATENCY, 0);
        properties.insert(names::IS_ERROR, false);
        properties.insert(names::NO_GEOIP, true);
        properties.insert(names::PERSON_PROFILE, false);
        Event {
            name,
            uuid,
            distinct_id: format!("posthog-llma:{id}"),
            identities: Identities::Known,
            timestamp: now,
            properties,
        }
    };
    [
        event(EventName::Generation, generation, &|properties| {
            properties.insert(names::PARENT_ID, id.to_string());
            properties.insert(names::MODEL, "none");
            properties.insert(names::PROVIDER, env!("CARGO_PKG_NAME"));
            properties.insert(names::INPUT_TOKENS, 0);
            properties.insert(names::OUTPUT_TOKENS, 0);
        }),
        event(EventName::Trace, id, &|properties| {
            properties.insert(names::TRACE_NAME, TEST_TRACE);
        }),
    ]
}
