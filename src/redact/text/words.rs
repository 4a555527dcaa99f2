//! Lists of words, and their search in one pass over a value.

use super::work;

/// Largest number of words in a list.
const MOST: usize = 128;

/// Words of at least one byte. If case does not matter, they are in small letters.
pub(crate) struct Words {
    all: &'static [&'static [u8]],
    /// For each byte, one more than the index of the first word that begins with it.
    first: [u8; 256],
    /// For each word, one more than the index of the next word with the same first byte.
    next: [u8; MOST],
    /// For each word, one bit for each value of the last five bits of the second bytes of it and of
    /// the words chained to it. Capital and small letters share these bits.
    second: [u32; MOST],
    any_case: bool,
}

impl Words {
    /// A list of words in any case.
    pub(crate) const fn of_any_case(words: &'static [&'static [u8]]) -> Self {
        Self::new(words, true)
    }

    /// A list of words in the given case.
    pub(crate) const fn exact(words: &'static [&'static [u8]]) -> Self {
        Self::new(words, false)
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "an index of `next` is below 128, or building the list fails"
    )]
    const fn new(words: &'static [&'static [u8]], any_case: bool) -> Self {
        let (mut first, mut next, mut second) = ([0; 256], [0; MOST], [0; MOST]);
        let mut index = words.len();
        while index > 0 {
            index -= 1;
            let byte = words[index][0];
            next[index] = first[byte as usize];
            second[index] = match words[index] {
                [_, byte, ..] => second_bit(*byte),
                _ => u32::MAX,
            };
            if next[index] > 0 {
                second[index] |= second[next[index] as usize - 1];
            }
            first[byte as usize] = index as u8 + 1;
            if any_case {
                first[byte.to_ascii_uppercase() as usize] = first[byte as usize];
            }
        }
        Self {
            all: words,
            first,
            next,
            second,
            any_case,
        }
    }

    /// Whether `text` contains one of the words.
    pub(crate) fn stand_in(&self, text: &[u8]) -> bool {
        work::add(text.len());
        (0..text.len()).any(|at| self.may_begin(&text[at..]) && self.begin(&text[at..]))
    }

    /// Whether a word may begin with the first two bytes of `text`. Most do not.
    #[inline]
    fn may_begin(&self, text: &[u8]) -> bool {
        let first = usize::from(self.first[usize::from(text[0])]);
        first > 0 && self.second[first - 1] & second_bit_of(text) != 0
    }

    /// Whether `text` begins with one of the words.
    pub(crate) fn begin(&self, text: &[u8]) -> bool {
        self.any_beginning(text, |word| word.len() <= text.len())
    }

    /// Whether `text` is one of the words.
    pub(crate) fn contain(&self, text: &[u8]) -> bool {
        self.any_beginning(text, |word| word.len() == text.len())
    }

    /// Whether `text` begins with a word that `fits`.
    fn any_beginning(&self, text: &[u8], fits: impl Fn(&[u8]) -> bool) -> bool {
        let Some(byte) = text.first() else {
            return false;
        };
        work::add(1);
        let mut index = usize::from(self.first[usize::from(*byte)]);
        let second = second_bit_of(text);
        while let Some(found) = index.checked_sub(1)
            && self.second[found] & second != 0
        {
            let word = self.all[found];
            if fits(word) && self.are_equal(word, &text[..word.len()]) {
                return true;
            }
            index = usize::from(self.next[found]);
        }
        false
    }

    fn are_equal(&self, word: &[u8], text: &[u8]) -> bool {
        if self.any_case {
            text.eq_ignore_ascii_case(word)
        } else {
            text == word
        }
    }
}

/// The bit of the second byte; all bits if there is none.
fn second_bit_of(text: &[u8]) -> u32 {
    text.get(1).map_or(u32::MAX, |byte| second_bit(*byte))
}

const fn second_bit(byte: u8) -> u32 {
    1 << (byte & 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_anywhere_and_in_the_case_that_counts() {
        const ANY: Words = Words::of_any_case(&[b"example", b"<", b"\xe2\x80\xa6"]);
        const EXACT: Words = Words::exact(&[b"[a-z", b"\\d"]);
        for (text, any, exact) in [
            ("my-EXAMPLE-key", true, false),
            ("exampl", false, false),
            ("a<b", true, false),
            ("cut…", true, false),
            ("[a-z]+", false, true),
            ("[A-Z]\\D", false, false),
            ("", false, false),
        ] {
            assert_eq!(ANY.stand_in(text.as_bytes()), any, "{text}");
            assert_eq!(EXACT.stand_in(text.as_bytes()), exact, "{text}");
        }
        assert!(ANY.contain(b"Example") && !ANY.contain(b"examples"));
        assert!(EXACT.begin(b"\\d+") && !EXACT.begin(b"x\\d+"));
    }
}
