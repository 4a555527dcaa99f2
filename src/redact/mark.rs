//! The mark that replaces a secret: `[redacted:github-pat:3f2a]`.
//!
//! Equal secrets have equal marks under one key. Four hexadecimal digits of a keyed hash are too
//! few to find a secret by trial.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::text::format::{ANY_HEX, DIGIT, LOWER, run_length};

const OPENING: &str = "[redacted:";
const LONGEST_ID: usize = 48;

/// Beginning of every mark.
pub(super) const ANCHOR: &str = OPENING;

/// Key of the hash in the marks, random per installation.
#[derive(Clone)]
pub struct RedactionKey(Hmac<Sha256>);

impl RedactionKey {
    /// A key of 32 random bytes.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        // HMAC fills keys with zeros up to the length of a block.
        let mut key = hmac::digest::Key::<Hmac<Sha256>>::default();
        key[..bytes.len()].copy_from_slice(&bytes);
        Self(Hmac::new(&key))
    }

    /// The digest of a secret in its mark.
    pub(super) fn digest(&self, secret: &str) -> Digest {
        let mut hash = self.0.clone();
        hash.update(secret.as_bytes());
        let hash = hash.finalize().into_bytes();
        Digest([hash[0], hash[1]])
    }
}

/// Part of the keyed hash of a secret, as shown in its mark.
#[derive(Clone, Copy)]
pub(super) struct Digest([u8; 2]);

impl Digest {
    /// Appends the mark to `out`.
    pub(super) fn write(self, out: &mut String, id: &str) {
        out.push_str(OPENING);
        out.push_str(id);
        out.push(':');
        for nibble in self.0.iter().flat_map(|byte| [byte >> 4, byte & 15]) {
            out.push(char::from(b"0123456789abcdef"[usize::from(nibble)]));
        }
        out.push(']');
    }
}

impl fmt::Debug for RedactionKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("RedactionKey(..)")
    }
}

/// The end of a mark that begins at `at`.
pub(super) fn end_of_mark(text: &[u8], at: usize) -> Option<usize> {
    let id = at + OPENING.len();
    text.get(at..id).filter(|it| *it == OPENING.as_bytes())?;
    let hash = id + run_length(LOWER.or(DIGIT).and_also("-"), &text[id..], LONGEST_ID);
    let tail = text.get(hash..hash + 6)?;
    let whole = hash > id
        && tail[0] == b':'
        && tail[1..5].iter().all(|byte| ANY_HEX.has(*byte))
        && tail[5] == b']';
    whole.then_some(hash + 6)
}

/// Whether a text may be the id in a mark.
pub(super) fn is_valid_id(id: &str) -> bool {
    !id.is_empty()
        && id.len() <= LONGEST_ID
        && run_length(LOWER.or(DIGIT).and_also("-"), id.as_bytes(), LONGEST_ID) == id.len()
}
