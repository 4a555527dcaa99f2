//! The events of one request.

use std::borrow::Cow;

use crate::outbox::{Batch, Segment, Waiting};
use crate::posthog::Recording;

/// The events of one request: batches as they are stored, or single events where some of them are
/// shortened, refused or too many.
#[derive(Debug)]
pub(super) enum Load {
    Batches(Vec<Batch>),
    Events(Vec<Parcel>),
}

/// A single event, possibly shortened.
#[derive(Debug)]
pub(super) struct Parcel {
    pub(super) event: Waiting,
    /// Whether the event was already shortened after a refusal for its size. It is not shortened
    /// twice.
    pub(super) clipped: bool,
}

impl Load {
    /// Number of events.
    pub(super) fn events(&self) -> u64 {
        match self {
            Self::Batches(batches) => batches.iter().map(|batch| batch.segment.events).sum(),
            Self::Events(parcels) => parcels.len() as u64,
        }
    }

    /// Their sessions and batches (numbers), and the most content that they may have.
    pub(super) fn contents(&self) -> Vec<(i64, i64, Recording)> {
        let mut contents: Vec<_> = match self {
            Self::Batches(batches) => {
                let of_batch = |batch: &Batch| {
                    let (id, recording) = (batch.id, batch.recording);
                    let sessions = batch.sessions.clone().into_iter();
                    sessions.map(move |session| (session, id, recording))
                };
                batches.iter().flat_map(of_batch).collect()
            }
            Self::Events(parcels) => {
                let events = parcels.iter().map(|parcel| &parcel.event);
                events
                    .map(|event| (event.session, event.batch, event.recording))
                    .collect()
            }
        };
        contents.sort_by_key(|(session, batch, _)| (*session, *batch));
        contents.dedup();
        contents
    }

    /// Size of the events in bytes of JSON.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Batches(batches) => batches.iter().map(|batch| batch.segment.bytes).sum(),
            Self::Events(parcels) => bytes(parcels),
        }
    }

    /// Length of the longest event in bytes of JSON.
    pub(super) fn longest(&self) -> usize {
        let longest = match self {
            Self::Batches(batches) => batches.iter().map(|batch| batch.segment.longest).max(),
            Self::Events(parcels) => parcels.iter().map(|it| it.event.body.len()).max(),
        };
        longest.unwrap_or_default()
    }

    /// The events, compressed.
    pub(super) fn segments(&self) -> Vec<Cow<'_, Segment>> {
        match self {
            Self::Batches(batches) => {
                let segments = batches.iter().map(|batch| Cow::Borrowed(&batch.segment));
                segments.collect()
            }
            Self::Events(parcels) => {
                let events = parcels.iter().map(|parcel| &parcel.event.body[..]);
                vec![Cow::Owned(Segment::pack(events))]
            }
        }
    }
}

/// Splits events into two loads of about equal size in bytes, the older events first, each with at
/// least one.
pub(super) fn halves(mut parcels: Vec<Parcel>) -> [Load; 2] {
    let half = bytes(&parcels) / 2;
    let mut sum = 0;
    let middle = parcels
        .iter()
        .position(|parcel| {
            sum += parcel.event.body.len();
            sum > half
        })
        .unwrap_or(0)
        .clamp(1, parcels.len().saturating_sub(1).max(1));
    let newer = parcels.split_off(middle.min(parcels.len()));
    [Load::Events(parcels), Load::Events(newer)]
}

fn bytes(parcels: &[Parcel]) -> usize {
    parcels.iter().map(|parcel| parcel.event.body.len()).sum()
}
