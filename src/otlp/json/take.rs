//! Reader for JSON values of unexpected types.

use std::fmt;

use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

pub(super) use serde::de::DeserializeSeed;

/// Reads one JSON value of any type. [`Take::other`] handles types without a method of their own,
/// and is never an error.
pub(super) trait Take<'de>: Sized {
    /// The result of reading the value.
    type Output;

    /// Reads a value of an unexpected type.
    fn other(self) -> Self::Output;

    /// Reads `null`, which means a missing value.
    fn null(self) -> Self::Output;

    fn boolean(self, _value: bool) -> Self::Output {
        self.other()
    }

    fn signed(self, _value: i64) -> Self::Output {
        self.other()
    }

    /// Reads a number above the largest signed one.
    fn unsigned(self, _value: u64) -> Self::Output {
        self.other()
    }

    fn double(self, _value: f64) -> Self::Output {
        self.other()
    }

    fn text(self, _value: &str) -> Self::Output {
        self.other()
    }

    fn list<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Output, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(self.other())
    }

    fn object<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self::Output, A::Error> {
        while fields.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(self.other())
    }
}

/// Adapts a [`Take`] to serde.
pub(super) struct Seed<T>(pub(super) T);

impl<'de, T: Take<'de>> DeserializeSeed<'de> for Seed<T> {
    type Value = T::Output;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T::Output, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: Take<'de>> Visitor<'de> for Seed<T> {
    type Value = T::Output;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any value")
    }

    fn visit_unit<E: Error>(self) -> Result<T::Output, E> {
        Ok(self.0.null())
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<T::Output, E> {
        Ok(self.0.boolean(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<T::Output, E> {
        Ok(self.0.signed(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<T::Output, E> {
        Ok(match i64::try_from(value) {
            Ok(value) => self.0.signed(value),
            Err(_) => self.0.unsigned(value),
        })
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<T::Output, E> {
        Ok(self.0.double(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<T::Output, E> {
        Ok(self.0.text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<T::Output, A::Error> {
        self.0.list(items)
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<T::Output, A::Error> {
        self.0.object(fields)
    }
}

/// Characters of the longest field name: `instrumentation_library_spans`.
const LONGEST_NAME: usize = 29;

/// Name of a field of the protocol, converted to lower camel case. Names outside the protocol may
/// be garbled or empty.
pub(super) struct Name {
    bytes: [u8; LONGEST_NAME],
    length: usize,
}

impl Name {
    /// Reads the name of a field.
    pub(super) const SEED: NameSeed = NameSeed;

    fn new(given: &str) -> Self {
        let mut name = Self {
            bytes: [0; LONGEST_NAME],
            length: 0,
        };
        let Some(bytes) = name.bytes.get_mut(..given.len()) else {
            return name;
        };
        bytes.copy_from_slice(given.as_bytes());
        name.length = given.len();
        if bytes.contains(&b'_') {
            name.remove_underscores();
        }
        name
    }

    /// Converts `trace_id` to `traceId`.
    fn remove_underscores(&mut self) {
        let mut kept = 0;
        let mut is_after_underscore = false;
        for index in 0..self.length {
            let byte = self.bytes[index];
            if byte != b'_' {
                self.bytes[kept] = if is_after_underscore {
                    byte.to_ascii_uppercase()
                } else {
                    byte
                };
                kept += 1;
            }
            is_after_underscore = byte == b'_';
        }
        self.length = kept;
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

/// Reads a [`Name`] without an allocation.
#[derive(Clone, Copy)]
pub(super) struct NameSeed;

impl<'de> DeserializeSeed<'de> for NameSeed {
    type Value = Name;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Name, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for NameSeed {
    type Value = Name;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the name of a field")
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Name, E> {
        Ok(Name::new(value))
    }
}

#[cfg(test)]
mod tests {
    use super::Name;

    #[test]
    fn a_name_is_the_same_one_in_both_cases() {
        for (given, expected) in [
            ("traceId", "traceId"),
            ("trace_id", "traceId"),
            (
                "instrumentation_library_spans",
                "instrumentationLibrarySpans",
            ),
            ("_key_", "Key"),
            ("", ""),
            ("größe", "größe"),
            ("a_name_that_is_longer_than_any_of_the_protocol", ""),
        ] {
            assert_eq!(Name::new(given).as_bytes(), expected.as_bytes(), "{given}");
        }
    }
}
