//! Properties of events as numbers and texts.

use serde_json::Value;

use crate::posthog::{Event, Json, names};

pub(super) fn property<'e>(event: &'e Event<'_>, name: &str) -> Option<&'e Json<'e>> {
    event.properties.get(name)
}

pub(super) fn text(event: &Event<'_>, name: &str) -> Option<String> {
    property(event, name)?.as_str().map(str::to_owned)
}

/// A short value: a number, a text or a truth value.
pub(super) fn value(event: &Event<'_>, name: &str) -> Option<Value> {
    let property = property(event, name)?;
    let text = || property.as_str().map(Value::from);
    property.as_value().cloned().or_else(text)
}

pub(super) fn number(event: &Event<'_>, name: &str) -> u64 {
    let value = property(event, name).and_then(Json::as_value);
    value.and_then(Value::as_u64).unwrap_or(0)
}

/// A number with a fraction: seconds or dollars.
pub(super) fn seconds(event: &Event<'_>, name: &str) -> Option<f64> {
    property(event, name)?.as_value()?.as_f64()
}

/// The texts of a list.
pub(super) fn list(event: &Event<'_>, name: &str) -> impl Iterator<Item = String> {
    let list = property(event, name).map(|it| it.clone().into_value());
    let items = list.and_then(|list| match list {
        Value::Array(items) => Some(items),
        _ => None,
    });
    let items = items.into_iter().flatten();
    items.filter_map(|item| match item {
        Value::String(text) => Some(text),
        _ => None,
    })
}

pub(super) fn is_failed(event: &Event<'_>) -> bool {
    let failed = property(event, names::IS_ERROR).and_then(Json::as_value);
    failed == Some(&Value::Bool(true))
}
