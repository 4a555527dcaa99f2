//! Questions about events, for several tests.

use std::collections::HashSet;

use posthog_llma::session::Agent;
use serde_json::{Value, json};

use super::library::Events;

/// One event after the other, without the properties that are the same in all.
#[track_caller]
pub(crate) fn readable(events: &Events, agent: Agent) -> String {
    let always = [
        ("$ai_framework", json!(agent.as_str())),
        ("$ai_lib", json!("posthog-llma")),
        ("$ai_lib_version", json!(env!("CARGO_PKG_VERSION"))),
        ("$lib", json!("posthog-llma")),
        ("$lib_version", json!(env!("CARGO_PKG_VERSION"))),
        ("$geoip_disable", json!(true)),
    ];
    let mut text = String::new();
    for event in events {
        let mut event = event.clone();
        let properties = event["properties"].as_object_mut().expect("an object");
        for (name, expected) in &always {
            let found = properties.shift_remove(*name);
            assert_eq!(found.as_ref(), Some(expected), "{name}");
        }
        text += &serde_json::to_string_pretty(&event).expect("an event is JSON");
        text.push('\n');
    }
    text
}

/// Asserts that the parent of every event exists, and that each trace has one event of its own.
#[track_caller]
pub(crate) fn hangs_together(events: &Events) {
    let ids = |name: &str| -> HashSet<&str> {
        let found = events.iter().map(|event| &event["properties"][name]);
        found.filter_map(Value::as_str).collect()
    };
    let spans = ids("$ai_span_id");
    for parent in ids("$ai_parent_id") {
        assert!(spans.contains(parent), "nothing is {parent}");
    }
    let traces = events.iter().filter(|it| it["event"] == "$ai_trace");
    assert_eq!(traces.count(), ids("$ai_trace_id").len());
}

/// The texts of messages, one after the other.
pub(crate) fn texts(messages: &Value) -> Vec<String> {
    let messages = messages.as_array().expect("messages");
    let texts = messages.iter().flat_map(|it| match &it["content"] {
        Value::Array(parts) => parts
            .iter()
            .filter_map(|part| part["text"].as_str())
            .collect(),
        content => Vec::from_iter(content.as_str()),
    });
    texts.map(str::to_owned).collect()
}
