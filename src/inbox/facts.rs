//! Counts of what happened, for `status` and `doctor`.
//!
//! Counting must cost no write of its own: somebody who sends nonsense would keep the disk busy.
//! Counts are collected in memory and written with the next delivery, or after some seconds.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use super::time::to_millis;

/// A kind of occurrence that is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Fact {
    /// A request was refused. Name: the reason.
    Refused,
    /// Spans or log records of a request could not be taken. Name: the reason.
    LeftOut,
    /// Groups of metrics came, of which nothing is kept.
    Metrics,
    /// Spans or log records came once more, as they were stored.
    Repeated,
    /// Spans came once more with another content, and replaced what was stored.
    Replaced,
    /// `OpenRouter` tested the connection. Name: the route.
    ConnectionTest,
    /// A made-up request of `OpenRouter`, sent by "Send trace", was left out. Name: the route.
    TestRequest,
    /// An application reported requests that it made to `OpenRouter`. Name: the route.
    OwnReport,
    /// A request was left out because its route does not take it. Name: the reason.
    KeptOut,
    /// Traces were removed after they had been mapped.
    Pruned,
    /// Traces were removed for their age before they were mapped: their spans were never sent.
    Expired,
}

/// How often something happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    /// The kind of the event.
    pub fact: Fact,
    /// More exactly; empty where the fact has no kinds.
    pub name: String,
    /// How often.
    pub count: u64,
    /// The last time.
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

    /// Its name on disk.
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

    /// The fact with this name on disk; `None` for one that a newer program counts.
    pub(super) fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == name)
    }
}

/// Counts that were not written yet.
#[derive(Debug, Default)]
pub(super) struct Facts(Mutex<Counts>);

/// Numbers and last times, by fact and name.
pub(super) type Counts = BTreeMap<(Fact, String), (u64, i64)>;

impl Facts {
    pub(super) fn add(&self, fact: Fact, name: &str, count: u64, at: SystemTime) {
        add(&mut self.lock(), fact, name, count, to_millis(at));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// Takes all counts; they are the caller's to write.
    pub(super) fn take(&self) -> Counts {
        std::mem::take(&mut self.lock())
    }

    /// Gives counts back that could not be written.
    pub(super) fn restore(&self, counts: Counts) {
        let mut all = self.lock();
        for ((fact, name), (count, at)) in counts {
            add(&mut all, fact, &name, count, at);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        // Counts are whole at any instruction.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts something.
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
