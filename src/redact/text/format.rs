//! Formats of secrets, and their match against a text.
//!
//! A format is a short list of parts, each a literal or a run of one alphabet. Runs are greedy and
//! never backtrack, so a match costs one pass over the bytes it covers and needs no compiled
//! automaton.

use super::work;

/// A set of ASCII bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Class([u64; 2]);

impl Class {
    /// The bytes of `members`.
    pub(crate) const fn of(members: &str) -> Self {
        let bytes = members.as_bytes();
        let (mut mask, mut index) = (Self([0; 2]), 0);
        while index < bytes.len() {
            mask = mask.with(bytes[index]);
            index += 1;
        }
        mask
    }

    const fn range(first: u8, last: u8) -> Self {
        let (mut mask, mut byte) = (Self([0; 2]), first);
        while byte <= last {
            mask = mask.with(byte);
            byte += 1;
        }
        mask
    }

    const fn with(mut self, byte: u8) -> Self {
        self.0[(byte >> 6) as usize] |= 1 << (byte & 63);
        self
    }

    pub(crate) const fn or(self, other: Self) -> Self {
        Self([self.0[0] | other.0[0], self.0[1] | other.0[1]])
    }

    pub(crate) const fn and_also(self, members: &str) -> Self {
        self.or(Self::of(members))
    }

    pub(crate) const fn has(self, byte: u8) -> bool {
        byte < 128 && self.0[(byte >> 6 & 1) as usize] >> (byte & 63) & 1 == 1
    }

    /// Exactly `count` bytes, and no word byte after them if they come last.
    pub(crate) const fn n(self, count: usize) -> Part {
        self.between(count, count)
    }

    /// `count` bytes or more, as after a distinctive prefix.
    pub(crate) const fn at_least(self, count: usize) -> Part {
        self.between(count, usize::MAX)
    }

    pub(crate) const fn between(self, min: usize, max: usize) -> Part {
        Part::Run {
            class: self,
            min,
            max,
        }
    }

    /// The bytes of the set, in order.
    pub(crate) fn members(self) -> impl Iterator<Item = u8> {
        (0..128).filter(move |byte| self.has(*byte))
    }
}

pub(crate) const DIGIT: Class = Class::range(b'0', b'9');
pub(crate) const LOWER: Class = Class::range(b'a', b'z');
pub(crate) const UPPER: Class = Class::range(b'A', b'Z');
pub(crate) const ANY_HEX: Class = HEX;
/// Hexadecimal digits in either case: providers write small letters, other programs both.
pub(crate) const HEX: Class = DIGIT
    .or(Class::range(b'a', b'f'))
    .or(Class::range(b'A', b'F'));
pub(crate) const LOWER_ALNUM: Class = LOWER.or(DIGIT);
pub(crate) const UPPER_ALNUM: Class = UPPER.or(DIGIT);
pub(crate) const ALNUM: Class = LOWER_ALNUM.or(UPPER);
pub(crate) const BASE32: Class = UPPER.or(Class::range(b'2', b'7'));
pub(crate) const BASE64: Class = ALNUM.and_also("+/");
/// The URL-safe base64 alphabet.
pub(crate) const URL64: Class = ALNUM.and_also("-_");
pub(crate) const WORD: Class = ALNUM.and_also("_");

/// Padding at the end of base64.
pub(crate) const PAD: Part = Class::of("=").between(0, 2);

/// One step of a format.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Part {
    Text(&'static str),
    Run {
        class: Class,
        min: usize,
        max: usize,
    },
}

/// Shorthand for a literal step.
pub(crate) const fn text(literal: &'static str) -> Part {
    Part::Text(literal)
}

const DASH: Part = Part::Text("-");

/// 8-4-4-4-12 hexadecimal digits.
pub(crate) const UUID: &[Part] = &[
    ANY_HEX.n(8),
    DASH,
    ANY_HEX.n(4),
    DASH,
    ANY_HEX.n(4),
    DASH,
    ANY_HEX.n(4),
    DASH,
    ANY_HEX.n(12),
];

