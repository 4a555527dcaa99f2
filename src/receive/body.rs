//! Reading bodies, with a bound for each and for all.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Bytes, Incoming};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::bodies::{Bodies, Coming};
use super::limits::Limits;
use super::refusal::{Reason, Refusal};

/// Bytes that all bodies together may take.
#[derive(Debug, Clone)]
pub(super) struct Budget(Arc<Semaphore>);

/// Bytes that a request has taken of the budget, until it is dropped.
#[derive(Debug)]
pub(super) struct Held {
    budget: Budget,
    permit: Option<OwnedSemaphorePermit>,
    bytes: usize,
}

/// A body that was received as a whole.
#[derive(Debug)]
pub(super) struct Body {
    pub(super) bytes: Vec<u8>,
    pub(super) held: Held,
}

/// Bytes to take of the budget at a time.
const STEP: usize = 64 << 10;
/// Bytes of memory for a body before any of it came. A length is only a promise.
const TRUSTED: usize = 1 << 20;
/// Time in which a body that gives way gives back its memory.
const GIVEN_BACK: Duration = Duration::from_millis(200);
/// Time to read what a refused client still sends. Without it, its own writing fails before it
/// reads why.
const DISCARD: Duration = Duration::from_secs(5);

impl Budget {
    pub(super) fn new(bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new(bytes.min(Semaphore::MAX_PERMITS))))
    }

    pub(super) fn held(&self) -> Held {
        Held {
            budget: self.clone(),
            permit: None,
            bytes: 0,
        }
    }
}

impl Held {
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Takes as much that it holds this many bytes.
    pub(super) fn grow_to(&mut self, bytes: usize) -> Result<(), Refusal> {
        let Some(more) = self.missing(bytes) else {
            return Ok(());
        };
        let budget = Arc::clone(&self.budget.0);
        let permit = budget.try_acquire_many_owned(more?);
        self.add(permit.map_err(|_| full())?);
        Ok(())
    }

    /// The same for a body that is being received: bodies that have stalled give way to it.
    async fn grow_or_wait(&mut self, bytes: usize, coming: &Coming) -> Result<(), Refusal> {
        while self.grow_to(bytes).is_err() {
            let Some(more) = self.missing(bytes).transpose()? else {
                break;
            };
            if !coming.bodies().close_stalled() {
                return Err(full());
            }
            let budget = Arc::clone(&self.budget.0);
            // It gives back what it holds when its answer is ready. That may be too little.
            if let Ok(Ok(permit)) = timeout(GIVEN_BACK, budget.acquire_many_owned(more)).await {
                self.add(permit);
            }
        }
        Ok(())
    }

    /// How many bytes to take to hold this many; `None` if it does.
    fn missing(&self, bytes: usize) -> Option<Result<u32, Refusal>> {
        let more = bytes.checked_sub(self.bytes).filter(|more| *more > 0)?;
        Some(u32::try_from(more.max(STEP)).map_err(|_| full()))
    }

    fn add(&mut self, permit: OwnedSemaphorePermit) {
        self.bytes += permit.num_permits();
        match &mut self.permit {
            Some(held) => held.merge(permit),
            None => self.permit = Some(permit),
        }
    }
}

fn full() -> Refusal {
    Refusal::new(Reason::Memory, "too much is sent at a time; try again")
}

/// Reads the body of a request, which names its length or does not.
pub(super) async fn receive(
    length: Option<usize>,
    incoming: &mut Incoming,
    limits: &Limits,
    budget: &Budget,
    bodies: &Bodies,
) -> Result<Body, Refusal> {
    let slow = |_| {
        let seconds = limits.body_time.as_secs();
        let message = format!("the body did not come within {seconds} s; try again");
        Refusal::new(Reason::SlowBody, message)
    };
    let coming = bodies.coming();
    let reading = read(length, incoming, limits, budget.held(), &coming);
    let mut reading = pin!(timeout(limits.body_time, reading));
    let mut gives_way = pin!(coming.gives_way());
    poll_fn(|context| match gives_way.as_mut().poll(context) {
        Poll::Ready(()) => Poll::Ready(Err(Refusal::new(
            Reason::GaveWay,
            "the body came too slowly, and others were waiting; try again",
        ))),
        Poll::Pending => reading
            .as_mut()
            .poll(context)
            .map(|body| body.map_err(slow)?),
    })
    .await
}

async fn read(
    length: Option<usize>,
    incoming: &mut Incoming,
    limits: &Limits,
    mut held: Held,
    coming: &Coming,
) -> Result<Body, Refusal> {
    let mut bytes = Vec::with_capacity(length.unwrap_or(0).min(TRUSTED));
    while let Some(frame) = incoming.frame().await {
        let cut = |_| Refusal::new(Reason::CutBody, "the body broke off");
        // Trailers say nothing.
        let Ok(data) = frame.map_err(cut)?.into_data() else {
            continue;
        };
        if bytes.len() + data.len() > limits.body {
            return Err(Refusal::too_large(limits.body));
        }
        held.grow_or_wait(bytes.len() + data.len(), coming).await?;
        bytes.extend_from_slice(&data);
        coming.has(bytes.len());
    }
    Ok(Body { bytes, held })
}

/// Reads the rest of a body and forgets it.
pub(super) async fn discard(mut incoming: Incoming, limits: &Limits) {
    let mut left = limits.body;
    let all = async {
        while let Some(Ok(frame)) = incoming.frame().await {
            let data = frame.data_ref().map_or(0, Bytes::len);
            match left.checked_sub(data) {
                Some(rest) => left = rest,
                None => return,
            }
        }
    };
    // Whoever is slower than that has had time to read the answer.
    drop(timeout(DISCARD, all).await);
}

/// Whether there is nothing to read.
pub(super) fn is_done(incoming: &Incoming) -> bool {
    incoming.is_end_stream()
}
