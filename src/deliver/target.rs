//! The way to a destination: its address and lane, and its answers during this drain.

use crate::transport::{Endpoint, Lane};

/// A destination, with the answers it gave during this drain.
pub(super) struct Target {
    pub(super) endpoint: Endpoint,
    pub(super) lane: Lane,
    /// The AI lane was missing, and the other lane has not accepted anything yet.
    pub(super) detour: bool,
    pub(super) max_bytes: usize,
    /// The destination accepted a batch during this drain.
    pub(super) proved: bool,
    /// The number of changes of waiting events at the time of the last claim.
    pub(super) changes: u64,
}

/// The lane to use: the one known to exist, otherwise the first to try. It determines the maximum
/// size of an event.
#[must_use]
pub fn lane(endpoint: &Endpoint, has_ai_lane: Option<bool>) -> Lane {
    match has_ai_lane {
        None => endpoint.first_lane(),
        Some(true) => Lane::Ai,
        Some(false) => Lane::Batch,
    }
}
