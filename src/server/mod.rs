//! An HTTP/1.1 server: listens, bounds what connections may take, and ends when it is told to.
//!
//! What requests mean is the [`Service`]'s: [`receive`](crate::receive) takes OpenTelemetry data with
//! it.
//!
//! # Why hyper
//!
//! `hyper` and `tokio` are what most servers in Rust are built of, and the HTTP parts that are easy
//! to get wrong (framing, keep-alive, `Expect`) are theirs. `axum` is a router on top of them with
//! a dozen crates more, for a table of ten paths; its own `serve` can set neither the limits on
//! heads nor those on connections, so hyper would have to be driven by hand anyway.

mod connections;
mod serve;

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::{Body, Bytes, Incoming};
use hyper::{Request, Response};

pub(crate) use serve::serve;
pub use serve::{Served, Stop};

/// Answers requests.
pub(crate) trait Service: Send + Sync + 'static {
    /// The body of its answers. A part that cannot be made ends the answer early.
    type Body: Body<Data = Bytes, Error = Infallible> + Send + 'static;

    /// The answer to a request.
    fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
    ) -> impl Future<Output = Response<Self::Body>> + Send;

    /// Ends a request that has stalled, since another connection needs its place. `false` if there is
    /// none.
    fn end_stalled(&self) -> bool {
        false
    }

    /// Takes note of a client that got no answer from [`Service::answer`].
    fn turned_away(&self, _why: TurnedAway) {}
}

/// Why a client got no answer of the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TurnedAway {
    /// All connections have requests.
    Connections,
    /// What it sent is no head of a request.
    BadHead,
}

/// What connections may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Bytes of the head of a request.
    pub(crate) head: usize,
    /// Headers of a request.
    pub(crate) headers: usize,
    /// Time for the head of a request, from when its connection is ready for one.
    pub(crate) head_time: Duration,
    /// Open connections. For one more, the one that has waited longest for a request is closed.
    pub(crate) connections: usize,
    /// Threads for work that blocks.
    pub(crate) workers: usize,
    /// Time for the requests in flight when the server is stopped.
    pub(crate) stop_time: Duration,
}
