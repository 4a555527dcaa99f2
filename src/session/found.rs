//! Number and tokens of findings.

use serde::{Deserialize, Serialize};

/// Bytes of text for a token, roughly.
pub(super) const BYTES_A_TOKEN: u64 = 4;

/// Number and tokens of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// How often.
    pub count: u64,
    /// Tokens that it cost.
    pub tokens: u64,
}

impl Found {
    pub(super) fn add(&mut self, tokens: u64) {
        self.count += 1;
        self.tokens += tokens;
    }
}
