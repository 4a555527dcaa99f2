//! Parsers for values of settings, with error messages for values that cannot be used.

use std::time::Duration;

use serde_json::{Map, Value};

use super::WaitSetting;
use crate::posthog::{Grouping, InputScope};
use crate::variables::yes_or_no;

/// Smallest allowed limit of a tool input or output, in bytes. A smaller one would cut off the note
/// about the cut.
const LEAST_ATTRIBUTE_BYTES: usize = 100;

/// Smallest allowed limit of the outbox, in bytes. A smaller outbox could not hold a session.
const LEAST_OUTBOX_BYTES: u64 = 1 << 20;

pub(super) fn boolean(text: &str) -> Result<bool, String> {
    yes_or_no(text).ok_or_else(|| format!("is {text:?}; use true or false"))
}

pub(super) fn grouping(text: &str) -> Result<Grouping, String> {
    match text.to_ascii_lowercase().as_str() {
        "session" => Ok(Grouping::Session),
        "message" => Ok(Grouping::Message),
        _ => Err(format!("is {text:?}; use session or message")),
    }
}

pub(super) fn input_scope(text: &str) -> Result<InputScope, String> {
    match text.to_ascii_lowercase().as_str() {
        "new" => Ok(InputScope::New),
        "full" => Ok(InputScope::Full),
        _ => Err(format!("is {text:?}; use new or full")),
    }
}

pub(super) fn wait(text: &str) -> Result<WaitSetting, String> {
    match text.to_ascii_lowercase().as_str() {
        "auto" => Ok(WaitSetting::Auto),
        "sent" => Ok(WaitSetting::Sent),
        "never" => Ok(WaitSetting::Never),
        _ => Err(format!("is {text:?}; use auto, sent or never")),
    }
}

pub(super) fn minutes(text: &str) -> Result<u32, String> {
    match text.parse() {
        Ok(minutes) if minutes > 0 => Ok(minutes),
        _ => Err(format!("is {text:?}; use a number of minutes")),
    }
}

pub(super) fn length(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(length) if length >= LEAST_ATTRIBUTE_BYTES => Ok(length),
        _ => Err(format!(
            "is {text:?}; use a number of bytes, {LEAST_ATTRIBUTE_BYTES} or more"
        )),
    }
}

/// The smallest inbox: a request of the largest size fits several times.
const LEAST_INBOX_BYTES: u64 = 16 << 20;

pub(super) fn inbox_bytes(text: &str) -> Result<u64, String> {
    match text.parse() {
        Ok(bytes) if bytes >= LEAST_INBOX_BYTES => Ok(bytes),
        _ => Err(format!(
            "is {text:?}; use a number of bytes, {LEAST_INBOX_BYTES} or more"
        )),
    }
}

/// Days from 1 to ten years.
pub(super) fn days(text: &str) -> Result<Duration, String> {
    match text.parse() {
        Ok(days @ 1..=3650) => Ok(Duration::from_hours(24 * days)),
        _ => Err(format!("is {text:?}; use a number of days, 1 to 3650")),
    }
}

pub(super) fn outbox_bytes(text: &str) -> Result<u64, String> {
    match text.parse() {
        Ok(bytes) if bytes >= LEAST_OUTBOX_BYTES => Ok(bytes),
        _ => Err(format!(
            "is {text:?}; use a number of bytes, {LEAST_OUTBOX_BYTES} or more"
        )),
    }
}

pub(super) fn tags(text: &str) -> Result<Map<String, Value>, String> {
    let mut tags = Map::new();
    for pair in text.split(',').filter(|pair| !pair.trim().is_empty()) {
        let (name, value) = pair
            .split_once(':')
            .ok_or_else(|| format!("has no colon in {pair:?}; use key1:value1,key2:value2"))?;
        let name = custom_name(name.trim())?;
        tags.insert(name, Value::String(value.trim().to_owned()));
    }
    Ok(tags)
}

pub(super) fn custom_properties(text: &str) -> Result<Map<String, Value>, String> {
    let properties: Map<String, Value> = serde_json::from_str(text)
        .map_err(|error| format!("is no JSON object ({error}); use {{\"team\": \"core\"}}"))?;
    for name in properties.keys() {
        custom_name(name)?;
    }
    Ok(properties)
}

fn custom_name(name: &str) -> Result<String, String> {
    if name.is_empty() {
        return Err("has an empty name".to_owned());
    }
    if name.starts_with('$') {
        return Err(format!(
            "names {name:?}; names that begin with $ are PostHog's own"
        ));
    }
    Ok(name.to_owned())
}
