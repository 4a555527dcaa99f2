//! Properties of the work of instrumented applications.

use serde_json::{Value, json};

use super::Recording;
use super::names;
use super::properties::Properties;
use crate::session::{Operation, OperationKind, Origin};

/// The properties of an operation.
pub(super) fn of_operation(operation: &Operation, recording: Recording) -> Properties {
    let mut properties = Properties::default();
    properties.set_some(names::SPAN_NAME, operation.traced.name.as_ref());
    properties.set(names::SPAN_TYPE, operation.kind.as_str());
    properties.set_some(names::TOOL_CALL_ID, operation.call_id.as_ref());
    states(&mut properties, operation, recording);
    properties.error(operation.error.as_ref(), recording);
    properties
}

/// Adds to the properties of a trace what the application says of the work as a whole.
pub(super) fn of_whole(properties: &mut Properties, whole: &Operation, recording: Recording) {
    if let Some(name) = &whole.traced.name {
        properties.set(names::TRACE_NAME, name);
        properties.set(names::SPAN_NAME, name);
    }
    for (name, value) in [
        (names::INPUT_STATE, &whole.input),
        (names::OUTPUT_STATE, &whole.output),
    ] {
        if !value.is_null() {
            properties.insert(name, recorded(whole, name, recording, value));
        }
    }
    if whole.error.is_some() {
        properties.error(whole.error.as_ref(), recording);
    }
}

fn states(properties: &mut Properties, operation: &Operation, recording: Recording) {
    for (name, value) in [
        (names::INPUT_STATE, &operation.input),
        (names::OUTPUT_STATE, &operation.output),
    ] {
        properties.insert(name, recorded(operation, name, recording, value));
    }
}

/// A value, or null if it is not recorded. What a chain or an agent is given may hold answers of
/// models, and what it returns may hold prompts: with either alone recorded, neither is sent.
fn recorded(operation: &Operation, name: &str, recording: Recording, value: &Value) -> Value {
    let is_recorded = match (&operation.kind, name) {
        (OperationKind::Tool, names::INPUT_STATE) => recording.inputs(),
        (OperationKind::Tool, _) => recording.outputs(),
        _ => recording == Recording::Full,
    };
    if is_recorded {
        value.clone()
    } else {
        Value::Null
    }
}

/// Adds what an application states about a piece of its work. Its own properties never replace one
/// that this program sets, nor take a name that PostHog gives a meaning.
pub(super) fn of_origin(all: &mut Properties, origin: &Origin) {
    all.set_some(names::BASE_URL, origin.server.as_ref());
    if !origin.groups.is_empty() {
        all.set(names::GROUPS, &origin.groups);
    }
    for (name, value) in &origin.properties {
        if !name.starts_with('$') && all.get(name).is_none() {
            all.insert(name.clone(), json!(value));
        }
    }
}
