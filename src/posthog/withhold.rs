//! Removal of the recorded content from an event that was already built, for a user who wants less
//! to be sent while it waits.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::properties::Name;
use super::{EventName, names, plain, write};
use crate::session::FindingKind;

/// Properties that are null where content is not recorded.
const NULL: [&str; 4] = [
    names::INPUT,
    names::OUTPUT_CHOICES,
    names::INPUT_STATE,
    names::OUTPUT_STATE,
];

/// Properties that are absent where content is not recorded.
const ABSENT: [&str; 4] = [
    names::OFFERED_TOOLS,
    names::USER_PROMPT,
    names::TRACE_NAME,
    names::SESSION_TITLE,
];

/// An event (JSON) as built with [`Recording::Nothing`](super::Recording), except that the kind of
/// an error is lost with its text, and so is the name that an application gave to a trace, as it
/// may have been a prompt. All other values keep their bytes. `None` if it is not an event.
#[must_use]
pub fn without_recording(event: &[u8]) -> Option<Vec<u8>> {
    let event: Object<'_> = serde_json::from_slice(event).ok()?;
    let properties: Object<'_> = event.value("properties")?;
    let kind = Kind::of(&event, &properties);
    let mut left: Vec<(Cow<'_, str>, Cow<'_, str>)> = Vec::with_capacity(properties.0.len());
    for (name, value) in properties.0 {
        if let Left::Json(value) = kind.property(&name, value)? {
            left.push((name, value));
        }
    }
    let mut written = Vec::new();
    write::object(left, &mut written, |value, out| {
        out.extend(value.as_bytes());
    });
    let written = String::from_utf8(written).ok()?;
    let fields = event.0.into_iter().map(|(name, value)| {
        let is_properties = name == "properties";
        (name, if is_properties { &written } else { value.get() })
    });
    let mut out = Vec::new();
    write::object(fields, &mut out, |value, out| {
        out.extend(value.as_bytes());
    });
    Some(out)
}

/// The facts about an event that decide which properties contain content.
struct Kind {
    /// Whether the name of the span was made from a prompt.
    has_told_name: bool,
    /// Whether the error belongs to a tool and only states that there is no result.
    is_tool: bool,
    is_unfinished: bool,
    findings: Findings,
}

/// The findings of a trace that need no content.
#[derive(Default)]
struct Findings {
    kinds: Vec<&'static str>,
    count: u64,
    tokens: u64,
}

impl Findings {
    fn of(properties: &Object<'_>) -> Self {
        let mut left = Self::default();
        let kinds = FindingKind::ALL.into_iter();
        for kind in kinds.filter(|it| !it.needs_content()) {
            let [count, tokens] = names::of_finding(kind).map(|name| properties.value(name));
            if let Some(count) = count {
                left.kinds.push(kind.as_str());
                left.count += count;
                left.tokens += tokens.unwrap_or(0);
            }
        }
        left
    }

    /// The rest of a property about findings; `None` for any other property.
    fn property<'a>(&self, name: &str) -> Option<Left<'a>> {
        let number = |number: u64| match number {
            0 => Left::Nothing,
            number => Left::Json(number.to_string().into()),
        };
        let of_content = FindingKind::ALL.into_iter().filter(|it| it.needs_content());
        match name {
            names::FINDINGS if self.kinds.is_empty() => Some(Left::Nothing),
            names::FINDINGS => Some(Left::Json(
                Value::from(self.kinds.clone()).to_string().into(),
            )),
            names::FINDING_COUNT => Some(number(self.count)),
            names::FINDING_TOKENS => Some(number(self.tokens)),
            _ => of_content
                .flat_map(names::of_finding)
                .any(|it| it == name)
                .then_some(Left::Nothing),
        }
    }
}

impl Kind {
    fn of(event: &Object<'_>, properties: &Object<'_>) -> Self {
        let name: Option<String> = event.value("event");
        let span: Option<String> = properties.value(names::SPAN_TYPE);
        let is = |name_of: EventName| name.as_deref() == Some(name_of.as_str());
        Self {
            has_told_name: is(EventName::Trace) || span.as_deref() == Some("turn"),
            is_tool: span.as_deref() == Some("tool"),
            is_unfinished: properties.value(names::UNFINISHED) == Some(true),
            findings: Findings::of(properties),
        }
    }

    /// The rest of a property; `None` if it has another type than in an event.
    fn property<'a>(&self, name: &str, value: &'a RawValue) -> Option<Left<'a>> {
        let text = || serde_json::from_str::<Cow<'_, str>>(value.get()).ok();
        if let Some(left) = self.findings.property(name) {
            return Some(left);
        }
        Some(match name {
            _ if NULL.contains(&name) => Left::Json("null".into()),
            _ if ABSENT.contains(&name) => Left::Nothing,
            names::SPAN_NAME if self.has_told_name => Left::Nothing,
            names::STOP_REASON => quoted(plain::stop_reason(&text()?)),
            names::ERROR if self.is_unfinished => Left::Json(value.get().into()),
            names::ERROR if self.is_tool => quoted("tool_error"),
            names::ERROR => match text()? {
                kind if plain::is_error_kind(&kind) => Left::Json(value.get().into()),
                _ => quoted("api_error"),
            },
            names::MODEL_PARAMETERS => parameters(value)?,
            _ => Left::Json(value.get().into()),
        })
    }
}

