//! What PostHog does not keep for long.

use serde_json::{Value, json};

use super::{Event, EventName};

/// How long PostHog's cloud keeps content, in days, counted from an event's timestamp.
/// Source: <https://posthog.com/docs/ai-observability/data-retention>.
pub const CONTENT_DAYS: i64 = 30;

/// What it keeps apart from the other properties, and drops after that time, as it does with
/// `$ai_tools`. Names, prompts of generations (`$ai_user_prompt`) and error texts stay.
const CONTENT: [&str; 4] = [
    "$ai_input",
    "$ai_output_choices",
    "$ai_input_state",
    "$ai_output_state",
];

/// Leaves out the content that PostHog would drop. What it makes of content on arrival, the names
/// of the tools that a response called, is said in its place.
pub fn without_content(event: &mut Event) {
    if event.name == EventName::Generation {
        let choices = event.properties.get("$ai_output_choices");
        let called = choices.map_or_else(Vec::new, called_tools);
        if !called.is_empty() {
            let count = called.len();
            let properties = &mut event.properties;
            properties.insert("$ai_tools_called", json!(called.join(",")));
            properties.insert("$ai_tool_call_count", json!(count));
        }
    }
    event.properties.remove("$ai_tools");
    for name in CONTENT {
        if let Some(content) = event.properties.get_mut(name) {
            *content = Value::Null;
        }
    }
}

/// PostHog joins names with commas, so none can hold one.
fn called_tools(choices: &Value) -> Vec<String> {
    let blocks = choices[0]["content"].as_array();
    let calls = blocks.into_iter().flatten();
    let calls = calls.filter(|block| block["type"] == "tool_use");
    calls
        .filter_map(|block| Some(block["name"].as_str()?.replace(',', "_")))
        .collect()
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn content_goes_and_what_posthog_makes_of_it_stays() {
        let properties = json!({
            "$ai_model": "claude-opus-4-6",
            "$ai_input": [{ "role": "user", "content": "fix it" }],
            "$ai_output_choices": [{ "role": "assistant", "content": [
                { "type": "text", "text": "I look." },
                { "type": "tool_use", "id": "1", "name": "Read", "input": {} },
                { "type": "tool_use", "id": "2", "name": "mcp__a,b", "input": {} },
            ]}],
            "$ai_tools": [{ "name": "Read" }],
            "$ai_user_prompt": "fix it",
        });
        let mut event = Event {
            name: EventName::Generation,
            uuid: Uuid::nil(),
            distinct_id: "ada".to_owned(),
            timestamp: DateTime::UNIX_EPOCH,
            properties: properties.as_object().cloned().unwrap().into(),
        };
        without_content(&mut event);
        let expected = json!({
            "$ai_model": "claude-opus-4-6",
            "$ai_input": null,
            "$ai_output_choices": null,
            "$ai_user_prompt": "fix it",
            "$ai_tools_called": "Read,mcp__a_b",
            "$ai_tool_call_count": 2,
        });
        assert_eq!(Value::Object(event.properties.into()), expected);
    }
}
