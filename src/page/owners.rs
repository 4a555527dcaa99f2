//! The session that each call counts for. A fork begins as a copy of its original, and both are
//! read, in any order.
//!
//! As in `report` and `ingest`, the session that began first owns an event. A session that is read
//! before its original owns the events until then, and is read again.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::posthog::{self, Foreign};
use crate::session::{Agent, Session};

/// The owners of events, over all sessions read so far.
#[derive(Default)]
pub(super) struct Owners(Mutex<Known>);

#[derive(Default)]
struct Known {
    /// Index of the owning session, by event.
    owners: HashMap<Uuid, u32>,
    sessions: Vec<(String, Rank)>,
    numbers: HashMap<String, u32>,
}

/// The order of sessions: transcripts before traces, which may report the same calls with less;
/// then by start.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank(bool, Option<DateTime<Utc>>, SystemTime, Option<PathBuf>);

/// A session that claims events.
pub(super) struct Claimant<'a> {
    owners: &'a Owners,
    number: u32,
    /// Keys of sessions that have lost events to this one.
    deprived: Mutex<BTreeSet<String>>,
}

impl Rank {
    /// The rank of a session by its start, its last write and its first path.
    pub(super) const fn of(
        agent: Agent,
        started_at: Option<DateTime<Utc>>,
        modified: SystemTime,
        path: Option<PathBuf>,
    ) -> Self {
        Self(matches!(agent, Agent::Otlp), started_at, modified, path)
    }
}

impl Owners {
    pub(super) fn claimant(&self, key: &str, rank: Rank) -> Claimant<'_> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let number = known.numbers.get(key).copied().unwrap_or_else(|| {
            let next = u32::try_from(known.sessions.len()).unwrap_or(u32::MAX);
            known.sessions.push((key.to_owned(), rank.clone()));
            known.numbers.insert(key.to_owned(), next);
            next
        });
        if let Some((_, known)) = known.sessions.get_mut(number as usize) {
            *known = rank;
        }
        drop(known);
        Claimant {
            owners: self,
            number,
            deprived: Mutex::default(),
        }
    }
}

impl Claimant<'_> {
    /// Claims the events of a session, except those that belong to another session in the outbox.
    /// Returns all events that belong to other sessions.
    pub(super) fn claim(&self, session: &Session, foreign: Foreign) -> Foreign {
        let mut known = self.owners.0.lock().unwrap_or_else(PoisonError::into_inner);
        let elsewhere: HashSet<Uuid> = posthog::elsewhere(session).into_iter().collect();
        let mut others: Vec<Uuid> = Vec::new();
        for event in posthog::claims(session)
            .into_iter()
            .chain(elsewhere.iter().copied())
        {
            if foreign.contains(event) {
                continue;
            }
            let owner = known.owners.get(&event).copied();
            match owner {
                Some(owner) if owner == self.number => {}
                Some(owner) if known.rank(owner) < known.rank(self.number) => others.push(event),
                // A second report of the call belongs to the other session itself.
                None if elsewhere.contains(&event) => {}
                owner => {
                    known.owners.insert(event, self.number);
                    if let Some((key, _)) = owner.and_then(|it| known.sessions.get(it as usize)) {
                        let mut deprived =
                            self.deprived.lock().unwrap_or_else(PoisonError::into_inner);
                        deprived.insert(key.clone());
                    }
                }
            }
        }
        for (event, alias) in posthog::aliases(session) {
            if known.owners.get(&event) == Some(&self.number) {
                known.owners.entry(alias).or_insert(self.number);
            }
        }
        foreign.and(others)
    }

    /// The sessions to read again, because they lost events.
    pub(super) fn deprived(self) -> BTreeSet<String> {
        self.deprived
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn rank(&self, number: u32) -> Option<&Rank> {
        self.sessions.get(number as usize).map(|(_, rank)| rank)
    }
}
