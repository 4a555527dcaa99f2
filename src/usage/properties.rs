//! Properties of events as numbers and texts.

use serde_json::Value;

use crate::posthog::{Event, Json, names};

pub(super) fn property<'e>(event: &'e Event<'_>, name: &str) -> Option<&'e Json<'e>> {
    event.properties.get(name)
}

pub(super) fn text(event: &Event<'_>, name: &str) -> Option<String> {
    property(event, name)?.as_str().map(str::to_owned)
}

pub(super) fn number(event: &Event<'_>, name: &str) -> u64 {
    let value = property(event, name).and_then(Json::as_value);
    value.and_then(Value::as_u64).unwrap_or(0)
}

/// A number with a fraction: seconds or dollars.
pub(super) fn seconds(event: &Event<'_>, name: &str) -> Option<f64> {
    property(event, name)?.as_value()?.as_f64()
}

pub(super) fn is_failed(event: &Event<'_>) -> bool {
    let failed = property(event, names::IS_ERROR).and_then(Json::as_value);
    failed == Some(&Value::Bool(true))
}
