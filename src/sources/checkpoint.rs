//! The place from which a later reading of a session continues, opaque to all but its source.

use crate::session::Agent;

/// The place from which a later reading of a session continues. Only the source that made the bytes
/// understands them.
///
/// A new checkpoint contains texts of the session (its title, its first prompt).
/// [`Checkpoint::into_bytes`], which replaces them, is the only way to bytes that may be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    agent: Agent,
    bytes: Vec<u8>,
}

impl Checkpoint {
    /// A checkpoint that was stored. The source decides, when it reads, whether it is still valid.
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
