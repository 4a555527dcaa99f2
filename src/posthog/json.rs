//! JSON values that borrow their content.

use std::borrow::Cow;
use std::mem;

use serde_json::Value;

use super::write;

/// Bytes of the longest number, which has a fraction and an exponent.
const LONGEST_NUMBER: usize = 32;

/// A JSON value of an event. Its content is borrowed from the session, which holds a text once, in
/// however many events it is sent.
#[derive(Clone, Debug)]
pub enum Json<'a> {
    /// A text.
    Text(Cow<'a, str>),
    /// Any value, such as the arguments of a tool call.
    Value(Cow<'a, Value>),
    /// An array.
    List(Vec<Json<'a>>),
    /// An object with names from this program, which neither are nor announce secrets.
    Object(Vec<(&'static str, Json<'a>)>),
}

impl<'a> Json<'a> {
    /// `null`
    pub const NULL: Self = Self::Value(Cow::Owned(Value::Null));

    pub(super) fn object<const N: usize>(fields: [(&'static str, Json<'a>); N]) -> Self {
        Self::Object(fields.into())
    }

    /// The text, if it is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Value(value) => value.as_str(),
            Self::List(_) | Self::Object(_) => None,
        }
    }

    /// The value, unless it is a text or composed of parts: a number, a flag, arguments.
    #[must_use]
    pub fn as_value(&self) -> Option<&Value> {
        match self {
            Self::Value(value) => Some(value),
            Self::Text(_) | Self::List(_) | Self::Object(_) => None,
        }
    }

    /// A field of an [`Json::Object`].
    pub(super) fn field(&self, name: &str) -> Option<&Self> {
        let Self::Object(fields) = self else {
            return None;
        };
        let mut fields = fields.iter();
        fields.find_map(|(known, value)| (*known == name).then_some(value))
    }

    /// A field of an [`Json::Object`], mutable.
    pub(super) fn field_mut(&mut self, name: &str) -> Option<&mut Self> {
        let Self::Object(fields) = self else {
            return None;
        };
        let mut fields = fields.iter_mut();
        fields.find_map(|(known, value)| (*known == name).then_some(value))
    }

    /// Writes the value.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Text(text) => write::text(text, out),
            Self::Value(value) => write::value(value, out),
            Self::List(items) => write::list(items, out, Self::write),
            Self::Object(fields) => {
                let fields = fields.iter().map(|(name, field)| (*name, field));
                write::object(fields, out, Self::write);
            }
        }
    }

    /// Bytes of its texts: a lower bound for the size of its JSON.
    pub(super) fn least_size(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Value(value) => least_size(value),
            Self::List(items) => items.iter().map(Self::least_size).sum(),
            Self::Object(fields) => fields.iter().map(|(_, field)| field.least_size()).sum(),
        }
    }

    /// Upper bound of the bytes of its JSON.
    pub(super) fn most_size(&self) -> usize {
        match self {
            Self::Text(text) => most_size_of(text),
            Self::Value(value) => most_size(value),
            Self::List(items) => items.iter().map(|it| it.most_size() + 1).sum::<usize>() + 2,
            Self::Object(fields) => {
                let fields = fields.iter();
                let sizes = fields.map(|(name, it)| most_size_of(name) + it.most_size() + 2);
                sizes.sum::<usize>() + 2
            }
        }
    }

    /// The value with a copy of all borrowed content.
    #[must_use]
    pub fn into_value(self) -> Value {
        match self {
            Self::Text(text) => Value::String(text.into_owned()),
            Self::Value(value) => value.into_owned(),
            Self::List(items) => items.into_iter().map(Self::into_value).collect(),
            Self::Object(fields) => fields
                .into_iter()
                .map(|(name, field)| (name, field.into_value()))
                .collect(),
        }
    }

    /// Changes the value as an owned one.
    pub fn edit<R>(&mut self, change: impl FnOnce(&mut Value) -> R) -> R {
        let mut value = mem::replace(self, Self::NULL).into_value();
        let result = change(&mut value);
        *self = Self::from(value);
        result
    }
}

fn least_size(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 1,
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(least_size).sum(),
        Value::Object(fields) => fields.values().map(least_size).sum(),
    }
}

/// Upper bound of the bytes of a text as JSON: a control character becomes an escape of six.
const fn most_size_of(text: &str) -> usize {
    text.len() * 6 + 2
}

fn most_size(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => LONGEST_NUMBER,
        Value::String(text) => most_size_of(text),
        Value::Array(items) => items.iter().map(|it| most_size(it) + 1).sum::<usize>() + 2,
        Value::Object(fields) => {
            let fields = fields.iter();
            let sizes = fields.map(|(name, it)| most_size_of(name) + most_size(it) + 2);
            sizes.sum::<usize>() + 2
        }
    }
}

/// Two values are the same if their JSON is.
impl PartialEq for Json<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Text(a), Self::Text(b)) => a == b,
            (Self::Value(a), Self::Value(b)) => a == b,
            (Self::List(a), Self::List(b)) => a == b,
            (Self::Object(a), Self::Object(b)) => a == b,
            (a, b) => a.clone().into_value() == b.clone().into_value(),
        }
    }
}

impl<'a> From<&'a str> for Json<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl<'a> From<&'a String> for Json<'a> {
    fn from(text: &'a String) -> Self {
        Self::from(text.as_str())
    }
}

impl From<String> for Json<'_> {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

impl<'a> From<Cow<'a, str>> for Json<'a> {
    fn from(text: Cow<'a, str>) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a Value> for Json<'a> {
    fn from(value: &'a Value) -> Self {
        Self::Value(Cow::Borrowed(value))
    }
}

impl From<Value> for Json<'_> {
    fn from(value: Value) -> Self {
        Self::Value(Cow::Owned(value))
    }
}

impl<T: Into<Self>> From<Vec<T>> for Json<'_> {
    fn from(items: Vec<T>) -> Self {
        Self::List(items.into_iter().map(Into::into).collect())
    }
}

impl<T: Into<Self>> From<Option<T>> for Json<'_> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::NULL, Into::into)
    }
}

/// Numbers and flags.
macro_rules! from_plain {
    ($($plain:ty),*) => {$(
        impl From<$plain> for Json<'_> {
            fn from(value: $plain) -> Self {
                Self::from(Value::from(value))
            }
        }
    )*};
}

from_plain!(bool, f64, i32, u16, u64, usize);
