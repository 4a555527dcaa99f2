//! Converts content of entries to the types of a session.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use serde_json::value::RawValue;

use super::wire::{self, payload};
use crate::models;
use crate::session::{Asks, Block, CallError, Cost, Order, StopReason, ToolCall, ToolTime, Usage};
use crate::sources::times::of_milliseconds;

/// The blocks of a message. A plain string is one text block.
pub(super) fn blocks(content: Option<&RawValue>) -> Vec<Block> {
    if let Some(text) = payload::<String>(content) {
        return vec![Block::Text(text)];
    }
    let blocks: Vec<&RawValue> = payload(content).unwrap_or_default();
    blocks.into_iter().map(block).collect()
}

fn block(raw: &RawValue) -> Block {
    let block: wire::Block<'_> = payload(Some(raw)).unwrap_or_default();
    match block {
        wire::Block {
            text: Some(text), ..
        } => Block::Text(text),
        wire::Block {
            thinking: Some(thinking),
            ..
        } => Block::Thinking(thinking),
        wire::Block {
            kind: Some(kind),
            data: Some(data),
            mime_type,
            ..
        } => Block::Media {
            kind,
            media_type: mime_type,
            bytes: decoded_length(data),
        },
        wire::Block {
            id: Some(id),
            name: Some(name),
            arguments,
            ..
        } => Block::ToolCall(Box::new(ToolCall {
            id,
            name,
            input: arguments.unwrap_or(Value::Null),
            called_at: DateTime::default(),
            is_untimed: false,
            // Pi runs all tools of a response at once, and writes their results when all have
            // ended.
            traced: None,
            asks: Asks::Never,
            order: Order::Jointly,
            time: ToolTime::default(),
            result: None,
            subagents: Vec::new(),
            circumstances: std::sync::Arc::default(),
        })),
        _ => Block::Other(payload(Some(raw)).unwrap_or(Value::Null)),
    }
}

/// Number of bytes in a base64 string.
fn decoded_length(data: &RawValue) -> u64 {
    let characters = data.get().trim_matches('"').trim_end_matches('=').len();
    (characters as u64) * 3 / 4
}

/// The texts of a message, joined with line ends.
pub(super) fn text_of(blocks: &[Block]) -> String {
    let texts = blocks.iter().filter_map(|block| match block {
        Block::Text(text) => Some(text.as_str()),
        _ => None,
    });
    texts.collect::<Vec<_>>().join("\n")
}

/// Token counts. In Pi's format, input excludes the cache and output includes thinking.
pub(super) fn usage(wire: &wire::Usage) -> Usage {
    let cache_write = wire.cache_write.unwrap_or(0);
    let usage = Usage {
        input: wire.input.unwrap_or(0),
        output: wire.output.unwrap_or(0),
        cache_read: wire.cache_read.unwrap_or(0),
        cache_write,
        cache_write_long: wire.cache_write_1h.unwrap_or(0).min(cache_write),
        ..Usage::default()
    };
    let reasoning = wire.reasoning.filter(|_| usage != Usage::default());
    Usage { reasoning, ..usage }
}

/// The cost of a call in dollars. Pi writes 0 for models without a known price. The parts are used
/// only if they add up to the total: some providers state only the total.
pub(super) fn cost(wire: &wire::Usage) -> Option<Cost> {
    /// Largest rounding error of the sum, in dollars.
    const ROUNDING: f64 = 1e-9;
    let wire = wire.cost.as_ref()?;
    let total = wire.total.filter(|it| it.is_finite() && *it > 0.0)?;
    let cached = wire.cache_read.unwrap_or(0.0) + wire.cache_write.unwrap_or(0.0);
    let split = wire.input.map(|input| input + cached).zip(wire.output);
    let split = split.filter(|(input, output)| (input + output - total).abs() < ROUNDING);
    Some(Cost {
        total,
        input: split.map(|(input, _)| input),
        output: split.map(|(_, output)| output),
    })
}

