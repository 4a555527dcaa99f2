//! Identifiers of traces and spans.
//!
//! A valid id has a fixed number of bytes, not all of them zero. Files and homemade emitters
//! contain other ids. Each is replaced by an id derived from it, so that the spans of a trace stay
//! together, and a span is the same whenever it is read again.

use std::fmt;
use std::str::FromStr;

use serde::de::{Deserialize, Deserializer, Error as _};
use serde::{Serialize, Serializer};
use sha2::{Digest, Sha256};
use thiserror::Error;

/// An id of `N` bytes, not all of them zero. Displayed as lower-case hexadecimal.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id<const N: usize>([u8; N]);

/// Identity of a trace.
pub type TraceId = Id<16>;

/// Identity of a span within a trace.
pub type SpanId = Id<8>;

/// A text that is not a valid id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not an id of {expected} hexadecimal digits, at least one of them not zero")]
pub struct InvalidId {
    expected: usize,
}

/// An id as the emitter wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Given<const N: usize> {
    /// Missing, empty, or all zeros.
    #[default]
    Missing,
    /// A valid one.
    Valid(Id<N>),
    /// Derived from an invalid id.
    Derived(Id<N>),
}

impl<const N: usize> Id<N> {
    /// Placeholder until the id is known.
    pub(super) const UNKNOWN: Self = Self([0xff; N]);

    /// The bytes.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; N] {
        &self.0
    }

    /// The id with these bytes; `None` when they are all zero.
    #[must_use]
    pub fn from_bytes(bytes: [u8; N]) -> Option<Self> {
        (bytes != [0; N]).then_some(Self(bytes))
    }

    /// The id with the first bytes of a digest.
    #[must_use]
    pub fn from_digest(digest: Sha256) -> Self {
        let digest = digest.finalize();
        let mut bytes = [0; N];
        bytes
            .iter_mut()
            .zip(digest)
            .for_each(|(to, from)| *to = from);
        // A digest of zeros is not to be expected, but an id of zeros is invalid.
        Self::from_bytes(bytes).unwrap_or(Self([1; N]))
    }

    fn from_hex(text: &str) -> Option<[u8; N]> {
        let digits = text.as_bytes();
        if digits.len() != 2 * N {
            return None;
        }
        let mut bytes = [0; N];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = (hex_digit(pair[0])? << 4) | hex_digit(pair[1])?;
        }
        Some(bytes)
    }

    /// Reads the standard and the URL-safe alphabet, with or without padding.
    fn from_base64(text: &str) -> Option<[u8; N]> {
        let digits = text.trim_end_matches('=').as_bytes();
        if digits.len() != (N * 8).div_ceil(6) {
            return None;
        }
        let mut bytes = [0; N];
        let (mut bits, mut held, mut written) = (0_u32, 0, 0);
        for digit in digits {
            bits = (bits << 6) | u32::from(base64_digit(*digit)?);
            held += 6;
            if held >= 8 && written < N {
                held -= 8;
                bytes[written] = u8::try_from((bits >> held) & 0xff).ok()?;
                written += 1;
            }
        }
        Some(bytes)
    }
}

impl<const N: usize> Given<N> {
    /// An id from protobuf.
    pub(super) fn from_slice(bytes: &[u8]) -> Self {
        match <[u8; N]>::try_from(bytes) {
            Ok(bytes) => Id::from_bytes(bytes).map_or(Self::Missing, Self::Valid),
            Err(_) => Self::derived(bytes),
        }
    }

    /// Parses an id from JSON: hexadecimal in any case, as the protocol requires, or base64, as
    /// generic converters from protobuf write bytes. The two have different lengths.
    pub(super) fn from_text(text: &str) -> Self {
        match Id::from_hex(text).or_else(|| Id::from_base64(text)) {
            Some(bytes) => Id::from_bytes(bytes).map_or(Self::Missing, Self::Valid),
            None if text.bytes().all(|byte| byte == b'0') => Self::Missing,
            None => Self::derived(text.as_bytes()),
        }
    }

    fn derived(bytes: &[u8]) -> Self {
        if bytes.iter().all(|byte| *byte == 0) {
            return Self::Missing;
        }
        let digest = Sha256::new().chain_update(b"otlp id\0").chain_update(bytes);
        Self::Derived(Id::from_digest(digest))
    }

    /// The id; `None` when it is missing.
    pub(super) const fn id(self) -> Option<Id<N>> {
        match self {
            Self::Missing => None,
            Self::Valid(id) | Self::Derived(id) => Some(id),
        }
    }

    pub(super) const fn is_valid(self) -> bool {
        matches!(self, Self::Valid(_))
    }
}

const fn hex_digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

const fn base64_digit(digit: u8) -> Option<u8> {
    match digit {
        b'A'..=b'Z' => Some(digit - b'A'),
        b'a'..=b'z' => Some(digit - b'a' + 26),
        b'0'..=b'9' => Some(digit - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    }
}

impl<const N: usize> fmt::Display for Id<N> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl<const N: usize> fmt::Debug for Id<N> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl<const N: usize> FromStr for Id<N> {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let bytes = Self::from_hex(text);
        bytes
            .and_then(Self::from_bytes)
            .ok_or(InvalidId { expected: 2 * N })
    }
}

impl<const N: usize> Serialize for Id<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, const N: usize> Deserialize<'de> for Id<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "00f067aa0ba902b7";

    #[test]
    fn an_id_is_read_in_every_spelling_that_occurs() {
        for text in [
            HEX,
            "00F067AA0BA902B7",
            "00F067aa0ba902b7",
            "APBnqgupArc=",
            "APBnqgupArc",
        ] {
            let id = Given::<8>::from_text(text);
            assert!(id.is_valid(), "{text}");
            assert_eq!(
                id.id().map(|id| id.to_string()).as_deref(),
                Some(HEX),
                "{text}"
            );
        }
        let trace = Given::<16>::from_text("AAECAwQFBgcICQoLDA0O_w==");
        let trace = trace.id().map(|id| id.to_string());
        assert_eq!(trace.as_deref(), Some("000102030405060708090a0b0c0d0eff"));
    }

    #[test]
    fn an_empty_id_or_one_of_zeros_is_missing() {
        for text in ["", "0", "0000000000000000", "AAAAAAAAAAA="] {
            assert_eq!(Given::<8>::from_text(text), Given::Missing, "{text}");
        }
        for bytes in [&[][..], &[0; 8], &[0; 3]] {
            assert_eq!(Given::<8>::from_slice(bytes), Given::Missing);
        }
        assert!("0000000000000000".parse::<SpanId>().is_err());
    }

    #[test]
    fn another_text_gives_an_id_of_its_own_which_is_always_the_same() {
        let derived = |text| match Given::<16>::from_text(text) {
            Given::Derived(id) => id,
            other => panic!("{text}: {other:?}"),
        };
        assert_eq!(derived("trace-1"), derived("trace-1"));
        assert_ne!(derived("trace-1"), derived("trace-2"));
        assert_eq!(
            derived("trace-1"),
            match Given::<16>::from_slice(b"trace-1") {
                Given::Derived(id) => id,
                other => panic!("{other:?}"),
            }
        );
    }
}
