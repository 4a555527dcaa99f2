//! What requests may take.

use std::num::NonZero;
use std::thread;
use std::time::Duration;

use crate::server::Bounds;

/// Bounds of what clients may take, together and each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a body as it is sent. The protocol recommends 64 MiB; OpenRouter repeats a conversation up
    /// to six times, each of 10,000,000 characters at most.
    pub body: usize,
    /// Bytes of a body when it is expanded.
    pub expanded: usize,
    /// Bytes of memory that the spans of a request may take beside their texts. An application's
    /// request of 64 MiB takes about as much again.
    pub decoded: usize,
    /// Bytes of all bodies that are being received, worked on or stored. Beyond it, requests are
    /// answered with 503.
    pub in_flight: usize,
    /// Bytes of the head of a request.
    pub head: usize,
    /// Headers of a request.
    pub headers: usize,
    /// Time for the head of a request, from when its connection is ready for one: also how long
    /// a connection is kept without a request. SDKs send every 5 s, readers of metrics every
    /// minute.
    pub head_time: Duration,
    /// Time for the body of a request. Clients give up after 10 s, unless they are told otherwise.
    pub body_time: Duration,
    /// Time without 32 KiB more of a body after which it gives way when memory or connections run
    /// short.
    pub stall: Duration,
    /// Open connections. For one more, the one that has waited longest for a request is closed.
    pub connections: usize,
    /// Small requests that are worked on at a time, beside a large one.
    pub workers: usize,
    /// Time for the requests in flight when the receiver is stopped.
    pub stop_time: Duration,
}

impl Limits {
    /// Those that are connections'.
    pub(super) const fn bounds(&self) -> Bounds {
        Bounds {
            head: self.head,
            headers: self.headers,
            head_time: self.head_time,
            connections: self.connections,
            // One of them for a large request.
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