/// Whether an answer records no request, because the user had stopped the agent before.
pub(super) fn is_no_call(message: &wire::Message<'_>, content: &[Block], took: TimeDelta) -> bool {
    /// Time in which no provider can be reached.
    const NO_REQUEST: TimeDelta = TimeDelta::milliseconds(50);
    let usage = message.usage.clone().unwrap_or_default();
    message.stop_reason == Some(wire::StopReason::Aborted)
        && content.is_empty()
        && message.response_id.is_none()
        && self::usage(&usage) == Usage::default()
        && cost(&usage).is_none()
        && took < NO_REQUEST
}

/// The error of a failed call. The message begins with the HTTP status if there was an answer,
/// often followed by the answer.
pub(super) fn call_error(message: &wire::Message<'_>) -> Option<CallError> {
    if message.stop_reason != Some(wire::StopReason::Error) {
        return None;
    }
    let text = message.error_message.clone().unwrap_or_default();
    let (first, rest) = text.split_once(' ').unwrap_or((text.as_str(), ""));
    let status = first.parse().ok().filter(|it| (100..600).contains(it));
    let answer = if status.is_some() { rest } else { &text };
    let kind = kind_of(answer).or_else(|| message.raw_stop_reason.clone());
    Some(CallError {
        kind,
        message: text,
        status,
    })
}

/// The error type in a provider's answer, if it is a single word and so no content.
fn kind_of(answer: &str) -> Option<String> {
    let answer: Value = serde_json::from_str(answer).ok()?;
    let error = answer.get("error").unwrap_or(&answer);
    let kind = error.get("type").and_then(Value::as_str)?;
    let is_word = |character: char| character.is_ascii_alphanumeric() || "_-".contains(character);
    (kind.len() <= 64 && kind.chars().all(is_word)).then(|| kind.to_owned())
}

/// Why the model stopped. Pi has its own words, and records those of the provider beside them.
pub(super) fn stop_reason(message: &wire::Message<'_>) -> Option<StopReason> {
    Some(match message.stop_reason.as_ref()? {
        wire::StopReason::Aborted => StopReason::Aborted,
        wire::StopReason::ToolUse => StopReason::ToolCalls,
        wire::StopReason::Error => models::stop_reason(message.raw_stop_reason.as_deref()?),
        wire::StopReason::Other(word) => models::stop_reason(word),
    })
}

/// The time in a message.
pub(super) fn time_of(message: &wire::Message<'_>) -> Option<DateTime<Utc>> {
    message.timestamp.and_then(of_milliseconds)
}

/// The end of something that began at `start`, if its duration was measured.
pub(super) fn measured_end(
    start: DateTime<Utc>,
    message: &wire::Message<'_>,
) -> Option<DateTime<Utc>> {
    let milliseconds = i64::try_from(message.duration_ms?).ok()?;
    start.checked_add_signed(TimeDelta::try_milliseconds(milliseconds)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(text: &str) -> CallError {
        let message = wire::Message {
            stop_reason: Some(wire::StopReason::Error),
            error_message: Some(text.to_owned()),
            ..wire::Message::default()
        };
        call_error(&message).unwrap()
    }

    #[test]
    fn an_error_has_the_status_and_type_of_the_provider_s_answer() {
        for (text, status, kind) in [
            (
                r#"529 {"type":"error","error":{"type":"overloaded_error","message":"no"}}"#,
                Some(529),
                Some("overloaded_error"),
            ),
            (
                r#"{"error":{"type":"rate_limit_error"}}"#,
                None,
                Some("rate_limit_error"),
            ),
            ("429 slow down", Some(429), None),
            ("connection lost", None, None),
            ("2026 was a year", None, None),
            (
                r#"400 {"error":{"type":"see the file /a b"}}"#,
                Some(400),
                None,
            ),
        ] {
            let error = failed(text);
            assert_eq!(
                (error.status, error.kind.as_deref()),
                (status, kind),
                "{text}"
            );
        }
    }
}
