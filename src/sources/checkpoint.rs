//! Where a later reading of a session goes on, as all but its source see it.

use crate::session::Agent;

/// The place where a later reading of a session goes on. Its bytes mean something to the source
/// alone that made them.
///
/// A new one holds texts of the session (its title, its first prompt): the only way to bytes that
/// may be kept is [`Checkpoint::into_bytes`], which replaces them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    agent: Agent,
    bytes: Vec<u8>,
}

impl Checkpoint {
    /// One that was kept. Whether it still means anything is decided by the source, when it reads.
    #[must_use]
    pub const fn of_kept(agent: Agent, bytes: Vec<u8>) -> Self {
        Self { agent, bytes }
    }

    pub(super) const fn new(agent: Agent, bytes: Vec<u8>) -> Self {
        Self { agent, bytes }
    }

    pub(super) const fn agent(&self) -> Agent {
        self.agent
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}
