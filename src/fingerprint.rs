//! Short hashes that may be stored on disk: the same in every build, on every machine.
//!
//! The hasher of the standard library may change with each compiler release, so its results are
//! never stored.

use sha2::{Digest, Sha256};

/// The first 64 bits of the SHA-256 of `fields`. Each field is preceded by its length, so that
/// moving a byte from one field to the next changes the fingerprint.
#[must_use]
pub fn of(fields: &[&[u8]]) -> u64 {
    let mut hasher = Sha256::new();
    for field in fields {
        hasher.update((field.len() as u64).to_le_bytes());
        hasher.update(field);
    }
    let digest: [u8; 32] = hasher.finalize().into();
    let mut first = [0; 8];
    first.copy_from_slice(&digest[..8]);
    u64::from_le_bytes(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_the_same_for_ever() {
        assert_eq!(of(&[]), 0x141c_fc98_42c4_b0e3);
        assert_eq!(of(&[b"message", b"1"]), 0xf99e_d4d7_b044_0716);
    }

    #[test]
    fn fields_do_not_run_into_each_other() {
        let all = [
            of(&[]),
            of(&[b""]),
            of(&[b"", b""]),
            of(&[b"ab", b"c"]),
            of(&[b"a", b"bc"]),
            of(&[b"abc"]),
        ];
        for (at, one) in all.iter().enumerate() {
            assert!(!all[..at].contains(one), "{at}");
        }
    }
}
