//! Converts content of messages and parts to the types of a session.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde_json::value::RawValue;

use super::wire::{self, Failure, Part, PartKind, Tokens};
use crate::models;
use crate::session::{Block, CallError, Cost, StopReason, Usage};
use crate::sources::times::of_milliseconds;

/// The text of a part as a block, if there is any.
pub(super) fn text(part: &Part<'_>, block: fn(String) -> Block) -> Option<Block> {
    let text = part.text.clone().filter(|text| !text.is_empty());
    text.map(block)
}

/// The prompt without the quotes that `opencode run` puts around an argument with spaces. Quotes
/// that could be the user's own are kept.
pub(super) fn without_quotes(prompt: &str) -> Cow<'_, str> {
    let inner = prompt.strip_prefix('"').and_then(|it| it.strip_suffix('"'));
    let Some(inner) = inner.filter(|inner| inner.contains(' ')) else {
        return Cow::Borrowed(prompt);
    };
    let quotes = inner.match_indices('"');
    let mut escaped = quotes.map(|(at, _)| inner[..at].ends_with('\\'));
    if escaped.all(|is_escaped| is_escaped) && !inner.ends_with('\\') {
        Cow::Owned(inner.replace("\\\"", "\""))
    } else {
        Cow::Borrowed(prompt)
    }
}

/// The block of a part of the user's message; `None` when the model does not receive it.
pub(super) fn of_user(part: &Part<'_>) -> Option<Block> {
    match part.kind.as_ref()? {
        PartKind::Text if part.ignored != Some(true) => part.text.clone().map(Block::Text),
        PartKind::Subtask => part.prompt.clone().map(Block::Text),
        PartKind::File => Some(media(part)),
        _ => None,
    }
}

pub(super) fn media(part: &Part<'_>) -> Block {
    let media_type = part.mime.clone();
    let is_image = media_type
        .as_deref()
        .is_some_and(|it| it.starts_with("image/"));
    let kind = if is_image { "image" } else { "document" };
    Block::Media {
        kind: kind.to_owned(),
        media_type,
        bytes: part.url.map_or(0, decoded_length),
    }
}

/// Number of bytes in a `data:` URL; 0 for a file elsewhere.
fn decoded_length(url: &RawValue) -> u64 {
    let url = url.get().trim_matches('"');
    let data = url.strip_prefix("data:");
    let data = data.and_then(|it| it.split_once(";base64,"));
    data.map_or(0, |(_, data)| {
        (data.trim_end_matches('=').len() as u64) * 3 / 4
    })
}

/// Token counts. OpenCode counts reasoning separately from output.
pub(super) fn usage(tokens: Tokens) -> Usage {
    let reasoning = tokens.reasoning.unwrap_or(0);
    let cache = tokens.cache.unwrap_or_default();
    Usage {
        input: tokens.input.unwrap_or(0),
        output: tokens.output.unwrap_or(0) + reasoning,
        reasoning: (reasoning > 0).then_some(reasoning),
        cache_read: cache.read.unwrap_or(0),
        // OpenCode never asks for the longer lifetime.
        cache_write: cache.write.unwrap_or(0),
        ..Usage::default()
    }
}

/// The cost of a call in dollars. OpenCode writes 0 for models without a known price.
pub(super) fn cost(dollars: Option<f64>) -> Option<Cost> {
    let total = dollars.filter(|dollars| dollars.is_finite() && *dollars > 0.0)?;
    Some(Cost {
        total,
        input: None,
        output: None,
    })
}

/// The effort level, which OpenCode calls the variant of the model.
pub(super) fn effort(message: &wire::Message) -> Option<String> {
    let variant = message.variant.clone();
    let variant = variant.or_else(|| message.model.as_ref()?.variant.clone());
    variant.filter(|variant| variant != "default")
}

/// Why the model stopped. OpenCode has its own word for tool calls.
pub(super) fn stop_reason(finish: &str) -> StopReason {
    match finish {
        "tool-calls" => StopReason::ToolCalls,
        word => models::stop_reason(word),
    }
}

/// Whether the user stopped the call.
pub(super) fn is_abort(failure: &Failure) -> bool {
    failure.name.as_deref() == Some("MessageAbortedError")
}

/// The error of a failed call.
pub(super) fn call_error(failure: &Failure) -> CallError {
    let data = failure.data.clone().unwrap_or_default();
    CallError {
        kind: failure.name.clone(),
        message: data.message.unwrap_or_default(),
        status: data.status_code,
    }
}

pub(super) fn moment(milliseconds: Option<i64>) -> Option<DateTime<Utc>> {
    milliseconds.and_then(of_milliseconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasoning_is_output() {
        let tokens: Tokens = serde_json::from_str(
            r#"{"input":7,"output":20,"reasoning":9,"cache":{"read":5,"write":3}}"#,
        )
        .unwrap();
        let usage = usage(tokens);
        assert_eq!((usage.output, usage.reasoning), (29, Some(9)));
        assert_eq!((usage.input, usage.cache_read), (7, 5));
        assert_eq!((usage.cache_write, usage.cache_write_long), (3, 0));
    }

    #[test]
    fn quotes_that_opencode_puts_around_arguments_are_no_part_of_the_prompt() {
        for (prompt, expected) in [
            (r#""Add a shelf""#, "Add a shelf"),
            (r#""Say \"hello\" twice""#, r#"Say "hello" twice"#),
            (
                r#""Add a shelf" and "paint it""#,
                r#""Add a shelf" and "paint it""#,
            ),
            (r#""shelf""#, r#""shelf""#),
            (r#"a "shelf" b"#, r#"a "shelf" b"#),
            ("\"", "\""),
            ("", ""),
        ] {
            assert_eq!(without_quotes(prompt), expected, "{prompt}");
        }
    }

    #[test]
    fn of_a_picture_its_size_is_kept() {
        for (url, bytes) in [
            (r#""data:image/png;base64,AAECAw==""#, 4),
            (r#""file:///home/ada/notes.txt""#, 0),
        ] {
            let raw: &RawValue = serde_json::from_str(url).unwrap();
            assert_eq!(decoded_length(raw), bytes, "{url}");
        }
    }
}
