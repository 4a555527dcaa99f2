//! Counts of data that could not be read.

use std::collections::BTreeMap;
use std::fmt;

/// Losses of a request of which the rest was kept.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Losses {
    /// Rejected spans, by reason.
    pub spans: Rejected,
    /// Rejected log records, by reason.
    pub logs: Rejected,
    /// Fields whose values are of an unexpected type. They count as missing.
    pub unreadable_fields: u64,
    /// Number of values nested deeper than [`MAX_DEPTH`](super::MAX_DEPTH), which were dropped.
    pub cut_values: u64,
    /// Number of spans whose missing or invalid ids were replaced by stable ones.
    pub replaced_ids: u64,
    /// Number of groups of metrics, which this program does not use.
    pub metrics: u64,
}

/// Numbers of rejected spans or log records, by reason.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rejected(BTreeMap<Rejection, u64>);

/// Why a span or log record was rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Rejection {
    /// It is not an object, or its bytes do not follow the format.
    Malformed,
    /// It has neither ids, name, times nor content.
    Empty,
    /// The request would take more than [`Limits::memory`](super::Limits::memory).
    TooLarge,
}

impl fmt::Display for Rejection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Malformed => "malformed",
            Self::Empty => "empty",
            Self::TooLarge => "too large",
        })
    }
}

impl Rejected {
    /// Number for all reasons.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.values().sum()
    }

    /// Number for this reason.
    #[must_use]
    pub fn count(&self, reason: Rejection) -> u64 {
        self.0.get(&reason).copied().unwrap_or(0)
    }

    pub(super) fn add(&mut self, reason: Rejection) {
        *self.0.entry(reason).or_default() += 1;
    }

    fn merge(&mut self, other: &Self) {
        for (reason, count) in &other.0 {
            *self.0.entry(*reason).or_default() += count;
        }
    }
}

/// The reasons with their counts, such as `2 malformed, 1 too large`.
impl fmt::Display for Rejected {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (reason, count) in &self.0 {
            write!(formatter, "{separator}{count} {reason}")?;
            separator = ", ";
        }
        Ok(())
    }
}

impl Losses {
    /// Adds the losses of another request.
    pub fn merge(&mut self, other: &Self) {
        let Self {
            spans,
            logs,
            unreadable_fields,
            cut_values,
            replaced_ids,
            metrics,
        } = other;
        self.spans.merge(spans);
        self.logs.merge(logs);
        self.unreadable_fields += unreadable_fields;
        self.cut_values += cut_values;
        self.replaced_ids += replaced_ids;
        self.metrics += metrics;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_add_up_and_name_their_reasons() {
        let mut total = Losses::default();
        let mut one = Losses {
            cut_values: 2,
            ..Losses::default()
        };
        one.spans.add(Rejection::TooLarge);
        one.spans.add(Rejection::Malformed);
        total.merge(&one);
        total.merge(&one);
        assert_eq!(total.spans.to_string(), "2 malformed, 2 too large");
        assert_eq!((total.spans.total(), total.cut_values), (4, 4));
        assert_eq!(total.spans.count(Rejection::Empty), 0);
        assert_eq!(total.logs.to_string(), "");
    }
}
