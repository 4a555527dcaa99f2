//! Counts of the sorts of characters in a value.

/// The sorts of characters in a value: small letters, capitals, digits, and all others.
pub(crate) struct Sorts {
    pub(crate) counts: [usize; 4],
    /// Number of neighbouring characters of different sorts.
    pub(crate) changes: usize,
}

impl Sorts {
    const OF_BYTES: [u8; 256] = {
        let (mut sorts, mut byte) = ([3; 256], 0);
        while byte < 128_u8 {
            sorts[byte as usize] = match byte {
                b'a'..=b'z' => 0,
                b'A'..=b'Z' => 1,
                b'0'..=b'9' => 2,
                _ => 3,
            };
            byte += 1;
        }
        sorts
    };

    pub(crate) fn of(value: &[u8]) -> Self {
        let sort = |byte: u8| usize::from(Self::OF_BYTES[usize::from(byte)]);
        let (mut counts, mut changes) = ([0; 4], 0);
        let mut last = value.first().map_or(0, |byte| sort(*byte));
        for byte in value {
            let sort = sort(*byte);
            counts[sort] += 1;
            changes += usize::from(sort != last);
            last = sort;
        }
        Self { counts, changes }
    }
}

/// Number of neighbouring characters of different sorts.
pub(crate) fn changes(value: &[u8]) -> usize {
    Sorts::of(value).changes
}

/// Digits or letters of both cases, as in generated values and not in words.
pub(crate) fn looks_generated(body: &[u8]) -> bool {
    let (mut lower, mut upper, mut digit) = (false, false, false);
    for byte in body {
        lower |= byte.is_ascii_lowercase();
        upper |= byte.is_ascii_uppercase();
        digit |= byte.is_ascii_digit();
    }
    digit && (lower || upper) || lower && upper && changes(body) * 3 > body.len()
}

/// A value of one or two characters that repeat.
pub(crate) fn is_monotonous(body: &[u8]) -> bool {
    let distinct = distinct(body);
    body.len() >= 8 && distinct <= 3 || body.len() >= 20 && distinct <= 5
}

fn distinct(body: &[u8]) -> u32 {
    body.iter()
        .fold(0_u128, |seen, byte| seen | 1 << (byte & 127))
        .count_ones()
}

/// A value without the digits at its end.
pub(crate) fn strip_digits(value: &[u8]) -> &[u8] {
    let digits = value
        .iter()
        .rev()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    &value[..value.len() - digits]
}
