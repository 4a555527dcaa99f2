//! Effects of a session on files and repository, incidents, and permissions.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// Changes to files and repository.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Work {
    /// Hashes of commits, as the agent read them.
    pub commits: BTreeSet<String>,
    /// Branches pushed.
    pub pushed_branches: BTreeSet<String>,
    /// URLs of pull requests that were opened, changed or commented on.
    pub pull_requests: BTreeSet<String>,
    /// Number of lines added to files by the agent's own tools.
    pub lines_added: u64,
    /// Number of lines removed by them.
    pub lines_removed: u64,
}

/// Events of a turn other than calls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Incidents {
    /// Number of interruptions of the agent by the user.
    pub interruptions: u64,
    /// Number of compactions of the conversation.
    pub compactions: u64,
    /// URLs of pull requests that the agent linked to the turn.
    pub pull_requests: BTreeSet<String>,
}

/// The decision whether a tool runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// A rule, a mode or a hook; no person was asked.
    Rule,
    /// A person, who agreed.
    Granted,
    /// A person, who refused: the tool did not run.
    Refused,
}

impl Work {
    /// No changes.
    pub const NONE: Self = Self {
        commits: BTreeSet::new(),
        pushed_branches: BTreeSet::new(),
        pull_requests: BTreeSet::new(),
        lines_added: 0,
        lines_removed: 0,
    };

    /// Adds the changes of `other`.
    pub fn add(&mut self, other: &Self) {
        self.commits.extend(other.commits.iter().cloned());
        self.pushed_branches
            .extend(other.pushed_branches.iter().cloned());
        self.pull_requests
            .extend(other.pull_requests.iter().cloned());
        self.lines_added += other.lines_added;
        self.lines_removed += other.lines_removed;
    }

    /// Adds the pull requests of `incidents`.
    pub fn link(&mut self, incidents: &Incidents) {
        self.pull_requests
            .extend(incidents.pull_requests.iter().cloned());
    }
}
