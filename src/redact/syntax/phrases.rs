//! Secrets of several words: seed phrases, and passwords that mail services generate for programs.

use crate::redact::text::separator::{blanks, count};
use crate::redact::values::is_grouped;

/// The end of four groups of four small letters, as mail services generate passwords for programs.
pub(crate) fn four_groups(text: &[u8], from: usize) -> Option<usize> {
    const LENGTH: usize = 19;
    let grouped = text.get(from..from + LENGTH).is_some_and(is_grouped);
    let ends = !text
        .get(from + LENGTH)
        .is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b' ');
    (grouped && ends).then_some(from + LENGTH)
}

/// The end of twelve or more words in small letters, as in seed phrases.
pub(crate) fn many_words(text: &[u8], from: usize) -> Option<usize> {
    const FEWEST: usize = 12;
    const MOST: usize = 24;
    let (mut at, mut end, mut words) = (from, from, 0);
    while words < MOST {
        let word = count(text, at, 9, |byte| byte.is_ascii_lowercase());
        if !(3..=8).contains(&word) {
            break;
        }
        end = at + word;
        words += 1;
        at = end + blanks(text, end, 2);
        if at == end {
            break;
        }
    }
    let goes_on = text.get(at).is_some_and(u8::is_ascii_alphanumeric) && words < MOST;
    (words >= FEWEST && !goes_on).then_some(end)
}
