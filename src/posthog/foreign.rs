//! Events that another session already sent.

use std::collections::HashSet;

use uuid::Uuid;

use super::ids;
use crate::session::{Agent, Generation};

/// The events of a session that another session owns, since a fork begins as a copy. They are not
/// sent again.
#[derive(Clone, Debug, Default)]
pub struct Foreign(HashSet<Uuid>);

impl Foreign {
    /// These events and others.
    #[must_use]
    pub fn and(mut self, others: impl IntoIterator<Item = Uuid>) -> Self {
        self.0.extend(others);
        self
    }

    /// The number of these events.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether the session owns all of its events, as most do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether an event belongs to another session.
    #[must_use]
    pub fn contains(&self, event: Uuid) -> bool {
        self.0.contains(&event)
    }

    /// Whether a generation belongs to another session.
    #[must_use]
    pub fn has(&self, agent: Agent, generation: &Generation) -> bool {
        // Identities are hashes and computed often, so the empty case skips them.
        !self.is_empty()
            && (self.contains(ids::call(agent, generation))
                || ids::requested(generation).is_some_and(|it| self.contains(it))
                || ids::reported(agent, generation).any(|it| self.contains(it))
                || self.is_reported_elsewhere(agent, generation))
    }

    /// Whether another source also reports the call, and so the tools that it asked for: a
    /// transcript the call of a trace, a trace the call of a transcript, or OpenRouter the call of
    /// an agent.
    #[must_use]
    pub fn is_reported_elsewhere(&self, agent: Agent, generation: &Generation) -> bool {
        let mut reports = ids::elsewhere(agent, generation);
        !self.is_empty() && reports.any(|event| self.contains(event))
    }
}

impl FromIterator<Uuid> for Foreign {
    fn from_iter<I: IntoIterator<Item = Uuid>>(events: I) -> Self {
        Self(events.into_iter().collect())
    }
}
