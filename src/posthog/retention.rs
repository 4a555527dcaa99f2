//! Content that PostHog keeps only for a limited time.

use super::{Event, Json, names};

/// Number of days for which PostHog's cloud keeps content, counted from the event's timestamp.
/// Source: <https://posthog.com/docs/ai-observability/data-retention>.
pub const CONTENT_DAYS: i64 = 30;

/// Properties that PostHog stores separately and drops after that time, as it does with
/// `$ai_tools`. Names, prompts of generations (`$ai_user_prompt`) and error texts stay.
const CONTENT: [&str; 4] = [
    names::INPUT,
    names::OUTPUT_CHOICES,
    names::INPUT_STATE,
    names::OUTPUT_STATE,
];

/// Removes the content that PostHog would drop.
pub fn without_content(event: &mut Event<'_>) {
    event.properties.remove(names::OFFERED_TOOLS);
    for name in CONTENT {
        if let Some(content) = event.properties.get_mut(name) {
            *content = Json::NULL;
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use serde_json::{Value, json};
    use uuid::Uuid;

    use super::*;
    use crate::posthog::{EventName, Identities};

    #[test]
    fn content_goes_and_everything_else_stays() {
        let properties = json!({
            "$ai_model": "claude-opus-4-6",
            "$ai_input": [{ "role": "user", "content": "fix it" }],
            "$ai_output_choices": [{ "role": "assistant", "content": "I look." }],
            "$ai_tools_called": "Read",
            "$ai_tool_call_count": 1,
            "$ai_tools": [{ "name": "Read" }],
            "$ai_user_prompt": "fix it",
        });
        let mut event = Event {
            name: EventName::Generation,
            uuid: Uuid::nil(),
            distinct_id: "ada".to_owned(),
            identities: Identities::Known,
            timestamp: DateTime::UNIX_EPOCH,
            properties: properties.as_object().cloned().unwrap().into(),
        };
        without_content(&mut event);
        let expected = json!({
            "$ai_model": "claude-opus-4-6",
            "$ai_input": null,
            "$ai_output_choices": null,
            "$ai_tools_called": "Read",
            "$ai_tool_call_count": 1,
            "$ai_user_prompt": "fix it",
        });
        assert_eq!(Value::Object(event.properties.into()), expected);
    }
}
