//! Relations between sessions that were derived from one another.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// The sessions a session was derived from and continued in, according to its lines.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lineage {
    /// Ids of the sessions it was derived from.
    pub derived_from: BTreeSet<String>,
    /// Id of the session in which the conversation continued.
    pub continued_in: Option<String>,
}
