//! The original body of an `OpenRouter` caller, which deliveries repeat. It is removed, except for
//! parameters and tools.
//!
//! The body is in the completion, as JSON in a text. A Collector may have parsed that text, a text
//! may be JSON twice, and keys may be escaped, so every form is searched.

use serde_json::Value as Json;

use super::value::Value;

/// Names of the field with the body.
const NAMES: [&str; 2] = ["rawRequest", "raw_request"];

/// Parameters of the caller's request that are kept.
pub const PARAMETERS: [&str; 19] = [
    "temperature",
    "top_p",
    "top_k",
    "seed",
    "stop_sequences",
    "frequency_penalty",
    "presence_penalty",
    "stream",
    "choice.count",
    "n",
    "tool_choice",
    "response_format",
    "reasoning",
    "encoding_formats",
    "max_tokens",
    "max_completion_tokens",
    "provider",
    "plugins",
    "tools",
];

/// Escaped forms of the letters of these names. No encoder escapes letters without need.
const ESCAPED: [&str; 9] = [
    "\\u0072", "\\u0061", "\\u0077", "\\u0052", "\\u0065", "\\u0071", "\\u0075", "\\u0073",
    "\\u0074",
];

/// Whether a name is that of the body, or of a part of it.
pub(super) fn is_named(name: &str) -> bool {
    NAMES.iter().any(|it| name.contains(it))
}

/// A value without the caller's body.
pub(super) fn without(value: Value) -> Value {
    match value {
        Value::Text(text) => Value::Text(of_text(text)),
        Value::Map(_) | Value::Array(_) => {
            let mut json = Json::from(value);
            remove(&mut json);
            json.into()
        }
        other => other,
    }
}

fn of_text(text: String) -> String {
    let mut signs = NAMES.iter().chain(&ESCAPED);
    if !signs.any(|it| text.contains(it)) {
        return text;
    }
    match serde_json::from_str(&text) {
        Ok(Json::String(inner)) => Json::String(of_text(inner)).to_string(),
        Ok(mut json) => {
            if remove(&mut json) {
                json.to_string()
            } else {
                text
            }
        }
        Err(_) => before(text),
    }
}

/// Cuts broken JSON before the body: everything before it is complete.
fn before(text: String) -> String {
    // In a text within the JSON, the quote after the name is escaped.
    let places = NAMES
        .iter()
        .filter_map(|it| text.find(&format!("\"{it}\"")));
    match places.min() {
        Some(place) => format!("{}}}", text[..place].trim_end().trim_end_matches(',')),
        None => text,
    }
}

/// Removes the body wherever it is, and returns whether it was there.
fn remove(json: &mut Json) -> bool {
    match json {
        Json::Object(fields) => {
            let mut found = false;
            for (name, value) in fields {
                if NAMES.contains(&name.as_str()) {
                    keep_parameters(value);
                    found = true;
                } else {
                    found |= remove(value);
                }
            }
            found
        }
        Json::Array(items) => {
            let mut found = false;
            for item in items {
                found |= remove(item);
            }
            found
        }
        _ => false,
    }
}

fn keep_parameters(body: &mut Json) {
    match body {
        Json::Object(fields) => fields.retain(|name, _| PARAMETERS.contains(&name.as_str())),
        other => *other = Json::Null,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn cleaned(text: &str) -> String {
        of_text(text.to_owned())
    }

    #[test]
    fn of_what_the_caller_sent_parameters_and_tools_are_kept_whatever_the_form() {
        let raw = json!({
            "temperature": 0.2, "tools": [{ "name": "stock" }], "user": "planted",
            "messages": ["planted"], "headers": { "authorization": "planted" },
        });
        let whole = json!({ "completion": "Hello", "toolCalls": [], "rawRequest": raw });
        let kept = json!({
            "completion": "Hello", "toolCalls": [],
            "rawRequest": { "temperature": 0.2, "tools": [{ "name": "stock" }] },
        });
        let text = whole.to_string();
        let parsed = |text: &str| serde_json::from_str::<Json>(text).unwrap();
        assert_eq!(parsed(&cleaned(&text)), kept);
        let cut = &text[..text.find("planted").unwrap() + 9];
        let start = json!({ "completion": "Hello", "toolCalls": [] });
        assert_eq!(parsed(&cleaned(cut)), start, "cut off");
        let as_map = without(Value::from(whole.clone()));
        assert_eq!(Json::from(as_map), kept, "parsed by a Collector");
        let escaped = text.replace("rawRequest", "r\\u0061wRequest");
        let other_name = text.replace("rawRequest", "raw_request");
        let deeper = json!({ "choice": [whole] }).to_string();
        let twice = json!(text).to_string();
        for form in [escaped, other_name, deeper, twice] {
            let cleaned = cleaned(&form);
            assert!(!cleaned.contains("planted"), "{cleaned}");
            assert!(
                cleaned.contains("Hello") && cleaned.contains("stock"),
                "{cleaned}"
            );
        }
        let odd = json!({ "completion": "Hello", "rawRequest": "planted" });
        assert!(!cleaned(&odd.to_string()).contains("planted"));
    }

    #[test]
    fn what_only_speaks_of_it_stays_as_it_is() {
        for same in [
            json!({ "completion": "say \"rawRequest\": {}" }).to_string(),
            "no JSON".to_owned(),
            "rawRequest".to_owned(),
        ] {
            assert_eq!(cleaned(&same), same);
        }
    }
}
