//! Finds a few bytes in a text that is not long.
//!
//! A general searcher for several bytes is made anew for every text, which costs more than looking
//! through the line or the value that is all there is to look through.

use super::work;

/// Bytes that are compared at once.
pub(super) const AT_ONCE: usize = 16;

/// Where `needle` first stands in `text`.
pub(super) fn find(text: &[u8], needle: &[u8]) -> Option<usize> {
    work::add(1 + text.len() / AT_ONCE);
    memchr::memchr_iter(needle[0], text).find(|at| text[*at..].starts_with(needle))
}

/// Where `needle` last stands in `text`.
pub(super) fn rfind(text: &[u8], needle: &[u8]) -> Option<usize> {
    work::add(1 + text.len() / AT_ONCE);
    memchr::memrchr_iter(needle[0], text).find(|at| text[*at..].starts_with(needle))
}

/// Whether `needle` stands anywhere in `text`.
pub(super) fn contains(text: &[u8], needle: &[u8]) -> bool {
    find(text, needle).is_some()
}

/// Whether `word`, which is in small letters, stands anywhere in `text`, in any case.
pub(super) fn contains_word(text: &[u8], word: &[u8]) -> bool {
    work::add(1 + text.len() / AT_ONCE);
    memchr::memchr2_iter(word[0], word[0].to_ascii_uppercase(), text).any(|at| {
        text.get(at..at + word.len())
            .is_some_and(|it| it.eq_ignore_ascii_case(word))
    })
}

/// The position after a literal that stands at `at`.
pub(super) fn past(text: &[u8], at: usize, literal: &str) -> Option<usize> {
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
