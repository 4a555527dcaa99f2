//! Counts of items that a reader could not use.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Numbers of items a reader could not use, by kind. They are never an error and always counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Oddities {
    /// Lines, or parts of lines, that are not JSON objects.
    pub malformed_lines: u64,
    /// Lines above the size limit.
    pub oversized_lines: u64,
    /// Lines without a time of their own.
    pub untimed_lines: u64,
    /// Lines of unknown type, by type.
    pub unknown_types: BTreeMap<String, u64>,
    /// Tool results whose call is in no line.
    pub results_without_call: u64,
    /// Responses without the usage that every response should have.
    pub responses_without_usage: u64,
    /// Responses without content. They are in no other count.
    pub responses_without_message: u64,
}

/// Numbers of lines that a reader could not use, or not in full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// Lines, or parts of lines, that are malformed or incomplete.
    pub broken: u64,
    /// Lines of unknown type.
    pub unknown: u64,
    /// Lines above the size limit.
    pub oversized: u64,
    /// Lines without a time of their own, which get that of the line before.
    pub untimed: u64,
}

impl Skipped {
    /// The sum of both.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            broken: self.broken + other.broken,
            unknown: self.unknown + other.unknown,
            oversized: self.oversized + other.oversized,
            untimed: self.untimed + other.untimed,
        }
    }

    /// The difference, at least zero.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self {
            broken: self.broken.saturating_sub(other.broken),
            unknown: self.unknown.saturating_sub(other.unknown),
            oversized: self.oversized.saturating_sub(other.oversized),
            untimed: self.untimed.saturating_sub(other.untimed),
        }
    }
}

impl Oddities {
    /// Adds the counts of another file of the same session.
    pub fn add(&mut self, other: &Self) {
        self.malformed_lines += other.malformed_lines;
        self.oversized_lines += other.oversized_lines;
        self.untimed_lines += other.untimed_lines;
        for (kind, count) in &other.unknown_types {
            *self.unknown_types.entry(kind.clone()).or_default() += count;
        }
        self.results_without_call += other.results_without_call;
        self.responses_without_usage += other.responses_without_usage;
        self.responses_without_message += other.responses_without_message;
    }

    /// The number of lines that are missing from the events, or not complete in them.
    #[must_use]
    pub fn skipped(&self) -> Skipped {
        Skipped {
            broken: self.malformed_lines + self.responses_without_message,
            unknown: self.unknown_types.values().sum(),
            oversized: self.oversized_lines,
            untimed: self.untimed_lines,
        }
    }
}
