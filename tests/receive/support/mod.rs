//! Code shared by the tests: a receiver, a client that sends any bytes, and requests.

pub(crate) mod client;
pub(crate) mod made;
pub(crate) mod process;
pub(crate) mod server;

pub(crate) use client::Client;
pub(crate) use server::Server;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use posthog_llma::inbox::{Ack, Delivery, Inbox, Route, Summary};
use posthog_llma::otlp::Telemetry;

/// A time, in seconds after an arbitrary one.
pub(crate) fn second(second: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_790_000_000 + second)
}

/// Telemetry that came by the route `main`, redacted.
pub(crate) fn delivery(telemetry: &Telemetry, at: SystemTime) -> Delivery {
    delivery_by(Route::new("main"), telemetry, at)
}

/// Telemetry that came by a route, redacted.
pub(crate) fn delivery_by(route: Route, telemetry: &Telemetry, at: SystemTime) -> Delivery {
    let telemetry = server::redactor().telemetry(telemetry.clone());
    Delivery::prepare(&telemetry, route, at).unwrap()
}

/// Stores telemetry that came by the route `main`.
#[track_caller]
pub(crate) fn store(inbox: &Inbox, telemetry: &Telemetry, at: SystemTime) -> Ack {
    inbox.store([delivery(telemetry, at)]).unwrap()
}

/// Ids of traces, in their order.
pub(crate) fn ids(traces: &[Summary]) -> Vec<String> {
    let ids = traces.iter().map(|it| it.revision.key.trace_id.to_string());
    ids.map(|id| id.trim_start_matches('0').to_owned())
        .collect()
}
