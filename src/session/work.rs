//! What was done in a session besides talking: to files, to the repository, to be allowed to.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::{ToolCall, Turn};

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

/// Who allowed a tool to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// A rule or a mode did; nobody was asked.
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

impl ToolCall {
    /// How long the tool itself took: as it was measured, else from its call to its result,
    /// which may include waiting.
    #[must_use]
    pub fn time(&self) -> TimeDelta {
        match &self.result {
            Some(result) if result.permission == Some(Permission::Refused) => TimeDelta::zero(),
            Some(_) => self.measured().unwrap_or_else(|| self.whole_time()),
            None => TimeDelta::zero(),
        }
    }

    /// How long a person was waited for, where it can be told from the tool's own time.
    #[must_use]
    pub fn permission_wait(&self) -> Option<TimeDelta> {
        match self.result.as_ref()?.permission? {
            Permission::Rule => Some(TimeDelta::zero()),
            Permission::Granted => {
                Some((self.whole_time() - self.measured()?).max(TimeDelta::zero()))
            }
            Permission::Refused => Some(self.whole_time()),
        }
    }

    /// From the call to its result.
    fn whole_time(&self) -> TimeDelta {
        let returned_at = self.result.as_ref().map(|result| result.returned_at);
        (returned_at.unwrap_or(self.called_at) - self.called_at).max(TimeDelta::zero())
    }

    fn measured(&self) -> Option<TimeDelta> {
        let milliseconds = self.result.as_ref()?.duration_ms?;
        TimeDelta::try_milliseconds(i64::try_from(milliseconds).ok()?)
    }
}
