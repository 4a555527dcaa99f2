//! Search for a few bytes in a short text.
//!
//! `memchr::memmem` prepares a searcher for each call, which costs more than the search of a single
//! line or value.

use super::work;

/// Bytes that the processor compares at once.
pub(crate) const AT_ONCE: usize = 16;

/// The first position of `needle` in `text`.
pub(crate) fn find(text: &[u8], needle: &[u8]) -> Option<usize> {
    work::add(1 + text.len() / AT_ONCE);
    memchr::memchr_iter(needle[0], text).find(|at| text[*at..].starts_with(needle))
}

/// The last position of `needle` in `text`.
pub(crate) fn rfind(text: &[u8], needle: &[u8]) -> Option<usize> {
    work::add(1 + text.len() / AT_ONCE);
    memchr::memrchr_iter(needle[0], text).find(|at| text[*at..].starts_with(needle))
}

/// Whether `text` contains `needle`.
pub(crate) fn contains(text: &[u8], needle: &[u8]) -> bool {
    find(text, needle).is_some()
}

/// Whether `text` contains `word`, in any case. `word` is in small letters.
pub(crate) fn contains_word(text: &[u8], word: &[u8]) -> bool {
    work::add(1 + text.len() / AT_ONCE);
    memchr::memchr2_iter(word[0], word[0].to_ascii_uppercase(), text).any(|at| {
        text.get(at..at + word.len())
            .is_some_and(|it| it.eq_ignore_ascii_case(word))
    })
}

/// The position after `literal`, if `text` has it at `at`.
pub(crate) fn past(text: &[u8], at: usize, literal: &str) -> Option<usize> {
    text[at..]
        .starts_with(literal.as_bytes())
        .then_some(at + literal.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_and_the_last_place_are_found() {
        for (text, needle, first, last) in [
            ("a\\nb\\nc", "\\n", Some(1), Some(4)),
            ("\\\\n", "\\n", Some(1), Some(1)),
            ("----", "---", Some(0), Some(1)),
            ("a = b", " = ", Some(1), Some(1)),
            ("ab", "abc", None, None),
            ("", "a", None, None),
        ] {
            let (bytes, needle) = (text.as_bytes(), needle.as_bytes());
            assert_eq!(find(bytes, needle), first, "{text}");
            assert_eq!(rfind(bytes, needle), last, "{text}");
        }
        assert!(
            contains_word(b"a PassWord", b"password") && !contains_word(b"a passwor", b"password")
        );
    }
}
