//! The route of a request, and the deliveries of OpenRouter that it accepts.

use std::collections::BTreeMap;

use crate::inbox::Route;
use crate::otlp::openrouter::{self, Trial};
use crate::otlp::{Span, Telemetry};

/// The rights of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The route of the requests.
    pub route: Route,
    /// The deliveries of `OpenRouter` to accept.
    pub openrouter: Deliveries,
}

/// A choice of deliveries of `OpenRouter`. The default is all requests of its users.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Deliveries {
    /// Names of the keys of `OpenRouter` whose requests are accepted; `None` for all.
    pub keys: Option<Vec<String>>,
    /// Whether the made-up request of "Send trace" is accepted.
    pub test_requests: bool,
}

/// Numbers of requests removed from telemetry, by reason.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct LeftOut {
    /// Number of tests of the connection.
    pub(super) connection_tests: u64,
    /// Number of made-up requests.
    pub(super) test_requests: u64,
    /// Requests of other keys, by the name of the key; the empty name for requests without one.
    pub(super) other_keys: BTreeMap<String, u64>,
}

impl From<Route> for Entry {
    fn from(route: Route) -> Self {
        Self {
            route,
            openrouter: Deliveries::default(),
        }
    }
}

impl Deliveries {
    /// Removes the requests that are not accepted from telemetry, and from the rest all that is never
    /// kept.
    pub(super) fn sort(&self, telemetry: &mut Telemetry) -> LeftOut {
        let mut left_out = LeftOut::default();
        remove(telemetry, |span| match openrouter::trial(span) {
            Some(Trial::Connection) => {
                left_out.connection_tests += 1;
                true
            }
            Some(Trial::Request) if !self.test_requests => {
                left_out.test_requests += 1;
                true
            }
            Some(Trial::Request) | None => false,
        });
        if let Some(keys) = &self.keys {
            remove_other_keys(telemetry, keys, &mut left_out.other_keys);
        }
        let deliveries = telemetry.spans.iter_mut();
        deliveries
            .filter(|it| openrouter::is_delivery(it))
            .for_each(openrouter::clean);
        left_out
    }
}

/// Removes the requests of other keys. A request that names no key may be anyone's, and is removed
/// too.
fn remove_other_keys(
    telemetry: &mut Telemetry,
    keys: &[String],
    removed: &mut BTreeMap<String, u64>,
) {
    let is_taken = |span: &Span| {
        let key = openrouter::key_name(span);
        key.is_some_and(|key| keys.iter().any(|it| it == key))
    };
    let taken = openrouter::with_course(&telemetry.spans, is_taken);
    telemetry.spans.retain(|span| {
        let id = (span.trace_id, span.span_id);
        let is_kept = !openrouter::is_delivery(span) || taken.contains(&id);
        if !is_kept && !openrouter::is_course(span) {
            let key = openrouter::key_name(span).unwrap_or_default();
            *removed.entry(key.to_owned()).or_default() += 1;
        }
        is_kept
    });
}

/// Removes the requests whose first span meets a condition, with their course.
fn remove(telemetry: &mut Telemetry, mut condition: impl FnMut(&Span) -> bool) {
    let tops: Vec<bool> = telemetry.spans.iter().map(&mut condition).collect();
    if !tops.contains(&true) {
        return;
    }
    let tops: Vec<_> = (telemetry.spans.iter().zip(tops))
        .filter_map(|(span, is_top)| is_top.then_some((span.trace_id, span.span_id)))
        .collect();
    let all = openrouter::with_course(&telemetry.spans, |it| {
        tops.contains(&(it.trace_id, it.span_id))
    });
    telemetry
        .spans
        .retain(|it| !all.contains(&(it.trace_id, it.span_id)));
}
