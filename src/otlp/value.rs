//! Values of attributes and log bodies.

use serde_json::{Map, Value as Json};

/// A value, like `AnyValue` of the protocol.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Value {
    /// No value.
    #[default]
    Null,
    /// A text.
    Text(String),
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number, which may be infinite or not a number.
    Double(f64),
    /// A list.
    Array(Vec<Value>),
    /// Named values.
    Map(Attributes),
    /// Number of bytes of a byte value. The bytes themselves are not kept: they are images, vectors
    /// and other data that redaction cannot read and no event contains.
    Bytes(u64),
}

/// Named values, in their original order.
///
/// The protocol requires unique keys and does not define repeated ones. Here the last value of a
/// key wins, as if the values were copied into a map one by one.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Attributes(pub(super) Vec<Attribute>);

/// A named value.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Attribute {
    /// The name.
    pub key: String,
    /// The value.
    pub value: Value,
}

impl Value {
    /// The text, if the value is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// Byte values become an object with their length, infinite numbers their names.
impl From<Value> for Json {
    fn from(value: Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Text(text) => Self::String(text),
            Value::Bool(bool) => Self::Bool(bool),
            Value::Int(int) => Self::from(int),
            Value::Double(double) if double.is_finite() => Self::from(double),
            Value::Double(double) => Self::from(name_of(double)),
            Value::Array(items) => items.into_iter().map(Self::from).collect(),
            Value::Map(fields) => Self::Object(fields.into()),
            Value::Bytes(length) => serde_json::json!({ "bytes": length }),
        }
    }
}

/// Whole numbers beyond 64 bits become doubles.
impl From<Json> for Value {
    fn from(value: Json) -> Self {
        match value {
            Json::Null => Self::Null,
            Json::Bool(bool) => Self::Bool(bool),
            Json::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(int), _) => Self::Int(int),
                (None, Some(double)) => Self::Double(double),
                (None, None) => Self::Null,
            },
            Json::String(text) => Self::Text(text),
            Json::Array(items) => Self::Array(items.into_iter().map(Self::from).collect()),
            Json::Object(fields) => Self::Map(
                fields
                    .into_iter()
                    .map(|(key, it)| (key, it.into()))
                    .collect(),
            ),
        }
    }
}

/// Name of a number without digits in JSON, as in protobuf's JSON.
pub(super) const fn name_of(double: f64) -> &'static str {
    if double.is_nan() {
        "NaN"
    } else if double > 0.0 {
        "Infinity"
    } else {
        "-Infinity"
    }
}

impl From<Attributes> for Map<String, Json> {
    fn from(attributes: Attributes) -> Self {
        let fields = attributes.0.into_iter();
        fields
            .map(|field| (field.key, field.value.into()))
            .collect()
    }
}

impl Attributes {
    /// The value of a key; the last one, if there are several.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        let mut latest_first = self.0.iter().rev();
        latest_first.find(|it| it.key == key).map(|it| &it.value)
    }

    /// The text of a key, if its value is a text.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&str> {
        self.get(key)?.as_text()
    }

    /// All values, in their original order.
    pub fn iter(&self) -> std::slice::Iter<'_, Attribute> {
        self.0.iter()
    }

    /// Number of values.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'a> IntoIterator for &'a Attributes {
    type Item = &'a Attribute;
    type IntoIter = std::slice::Iter<'a, Attribute>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl IntoIterator for Attributes {
    type Item = Attribute;
    type IntoIter = std::vec::IntoIter<Attribute>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl FromIterator<Attribute> for Attributes {
    fn from_iter<I: IntoIterator<Item = Attribute>>(attributes: I) -> Self {
        Self(attributes.into_iter().collect())
    }
}

impl<K: Into<String>> FromIterator<(K, Value)> for Attributes {
    fn from_iter<I: IntoIterator<Item = (K, Value)>>(attributes: I) -> Self {
        let attributes = attributes.into_iter();
        let named = attributes.map(|(key, value)| Attribute {
            key: key.into(),
            value,
        });
        named.collect()
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_last_value_of_a_key_wins() {
        let given = [
            ("a", Value::Int(1)),
            ("b", Value::Int(2)),
            ("a", Value::Int(3)),
        ];
        let attributes: Attributes = given.into_iter().collect();
        assert_eq!(attributes.get("a"), Some(&Value::Int(3)));
        assert_eq!(attributes.len(), 3);
        let map: Map<String, Json> = attributes.into();
        assert_eq!(Json::Object(map), json!({ "a": 3, "b": 2 }));
    }

    #[test]
    fn every_value_has_a_form_in_json() {
        let fields = [("size", Value::Bytes(9)), ("none", Value::Null)];
        let value = Value::Array(vec![
            "text".into(),
            Value::Bool(true),
            Value::Double(0.5),
            Value::Double(f64::NAN),
            Value::Double(f64::NEG_INFINITY),
            Value::Map(fields.into_iter().collect()),
        ]);
        let map = json!({ "size": { "bytes": 9 }, "none": null });
        let expected = json!(["text", true, 0.5, "NaN", "-Infinity", map]);
        assert_eq!(Json::from(value), expected);
    }
}
