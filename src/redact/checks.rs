//! What a rule asks of a body beyond its alphabet and length.

use super::characters::looks_generated;
use super::format::URL64;
use super::random::{is_mixed, is_worded, is_wordless};
use super::values::is_placeholder;

/// What a check makes of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Proven by a checksum: a secret that ends after this many bytes.
    Certain(usize),
    Plausible,
    Not,
}

/// Judges the bytes after a rule's prefix.
pub(super) type Check = fn(&[u8]) -> Verdict;

const fn plausible(yes: bool) -> Verdict {
    if yes {
        Verdict::Plausible
    } else {
        Verdict::Not
    }
}

/// The default: made by a machine, and no example.
pub(super) fn generated(body: &[u8]) -> Verdict {
    let made = looks_generated(body)
        || body
            .split(|byte| !byte.is_ascii_alphanumeric())
            .any(is_wordless);
    plausible(made && !is_placeholder(body))
}

/// For prefixes so distinctive, or bodies so short, that only examples are let go.
pub(super) fn no_example(body: &[u8]) -> Verdict {
    plausible(!is_placeholder(body))
}

/// Digits, upper and lower case together: tells base64 from hashes and names.
pub(super) fn mixed_case(body: &[u8]) -> Verdict {
    let mixed = body.iter().any(u8::is_ascii_uppercase)
        && body.iter().any(u8::is_ascii_lowercase)
        && body.iter().any(u8::is_ascii_digit);
    plausible(mixed && !is_placeholder(body))
}

/// Punctuation that base64 has not, so that images stay.
pub(super) fn with_symbol(body: &[u8]) -> Verdict {
    let symbols = body
        .iter()
        .filter(|byte| byte.is_ascii_punctuation() && !matches!(byte, b'+' | b'/' | b'='))
        .count();
    plausible(symbols * 16 >= body.len() && !is_placeholder(body))
}

/// Letters that no word is made of: tells a token from the name of a class.
pub(super) fn no_words(body: &[u8]) -> Verdict {
    plausible(!is_worded(body) && !is_placeholder(body))
}

/// So random that nothing else has to hint at a secret.
pub(super) fn random(body: &[u8]) -> Verdict {
    plausible(is_mixed(body) && !is_placeholder(body))
}

/// At least one digit.
pub(super) fn with_digit(body: &[u8]) -> Verdict {
    plausible(body.iter().any(u8::is_ascii_digit) && !is_placeholder(body))
}

/// GitHub and npm: 30 random characters, then their CRC-32 in six base-62 digits.
///
/// A wrong checksum does not acquit: a shape this distinctive is more often a
/// mistyped, shortened or newer kind of token than a coincidence, and a leak
/// costs more than a mark too many. A right one proves the token and its end.
pub(super) fn crc32_base62(body: &[u8]) -> Verdict {
    const RANDOM: usize = 30;
    const WHOLE: usize = 36;
    match body.get(..WHOLE) {
        Some(token) if base62(crc32(&token[..RANDOM])) == token[RANDOM..] => {
            Verdict::Certain(WHOLE)
        }
        _ => generated(body),
    }
}

/// Base64 of a PEM block that holds a private key, not of a certificate.
pub(super) fn encoded_private_key(body: &[u8]) -> Verdict {
    // The prefix ends within a group of four characters; two more complete it.
    let decoded = decode_base64(&body[body.len().min(2)..body.len().min(66)]);
    plausible(decoded.windows(7).any(|it| it == b"PRIVATE"))
}

/// A JSON web token, also one that was cut off: what follows `eyJ` goes on as JSON.
pub(super) fn json_header(body: &[u8]) -> Verdict {
    let header = body.split(|byte| *byte == b'.').next().unwrap_or(body);
    let encoded = [b"eyJ", &header[..header.len().min(29)]].concat();
    let decoded = decode_base64(&encoded);
    plausible(
        decoded
            .iter()
            .all(|byte| matches!(byte, b' '..=b'~' | b'\n' | b'\r'))
            && body.iter().any(u8::is_ascii_digit),
    )
}

/// A token of three parts whose first is base64 of a brace and what may follow it.
pub(super) fn web_token(body: &[u8]) -> Verdict {
    plausible(body.starts_with(b"ey") && mixed_case(body) != Verdict::Not)
}

/// A JSON web token that was encoded once more.
pub(super) fn encoded_json_header(body: &[u8]) -> Verdict {
    const HEADER: usize = 24;
    let token = decode_base64(body);
    let is_base64 = token
        .get(..HEADER)
        .is_some_and(|header| header.iter().all(|byte| URL64.has(*byte)));
    plausible(is_base64 && json_header(&token) != Verdict::Not)
}

/// CRC-32 (IEEE), bit by bit: 30 bytes do not earn a table.
pub(super) fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |state, byte| {
        (0..8).fold(state ^ u32::from(*byte), |state: u32, _| {
            if state & 1 == 1 {
                state >> 1 ^ 0xEDB8_8320
            } else {
                state >> 1
            }
        })
    })
}

/// Six base-62 digits, most significant first.
pub(super) fn base62(mut number: u32) -> [u8; 6] {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut out = [b'0'; 6];
    for digit in out.iter_mut().rev() {
        *digit = DIGITS[(number % 62) as usize];
        number /= 62;
    }
    out
}

/// Decodes standard or URL-safe base64, up to the first foreign byte.
pub(super) fn decode_base64(encoded: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(encoded.len() * 3 / 4);
    let (mut bits, mut held) = (0_u32, 0);
    for byte in encoded {
        let six = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => break,
        };
        bits = bits << 6 | u32::from(six);
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push((bits >> held & 255) as u8);
        }
    }
    out
}
