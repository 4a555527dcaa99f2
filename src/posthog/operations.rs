//! Properties of the work of instrumented applications.

use serde_json::Value;

use super::Recording;
use super::json::Json;
use super::names;
use super::properties::Properties;
use crate::session::{Operation, OperationKind, Origin};

/// The properties of an operation.
pub(super) fn of_operation(operation: &Operation, recording: Recording) -> Properties<'_> {
    let mut properties = Properties::default();
    properties.insert_some(names::SPAN_NAME, operation.traced.name.as_ref());
    properties.insert(names::SPAN_TYPE, operation.kind.as_str());
    properties.insert_some(names::TOOL_CALL_ID, operation.call_id.as_ref());
    for (name, value) in states(operation) {
        properties.insert(name, recorded(operation, name, recording, value));
    }
    properties.error(operation.error.as_ref(), recording);
    properties
}

/// Adds to a trace's properties the application's facts about the work as a whole.
pub(super) fn of_whole<'a>(
    properties: &mut Properties<'a>,
    whole: &'a Operation,
    recording: Recording,
) {
    if let Some(name) = &whole.traced.name {
        properties.insert(names::TRACE_NAME, name);
        properties.insert(names::SPAN_NAME, name);
    }
    for (name, value) in states(whole) {
        if !value.is_null() {
            properties.insert(name, recorded(whole, name, recording, value));
        }
    }
    if whole.error.is_some() {
        properties.error(whole.error.as_ref(), recording);
    }
}

/// Input and output of an operation, by the names of their properties.
const fn states(operation: &Operation) -> [(&'static str, &Value); 2] {
    [
        (names::INPUT_STATE, &operation.input),
        (names::OUTPUT_STATE, &operation.output),
    ]
}

/// A value, or null if it is not recorded. The input of a chain or agent may contain answers of
/// models, and its output may contain prompts: if only one of both is recorded, neither is sent.
fn recorded<'a>(
    operation: &Operation,
    name: &str,
    recording: Recording,
    value: &'a Value,
) -> Json<'a> {
    let is_recorded = match (&operation.kind, name) {
        (OperationKind::Tool, names::INPUT_STATE) => recording.inputs(),
        (OperationKind::Tool, _) => recording.outputs(),
        _ => recording == Recording::Full,
    };
    Some(value).filter(|_| is_recorded).into()
}

/// Adds the application's facts about a piece of work. Its own properties never replace one that
/// this program sets, nor use a name with a meaning in PostHog.
pub(super) fn of_origin<'a>(all: &mut Properties<'a>, origin: &'a Origin) {
    all.insert_some(names::BASE_URL, origin.server.as_ref());
    if !origin.groups.is_empty() {
        all.insert(names::GROUPS, Value::Object(origin.groups.clone()));
    }
    // OpenRouter's own destination also sends the user as a property.
    if origin.framework.as_deref() == Some("openrouter") {
        all.insert_some(names::USER, origin.person.as_ref());
    }
    for (name, value) in &origin.properties {
        if !name.starts_with('$') && all.get(name).is_none() {
            all.insert(name.clone(), value);
        }
    }
}
