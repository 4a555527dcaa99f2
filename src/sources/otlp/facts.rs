//! Looks facts up among the attributes of spans and log records.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use super::lenient;
use super::withheld::is_withheld;
use crate::otlp::{Attributes, Value};

/// Attributes of one piece of work: of several spans and log records if more than one
/// instrumentation reported it. Earlier ones take precedence.
#[derive(Clone, Debug, Default)]
pub(super) struct Facts<'a>(pub(super) Vec<&'a Attributes>);

/// Separates the name of an attribute from a path within its value, which is JSON.
const WITHIN: char = '#';

impl<'a> Facts<'a> {
    /// The attributes of one span or log record.
    pub(super) fn of(attributes: &'a Attributes) -> Self {
        Self(vec![attributes])
    }

    /// The value of an attribute, unless it is empty or withheld.
    pub(super) fn get(&self, name: &str) -> Option<&'a Value> {
        let mut layers = self.0.iter();
        layers.find_map(|layer| given(layer, name))
    }

    /// The value under the first candidate that has one. A candidate is the name of an attribute,
    /// or the name and a path: `usage#details.cached`.
    pub(super) fn value(&self, candidates: &[&str]) -> Option<Json> {
        self.0.iter().find_map(|layer| {
            candidates
                .iter()
                .find_map(|candidate| look_up(layer, candidate))
        })
    }

    /// The text under the first candidate whose text is not blank.
    pub(super) fn text(&self, candidates: &[&str]) -> Option<String> {
        self.find(candidates, |value| match value {
            Json::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
            Json::Number(number) => Some(number.to_string()),
            _ => None,
        })
    }

    /// The number under the first candidate that has one. Some emitters write numbers as text.
    pub(super) fn number(&self, candidates: &[&str]) -> Option<f64> {
        self.find(candidates, |value| number(&value))
    }

    /// The count under the first candidate that has one.
    pub(super) fn count(&self, candidates: &[&str]) -> Option<u64> {
        self.find(candidates, |value| count(&value))
    }

    /// The truth value under the first candidate that has one.
    pub(super) fn flag(&self, candidates: &[&str]) -> Option<bool> {
        self.find(candidates, |value| match value {
            Json::Bool(flag) => Some(flag),
            Json::String(text) => text.trim().parse().ok(),
            _ => None,
        })
    }

    fn find<T>(&self, candidates: &[&str], read: impl Fn(Json) -> Option<T>) -> Option<T> {
        self.0.iter().find_map(|layer| {
            let mut candidates = candidates.iter();
            candidates.find_map(|candidate| read(look_up(layer, candidate)?))
        })
    }

    /// The list that is spread over attributes named `prefix.0.…`, `prefix.1.…`.
    pub(super) fn spread(&self, prefix: &str) -> Option<Json> {
        self.0.iter().find_map(|layer| gather(layer, prefix))
    }

    /// Every attribute whose name begins with `prefix`; the names are given without it.
    pub(super) fn below(&self, prefix: &str) -> impl Iterator<Item = (&'a str, &'a Value)> {
        let layers = self.0.iter().flat_map(|layer| layer.iter());
        layers.filter_map(move |it| Some((it.key.strip_prefix(prefix)?, &it.value)))
    }
}

/// The value of an attribute, unless it is empty or withheld. Sentry renames the attributes of the AI
/// SDK.
fn given<'a>(attributes: &'a Attributes, name: &str) -> Option<&'a Value> {
    let renamed = || {
        let is_renamed = name.starts_with("ai.");
        is_renamed.then(|| attributes.get(&format!("vercel.{name}")))?
    };
    let value = attributes.get(name).or_else(renamed)?;
    let is_empty = match value {
        Value::Null => true,
        Value::Text(text) => text.is_empty() || is_withheld(text),
        Value::Array(items) => items.is_empty(),
        Value::Map(fields) => fields.is_empty(),
        _ => false,
    };
    (!is_empty).then_some(value)
}

