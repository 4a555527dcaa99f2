//! Reasons for which nothing may be read or sent.

use serde::{Deserialize, Serialize};

/// A reason for which nothing may be read or sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stopped {
    /// The extent of the stop.
    pub(super) scope: StopScope,
    /// The obstacle.
    pub(crate) found: String,
    /// The next step for the user.
    pub(crate) fix: String,
}

/// The extent of a stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum StopScope {
    /// Reading and sending: the user's wishes are unknown.
    Sessions,
    /// Everything: a project moves the user's own folders, so that files found or written there are
    /// not the user's.
    Everything,
}

impl Stopped {
    pub(super) fn sessions(found: String, fix: String) -> Self {
        Self {
            scope: StopScope::Sessions,
            found,
            fix,
        }
    }

    /// The obstacle and the next step, on one line.
    pub(crate) fn reason(&self) -> String {
        format!("{}; {}", self.found, self.fix)
    }
}
