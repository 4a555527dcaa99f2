//! Types that are read from JSON values of an expected type, and skip values of any other.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// Largest number of tokens that counts. No response has more, and sums of such counts do not
/// overflow.
const LARGEST_COUNT: f64 = 1e12;

/// A type that is read from values of some JSON types. A value of any other type is skipped, by the
/// default implementations, and counts as missing.
pub(in crate::sources) trait Kind<'de>: Sized {
    /// Reads a string.
    fn of_str(_text: &str) -> Option<Self> {
        None
    }

    /// Reads a string without escapes, which can be borrowed from the line.
    fn of_borrowed_str(text: &'de str) -> Option<Self> {
        Self::of_str(text)
    }

    /// Reads a number.
    fn of_number(_number: f64) -> Option<Self> {
        None
    }

    /// Reads `true` or `false`.
    fn of_bool(_flag: bool) -> Option<Self> {
        None
    }

    /// Reads an array.
    fn of_array<A: SeqAccess<'de>>(mut array: A) -> Result<Option<Self>, A::Error> {
        while array.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    /// Reads an object.
    fn of_object<A: MapAccess<'de>>(mut object: A) -> Result<Option<Self>, A::Error> {
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }
}

/// Reads a field; `None` for a value of an unexpected type.
pub(in crate::sources) fn known<'de, D: Deserializer<'de>, T: Kind<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    deserializer.deserialize_any(KindVisitor(PhantomData))
}

struct KindVisitor<T>(PhantomData<T>);

#[expect(
    clippy::cast_precision_loss,
    reason = "counts and milliseconds are far below 2^53"
)]
impl<'de, T: Kind<'de>> Visitor<'de> for KindVisitor<T> {
    type Value = Option<T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any value")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(T::of_borrowed_str(text))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(T::of_str(text))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        Ok(T::of_number(number as f64))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        Ok(T::of_number(number as f64))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Self::Value, E> {
        Ok(T::of_number(number))
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<Self::Value, E> {
        Ok(T::of_bool(flag))
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, array: A) -> Result<Self::Value, A::Error> {
        T::of_array(array)
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Self::Value, A::Error> {
        T::of_object(object)
    }
}

/// A value of type `T`; `None` for one of an unexpected type.
#[derive(Debug)]
pub(in crate::sources) struct Known<T>(pub(in crate::sources) Option<T>);

impl<T> Default for Known<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<'de, T: Kind<'de>> Deserialize<'de> for Known<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        known(deserializer).map(Self)
    }
}

/// A string, borrowed from the line unless it contains escapes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::sources) struct Text<'a>(pub(in crate::sources) Cow<'a, str>);

impl Text<'_> {
    pub(in crate::sources) fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de: 'a, 'a> Kind<'de> for Text<'a> {
    fn of_str(text: &str) -> Option<Self> {
        Some(Self(Cow::Owned(text.to_owned())))
    }

    fn of_borrowed_str(text: &'de str) -> Option<Self> {
        Some(Self(Cow::Borrowed(text)))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        known(deserializer)?.ok_or_else(|| D::Error::custom("not a string"))
    }
}

/// A finite number, or a string that contains one.
impl Kind<'_> for f64 {
    fn of_number(number: f64) -> Option<Self> {
        Some(number)
    }

    fn of_str(text: &str) -> Option<Self> {
        let number = text.trim().parse().ok();
        number.filter(|number: &Self| number.is_finite())
    }
}

/// A count: a number without its decimal places, or a string that contains one.
impl Kind<'_> for u64 {
    fn of_number(number: f64) -> Option<Self> {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "within the limits"
        )]
        let count = (0.0..=LARGEST_COUNT)
            .contains(&number)
            .then_some(number as Self);
        count
    }

    fn of_str(text: &str) -> Option<Self> {
        f64::of_str(text).and_then(Self::of_number)
    }
}

impl Kind<'_> for bool {
    fn of_bool(flag: bool) -> Option<Self> {
        Some(flag)
    }
}

/// The fields of an object in their order, with repetitions, each with its unread value.
#[derive(Debug, Default)]
pub(in crate::sources) struct Fields<'a>(pub(in crate::sources) Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de: 'a, 'a> Kind<'de> for Fields<'a> {
    fn of_object<A: MapAccess<'de>>(mut object: A) -> Result<Option<Self>, A::Error> {
        let mut fields = Vec::with_capacity(4);
        while let Some((Text(name), value)) = object.next_entry()? {
            fields.push((name, value));
        }
        Ok(Some(Self(fields)))
    }
}

/// An object that is read into a struct.
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Kind<'de> for Object<T> {
    fn of_object<A: MapAccess<'de>>(object: A) -> Result<Option<Self>, A::Error> {
        let object = T::deserialize(MapAccessDeserializer::new(object))?;
        Ok(Some(Self(object)))
    }
}

/// Reads a field that contains an object, in place. An array is ignored, though `T` could be read
/// from it.
pub(in crate::sources) fn object<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    let object: Option<Object<T>> = known(deserializer)?;
    Ok(object.map(|Object(object)| object))
}
