//! The form of spans and log records on disk.
//!
//! One JSON object contains spans and log records that arrived together, and each of their
//! resources and scopes once; spans and records refer to them by index:
//!
//! ```json
//! {"version":1,"resources":[{…}],"scopes":[{…}],"spans":[[0,0,{…}]],"logs":[[0,0,{…}]]}
//! ```
//!
//! Values are plain JSON, with objects for those that JSON lacks: `{"map":{…}}`, `{"bytes":9}`,
//! `{"double":"NaN"}`. A double always has a fraction or an exponent, a whole number never. Reading
//! returns exactly the written values, to the last bit.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::sync::Arc;

use serde::de::{Error as _, MapAccess, SeqAccess, Unexpected, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

use super::model::{LogRecord, Resource, Scope, Span};
use super::value::{Attribute, Attributes, Value, name_of};

/// Version of the form. Raise it with every change that an older program would misunderstand.
const VERSION: u32 = 1;

/// Stored spans that cannot be read.
#[derive(Debug, Error)]
pub enum StoredError {
    /// A newer program wrote them.
    #[error("version {0} of stored spans is newer than {VERSION}, which this program reads")]
    Version(u32),
    /// They are damaged.
    #[error("stored spans are damaged: {0}")]
    Damaged(serde_json::Error),
}

/// Indices of a resource and a scope, and the span or record that has them.
type Row<T> = (usize, usize, T);

#[derive(Serialize)]
struct Written<'a> {
    version: u32,
    resources: Vec<&'a Resource>,
    scopes: Vec<&'a Scope>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    spans: Vec<Row<&'a Span>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    logs: Vec<Row<&'a LogRecord>>,
}

#[derive(Deserialize)]
struct Read {
    version: u32,
    resources: Vec<Arc<Resource>>,
    scopes: Vec<Arc<Scope>>,
    #[serde(default)]
    spans: Vec<Row<Span>>,
    #[serde(default)]
    logs: Vec<Row<LogRecord>>,
}

#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

/// Writes spans and log records.
///
/// # Errors
/// When they cannot be written as JSON, which is not to be expected.
pub fn write<'a>(
    spans: impl IntoIterator<Item = &'a Span>,
    logs: impl IntoIterator<Item = &'a LogRecord>,
) -> serde_json::Result<Vec<u8>> {
    let (mut resources, mut scopes) = (Places::default(), Places::default());
    let spans = spans.into_iter();
    let spans = spans
        .map(|it| (resources.of(&it.resource), scopes.of(&it.scope), it))
        .collect();
    let logs = logs.into_iter();
    let logs = logs
        .map(|it| (resources.of(&it.resource), scopes.of(&it.scope), it))
        .collect();
    let (resources, scopes) = (resources.items, scopes.items);
    serde_json::to_vec(&Written {
        version: VERSION,
        resources,
        scopes,
        spans,
        logs,
    })
}

/// Reads the bytes of [`write()`].
///
/// # Errors
/// When a newer program wrote them, or they are damaged.
pub fn read(bytes: &[u8]) -> Result<(Vec<Span>, Vec<LogRecord>), StoredError> {
    let read: Read = serde_json::from_slice(bytes)
        .map_err(|error| newer(bytes).unwrap_or(StoredError::Damaged(error)))?;
    if read.version > VERSION {
        return Err(StoredError::Version(read.version));
    }
    let Read {
        resources,
        scopes,
        spans,
        logs,
        ..
    } = read;
    let spans = spans.into_iter().map(|(resource, scope, span)| {
        let (resource, scope) = (at(&resources, resource)?, at(&scopes, scope)?);
        Ok(Span {
            resource,
            scope,
            ..span
        })
    });
    let spans: Result<_, serde_json::Error> = spans.collect();
    let spans = spans.map_err(StoredError::Damaged)?;
    let logs = logs.into_iter().map(|(resource, scope, log)| {
        let (resource, scope) = (at(&resources, resource)?, at(&scopes, scope)?);
        Ok(LogRecord {
            resource,
            scope,
            ..log
        })
    });
    let logs: Result<_, serde_json::Error> = logs.collect();
    let logs = logs.map_err(StoredError::Damaged)?;
    Ok((spans, logs))
}

