//! Randomness: separates generated values from names made of words.

use crate::redact::text::characters::{Sorts, is_monotonous, strip_digits};
use crate::redact::text::format::{ANY_HEX, Class, WORD};

/// Bytes of tokens and of the separators between their parts.
pub(crate) const ALPHABET: Class = WORD.and_also("-.+/=~:");

/// Whether a value is as long and random as providers generate, from their alphabets only.
///
/// Names with dashes, dots and underscores consist of short words, so at least one part must be
/// long and random by itself. Hashes and hexadecimal ids are longer.
pub(crate) fn is_machine_made(value: &[u8]) -> bool {
    const SHORTEST: usize = 16;
    const SHORTEST_WORDLESS: usize = 14;
    const LONG: usize = 24;
    const SHORTEST_HEXADECIMAL: usize = 20;

    let hexadecimal = value.iter().all(|byte| ANY_HEX.has(*byte) || *byte == b'-');
    value.iter().all(|byte| ALPHABET.has(*byte))
        && !value.starts_with(b"sha")
        && if hexadecimal {
            value.len() >= SHORTEST_HEXADECIMAL && looks_random(value)
        } else {
            value.len() >= LONG && is_wordless(value)
                || value
                    .split(|byte| matches!(byte, b'-' | b'_' | b'.' | b'~' | b':'))
                    .any(|piece| {
                        piece.len() >= SHORTEST && is_mixed(piece)
                            || piece.len() >= SHORTEST_WORDLESS && is_wordless(piece)
                    })
        }
}

/// For each letter, those that often follow it in words: the 200 most frequent pairs in English
/// prose and identifiers. They are 87 of 100 pairs there, and 30 of 100 pairs of random letters.
const FOLLOWERS: [Class; 26] = [
    Class::of("abcdgilmnprstuy"),
    Class::of("abeilou"),
    Class::of("acehiklortu"),
    Class::of("adeiorsu"),
    Class::of("acdefglmnprstvx"),
    Class::of("aefilo"),
    Class::of("ehinr"),
    Class::of("aeio"),
    Class::of("abcdefglmnoprstvz"),
    Class::of(""),
    Class::of("ei"),
    Class::of("adeilostuy"),
    Class::of("aeiopsu"),
    Class::of("acdefginostu"),
    Class::of("bcdlmnoprstuvw"),
    Class::of("aeiloprstu"),
    Class::of("u"),
    Class::of("acdeimnorstuy"),
    Class::of("acehiopstuy"),
    Class::of("acehilorstuy"),
    Class::of("abceilmnprst"),
    Class::of("aei"),
    Class::of("aei"),
    Class::of("p"),
    Class::of(""),
    Class::of("e"),
];

/// Whether letters and digits form no words.
///
/// Fewer than half of the pairs are frequent in words, as in 95 of 100 random strings and hardly
/// any name. Several parts have to be longer together.
pub(crate) fn is_wordless(value: &[u8]) -> bool {
    const FEWEST: usize = 13;
    const FEWEST_IN_PIECES: usize = 20;
    if value.len() < FEWEST {
        return false;
    }
    let (mut letters, mut digits, mut pairs, mut common) = (0, 0, 0, 0);
    for (at, byte) in value.iter().enumerate() {
        letters += usize::from(byte.is_ascii_alphabetic());
        digits += usize::from(byte.is_ascii_digit());
        if let Some(next) = value.get(at + 1)
            && byte.is_ascii_alphanumeric()
            && next.is_ascii_alphanumeric()
        {
            pairs += 1;
            common += usize::from(follows_in_words(*byte, *next));
        }
    }
    let whole = letters + digits == value.len();
    let fewest = if whole { FEWEST } else { FEWEST_IN_PIECES };
    letters + digits >= fewest
        && letters * 2 >= fewest
        && (whole || digits > 0)
        && common * 2 < pairs
        && !is_monotonous(value)
}

