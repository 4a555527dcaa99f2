//! Number and tokens of findings.

use serde::{Deserialize, Serialize};

/// Approximate bytes of text per token.
pub(super) const BYTES_A_TOKEN: u64 = 4;

/// Number and tokens of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// Number of findings.
    pub count: u64,
    /// Tokens spent on them.
    pub tokens: u64,
}

impl Found {
    pub(super) fn add(&mut self, tokens: u64) {
        self.count += 1;
        self.tokens += tokens;
    }
}
