//! Size limits of content, and how it is shortened.

use std::mem;

use serde_json::{Value, json};

use super::{Event, EventName, InputScope, Json, Properties, names};

/// Largest event on PostHog's AI lane, in bytes of JSON.
pub const AI_LANE_EVENT: usize = 8 << 20;

/// Largest event on `/batch/`, in bytes of JSON. The server's limit is 983,040, and one larger
/// event makes it refuse the whole request; the difference is a safety margin.
pub const BATCH_EVENT: usize = 900_000;

/// The properties that hold content and may be shortened.
const CONTENT: [&str; 7] = [
    names::INPUT,
    names::OFFERED_TOOLS,
    names::OUTPUT_CHOICES,
    names::INPUT_STATE,
    names::OUTPUT_STATE,
    names::USER_PROMPT,
    names::ERROR,
];

/// Upper bound of the bytes of an event outside its properties: name, uuid, distinct id, timestamp.
const OVERHEAD: usize = 500;

/// Bytes reserved for the note about the length of the missing text.
const MARK: usize = 40;

/// Bytes reserved for the message about the number of omitted messages.
const LEFT_OUT: usize = 120;

/// Items of the shortest list that is never cut: a note and the last item.
const FEWEST: usize = 2;

/// Bytes to count at once where a text is cut.
const CHUNK: usize = 64;

/// Maximum sizes of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Maximum size of the input or output of a tool, in bytes of JSON.
    pub attribute: usize,
    /// The largest event, in bytes of JSON.
    pub event: usize,
    /// The part of the conversation in an event. If it is the whole, the oldest messages are left
    /// out first.
    pub input_scope: InputScope,
}

impl Limits {
    /// Whether an event of this many bytes of JSON satisfies all limits, whatever its content.
    #[must_use]
    pub const fn allow(&self, bytes: usize) -> bool {
        bytes <= self.attribute && bytes <= self.event
    }
}

/// Shortens inputs and outputs of tools, then any content that makes the event too large. A system
/// prompt and the offered tools have only the limit of the event, as prompts and answers do, since
/// they are sent once.
pub fn shorten(event: &mut Event<'_>, limits: &Limits) {
    let properties = &mut event.properties;
    match event.name {
        EventName::Generation | EventName::Embedding => {
            if let Some(Json::List(messages)) = properties.get_mut(names::INPUT) {
                let results = messages.iter_mut().filter(|it| has_role(it, "tool"));
                for content in results.filter_map(|it| it.field_mut("content")) {
                    clip(content, limits.attribute);
                }
            }
        }
        EventName::Span => {
            for name in [names::INPUT_STATE, names::OUTPUT_STATE] {
                if let Some(value) = properties.get_mut(name) {
                    clip(value, limits.attribute);
                }
            }
        }
        EventName::Trace => {}
    }
    for name in [names::USER_PROMPT, names::ERROR] {
        if let Some(value) = properties.get_mut(name) {
            clip(value, limits.attribute);
        }
    }
    if limits.input_scope == InputScope::Full {
        leave_out_oldest(properties, limits.event.saturating_sub(OVERHEAD));
    }
    fit(properties, OVERHEAD, limits.event);
}

/// Omits the oldest messages of a conversation until the properties have at most `max` bytes of
/// JSON, or only the last message is left. A system prompt at the beginning stays.
fn leave_out_oldest(properties: &mut Properties<'_>, max: usize) {
    let size = properties_size(properties);
    let Some(Json::List(messages)) = properties.get_mut(names::INPUT) else {
        return;
    };
    let first = usize::from(messages.first().is_some_and(|it| has_role(it, "system")));
    let last = messages.len().saturating_sub(1);
    if size <= max || first >= last {
        return;
    }
    let mut excess = size - max + LEFT_OUT;
    let mut end = first;
    while excess > 0 && end < last {
        excess = excess.saturating_sub(size_of(&messages[end]) + 1);
        end += 1;
    }
    let note = format!("[{} earlier messages left out]", end - first);
    let note = json!({ "role": "system", "content": [{ "type": "text", "text": note }] });
    messages.splice(first..end, [Json::from(note)]);
}

fn has_role(message: &Json<'_>, role: &str) -> bool {
    message.field("role").and_then(Json::as_str) == Some(role)
}

