//! What was done in a session besides talking: to files, to the repository, to be allowed to.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::Turn;

/// What became of the repository.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Work {
    /// Commits that were made, by the hash as the agent read it.
    pub commits: BTreeSet<String>,
    /// Branches that were pushed.
    pub pushed_branches: BTreeSet<String>,
    /// Addresses of pull requests that were opened, changed or commented on.
    pub pull_requests: BTreeSet<String>,
    /// Lines that the agent's own tools added to files.
    pub lines_added: u64,
    /// Lines that they removed.
    pub lines_removed: u64,
}

/// What happened in a turn between the calls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Incidents {
    /// How often the user stopped the agent.
    pub interruptions: u64,
    /// How often the conversation was compacted.
    pub compactions: u64,
    /// Addresses of pull requests that the agent linked to what was being done.
    pub pull_requests: BTreeSet<String>,
}

/// Who decided whether a tool runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// A rule, a mode or a hook did; nobody was asked.
    Rule,
    /// A person was asked and agreed.
    Granted,
    /// A person was asked and did not agree: the tool did not run.
    Refused,
}

impl Work {
    /// Nothing was done.
    pub const NONE: Self = Self {
        commits: BTreeSet::new(),
        pushed_branches: BTreeSet::new(),
        pull_requests: BTreeSet::new(),
        lines_added: 0,
        lines_removed: 0,
    };

    /// Both together.
    pub fn add(&mut self, other: &Self) {
        self.commits.extend(other.commits.iter().cloned());
        self.pushed_branches
            .extend(other.pushed_branches.iter().cloned());
        self.pull_requests
            .extend(other.pull_requests.iter().cloned());
        self.lines_added += other.lines_added;
        self.lines_removed += other.lines_removed;
    }

    /// Takes over the pull requests.
    pub fn link(&mut self, incidents: &Incidents) {
        self.pull_requests
            .extend(incidents.pull_requests.iter().cloned());
    }
}

impl Turn {
    /// What the turn's tools did, those of its subagents included.
    #[must_use]
    pub fn work(&self) -> Work {
        let mut work = Work::default();
        work.link(&self.incidents);
        for generation in self.all_generations() {
            for result in generation
                .tool_calls()
                .filter_map(|call| call.result.as_ref())
            {
                work.add(&result.work);
            }
        }
        work
    }
}