/// Result of matching a format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Followed {
    /// A match, which ends here.
    Whole(usize),
    /// The text was cut off here, before the format was complete.
    Cut(usize),
    /// No match; the format differs here.
    Not(usize),
}

/// Matches `parts` against `text` at `at`.
pub(crate) fn follow(parts: &[Part], text: &[u8], mut at: usize) -> Followed {
    for (index, part) in parts.iter().enumerate() {
        match *part {
            Part::Text(literal) => {
                let rest = &text[at..];
                if !rest.starts_with(literal.as_bytes()) {
                    let cut = is_cut(rest) || literal.as_bytes().starts_with(rest);
                    return if cut {
                        Followed::Cut(at)
                    } else {
                        Followed::Not(at)
                    };
                }
                at += literal.len();
            }
            Part::Run { class, min, max } => {
                let (run, length) = escaped_run(class, &text[at..], max);
                at += length;
                if run < min {
                    return if is_cut(&text[at..]) {
                        Followed::Cut(at)
                    } else {
                        Followed::Not(at)
                    };
                }
                let last = index + 1 == parts.len();
                if last && run == max && text.get(at).is_some_and(|byte| WORD.or(class).has(*byte))
                {
                    return Followed::Not(at);
                }
            }
        }
    }
    Followed::Whole(at)
}

/// Like [`run_length`], with percent-encoded bytes: the number of bytes of `class`, and the length
/// in `text`.
fn escaped_run(class: Class, text: &[u8], max: usize) -> (usize, usize) {
    let mut run = run_length(class, text, max);
    let mut length = run;
    while run < max
        && let Some(encoded) = text.get(length..length + 3)
        && let Some(byte) = percent_decoded(encoded)
        && class.has(byte)
    {
        let more = run_length(class, &text[length + 3..], max - run - 1);
        run += 1 + more;
        length += 3 + more;
    }
    (run, length)
}

/// Decodes the characters of base64 that addresses percent-encode.
fn percent_decoded(encoded: &[u8]) -> Option<u8> {
    match encoded {
        b"%2B" | b"%2b" => Some(b'+'),
        b"%2F" | b"%2f" => Some(b'/'),
        b"%3D" | b"%3d" => Some(b'='),
        _ => None,
    }
}

/// Bytes of `class` at the start of `text`, at most `max`.
pub(crate) fn run_length(class: Class, text: &[u8], max: usize) -> usize {
    let length = text
        .iter()
        .take(max)
        .take_while(|byte| class.has(**byte))
        .count();
    work::add(length + 1);
    length
}

/// Bytes of `class` at the end of `text`, at most `max`.
pub(crate) fn run_length_back(class: Class, text: &[u8], max: usize) -> usize {
    let length = text
        .iter()
        .rev()
        .take(max)
        .take_while(|byte| class.has(**byte))
        .count();
    work::add(length + 1);
    length
}

/// Whether the text ends here, or was shortened here by an ellipsis.
pub(crate) fn is_cut(rest: &[u8]) -> bool {
    rest.is_empty() || rest.starts_with("…".as_bytes()) || rest.starts_with(b"...")
}

/// Whether a word may begin at `at`: none ends right before it. The letter of an escape such as
/// `\n` is no word.
pub(crate) fn starts_word(text: &[u8], at: usize) -> bool {
    let Some(&before) = at.checked_sub(1).and_then(|index| text.get(index)) else {
        return true;
    };
    !WORD.has(before) || ends_escape(text, at)
}

/// Whether `text[..at]` ends in `\n`, `\t`, `\r`, `\u003d` or a percent escape.
pub(crate) fn ends_escape(text: &[u8], at: usize) -> bool {
    let tail = |length: usize| at.checked_sub(length).map(|from| &text[from..at]);
    tail(2).is_some_and(|it| matches!(it, [b'\\', b'n' | b'r' | b't']))
        || tail(6)
            .is_some_and(|it| it.starts_with(b"\\u") && it[2..].iter().all(|b| ANY_HEX.has(*b)))
        || tail(3).is_some_and(|it| it[0] == b'%' && it[1..].iter().all(|b| ANY_HEX.has(*b)))
}
