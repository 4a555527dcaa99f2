//! Checks of a body beyond its alphabet and length.

use super::random::{is_mixed, is_worded, is_wordless};
use crate::redact::text::characters::looks_generated;
use crate::redact::text::format::URL64;
use crate::redact::values::is_placeholder;

/// Result of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// A checksum proves a secret of this many bytes.
    Certain(usize),
    Plausible,
    Not,
}

/// A check of the bytes after a rule's prefix.
pub(crate) type Check = fn(&[u8]) -> Verdict;

const fn plausible(yes: bool) -> Verdict {
    if yes {
        Verdict::Plausible
    } else {
        Verdict::Not
    }
}

/// The default check: a generated value, and no example.
pub(crate) fn generated(body: &[u8]) -> Verdict {
    let made = looks_generated(body)
        || body
            .split(|byte| !byte.is_ascii_alphanumeric())
            .any(is_wordless);
    plausible(made && !is_placeholder(body))
}

/// Anything but an example, for very distinctive prefixes or very short bodies.
pub(crate) fn no_example(body: &[u8]) -> Verdict {
    plausible(!is_placeholder(body))
}

/// Digits, capitals and small letters together, which separates base64 from hashes and names.
pub(crate) fn mixed_case(body: &[u8]) -> Verdict {
    let mixed = body.iter().any(u8::is_ascii_uppercase)
        && body.iter().any(u8::is_ascii_lowercase)
        && body.iter().any(u8::is_ascii_digit);
    plausible(mixed && !is_placeholder(body))
}

/// Punctuation that base64 does not contain, so that encoded images stay.
pub(crate) fn with_symbol(body: &[u8]) -> Verdict {
    let symbols = body
        .iter()
        .filter(|byte| byte.is_ascii_punctuation() && !matches!(byte, b'+' | b'/' | b'='))
        .count();
    plausible(symbols * 16 >= body.len() && !is_placeholder(body))
}

/// Letters that form no words, which separates a token from the name of a class.
pub(crate) fn no_words(body: &[u8]) -> Verdict {
    plausible(!is_worded(body) && !is_placeholder(body))
}

/// Random enough to be a secret without other evidence.
pub(crate) fn random(body: &[u8]) -> Verdict {
    plausible(is_mixed(body) && !is_placeholder(body))
}

/// At least one digit.
pub(crate) fn with_digit(body: &[u8]) -> Verdict {
    plausible(body.iter().any(u8::is_ascii_digit) && !is_placeholder(body))
}

/// GitHub and npm: 30 random characters, then their CRC-32 in six base-62 digits.
///
/// A correct checksum proves the token and its end. A wrong one still counts as plausible: this
/// distinctive form is more often a mistyped, shortened or newer token than a coincidence, and a
/// leak costs more than a superfluous mark.
pub(crate) fn crc32_base62(body: &[u8]) -> Verdict {
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
pub(crate) fn encoded_private_key(body: &[u8]) -> Verdict {
    // The prefix ends within a group of four characters; two more complete it.
    let decoded = decode_base64(&body[body.len().min(2)..body.len().min(66)]);
    plausible(decoded.windows(7).any(|it| it == b"PRIVATE"))
}

/// A JSON web token, perhaps cut off: the text after `eyJ` continues as JSON.
pub(crate) fn json_header(body: &[u8]) -> Verdict {
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

/// A token of three parts, the first of which is base64 of a brace and the beginning of JSON.
pub(crate) fn web_token(body: &[u8]) -> Verdict {
    plausible(body.starts_with(b"ey") && mixed_case(body) != Verdict::Not)
}

/// A JSON web token in base64.
pub(crate) fn encoded_json_header(body: &[u8]) -> Verdict {
    const HEADER: usize = 24;
    let token = decode_base64(body);
    let is_base64 = token
        .get(..HEADER)
        .is_some_and(|header| header.iter().all(|byte| URL64.has(*byte)));
    plausible(is_base64 && json_header(&token) != Verdict::Not)
}

/// CRC-32 (IEEE), bit by bit: a table does not pay off for 30 bytes.
pub(crate) fn crc32(bytes: &[u8]) -> u32 {
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
pub(crate) fn base62(mut number: u32) -> [u8; 6] {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut out = [b'0'; 6];
    for digit in out.iter_mut().rev() {
        *digit = DIGITS[(number % 62) as usize];
        number /= 62;
    }
    out
}

/// Decodes standard or URL-safe base64, up to the first foreign byte.
pub(crate) fn decode_base64(encoded: &[u8]) -> Vec<u8> {
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