/// The rest of a property after the removal of content.
enum Left<'a> {
    Nothing,
    Json(Cow<'a, str>),
}

fn quoted<'a>(text: &str) -> Left<'a> {
    Left::Json(Value::from(text).to_string().into())
}

/// The request parameters that cannot contain content; `None` if the value is not parameters.
fn parameters(value: &RawValue) -> Option<Left<'_>> {
    let all: Object<'_> = serde_json::from_str(value.get()).ok()?;
    let mut left = Map::new();
    for (name, value) in all.0 {
        let value: Value = serde_json::from_str(value.get()).ok()?;
        let plain = plain::parameter((Name::Custom(name.into_owned()), value));
        left.extend(plain.map(|(name, value)| (name.as_ref().to_owned(), value)));
    }
    Some(if left.is_empty() {
        Left::Nothing
    } else {
        Left::Json(Value::Object(left).to_string().into())
    })
}

/// A JSON object whose values keep their bytes and their order.
struct Object<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Object<'a> {
    /// A value; `None` if it is absent or of another type.
    fn value<T: Deserialize<'a>>(&self, name: &str) -> Option<T> {
        let (_, value) = self.0.iter().find(|(own, _)| own == name)?;
        serde_json::from_str(value.get()).ok()
    }
}

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;

        impl<'de> Visitor<'de> for Fields {
            type Value = Object<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some(name) = map.next_key()? {
                    fields.push((name, map.next_value()?));
                }
                Ok(Object(fields))
            }
        }

        deserializer.deserialize_map(Fields)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn left(name: &str, properties: &Value) -> Value {
        let event = json!({ "event": name, "uuid": "1", "properties": properties });
        let event = without_recording(event.to_string().as_bytes()).unwrap();
        let event: Value = serde_json::from_slice(&event).unwrap();
        assert_eq!(event["uuid"], "1");
        event["properties"].clone()
    }

    #[test]
    fn what_was_said_goes_and_what_was_used_stays() {
        for (name, properties, expected) in [
            (
                "$ai_generation",
                json!({
                    "$ai_input": [{ "role": "user", "content": "secret plan" }],
                    "$ai_output_choices": [{ "role": "assistant", "content": "I see" }],
                    "$ai_tools": [{ "name": "Read" }],
                    "$ai_user_prompt": "secret plan",
                    "$ai_span_name": "title",
                    "$ai_input_tokens": 12,
                    "$ai_total_cost_usd": 0.1,
                    "$ai_stop_reason": "because of the plan",
                    "$ai_model_parameters": { "max_tokens": 5, "note": "plan", "effort": "high" },
                }),
                json!({
                    "$ai_input": null,
                    "$ai_output_choices": null,
                    "$ai_span_name": "title",
                    "$ai_input_tokens": 12,
                    "$ai_total_cost_usd": 0.1,
                    "$ai_stop_reason": "other",
                    "$ai_model_parameters": { "max_tokens": 5, "effort": "high" },
                }),
            ),
            (
                "$ai_trace",
                json!({ "$ai_trace_name": "plan", "$ai_span_name": "plan", "$ai_error": "plan",
                    "session_title": "plan" }),
                json!({ "$ai_error": "api_error" }),
            ),
            (
                "$ai_span",
                json!({ "$ai_span_name": "plan", "$ai_span_type": "turn", "$ai_error": "timeout" }),
                json!({ "$ai_span_type": "turn", "$ai_error": "timeout" }),
            ),
            (
                "$ai_span",
                json!({ "$ai_span_name": "Read", "$ai_span_type": "tool", "$ai_error": "no plan",
                    "$ai_input_state": { "path": "plan" }, "$ai_model_parameters": { "note": 1 } }),
                json!({ "$ai_span_name": "Read", "$ai_span_type": "tool",
                    "$ai_error": "tool_error", "$ai_input_state": null }),
            ),
            (
                "$ai_span",
                json!({ "$ai_span_type": "tool", "unfinished": true, "$ai_error": "no result" }),
                json!({ "$ai_span_type": "tool", "unfinished": true, "$ai_error": "no result" }),
            ),
        ] {
            assert_eq!(left(name, &properties), expected);
        }
    }

    #[test]
    fn what_is_not_an_event_is_not_taken_for_one() {
        for event in [
            "",
            "[]",
            r#"{"event":"$ai_span"}"#,
            r#"{"properties":3}"#,
            r#"{"event":"$ai_trace","properties":{"$ai_error":{"text":"plan"}}}"#,
            r#"{"event":"$ai_trace","properties":{"$ai_model_parameters":"plan"}}"#,
        ] {
            assert_eq!(without_recording(event.as_bytes()), None, "{event}");
        }
    }

    #[test]
    fn numbers_keep_their_bytes() {
        let event =
            br#"{"properties":{"cost":0.10000000000000000001,"big":12345678901234567890123}}"#;
        assert_eq!(without_recording(event).unwrap(), event);
    }
}
