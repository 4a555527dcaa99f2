//! Reading bodies, with a limit for each and a budget for all.

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

/// The budget of bytes that all bodies share.
#[derive(Debug, Clone)]
pub(super) struct Budget(Arc<Semaphore>);

/// Bytes of the budget that a request holds until this is dropped.
#[derive(Debug)]
pub(super) struct Held {
    budget: Budget,
    permit: Option<OwnedSemaphorePermit>,
    bytes: usize,
}

/// A body that was received completely.
#[derive(Debug)]
pub(super) struct Body {
    pub(super) bytes: Vec<u8>,
    pub(super) held: Held,
}

/// Bytes of the budget to take at a time.
const STEP: usize = 64 << 10;
/// Bytes of memory to reserve before a body arrives: the stated length is only a promise.
const TRUSTED: usize = 1 << 20;
/// Time to wait for the memory of an aborted body.
const GIVEN_BACK: Duration = Duration::from_millis(200);
/// Time to read the rest of a refused client's body. Otherwise its writing fails before it reads
/// the answer.
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

    /// Takes bytes from the budget until this many are held.
    pub(super) fn grow_to(&mut self, bytes: usize) -> Result<(), Refusal> {
        let Some(more) = self.missing(bytes) else {
            return Ok(());
        };
        let budget = Arc::clone(&self.budget.0);
        let permit = budget.try_acquire_many_owned(more?);
        self.add(permit.map_err(|_| full())?);
        Ok(())
    }

    /// Like `grow_to`, for a body that is being received: stalled bodies are aborted to make room.
    async fn grow_or_wait(&mut self, bytes: usize, coming: &Coming) -> Result<(), Refusal> {
        while self.grow_to(bytes).is_err() {
            let Some(more) = self.missing(bytes).transpose()? else {
                break;
            };
            if !coming.bodies().close_stalled() {
                return Err(full());
            }
            let budget = Arc::clone(&self.budget.0);
            // The aborted body returns its bytes once its answer is ready. They may be too few.
            if let Ok(Ok(permit)) = timeout(GIVEN_BACK, budget.acquire_many_owned(more)).await {
                self.add(permit);
            }
        }
        Ok(())
    }

    /// Number of bytes to take from the budget to hold this many; `None` if they are held already.
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

/// Reads the body of a request, with or without a stated length.
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
        // Trailers are ignored.
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

/// Reads and discards the rest of a body.
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
    // A slower client has had time to read the answer.
    drop(timeout(DISCARD, all).await);
}

/// Whether there is nothing to read.
pub(super) fn is_done(incoming: &Incoming) -> bool {
    incoming.is_end_stream()
}
