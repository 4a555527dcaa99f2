//! The result of a drain.

use super::Reasons;
use crate::outbox::Dropped;

/// The result of a drain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Drained {
    /// Events accepted by the server.
    pub sent: u64,
    /// Events parked because the server will never accept them.
    pub parked: u64,
    /// Events dropped by the limits of the outbox.
    pub dropped: Dropped,
    /// Events still waiting, for all destinations.
    pub waiting: u64,
    /// Another process was sending to one of the destinations during the whole drain.
    pub busy: bool,
    /// The id of that process, where it is known.
    pub sender: Option<u32>,
    /// A project is over its quota: PostHog accepted the events but may have dropped them.
    pub quota_limited: bool,
    /// A destination failed in a way that may pass at any moment: the drain is worth repeating when
    /// its pause is over.
    pub may_pass: bool,
    /// Reasons why the events of sessions wait until the user's decision is clear.
    pub held: Reasons,
    /// The last error.
    pub last_error: Option<String>,
}

impl Drained {
    /// The result of this drain and a later one.
    #[must_use]
    pub fn and(self, later: Self) -> Self {
        Self {
            sent: self.sent + later.sent,
            parked: self.parked + later.parked,
            dropped: Dropped {
                by_age: self.dropped.by_age + later.dropped.by_age,
                by_size: self.dropped.by_size + later.dropped.by_size,
            },
            busy: self.busy || later.busy,
            sender: later.sender.or(self.sender),
            quota_limited: self.quota_limited || later.quota_limited,
            may_pass: self.may_pass || later.may_pass,
            last_error: self.last_error.or(later.last_error),
            held: self.held.into_iter().chain(later.held).collect(),
            waiting: later.waiting,
        }
    }
}
