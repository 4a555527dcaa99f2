//! What others have sent already.

use std::collections::HashSet;

use uuid::Uuid;

use super::ids;
use crate::session::{Agent, Generation};

/// The events of a session that another session owns: a fork begins as a copy. They are not sent
/// again.
#[derive(Clone, Debug, Default)]
pub struct Foreign(HashSet<Uuid>);

impl Foreign {
    /// How many they are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether the session owns all of its events, as most do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether an event is another session's.
    #[must_use]
    pub fn contains(&self, event: Uuid) -> bool {
        self.0.contains(&event)
    }

    /// Whether a call is another session's.
    #[must_use]
    pub fn has(&self, agent: Agent, generation: &Generation) -> bool {
        // An identity is a hash, and is asked for again and again.
        !self.is_empty() && self.contains(ids::generation(agent, &generation.id))
    }
}

impl FromIterator<Uuid> for Foreign {
    fn from_iter<I: IntoIterator<Item = Uuid>>(events: I) -> Self {
        Self(events.into_iter().collect())
    }
}
