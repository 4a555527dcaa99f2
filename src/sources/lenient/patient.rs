//! Reader for well-formed JSON that derived readers refuse: objects that repeat a field, of which
//! the last one counts, and numbers above the range of `f64`, which count as null.

use std::collections::HashSet;

use serde::Deserialize;
use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{Deserializer, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::Error;
use serde_json::value::RawValue;

use super::kinds::{Fields, Known};

/// Levels of nesting to read. Deeper values count as null, since each level takes stack.
const DEEPEST: usize = 100;

/// Reads a value; `None` when its reader refuses it.
pub(in crate::sources) fn read<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Option<T> {
    serde_json::from_str(raw.get())
        .ok()
        .or_else(|| read_patiently(raw))
}

/// Reads a text that contains one value; `None` when it is not JSON, or its reader refuses the
/// value.
pub(in crate::sources) fn read_text<'a, T: Deserialize<'a>>(text: &'a str) -> Option<T> {
    read(serde_json::from_str(text).ok()?)
}

/// Reads an object or array that was refused; `None` when it is refused again.
fn read_patiently<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Option<T> {
    let is_nested = raw.get().starts_with(['{', '[']);
    is_nested.then(|| T::deserialize(Patient { raw, depth: 0 }).ok())?
}

/// A value and its depth of nesting.
struct Patient<'a> {
    raw: &'a RawValue,
    depth: usize,
}

impl<'a> Patient<'a> {
    const fn inside(&self, raw: &'a RawValue) -> Self {
        Self {
            raw,
            depth: self.depth + 1,
        }
    }

    /// Whether the value is null, or a number above the range of `f64`.
    fn is_nothing(&self) -> bool {
        let text = self.raw.get();
        let is_number = text.starts_with(|first: char| first == '-' || first.is_ascii_digit());
        text == "null" || is_number && serde_json::from_str::<f64>(text).is_err()
    }
}

impl<'a> IntoDeserializer<'a, Error> for Patient<'a> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Patient<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let text = self.raw.get();
        match text.as_bytes().first() {
            Some(b'{' | b'[') if self.depth >= DEEPEST => visitor.visit_unit(),
            Some(b'{') => {
                let Fields(fields) = last_of_each_name(text)?;
                let fields = fields.into_iter();
                let fields = fields.map(|(name, raw)| (name, self.inside(raw)));
                visitor.visit_map(MapDeserializer::new(fields))
            }
            Some(b'[') => {
                let items: Vec<&RawValue> = serde_json::from_str(text)?;
                let items = items.into_iter().map(|raw| self.inside(raw));
                visitor.visit_seq(SeqDeserializer::new(items))
            }
            _ if self.is_nothing() => visitor.visit_unit(),
            _ => self.raw.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.is_nothing() {
            return visitor.visit_none();
        }
        visitor.visit_some(self)
    }

    /// Serves requests for a [`RawValue`], which is passed on unchanged.
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.raw.deserialize_newtype_struct(name, visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf unit unit_struct
        seq tuple tuple_struct map struct enum identifier
    }
}

/// The fields of an object; the last one of each name.
fn last_of_each_name(text: &str) -> Result<Fields<'_>, Error> {
    let Known(fields): Known<Fields<'_>> = serde_json::from_str(text)?;
    let Fields(mut fields) = fields.unwrap_or_default();
    let mut names = HashSet::new();
    fields.reverse();
    fields.retain(|(name, _)| names.insert(name.clone()));
    fields.reverse();
    Ok(Fields(fields))
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use serde_json::{Value, json};

    use super::*;

    #[derive(Debug, Default, Deserialize)]
    struct Outer<'a> {
        #[serde(default)]
        count: Option<u64>,
        #[serde(borrow, default)]
        name: Cow<'a, str>,
        #[serde(default)]
        inner: Inner,
        #[serde(borrow, default)]
        raw: Option<&'a RawValue>,
    }

    #[derive(Debug, Default, Deserialize)]
    struct Inner {
        #[serde(default)]
        count: Option<u64>,
    }

    fn outer(text: &str) -> Option<Value> {
        let raw: &RawValue = serde_json::from_str(text).unwrap();
        let outer: Outer<'_> = read(raw)?;
        let raw = outer.raw.map(RawValue::get);
        Some(json!([outer.count, outer.name, outer.inner.count, raw]))
    }

    #[test]
    fn a_repeated_field_or_a_number_out_of_range_costs_no_other_field() {
        for (text, expected) in [
            (r#"{"count":1,"name":"a"}"#, json!([1, "a", null, null])),
            (
                r#"{"count":1,"name":"a","count":2}"#,
                json!([2, "a", null, null]),
            ),
            (
                r#"{"count":1e999,"name":"a"}"#,
                json!([null, "a", null, null]),
            ),
            (
                r#"{"name":"a","other":1e999,"inner":{"count":1,"count":3,"x":[-1e999]}}"#,
                json!([null, "a", 3, null]),
            ),
            (
                r#"{"name":"a","name":"b","raw":{"x":1,"x":1e999}}"#,
                json!([null, "b", null, r#"{"x":1,"x":1e999}"#]),
            ),
        ] {
            assert_eq!(outer(text), Some(expected), "{text}");
        }
        assert_eq!(outer(r#"{"count":"one"}"#), None);
    }

    #[test]
    fn deep_nesting_does_not_exhaust_the_stack() {
        let text = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        let raw: &RawValue = serde_json::from_str(&text).unwrap();
        let value: Value = read(raw).unwrap();
        assert!(value.is_array());
    }
}
