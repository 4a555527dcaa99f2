//! Which sessions belong together because one came of another.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// The sessions that a session came from and that it went on in, as far as its lines tell.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lineage {
    /// Ids of the sessions that it was made of.
    pub derived_from: BTreeSet<String>,
    /// Id of the session in which the conversation went on.
    pub continued_in: Option<String>,
}
