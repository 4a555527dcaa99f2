//! Counts of occurrences, for `status` and `doctor`.
//!
//! A count must not cost a write of its own: a client that sends nonsense would keep the disk busy.
//! Counts are collected in memory and written with the next delivery, or after some seconds.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use super::time::to_millis;

/// A kind of occurrence that is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Fact {
    /// A request was refused; the name is the reason.
    Refused,
    /// Spans or log records of a request were left out; the name is the reason.
    LeftOut,
    /// Groups of metrics arrived, and were dropped.
    Metrics,
    /// Spans or log records arrived again unchanged.
    Repeated,
    /// Spans arrived again with other content, which replaced the stored one.
    Replaced,
    /// `OpenRouter` tested the connection; the name is the route.
    ConnectionTest,
    /// A made-up request of `OpenRouter`'s "Send trace" was left out; the name is the route.
    TestRequest,
    /// An application reported its own requests to `OpenRouter`; the name is the route.
    OwnReport,
    /// A request was left out because its route does not take it; the name is the reason.
    KeptOut,
    /// Traces were removed after they had been mapped.
    Pruned,
    /// Traces were removed for their age before they were mapped: their spans were never sent.
    Expired,
}

/// Number of occurrences of a fact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    /// The kind of occurrence.
    pub fact: Fact,
    /// The kind in more detail; empty for facts without a name.
    pub name: String,
    /// Number of occurrences.
    pub count: u64,
    /// Time of the last occurrence.
    pub last_at: SystemTime,
}

impl Fact {
    const ALL: [Self; 11] = [
        Self::Refused,
        Self::LeftOut,
        Self::Metrics,
        Self::Repeated,
        Self::Replaced,
        Self::ConnectionTest,
        Self::TestRequest,
        Self::OwnReport,
        Self::KeptOut,
        Self::Pruned,
        Self::Expired,
    ];

    /// Name of the fact on disk.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::LeftOut => "left_out",
            Self::Metrics => "metrics",
            Self::Repeated => "repeated",
            Self::Replaced => "replaced",
            Self::ConnectionTest => "connection_test",
            Self::TestRequest => "test_request",
            Self::OwnReport => "own_report",
            Self::KeptOut => "kept_out",
            Self::Pruned => "pruned",
            Self::Expired => "expired",
        }
    }

    /// The fact with this name on disk; `None` for one that only a newer program knows.
    pub(super) fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == name)
    }
}

/// Counts in memory that are not on disk yet.
#[derive(Debug, Default)]
pub(super) struct Facts(Mutex<Counts>);

/// Number and last time (milliseconds since 1970) by fact and name.
pub(super) type Counts = BTreeMap<(Fact, String), (u64, i64)>;

impl Facts {
    pub(super) fn add(&self, fact: Fact, name: &str, count: u64, at: SystemTime) {
        add(&mut self.lock(), fact, name, count, to_millis(at));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// Takes all counts, which the caller has to write.
    pub(super) fn take(&self) -> Counts {
        std::mem::take(&mut self.lock())
    }

    /// Returns counts that could not be written.
    pub(super) fn restore(&self, counts: Counts) {
        let mut all = self.lock();
        for ((fact, name), (count, at)) in counts {
            add(&mut all, fact, &name, count, at);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        // A panic leaves no count half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Adds occurrences to counts.
pub(super) fn add(counts: &mut Counts, fact: Fact, name: &str, count: u64, at: i64) {
    if count > 0 {
        let tally = counts.entry((fact, name.to_owned())).or_default();
        tally.0 += count;
        tally.1 = tally.1.max(at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fact_has_a_name_of_its_own() {
        for fact in Fact::ALL {
            assert_eq!(Fact::of_name(fact.name()), Some(fact));
        }
    }
}
