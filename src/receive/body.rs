//! Reading bodies, with a bound for each and for all.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Bytes, Incoming};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

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
        let more = bytes.saturating_sub(self.bytes);
        if more == 0 {
            return Ok(());
        }
        let more = more.max(STEP);
        let full = || Refusal::new(Reason::Memory, "too much is sent at a time; try again");
        let count = u32::try_from(more).map_err(|_| full())?;
        let budget = Arc::clone(&self.budget.0);
        let permit = budget.try_acquire_many_owned(count).map_err(|_| full())?;
        match &mut self.permit {
            Some(held) => held.merge(permit),
            None => self.permit = Some(permit),
        }
        self.bytes += more;
        Ok(())
    }
}

/// Reads the body of a request, which names its length or does not.
pub(super) async fn receive(
    length: Option<usize>,
    incoming: &mut Incoming,
    limits: &Limits,
    budget: &Budget,
) -> Result<Body, Refusal> {
    let slow = |_| {
        let seconds = limits.body_time.as_secs();
        let message = format!("the body did not come within {seconds} s");
        Refusal::new(Reason::SlowBody, message)
    };
    let reading = read(length, incoming, limits, budget.held());
    timeout(limits.body_time, reading).await.map_err(slow)?
}

async fn read(
    length: Option<usize>,
    incoming: &mut Incoming,
    limits: &Limits,
    mut held: Held,
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
        held.grow_to(bytes.len() + data.len())?;
        bytes.extend_from_slice(&data);
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
