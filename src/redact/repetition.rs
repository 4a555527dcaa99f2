//! Text that repeats itself, where what an anchor gives away is the same every time.
//!
//! Looking around an anchor costs as much as reading a hundred bytes. A text of nothing but anchors
//! is therefore looked into once: where an anchor and what surrounds it are the same as shortly
//! before, and that gave nothing away, this does not either.

use super::work;

/// How far before an anchor any look goes.
const BEFORE: usize = 1024;
/// How far behind an anchor a look goes; what goes farther says so and is not relied on.
const BEHIND: usize = 9 << 10;
/// What repeats itself less often is looked into every time.
const LONGEST_PERIOD: usize = 1024;
/// Bytes that are compared together.
const STEP: usize = 64;
const SLOTS: usize = 16;

/// What is known of how a text repeats itself, as a scan goes from left to right.
#[derive(Default)]
pub(super) struct Repetition {
    /// Nothing before is part of what is scanned for.
    floor: usize,
    /// Every anchor from here on gave nothing away.
    since: usize,
    period: usize,
    /// `from..until` is the same as what stands one period before.
    from: usize,
    until: usize,
    /// What follows `until` is not.
    ends: bool,
    /// Where anchors stood last, by one of their bytes.
    last: [usize; SLOTS],
}

impl Repetition {
    /// The scan begins, or goes on, at `from`.
    pub(super) const fn restart(&mut self, from: usize) {
        self.floor = from;
        self.since = from;
    }

    /// What is known of the anchor at `at` is not all that there may be.
    pub(super) const fn forget(&mut self, at: usize) {
        self.since = at + 1;
    }

    /// Whether a look that reached so far depends on more than what is compared.
    pub(super) const fn is_beyond(at: usize, reached: usize) -> bool {
        reached > at + BEHIND
    }

    /// Whether the anchor at `at`, with all around it, is one that gave nothing away.
    pub(super) fn covers(&mut self, text: &[u8], at: usize) -> bool {
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

    /// Whether the text repeats itself as far as `to`.
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

    /// Which of the places where `anchor` stands are covered.
    fn covered(text: &str, anchor: &str) -> Vec<usize> {
        let mut repetition = Repetition::default();
        text.match_indices(anchor)
            .map(|(at, _)| at)
            .filter(|at| repetition.covers(text.as_bytes(), *at))
            .collect()
    }

    #[test]
    fn what_repeats_itself_is_covered_but_for_its_beginning_and_its_end() {
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
    fn nothing_is_relied_on_that_was_not_looked_at() {
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
