//! Processing of requests.

use std::sync::Arc;

use http_body_util::Full;
use hyper::Request;
use hyper::body::{Bytes, Incoming};
use hyper::header::EXPECT;
use hyper::http::request::Parts;
use tokio::sync::{Semaphore, oneshot};
use tokio::task::spawn_blocking;

use super::Clock;
use super::bodies::Bodies;
use super::body::{self, Body, Budget};
use super::expand::Compression;
use super::head::{Asked, Head, judge};
use super::refusal::{Reason, Refusal};
use super::respond::{self, Answer};
use super::routes::Routes;
use super::traffic::Traffic;
use super::work::{Tools, Worked, work};
use crate::inbox::{Delivery, Fact};
use crate::otlp::{Encoding, Signal, answer};
use crate::server::{self, TurnedAway};

/// State shared by all requests.
pub(super) struct Service {
    pub(super) routes: Routes,
    pub(super) tools: Tools,
    pub(super) clock: Clock,
    pub(super) traffic: Arc<Traffic>,
    pub(super) budget: Budget,
    pub(super) bodies: Bodies,
    /// Permits for processing small requests.
    pub(super) slots: Arc<Semaphore>,
    /// Permits for processing large ones.
    pub(super) large: Arc<Semaphore>,
}

/// Estimated bytes of an expanded body from which on no other large one is processed at the same
/// time: processing takes several times its size of memory.
const LARGE: usize = 4 << 20;
/// Estimated ratio of expanded to compressed size.
const RATIO: usize = 8;

impl server::Service for Service {
    type Body = Full<Bytes>;

    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Answer {
        let (parts, incoming) = request.into_parts();
        match judge(&parts, &self.routes, &self.tools.limits) {
            Ok(Asked::Health) => respond::health(self.traffic.is_failing()),
            Ok(Asked::Take(head)) => self.take(&parts, head, incoming).await,
            Err(refusal) => self.refuse(&parts, &refusal, incoming),
        }
    }

    fn end_stalled(&self) -> bool {
        self.bodies.close_stalled()
    }

    fn turned_away(&self, why: TurnedAway) {
        self.count(match why {
            TurnedAway::Connections => Reason::Connections,
            TurnedAway::BadHead => Reason::BadHead,
        });
    }
}

impl Service {
    async fn take(self: &Arc<Self>, parts: &Parts, head: Head, mut incoming: Incoming) -> Answer {
        if head.signal == Signal::Metrics {
            return self.drop_metrics(&head, incoming).await;
        }
        let limits = &self.tools.limits;
        let body = body::receive(
            head.length,
            &mut incoming,
            limits,
            &self.budget,
            &self.bodies,
        );
        let body = body.await;
        let stored = match body {
            Ok(body) => self.store(head, body).await,
            Err(refusal) => Err(refusal),
        };
        match stored {
            Ok((encoding, answer)) => respond::taken(encoding, answer),
            Err(refusal) => self.refuse(parts, &refusal, incoming),
        }
    }

    /// Drops metrics, and answers as if they were stored: exporters would otherwise complain for
    /// ever.
    async fn drop_metrics(&self, head: &Head, incoming: Incoming) -> Answer {
        body::discard(incoming, &self.tools.limits).await;
        self.tools.inbox.count(Fact::Metrics, "", 1, (self.clock)());
        let encoding = head.encoding.unwrap_or(Encoding::Json);
        respond::taken(encoding, answer::success(encoding))
    }

    /// Stores a request, and returns the body of the answer once everything is safe on disk.
    async fn store(
        self: &Arc<Self>,
        head: Head,
        body: Body,
    ) -> Result<(Encoding, Vec<u8>), Refusal> {
        let Worked {
            delivery,
            answer,
            encoding,
            held,
        } = self.work(head, body).await?;
        let ack = self.commit(delivery).await;
        drop(held);
        let (spans, logs) = ack?;
        self.traffic.took(spans, logs);
        Ok((encoding, answer))
    }

    async fn work(self: &Arc<Self>, head: Head, body: Body) -> Result<Worked, Refusal> {
        let size = match head.compression {
            Compression::None => body.bytes.len(),
            Compression::Gzip | Compression::Deflate => body.bytes.len().saturating_mul(RATIO),
        };
        let internal = || Refusal::new(Reason::Internal, "internal error; try again");
        // Large requests wait for each other, small ones for no large one.
        let slots = if size > LARGE {
            &self.large
        } else {
            &self.slots
        };
        let slot = Arc::clone(slots).acquire_owned().await;
        let slot = slot.map_err(|_| internal())?;
        let service = Arc::clone(self);
        let now = (self.clock)();
        let worked = spawn_blocking(move || {
            let worked = work(&service.tools, &head, body, now);
            drop(slot);
            worked
        });
        worked.await.map_err(|_| internal())?
    }

    /// Stores a delivery in parts, and returns the numbers of new spans and log records.
    async fn commit(&self, delivery: Delivery) -> Result<(u64, u64), Refusal> {
        let (mut spans, mut logs) = (0, 0);
        for part in delivery.parts() {
            let (answer, stored) = oneshot::channel();
            self.tools.inbox.submit(part, move |stored| {
                // The client may be gone.
                drop(answer.send(stored));
            });
            let closed = |_| Refusal::new(Reason::Storing, "the receiver stops; try again");
            let stored = stored.await.map_err(closed)?;
            self.traffic.stored(&stored);
            let ack = stored.map_err(|error| Refusal::not_stored(&error))?;
            spans += ack.spans;
            logs += ack.logs;
        }
        Ok((spans, logs))
    }

    fn refuse(self: &Arc<Self>, parts: &Parts, refusal: &Refusal, incoming: Incoming) -> Answer {
        self.count(refusal.reason);
        let answer = respond::refused(parts, refusal);
        match refusal.reason {
            Reason::SlowBody | Reason::GaveWay | Reason::CutBody => respond::last(answer),
            // A client that expects `100 Continue` sends no body before it reads the answer.
            _ if body::is_done(&incoming) || parts.headers.contains_key(EXPECT) => answer,
            _ => {
                let service = Arc::clone(self);
                let rest = async move { body::discard(incoming, &service.tools.limits).await };
                drop(tokio::spawn(rest));
                answer
            }
        }
    }

    fn count(&self, reason: Reason) {
        self.traffic.refused();
        let now = (self.clock)();
        self.tools.inbox.count(Fact::Refused, reason.name(), 1, now);
    }
}