/// The error to report for an unreadable form, if a newer program wrote it.
fn newer(bytes: &[u8]) -> Option<StoredError> {
    let versioned: Versioned = serde_json::from_slice(bytes).ok()?;
    (versioned.version > VERSION).then_some(StoredError::Version(versioned.version))
}

fn at<T>(items: &[Arc<T>], place: usize) -> serde_json::Result<Arc<T>> {
    let missing = || serde_json::Error::custom(format_args!("there is no place {place}"));
    items.get(place).cloned().ok_or_else(missing)
}

/// The indices of shared values.
struct Places<'a, T> {
    items: Vec<&'a T>,
    places: HashMap<*const T, usize>,
}

impl<T> Default for Places<'_, T> {
    fn default() -> Self {
        Self {
            items: Vec::new(),
            places: HashMap::new(),
        }
    }
}

impl<'a, T> Places<'a, T> {
    fn of(&mut self, item: &'a Arc<T>) -> usize
    where
        *const T: Hash + Eq,
    {
        *self.places.entry(Arc::as_ptr(item)).or_insert_with(|| {
            self.items.push(item);
            self.items.len() - 1
        })
    }
}

impl Serialize for Attributes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter().map(|it| (&it.key, &it.value)))
    }
}

impl<'de> Deserialize<'de> for Attributes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(AttributesVisitor)
    }
}

struct AttributesVisitor;

impl<'de> Visitor<'de> for AttributesVisitor {
    type Value = Attributes;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("named values")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Attributes, A::Error> {
        let mut attributes = Vec::new();
        while let Some((key, value)) = fields.next_entry()? {
            attributes.push(Attribute { key, value });
        }
        Ok(Attributes(attributes))
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Bool(bool) => serializer.serialize_bool(*bool),
            Self::Int(int) => serializer.serialize_i64(*int),
            Self::Double(double) if double.is_finite() => serializer.serialize_f64(*double),
            Self::Double(double) => named(serializer, "double", name_of(*double)),
            Self::Array(items) => serializer.collect_seq(items),
            Self::Map(fields) => named(serializer, "map", fields),
            Self::Bytes(length) => named(serializer, "bytes", length),
        }
    }
}

fn named<S: Serializer>(
    serializer: S,
    name: &str,
    value: impl Serialize,
) -> Result<S::Ok, S::Error> {
    let mut object = serializer.serialize_map(Some(1))?;
    object.serialize_entry(name, &value)?;
    object.end()
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.to_owned()))
    }

    fn visit_bool<E>(self, bool: bool) -> Result<Value, E> {
        Ok(Value::Bool(bool))
    }

    fn visit_i64<E>(self, int: i64) -> Result<Value, E> {
        Ok(Value::Int(int))
    }

    fn visit_u64<E: serde::de::Error>(self, int: u64) -> Result<Value, E> {
        let too_large = |_| E::invalid_value(Unexpected::Unsigned(int), &self);
        i64::try_from(int).map(Value::Int).map_err(too_large)
    }

    fn visit_f64<E>(self, double: f64) -> Result<Value, E> {
        Ok(Value::Double(double))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = items.next_element()? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let value = match fields.next_key::<String>()?.as_deref() {
            Some("map") => Value::Map(fields.next_value()?),
            Some("bytes") => Value::Bytes(fields.next_value()?),
            Some("double") => {
                let name = fields.next_value::<String>()?;
                Value::Double(name.parse().map_err(A::Error::custom)?)
            }
            _ => return Err(A::Error::custom("a value of no known type")),
        };
        match fields.next_key::<String>()? {
            None => Ok(value),
            Some(_) => Err(A::Error::custom("a value of two types")),
        }
    }
}