/// Shortens a value to `max` bytes of JSON: the longest strings first, the structure kept.
/// Returns whether anything was cut.
pub fn clip(value: &mut Json<'_>, max: usize) -> bool {
    if value.most_size() <= max || value.least_size() <= max && size_of(value) <= max {
        return false;
    }
    match value {
        Json::Text(text) if max > MARK + 2 => *text = cut(text, max - 2).into(),
        _ => value.edit(|value| clip_value(value, max)),
    }
    true
}

fn clip_value(value: &mut Value, max: usize) {
    let size = json_size(value);
    let mut strings = Vec::new();
    collect_strings(value, &mut strings);
    let in_strings: usize = strings.iter().sum();
    let structure = size - in_strings;
    match level(&mut strings, max.saturating_sub(structure)) {
        Some(level) => cut_strings(value, level),
        None => match value {
            Value::Array(items) if items.len() > FEWEST => {
                keep_last(items, max);
                if json_size(value) > max {
                    clip_value(value, max);
                }
            }
            // Structure alone exceeds the limit, so the beginning of the JSON is kept as text.
            _ => *value = Value::String(cut(&value.to_string(), max.saturating_sub(2))),
        },
    }
}

/// Omits items from the beginning of a list until the rest has at most `max` bytes of JSON, or only
/// the last is left. A note states the number.
fn keep_last(items: &mut Vec<Value>, max: usize) {
    let mut left = max.saturating_sub(LEFT_OUT);
    let sizes = items.iter().rev().map(|it| json_size(it) + 1);
    let kept = sizes.take_while(|size| {
        let fits = *size <= left;
        left = left.saturating_sub(*size);
        fits
    });
    let kept = kept.count().max(1);
    let left_out = items.len() - kept;
    let note = format!("[{left_out} earlier items left out]");
    let has_roles = items.iter().any(|it| it.get("role").is_some());
    let note = if has_roles {
        json!({ "role": "system", "content": [{ "type": "text", "text": note }] })
    } else {
        note.into()
    };
    items.splice(..left_out, [note]);
}

/// Shortens the content of an event until the event has at most `max` bytes of JSON; `overhead` is
/// the number of bytes outside its properties. Returns whether it fits.
pub fn fit(properties: &mut Properties<'_>, overhead: usize, max: usize) -> bool {
    // Exact sizes are seldom needed, since no event is near the limit.
    if properties.most_size() + overhead <= max {
        return true;
    }
    loop {
        let size = properties_size(properties) + overhead;
        if size <= max {
            return true;
        }
        let excess = size - max;
        let largest = CONTENT
            .iter()
            .filter_map(|name| properties.get(name).map(|value| (size_of(value), *name)))
            .max();
        let Some((bytes, name)) = largest.filter(|(bytes, _)| *bytes > MARK * 2) else {
            return false;
        };
        if let Some(value) = properties.get_mut(name) {
            // At most half of a property is cut at a time, so that two equally large ones share the
            // loss.
            clip(value, bytes.saturating_sub(excess).max(bytes / 2).max(MARK));
        }
    }
}

/// Shortens an event that is already JSON. `None` if it cannot be made to fit.
#[must_use]
pub fn fit_json(event: &[u8], max: usize) -> Option<Vec<u8>> {
    let mut event: Value = serde_json::from_slice(event).ok()?;
    let size = json_size(&event);
    let properties = event.get_mut("properties")?.as_object_mut()?;
    let mut shortened = Properties::from(mem::take(properties));
    let overhead = size - properties_size(&shortened);
    let fits = fit(&mut shortened, overhead, max);
    *properties = shortened.into();
    fits.then(|| event.to_string().into_bytes())
}

/// The length to which all longer strings must be cut so that together they take at most `budget`
/// bytes. `None` if even the notes about missing text would not fit.
fn level(lengths: &mut [usize], budget: usize) -> Option<usize> {
    lengths.sort_unstable();
    let mut left = budget;
    for (index, &length) in lengths.iter().enumerate() {
        let share = left / (lengths.len() - index);
        if length > share {
            return (share > MARK).then_some(share);
        }
        left -= length;
    }
    None
}

