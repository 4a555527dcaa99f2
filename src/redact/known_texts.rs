//! Texts of a session that were redacted already.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::marker::PhantomData;
use std::ptr;

use serde_json::Value;

use super::Counts;

/// Texts and values of a session that one redactor saw in its earlier events. A tool result is in its
/// span and in the input of the next call, a prompt in every call of its turn.
///
/// They are known by their addresses, which identify them, since all are borrowed for `'a`.
#[derive(Debug, Default)]
pub struct KnownTexts<'a> {
    texts: HashMap<(usize, usize), Option<(String, Counts)>, ByAddress>,
    values: HashMap<usize, Option<(Value, Counts)>, ByAddress>,
    borrowed: PhantomData<&'a Value>,
}

type ByAddress = BuildHasherDefault<AddressHasher>;

/// Hash of an address and a length. Most texts are so short that the usual hash would take as long
/// as redacting them; its protection against chosen keys is not needed, since nobody chooses
/// addresses.
#[derive(Debug, Default)]
struct AddressHasher(u64);

impl Hasher for AddressHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_usize((*byte).into());
        }
    }

    fn write_usize(&mut self, number: usize) {
        /// The golden ratio as a fraction of 2^64, whose multiples spread evenly.
        const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
        self.0 = (self.0.rotate_left(23) ^ number as u64).wrapping_mul(SPREAD);
    }

    fn finish(&self) -> u64 {
        // Tables take the lowest bits, and a product is mixed best in the highest.
        self.0.rotate_left(26)
    }
}

impl<'a> KnownTexts<'a> {
    /// The text with its secrets replaced, or `None` when it has none. `redact` is called once for
    /// each text.
    pub(super) fn text(
        &mut self,
        text: &'a str,
        counts: &mut Counts,
        redact: impl FnOnce(&mut Counts) -> Option<String>,
    ) -> Option<String> {
        let address = (text.as_ptr().addr(), text.len());
        let redacted = self.texts.entry(address).or_insert_with(|| {
            let mut counts = Counts::default();
            let redacted = redact(&mut counts)?;
            Some((redacted, counts))
        });
        let (redacted, found) = redacted.as_ref()?;
        counts.merge(found);
        Some(redacted.clone())
    }

    /// The value with its secrets replaced, or `None` when it has none. `redact` is called once for
    /// each value.
    pub(super) fn value(
        &mut self,
        value: &'a Value,
        counts: &mut Counts,
        redact: impl FnOnce(&mut Counts) -> Value,
    ) -> Option<Value> {
        let redacted = self.values.entry(ptr::from_ref(value).addr());
        let redacted = redacted.or_insert_with(|| {
            let mut counts = Counts::default();
            let redacted = redact(&mut counts);
            (!counts.is_empty()).then_some((redacted, counts))
        });
        let (redacted, found) = redacted.as_ref()?;
        counts.merge(found);
        Some(redacted.clone())
    }
}