fn look_up(attributes: &Attributes, candidate: &str) -> Option<Json> {
    let Some((name, path)) = candidate.split_once(WITHIN) else {
        let value: Json = given(attributes, candidate)?.clone().into();
        return Some(match value {
            // MLflow writes every value as JSON.
            Json::String(text) if candidate.starts_with("mlflow.") => Json::String(unquoted(text)),
            value => value,
        });
    };
    let mut value = parsed(given(attributes, name)?.clone().into());
    for step in path.split('.') {
        value = match value {
            Json::Object(mut fields) => fields.swap_remove(step)?,
            Json::Array(mut items) => {
                let index: usize = step.parse().ok()?;
                (index < items.len()).then(|| items.swap_remove(index))?
            }
            _ => return None,
        };
    }
    (!value.is_null()).then_some(value)
}

/// Parses a text that is JSON; returns any other value unchanged.
pub(super) fn parsed(value: Json) -> Json {
    let Json::String(text) = &value else {
        return value;
    };
    let is_structure = text.trim_start().starts_with(['{', '[']);
    let parsed = is_structure.then(|| json(text));
    parsed.flatten().unwrap_or(value)
}

/// The value of a text that is JSON, including JSON that strict readers refuse.
fn json(text: &str) -> Option<Json> {
    let strict = serde_json::from_str(text).ok();
    strict.or_else(|| lenient::read(text))
}

/// The contents of a text that is a quoted JSON string; any other text unchanged.
pub(super) fn unquoted(text: String) -> String {
    let quoted = text.starts_with('"').then(|| json(&text)).flatten();
    match quoted {
        Some(Json::String(inner)) => inner,
        _ => text,
    }
}

/// A number, or a text that contains one.
pub(super) fn number(value: &Json) -> Option<f64> {
    let number = match value {
        Json::Number(number) => number.as_f64(),
        Json::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.filter(|number| number.is_finite())
}

/// A whole number that is not negative.
pub(super) fn count(value: &Json) -> Option<u64> {
    if let Some(count) = value.as_u64() {
        return (count < LONGEST_COUNT).then_some(count);
    }
    let number = number(value).filter(|number| *number >= 0.0 && *number < MAX_COUNT)?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is between 0 and 2^53"
    )]
    Some(number.round() as u64)
}

/// First number that is not a count: 2^53, from which on doubles skip whole numbers.
const MAX_COUNT: f64 = 9_007_199_254_740_992.0;
const LONGEST_COUNT: u64 = 1 << 53;

/// Largest number of items in a list. The index is part of an attribute's name, so an emitter could
/// write any number.
const MAX_ITEMS: usize = 10_000;
/// Levels of nested lists.
const DEEPEST: usize = 32;

/// Builds a list from attributes that each hold a field of an item.
fn gather(attributes: &Attributes, prefix: &str) -> Option<Json> {
    let mut list = Json::Object(Map::new());
    for attribute in attributes {
        let rest = attribute.key.strip_prefix(prefix);
        let Some(path) = rest.and_then(|rest| rest.strip_prefix('.')) else {
            continue;
        };
        let is_item = path.starts_with(|first: char| first.is_ascii_digit());
        if is_item && path.matches('.').count() < DEEPEST {
            insert(&mut list, path, attribute.value.clone().into());
        }
    }
    let is_filled = list.as_object().is_some_and(|items| !items.is_empty());
    is_filled.then(|| with_lists(list))
}

/// Prefix of a field's name that marks the item of a list. Items stay fields until the list is
/// complete: a list would need all items before the first one, and their number may be large.
const ITEM: char = '\0';

fn insert(place: &mut Json, path: &str, value: Json) {
    let (step, rest) = match path.split_once('.') {
        Some((step, rest)) => (step, Some(rest)),
        None => (path, None),
    };
    let name = match step.parse::<usize>() {
        Ok(index) if index >= MAX_ITEMS => return,
        Ok(index) => format!("{ITEM}{index}"),
        Err(_) => step.to_owned(),
    };
    let is_alike = |fields: &Map<String, Json>| {
        let mut names = fields.keys();
        names
            .next()
            .is_none_or(|it| it.starts_with(ITEM) == name.starts_with(ITEM))
    };
    if !place.as_object().is_some_and(is_alike) {
        *place = Json::Object(Map::new());
    }
    let Json::Object(fields) = place else { return };
    let child = fields.entry(name).or_insert(Json::Null);
    match rest {
        Some(rest) => insert(child, rest, value),
        None => *child = value,
    }
}

