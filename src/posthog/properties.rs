//! The properties of an event, by name.

use std::borrow::Cow;
use std::mem;

use serde::ser::{Serialize, Serializer};
use serde_json::{Map, Value, json};

/// Initial capacity: about the usual number of properties of an event.
const USUAL: usize = 48;

/// The name of a property: borrowed if it is one of this program's own.
pub type Name = Cow<'static, str>;

/// Properties in the order in which they were set. An event has a few dozen, nearly all with names
/// known to this program: searching a list costs less than a map, which would copy and hash every
/// name.
#[derive(Clone, Debug, PartialEq)]
pub struct Properties(Vec<(Name, Value)>);

impl Default for Properties {
    fn default() -> Self {
        Self(Vec::with_capacity(USUAL))
    }
}

impl Properties {
    /// The value of a property.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        let mut properties = self.0.iter();
        properties.find_map(|(known, value)| (known == name).then_some(value))
    }

    /// The value of a property, mutable.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Value> {
        let mut properties = self.0.iter_mut();
        properties.find_map(|(known, value)| (known == name).then_some(value))
    }

    /// Whether there are no properties.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Sets a property. An existing one keeps its position.
    pub fn insert(&mut self, name: impl Into<Name>, value: Value) {
        let name = name.into();
        match self.get_mut(&name) {
            Some(known) => *known = value,
            None => self.0.push((name, value)),
        }
    }

    /// Removes a property.
    pub fn remove(&mut self, name: &str) -> Option<Value> {
        let at = self.0.iter().position(|(known, _)| known == name)?;
        Some(self.0.remove(at).1)
    }

    /// All properties, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_ref(), value))
    }

    /// All properties, in order, with mutable values.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&Name, &mut Value)> {
        self.0.iter_mut().map(|(name, value)| (&*name, value))
    }

    /// Renames every property for which `rename` returns a name. No property is lost: if the name
    /// is taken, an apostrophe is appended.
    pub fn rename(&mut self, mut rename: impl FnMut(&str) -> Option<String>) {
        for (name, value) in mem::take(self).0 {
            let mut name = rename(&name).map_or(name, Name::Owned);
            while self.get(&name).is_some() {
                name.to_mut().push('\'');
            }
            self.0.push((name, value));
        }
    }

    pub(super) fn set(&mut self, name: impl Into<Name>, value: impl Serialize) {
        // Cannot fail: all values set here are text, numbers or JSON.
        self.insert(name, json!(value));
    }

    pub(super) fn set_some(&mut self, name: impl Into<Name>, value: Option<impl Serialize>) {
        if let Some(value) = value {
            self.set(name, value);
        }
    }
}

impl Extend<(Name, Value)> for Properties {
    fn extend<I: IntoIterator<Item = (Name, Value)>>(&mut self, properties: I) {
        for (name, value) in properties {
            self.insert(name, value);
        }
    }
}

impl IntoIterator for Properties {
    type Item = (Name, Value);
    type IntoIter = std::vec::IntoIter<(Name, Value)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl From<Map<String, Value>> for Properties {
    fn from(properties: Map<String, Value>) -> Self {
        let named = |(name, value)| (Name::Owned(name), value);
        Self(properties.into_iter().map(named).collect())
    }
}

impl From<Properties> for Map<String, Value> {
    fn from(properties: Properties) -> Self {
        let named = |(name, value): (Name, Value)| (name.into_owned(), value);
        properties.into_iter().map(named).collect()
    }
}

impl Serialize for Properties {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_property_that_is_set_again_keeps_its_place() {
        let mut properties = Properties::default();
        properties.set("a", 1);
        properties.set("b", 2);
        properties.set("a".to_owned(), 3);
        let written = serde_json::to_string(&properties).unwrap();
        assert_eq!(written, r#"{"a":3,"b":2}"#);
        assert_eq!(properties.remove("a"), Some(json!(3)));
        assert_eq!(properties.get("a"), None);
    }

    #[test]
    fn no_property_is_lost_for_a_name_that_two_would_have() {
        let mut properties = Properties::default();
        for name in ["one", "two", "other"] {
            properties.set(name, name);
        }
        properties.rename(|name| (name != "other").then(|| "mark".to_owned()));
        let written = serde_json::to_string(&properties).unwrap();
        assert_eq!(written, r#"{"mark":"one","mark'":"two","other":"other"}"#);
    }
}
