//! Repetitions in a text, in which every anchor has the same result.
//!
//! Looking around an anchor costs as much as reading a hundred bytes, which hostile text of nothing
//! but anchors could exploit. An anchor is skipped if it and its surroundings equal an earlier one
//! that led to no secret.

use super::work;

/// Bytes before an anchor that a detector reads at most.
const BEFORE: usize = 1024;
/// Bytes behind an anchor that are compared. A detector that reads farther reports it, and its
/// result is not reused.
const BEHIND: usize = 9 << 10;
/// Bytes of the longest repeated part that is recognised.
const LONGEST_PERIOD: usize = 1024;
/// Bytes compared at once.
const STEP: usize = 64;
const SLOTS: usize = 16;

/// The repetition at the current position of a scan.
#[derive(Default)]
pub(crate) struct Repetition {
    /// The position at which the scan began or continued.
    floor: usize,
    /// No anchor from here on led to a secret.
    since: usize,
    period: usize,
    /// `from..until` equals the text one period before it.
    from: usize,
    until: usize,
    /// The repetition ends at `until`.
    ends: bool,
    /// The last position of an anchor, by one of its bytes.
    last: [usize; SLOTS],
}

impl Repetition {
    /// Starts at `from`, or continues there.
    pub(crate) const fn restart(&mut self, from: usize) {
        self.floor = from;
        self.since = from;
    }

    /// Forgets the results up to the anchor at `at`, since the last one was incomplete.
    pub(crate) const fn forget(&mut self, at: usize) {
        self.since = at + 1;
    }

    /// Whether a detector that read up to `reached` depends on text that is not compared.
    pub(crate) const fn is_beyond(at: usize, reached: usize) -> bool {
        reached > at + BEHIND
    }

    /// Whether the anchor at `at` and its surroundings equal an earlier one that led to no secret.
    pub(crate) fn covers(&mut self, text: &[u8], at: usize) -> bool {
        if at + BEHIND > text.len() {
            return false;
        }
        let slot = usize::from(text[at + 2]) % SLOTS;
        let last = std::mem::replace(&mut self.last[slot], at);
        if at > self.until {
            let period = at.wrapping_sub(last);
            if !(1..=LONGEST_PERIOD).contains(&period) || at < self.floor + period + BEFORE {
                return false;
            }
            self.period = period;
            (self.from, self.until, self.ends) = (at - BEFORE, at - BEFORE, false);
        }
        at >= self.since + self.period
            && at >= self.floor + self.period + BEFORE
            && at >= self.from + BEFORE
            && self.goes_on(text, at + BEHIND)
    }

    /// Whether the repetition continues up to `to`.
    fn goes_on(&mut self, text: &[u8], to: usize) -> bool {
        while self.until < to && !self.ends {
            let end = to.min(self.until + STEP);
            let before = &text[self.until - self.period..end - self.period];
            work::add(STEP / super::find::AT_ONCE);
            if text[self.until..end] == *before {
                self.until = end;
            } else {
                self.ends = true;
            }
        }
        self.until >= to
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The positions of `anchor` that are covered.
    fn covered(text: &str, anchor: &str) -> Vec<usize> {
        let mut repetition = Repetition::default();
        text.match_indices(anchor)
            .map(|(at, _)| at)
            .filter(|at| repetition.covers(text.as_bytes(), *at))
            .collect()
    }

    #[test]
    fn a_repetition_is_covered_except_its_beginning_and_end() {
        let text = "token: ".repeat(4000);
        let covered = covered(&text, "token");
        let expected: Vec<_> = (0..text.len())
            .step_by(7)
            .filter(|at| *at >= BEFORE + 7 && at + BEHIND <= text.len())
            .collect();
        assert_eq!(covered, expected);
    }

    #[test]
    fn no_anchor_is_covered_near_what_is_different() {
        let half = "token: ".repeat(3000);
        let other = format!("{half}1{half}");
        for at in covered(&other, "token") {
            let near = at - BEFORE..at + BEHIND;
            assert!(!near.contains(&half.len()), "{at}");
        }
    }

    #[test]
    fn skipped_anchors_are_not_relied_on() {
        let text = "token: ".repeat(4000);
        let mut repetition = Repetition::default();
        for at in (0..2800).step_by(7) {
            repetition.covers(text.as_bytes(), at);
        }
        assert!(repetition.covers(text.as_bytes(), 2800));
        repetition.forget(2800);
        assert!(!repetition.covers(text.as_bytes(), 2807));
        assert!(repetition.covers(text.as_bytes(), 2814));
        repetition.restart(2815);
        assert!(!repetition.covers(text.as_bytes(), 2821));
    }
}