/// The value with its marked objects turned into lists.
fn with_lists(value: Json) -> Json {
    let Json::Object(fields) = value else {
        return value;
    };
    if !fields.keys().next().is_some_and(|it| it.starts_with(ITEM)) {
        let fields = fields.into_iter();
        return Json::Object(fields.map(|(name, it)| (name, with_lists(it))).collect());
    }
    let index = |name: &str| {
        name.trim_start_matches(ITEM)
            .parse::<usize>()
            .unwrap_or(MAX_ITEMS)
    };
    let items = fields.into_iter().map(|(name, it)| (index(&name), it));
    let items: BTreeMap<usize, Json> = items.collect();
    let items = items.into_values().filter(|it| !it.is_null());
    items.map(with_lists).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn attributes(pairs: &[(&str, Value)]) -> Attributes {
        let pairs = pairs.iter().map(|(key, value)| (*key, value.clone()));
        pairs.collect()
    }

    #[test]
    fn the_first_candidate_with_a_usable_value_counts() {
        let first = attributes(&[
            ("a", "".into()),
            ("b", "12".into()),
            ("details", r#"{"cached":{"tokens":7}}"#.into()),
        ]);
        let second = attributes(&[("a", Value::Int(3)), ("c", Value::Double(0.5))]);
        let facts = Facts(vec![&first, &second]);
        assert_eq!(facts.count(&["a", "b"]), Some(12), "the first layer");
        assert_eq!(facts.count(&["a"]), Some(3), "the next layer fills a gap");
        assert_eq!(facts.count(&["details#cached.tokens"]), Some(7));
        assert_eq!(facts.number(&["c"]), Some(0.5));
        assert_eq!(facts.count(&["details"]), None, "an object is no count");
    }

    #[test]
    fn attributes_that_sentry_renames_are_found() {
        let renamed = attributes(&[("vercel.ai.model.id", "gpt-4o".into())]);
        let model = Facts::of(&renamed).text(&["ai.model.id"]);
        assert_eq!(model.as_deref(), Some("gpt-4o"));
    }

    #[test]
    fn a_list_that_is_spread_over_attributes_is_one_list() {
        let spread = attributes(&[
            ("in.0.message.role", "user".into()),
            ("in.0.message.calls.1.id", "b".into()),
            ("in.0.message.calls.0.id", "a".into()),
            ("in.4.message.role", "tool".into()),
            ("in.99999999999.message.role", "x".into()),
            ("in.length", Value::Int(2)),
        ]);
        let facts = Facts::of(&spread);
        let list = facts.spread("in").expect("a list");
        assert_eq!(
            list[0]["message"]["calls"],
            json!([{"id": "a"}, {"id": "b"}])
        );
        assert_eq!(list[1]["message"]["role"], "tool");
        assert_eq!(facts.spread("out"), None);
    }

    #[test]
    fn the_number_of_an_item_takes_no_memory_and_deep_names_no_stack() {
        let text = |index: usize| format!("m.9999.c.{index}.c.9999.text");
        let many = (0..2000).map(|index| (text(index), Value::from("x")));
        let deep = (format!("m.0{}", ".1".repeat(100_000)), Value::from("x"));
        let attributes: Attributes = many.chain([deep]).collect();
        let list = gather(&attributes, "m").unwrap();
        assert_eq!(list[0]["c"].as_array().unwrap().len(), 2000);
        assert_eq!(list[0]["c"][1999], json!({"c": [{"text": "x"}]}));
        assert_eq!(list.as_array().unwrap().len(), 1);
    }
}
