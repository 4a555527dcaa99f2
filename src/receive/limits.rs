//! Limits of requests.

use std::num::NonZero;
use std::thread;
use std::time::Duration;

use crate::server::Bounds;

/// Limits of clients, per request and together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a body as sent. The protocol recommends 64 MiB; OpenRouter repeats a conversation
    /// up to six times, each of 10,000,000 characters at most.
    pub body: usize,
    /// Bytes of an expanded body.
    pub expanded: usize,
    /// Bytes of memory for the spans of a request besides their texts. An application's request of
    /// 64 MiB needs about as much again.
    pub decoded: usize,
    /// Bytes of all bodies that are being received, processed or stored. Above it, requests are
    /// answered with 503.
    pub in_flight: usize,
    /// Bytes of a request's head.
    pub head: usize,
    /// Number of a request's headers.
    pub headers: usize,
    /// Time for the head of a request, from when its connection is ready for one; so also the time
    /// for which an idle connection is kept. SDKs send every 5 s, readers of metrics every minute.
    pub head_time: Duration,
    /// Time for the body of a request. By default, clients give up after 10 s.
    pub body_time: Duration,
    /// Time without 32 KiB more of a body after which it may be aborted, when memory or connections
    /// run short.
    pub stall: Duration,
    /// Number of open connections. For one more, the connection that has been idle longest is
    /// closed.
    pub connections: usize,
    /// Number of small requests to process at a time, beside a large one.
    pub workers: usize,
    /// Time for the requests in flight when the receiver is stopped.
    pub stop_time: Duration,
}

impl Limits {
    /// The limits that concern connections.
    pub(super) const fn bounds(&self) -> Bounds {
        Bounds {
            head: self.head,
            headers: self.headers,
            head_time: self.head_time,
            connections: self.connections,
            // One more worker, for a large request.
            workers: self.workers + 1,
            stop_time: self.stop_time,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: 96 << 20,
            expanded: 96 << 20,
            decoded: 128 << 20,
            in_flight: 160 << 20,
            head: 32 << 10,
            headers: 100,
            head_time: Duration::from_secs(65),
            body_time: Duration::from_secs(30),
            stall: Duration::from_secs(2),
            connections: 1000,
            workers: thread::available_parallelism().map_or(2, NonZero::get),
            stop_time: Duration::from_secs(10),
        }
    }
}
