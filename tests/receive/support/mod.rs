//! Code shared by the tests: a receiver, a client that sends any bytes, and requests.

pub(crate) mod client;
pub(crate) mod made;
pub(crate) mod process;
pub(crate) mod server;

pub(crate) use client::Client;
pub(crate) use server::Server;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use posthog_llma::inbox::{Ack, Delivery, Inbox, Route, Summary};
use posthog_llma::otlp::Batch;

/// A time, in seconds after an arbitrary one.
pub(crate) fn second(second: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_790_000_000 + second)
}

/// A batch that came by the route `main`, redacted.
pub(crate) fn delivery(batch: &Batch, at: SystemTime) -> Delivery {
    delivery_by(Route::new("main"), batch, at)
}

/// A batch that came by a route, redacted.
pub(crate) fn delivery_by(route: Route, batch: &Batch, at: SystemTime) -> Delivery {
    let batch = server::redactor().batch(batch.clone());
    Delivery::prepare(&batch, route, at).unwrap()
}

/// Stores a batch that came by the route `main`.
#[track_caller]
pub(crate) fn store(inbox: &Inbox, batch: &Batch, at: SystemTime) -> Ack {
    inbox.store([delivery(batch, at)]).unwrap()
}

/// Ids of traces, in their order.
pub(crate) fn ids(traces: &[Summary]) -> Vec<String> {
    let ids = traces.iter().map(|it| it.revision.key.trace_id.to_string());
    ids.map(|id| id.trim_start_matches('0').to_owned())
        .collect()
}