fn collect_strings(value: &Value, lengths: &mut Vec<usize>) {
    match value {
        Value::String(text) => lengths.push(escaped_size(text)),
        Value::Array(items) => items.iter().for_each(|item| collect_strings(item, lengths)),
        Value::Object(fields) => fields
            .values()
            .for_each(|field| collect_strings(field, lengths)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn cut_strings(value: &mut Value, level: usize) {
    match value {
        Value::String(text) if escaped_size(text) > level => *text = cut(text, level),
        Value::Array(items) => items.iter_mut().for_each(|item| cut_strings(item, level)),
        Value::Object(fields) => {
            fields
                .values_mut()
                .for_each(|field| cut_strings(field, level));
        }
        _ => {}
    }
}

/// The beginning of a text, at most `max` bytes of JSON, with a note about how much is missing.
fn cut(text: &str, max: usize) -> String {
    let room = max.saturating_sub(MARK);
    let (mut used, mut end) = (0, 0);
    // Bytes of a chunk are counted faster than single characters.
    for chunk in text.as_bytes().chunks_exact(CHUNK) {
        let size = escaped_bytes(chunk);
        if used + size > room {
            break;
        }
        used += size;
        end += CHUNK;
    }
    // Bytes of a character of which a chunk holds only the beginning are not escaped.
    let whole = text.floor_char_boundary(end);
    used -= end - whole;
    end = whole;
    for character in text[whole..].chars() {
        used += escaped_char(character);
        if used > room {
            break;
        }
        end += character.len_utf8();
    }
    let missing = text[end..].chars().count();
    format!("{}… [truncated {missing} chars]", &text[..end])
}

/// Bytes of a value as JSON, computed without serialising it.
fn size_of(value: &Json<'_>) -> usize {
    match value {
        Json::Text(text) => text_size(text),
        Json::Value(value) => json_size(value),
        Json::List(items) => list_size(items.iter().map(size_of)),
        Json::Object(fields) => list_size(
            fields
                .iter()
                .map(|(name, it)| field_size(name, size_of(it))),
        ),
    }
}

fn json_size(value: &Value) -> usize {
    match value {
        Value::Null => 4,
        Value::Bool(value) => 5 - usize::from(*value),
        Value::Number(number) => number.to_string().len(),
        Value::String(text) => text_size(text),
        Value::Array(items) => list_size(items.iter().map(json_size)),
        Value::Object(fields) => list_size(
            fields
                .iter()
                .map(|(name, it)| field_size(name, json_size(it))),
        ),
    }
}

fn properties_size(properties: &Properties<'_>) -> usize {
    list_size(
        properties
            .iter()
            .map(|(name, it)| field_size(name, size_of(it))),
    )
}

fn field_size(name: &str, value: usize) -> usize {
    text_size(name) + 1 + value
}

fn text_size(text: &str) -> usize {
    2 + escaped_size(text)
}

/// Bytes of a list as JSON, with brackets and commas.
fn list_size(items: impl Iterator<Item = usize>) -> usize {
    let (size, items) = items.fold((0, 0), |(size, items), item| (size + item, items + 1));
    2 + size + usize::max(items, 1) - 1
}

/// Bytes of a string as JSON, without its quotes.
fn escaped_size(text: &str) -> usize {
    escaped_bytes(text.as_bytes())
}

fn escaped_bytes(text: &[u8]) -> usize {
    // Counted in two passes, so that no step depends on the previous one.
    let bytes = text.iter();
    let escaped = bytes.clone().filter(|byte| is_escaped(**byte)).count();
    let long = bytes.filter(|byte| is_escaped_in_six(**byte)).count();
    text.len() + escaped + long * 4
}

const fn is_escaped(byte: u8) -> bool {
    byte < b' ' || byte == b'"' || byte == b'\\'
}

/// Whether a control character has no short escape and is written as `\u0001`.
const fn is_escaped_in_six(byte: u8) -> bool {
    byte < b' ' && !matches!(byte, b'\n' | b'\r' | b'\t' | 0x08 | 0x0c)
}

fn escaped_char(character: char) -> usize {
    escaped_size(character.encode_utf8(&mut [0; 4]))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn clipping_cuts_the_longest_strings_and_keeps_the_structure() {
        let value = json!({ "path": "src/main.rs", "content": "x".repeat(5000), "n": [1, true] });
        let mut value = Json::from(value);
        assert!(clip(&mut value, 1000));
        let value = value.into_value();
        assert_eq!(value["path"], "src/main.rs");
        assert_eq!(value["n"], json!([1, true]));
        let content = value["content"].as_str().unwrap();
        let kept = content.find('…').unwrap();
        assert_eq!(
            content,
            format!("{}… [truncated {} chars]", "x".repeat(kept), 5000 - kept)
        );
    }

    #[test]
    fn clipped_values_never_exceed_the_limit() {
        let long = |character: &str, times: usize| character.repeat(times);
        for value in [
            json!(long("ä", 900)),
            json!(long("\"", 900)),
            json!(long("\u{1}", 900)),
            json!({ "a": long("x", 300), "b": long("y", 900), "c": long("🦀", 400) }),
            json!(vec![1; 2000]),
            json!({ "deep": { "er": [long("z", 5000), "short"] } }),
        ] {
            for max in [100, 333, 500, 800] {
                let mut clipped = Json::from(value.clone());
                clip(&mut clipped, max);
                let clipped = clipped.into_value();
                assert!(
                    json_size(&clipped) <= max,
                    "{} > {max}: {clipped}",
                    json_size(&clipped)
                );
            }
        }
    }

    #[test]
    fn sizes_are_those_of_the_json() {
        let every_byte: String = (0..=0x7f).map(char::from).collect();
        for value in [
            json!(every_byte),
            json!({ every_byte: "ä🦀\u{2028}" }),
            json!({ "a": [null, true, false, 0, -1.5e300, u64::MAX], "b": [], "c": {}, "d": [[]] }),
        ] {
            assert_eq!(json_size(&value), value.to_string().len(), "{value}");
        }
    }

    #[test]
    fn a_text_is_cut_at_the_last_character_that_fits() {
        for character in ["x", "ä", "🦀", "\"", "\u{1}"] {
            for text in [
                character.repeat(300),
                format!("ab{}", character.repeat(300)),
            ] {
                for max in 60..300 {
                    let cut = cut(&text, max);
                    let (kept, _) = cut.rsplit_once('…').unwrap();
                    let rest = &text[kept.len()..];
                    let next = rest.chars().next().map_or(0, escaped_char);
                    let size = escaped_size(kept);
                    assert!(text.starts_with(kept), "{cut}");
                    assert!(
                        size <= max - MARK && size + next > max - MARK,
                        "{max}: {cut}"
                    );
                }
            }
        }
    }

    #[test]
    fn what_fits_is_left_alone() {
        let mut value = Json::from(json!({ "a": "short" }));
        assert!(!clip(&mut value, 100));
        assert_eq!(value.into_value(), json!({ "a": "short" }));
    }

    #[test]
    fn an_event_is_shortened_where_it_is_long() {
        let event = json!({
            "event": "$ai_generation",
            "properties": { "$ai_model": "m", "$ai_input": ["i".repeat(50_000)], "$ai_output_choices": ["o".repeat(900)] },
        });
        let fitted = fit_json(event.to_string().as_bytes(), 10_000).unwrap();
        assert!(fitted.len() <= 10_000);
        let fitted: Value = serde_json::from_slice(&fitted).unwrap();
        assert_eq!(
            fitted["properties"]["$ai_output_choices"],
            event["properties"]["$ai_output_choices"]
        );
    }

    #[test]
    fn an_event_that_is_large_elsewhere_cannot_be_made_to_fit() {
        let event = json!({ "properties": { "custom": "x".repeat(5000) } });
        assert_eq!(fit_json(event.to_string().as_bytes(), 1000), None);
    }

    #[test]
    fn of_too_many_small_messages_the_last_ones_stay_messages() {
        let messages: Vec<Value> = (0..20_000)
            .map(|number| json!({ "role": "user", "content": number.to_string() }))
            .collect();
        let mut value = Value::Array(messages);
        clip_value(&mut value, 10_000);
        assert!(json_size(&value) <= 10_000);
        let kept = value.as_array().unwrap();
        assert_eq!(kept.last().unwrap()["content"], "19999");
        let note = kept[0]["content"][0]["text"].as_str().unwrap();
        let left_out = 20_000 - (kept.len() - 1);
        assert_eq!(note, format!("[{left_out} earlier items left out]"));
    }
}
