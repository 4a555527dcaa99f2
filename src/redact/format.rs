//! How the body of a secret is written down and followed through text.
//!
//! A format is a short list of parts, each a literal or a run of one alphabet.
//! Runs are greedy and never give back, so following a format costs one pass
//! over the bytes it covers and needs no compiled automaton.

use super::work;

/// A set of ASCII bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Class([u64; 2]);

impl Class {
    /// Every byte of `members`.
    pub(super) const fn of(members: &str) -> Self {
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

    pub(super) const fn or(self, other: Self) -> Self {
        Self([self.0[0] | other.0[0], self.0[1] | other.0[1]])
    }

    pub(super) const fn and_also(self, members: &str) -> Self {
        self.or(Self::of(members))
    }

    pub(super) const fn has(self, byte: u8) -> bool {
        byte < 128 && self.0[(byte >> 6 & 1) as usize] >> (byte & 63) & 1 == 1
    }

    /// Exactly `count` bytes, and no word byte after them if they come last.
    pub(super) const fn n(self, count: usize) -> Part {
        self.between(count, count)
    }

    /// `count` bytes or more: what a distinctive prefix announces is a secret
    /// as far as its alphabet reaches.
    pub(super) const fn at_least(self, count: usize) -> Part {
        self.between(count, usize::MAX)
    }

    pub(super) const fn between(self, min: usize, max: usize) -> Part {
        Part::Run {
            class: self,
            min,
            max,
        }
    }

    /// In byte order.
    pub(super) fn members(self) -> impl Iterator<Item = u8> {
        (0..128).filter(move |byte| self.has(*byte))
    }
}

pub(super) const DIGIT: Class = Class::range(b'0', b'9');
pub(super) const LOWER: Class = Class::range(b'a', b'z');
pub(super) const UPPER: Class = Class::range(b'A', b'Z');
pub(super) const ANY_HEX: Class = HEX;
/// In small or capital letters: providers write the former, programs that handle them either.
pub(super) const HEX: Class = DIGIT
    .or(Class::range(b'a', b'f'))
    .or(Class::range(b'A', b'F'));
pub(super) const LOWER_ALNUM: Class = LOWER.or(DIGIT);
pub(super) const UPPER_ALNUM: Class = UPPER.or(DIGIT);
pub(super) const ALNUM: Class = LOWER_ALNUM.or(UPPER);
pub(super) const BASE32: Class = UPPER.or(Class::range(b'2', b'7'));
pub(super) const BASE64: Class = ALNUM.and_also("+/");
/// The URL-safe base64 alphabet.
pub(super) const URL64: Class = ALNUM.and_also("-_");
pub(super) const WORD: Class = ALNUM.and_also("_");

/// Padding after base64.
pub(super) const PAD: Part = Class::of("=").between(0, 2);

/// One step of a format.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part {
    Text(&'static str),
    Run {
        class: Class,
        min: usize,
        max: usize,
    },
}

/// Shorthand for a literal step.
pub(super) const fn text(literal: &'static str) -> Part {
    Part::Text(literal)
}

const DASH: Part = Part::Text("-");

/// 8-4-4-4-12 hexadecimal digits.
pub(super) const UUID: &[Part] = &[
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

/// How far a format could be followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Followed {
    /// All of it; the end of the secret.
    Whole(usize),
    /// To where the text itself was cut off.
    Cut(usize),
    /// No further than here.
    Not(usize),
}

/// Follows `parts` through `text` from `at`.
pub(super) fn follow(parts: &[Part], text: &[u8], mut at: usize) -> Followed {
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

/// Like [`run_length`], where what an address may not hold may be percent-encoded: how many
/// bytes of `class` there are, and how many of `text` they take.
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

/// Of base64, what an address holds in percent-encoding.
fn percent_decoded(encoded: &[u8]) -> Option<u8> {
    match encoded {
        b"%2B" | b"%2b" => Some(b'+'),
        b"%2F" | b"%2f" => Some(b'/'),
        b"%3D" | b"%3d" => Some(b'='),
        _ => None,
    }
}

/// Bytes of `class` at the start of `text`, at most `max`.
pub(super) fn run_length(class: Class, text: &[u8], max: usize) -> usize {
    let length = text
        .iter()
        .take(max)
        .take_while(|byte| class.has(**byte))
        .count();
    work::add(length + 1);
    length
}

/// Bytes of `class` at the end of `text`, at most `max`.
pub(super) fn run_length_back(class: Class, text: &[u8], max: usize) -> usize {
    let length = text
        .iter()
        .rev()
        .take(max)
        .take_while(|byte| class.has(**byte))
        .count();
    work::add(length + 1);
    length
}

/// The text ends here, or says that it was shortened here.
pub(super) fn is_cut(rest: &[u8]) -> bool {
    rest.is_empty() || rest.starts_with("…".as_bytes()) || rest.starts_with(b"...")
}

/// No word ends right before `at`; the letter of an escape such as `\n` is no word.
pub(super) fn starts_word(text: &[u8], at: usize) -> bool {
    let Some(&before) = at.checked_sub(1).and_then(|index| text.get(index)) else {
        return true;
    };
    !WORD.has(before) || ends_escape(text, at)
}

/// `text[..at]` ends in `\n`, `\t`, `\r`, `\u003d` or a percent escape.
pub(super) fn ends_escape(text: &[u8], at: usize) -> bool {
    let tail = |length: usize| at.checked_sub(length).map(|from| &text[from..at]);
    tail(2).is_some_and(|it| matches!(it, [b'\\', b'n' | b'r' | b't']))
        || tail(6)
            .is_some_and(|it| it.starts_with(b"\\u") && it[2..].iter().all(|b| ANY_HEX.has(*b)))
        || tail(3).is_some_and(|it| it[0] == b'%' && it[1..].iter().all(|b| ANY_HEX.has(*b)))
}