fn follows_in_words(first: u8, second: u8) -> bool {
    let row = usize::from((first | 0x20).wrapping_sub(b'a'));
    first.is_ascii_alphabetic()
        && FOLLOWERS
            .get(row)
            .is_some_and(|followers| followers.has(second | 0x20))
}

/// Whether a value is random enough to be a secret by its name alone.
pub(crate) fn looks_random(value: &[u8]) -> bool {
    let Sorts { counts, changes } = Sorts::of(value);
    let [lower, upper, digits, signs] = counts;
    signs == 0 && is_wordless(value)
        || digits > 0
            && lower + upper > 0
            && (digits >= 3 && changes >= 2
                || value.len() >= 16 && changes * 5 >= value.len() * 2
                || value.len() >= 24 && value.iter().all(|byte| ANY_HEX.has(*byte)))
            && !(signs > 0 && is_plain_words(value))
            && !is_monotonous(value)
}

/// Whether a value is several short words in small letters, perhaps with digits at the end.
fn is_plain_words(value: &[u8]) -> bool {
    let mut words = value
        .split(|byte| !byte.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty());
    words.clone().nth(1).is_some()
        && words
            .all(|word| word.len() < 12 && strip_digits(word).iter().all(u8::is_ascii_lowercase))
}

/// Whether a value is random, or has letters of both cases and digits and no words.
pub(crate) fn is_mixed(value: &[u8]) -> bool {
    let all_kinds = value.iter().any(u8::is_ascii_lowercase)
        && value.iter().any(u8::is_ascii_uppercase)
        && value.iter().any(u8::is_ascii_digit)
        && value.iter().all(u8::is_ascii_alphanumeric);
    !is_worded(value) && (all_kinds || looks_random(value) || is_wordless(value))
}

/// Whether a value has capitals and mostly runs of small letters, as the name of a class.
pub(crate) fn is_worded(body: &[u8]) -> bool {
    let in_words: usize = body
        .split(|byte| !byte.is_ascii_lowercase())
        .map(<[u8]>::len)
        .filter(|length| *length >= 3)
        .sum();
    let capitals = body.iter().any(u8::is_ascii_uppercase);
    capitals && in_words * 5 > body.len() * 3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machines_make_no_words_and_nothing_short() {
        for (value, made) in [
            ("hmoHC4DONFScdyWJLJvhijTl", true),
            ("7k2m9x4q1w8e5r3t6y0u", true),
            ("9fceb02d0ae598e95dc970b74767f193", true),
            ("7d1f4e1a-3c7b-4c5e-9d55-1f0c2b9be6aa", true),
            ("lb1qor4g.t1qmc3lru0cukt9ovrltgb", true),
            ("70b72dccb9d711c1", false),
            ("a1b2c3", false),
            ("handleUploadPackV2LSRefs", false),
            ("app-settings-v2-theme-dark-mode", false),
            ("user_profile_settings_id_v2", false),
            ("uploads/2024/7k2m9x4q1w8e5r3t6y0u (copy)", false),
        ] {
            assert_eq!(is_machine_made(value.as_bytes()), made, "{value}");
        }
    }

    #[test]
    fn letters_that_make_no_words_are_told_by_their_pairs() {
        for (value, wordless) in [
            ("OQQBUKDRMCMPINXVKQNYDFCPMWVKAZKGERDHYJ", true),
            ("kivcz3madygamqumpqjqk1incouogscwse", true),
            ("6y3tzd1_so5k69ggtopq_t0yui8-zfeyfj5ngh71", true),
            ("internationalization", false),
            ("handleUploadPackV2LSRefs", false),
            ("user_profile_settings_id_v2", false),
            ("createStorefrontApiClientWithRetries2", false),
            ("20260613011240", false),
            ("qwxz", false),
        ] {
            assert_eq!(is_wordless(value.as_bytes()), wordless, "{value}");
        }
    }
}
