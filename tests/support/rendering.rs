//! PostHog's rendering of messages: which it can show, and which tools it counts as called.
//!
//! Written from its public rendering recipes (`compat_array`, `openai_chat` and `anthropic` in
//! `products/ai_observability/frontend/normalizer/recipe/default_recipes`) and from its ingestion's
//! definition of a call (`pipelines/ai/tools/extract-tool-calls.ts`).

use std::collections::HashMap;

use serde_json::Value;

use super::library::Events;

/// Parts that may be beside each other in one message.
const COMPATIBLE: [&str; 4] = ["text", "function", "image", "file"];

/// Every message of every generation is one that PostHog can show, and PostHog counts the calls
/// that have a span.
#[track_caller]
pub(crate) fn is_shown(events: &Events) {
    let mut spans: HashMap<&str, Vec<&str>> = HashMap::new();
    for event in events
        .iter()
        .filter(|it| it["properties"]["$ai_span_type"] == "tool")
    {
        let properties = &event["properties"];
        let parent = properties["$ai_parent_id"].as_str().expect("a parent");
        let name = properties["$ai_span_name"].as_str().expect("a name");
        spans.entry(parent).or_default().push(name);
    }
    for event in events.iter().filter(|it| it["event"] == "$ai_generation") {
        let properties = &event["properties"];
        for name in ["$ai_input", "$ai_output_choices"] {
            for message in properties[name].as_array().into_iter().flatten() {
                assert!(can_show(message), "cannot be shown: {message}");
            }
        }
        let mut called = called_tools(&properties["$ai_output_choices"]);
        let said = properties["$ai_tools_called"].as_str().unwrap_or_default();
        if properties["$ai_output_choices"].is_array() {
            let found: Vec<_> = called.iter().map(|name| name.replace(',', "_")).collect();
            assert_eq!(said, found.join(","), "{event}");
        } else {
            called = said.split(',').collect();
        }
        let id = properties["$ai_span_id"].as_str().expect("an id");
        // A call that another session owns has its span there.
        for name in spans.remove(id).into_iter().flatten() {
            let at = called.iter().position(|called| *called == name);
            called.swap_remove(at.unwrap_or_else(|| panic!("{name} is not called in {event}")));
        }
    }
}

fn can_show(message: &Value) -> bool {
    let Some(role) = message["role"].as_str() else {
        return false;
    };
    if role == "tool" && !message["tool_call_id"].is_string() {
        return false;
    }
    match &message["content"] {
        Value::String(_) => true,
        Value::Null => message.get("content").is_some(),
        Value::Array(parts) => {
            let kind = |part: &Value| part["type"].as_str().unwrap_or_default().to_owned();
            let together = parts
                .iter()
                .all(|part| COMPATIBLE.contains(&kind(part).as_str()));
            parts.iter().all(|part| match kind(part).as_str() {
                "text" => part["text"].is_string(),
                "thinking" => part["thinking"].is_string(),
                "function" => {
                    let arguments = &part["function"]["arguments"];
                    together && part["function"]["name"].is_string() && !arguments.is_array()
                }
                _ => together,
            })
        }
        _ => false,
    }
}

/// The tools that PostHog counts as called.
pub(crate) fn called_tools(choices: &Value) -> Vec<&str> {
    let choices = choices.as_array().into_iter().flatten();
    let parts = choices.filter_map(|choice| choice["content"].as_array());
    let functions = parts.flatten().filter(|part| part["type"] == "function");
    functions
        .filter_map(|part| part["function"]["name"].as_str())
        .collect()
}
