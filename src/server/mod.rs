//! An HTTP/1.1 server: listens, limits connections, and stops on demand.
//!
//! The [`Service`] gives requests their meaning: [`receive`](crate::receive) uses it for
//! OpenTelemetry data, `page` for the local page.
//!
//! # Why hyper
//!
//! Most servers in Rust use `hyper` and `tokio`, which handle the error-prone parts of HTTP
//! (framing, keep-alive, `Expect`). `axum` is a router on top of them with a dozen crates more, for
//! a table of ten paths; its own `serve` has no limits on heads or connections, so hyper would have
//! to be driven by hand anyway.

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
    /// The body of its answers. If a part of it cannot be produced, the answer ends early.
    type Body: Body<Data = Bytes, Error = Infallible> + Send + 'static;

    /// The answer to a request.
    fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
    ) -> impl Future<Output = Response<Self::Body>> + Send;

    /// Aborts a stalled request, since another connection needs its place. `false` if none has
    /// stalled.
    fn end_stalled(&self) -> bool {
        false
    }

    /// Records a client that got no answer from [`Service::answer`].
    fn turned_away(&self, _why: TurnedAway) {}
}

/// Why the service did not answer a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TurnedAway {
    /// All connections have requests.
    Connections,
    /// The bytes are not the head of a request.
    BadHead,
}

/// Limits of connections: number, bytes, times.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Bytes of a request's head.
    pub(crate) head: usize,
    /// Number of a request's headers.
    pub(crate) headers: usize,
    /// Time for the head of a request, from when its connection is ready for one.
    pub(crate) head_time: Duration,
    /// Number of open connections. For one more, the connection that has been idle longest is
    /// closed.
    pub(crate) connections: usize,
    /// Number of threads for blocking work.
    pub(crate) workers: usize,
    /// Time for the requests in flight when the server is stopped.
    pub(crate) stop_time: Duration,
}
