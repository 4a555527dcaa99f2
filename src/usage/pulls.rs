//! The pull requests of each branch.

use std::collections::{BTreeSet, HashMap};

use super::session::{Record, SessionUsage};

/// Branches that pull requests are merged into. Pull requests of one session there say nothing
/// about those of another.
const SHARED: [&str; 5] = ["main", "master", "trunk", "develop", "HEAD"];

/// Pull requests by project and branch, over all sessions.
#[derive(Debug, Default)]
pub(super) struct PullRequests<'a>(HashMap<Place<'a>, BTreeSet<&'a str>>);

/// A project and branch; for a shared branch, the session too.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Place<'a> {
    project: Option<&'a str>,
    branch: Option<&'a str>,
    session: Option<usize>,
}

impl<'a> Place<'a> {
    fn of(session: usize, usage: &'a SessionUsage, branch: Option<&'a str>) -> Self {
        let is_shared = branch.is_none_or(|branch| SHARED.contains(&branch));
        Self {
            project: usage.project(),
            branch,
            session: is_shared.then_some(session),
        }
    }
}

impl<'a> PullRequests<'a> {
    /// Adds the pull requests of a session: each to the branch on which a tool named it, or else to
    /// the branch on which the turn began.
    pub(super) fn add(&mut self, session: usize, usage: &'a SessionUsage) {
        let mut named = BTreeSet::new();
        let records = || usage.records();
        for record in records() {
            if let Record::Tools(of, _, tools) = record {
                for address in &tools.pull_requests {
                    named.insert(address.as_str());
                    self.insert(Place::of(session, usage, of.branch.as_deref()), address);
                }
            }
        }
        for record in records() {
            if let Record::Turns(of, turns) = record {
                let linked = turns.pull_requests.iter();
                for address in linked.filter(|it| !named.contains(it.as_str())) {
                    self.insert(Place::of(session, usage, of.branch.as_deref()), address);
                }
            }
        }
    }

    /// The pull requests of a branch.
    pub(super) fn of(
        &self,
        session: usize,
        usage: &'a SessionUsage,
        branch: Option<&'a str>,
    ) -> impl Iterator<Item = &'a str> {
        let found = self.0.get(&Place::of(session, usage, branch));
        found.into_iter().flatten().copied()
    }

    fn insert(&mut self, place: Place<'a>, address: &'a str) {
        self.0.entry(place).or_default().insert(address);
    }
}
