//! The end of a piece of work: its times, its error, and why the model stopped.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value as Json;

use super::dialects::candidates as names;
use super::dialects::refusals;
use super::facts::{Facts, parsed, unquoted};
use crate::models;
use crate::otlp::{Span, SpanEvent, StatusCode, Value};
use crate::session::{CallError, StopReason, Timing};

/// Start and end of a piece of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Times {
    pub(super) start: DateTime<Utc>,
    pub(super) end: DateTime<Utc>,
    pub(super) timing: Timing,
}

impl Times {
    /// The times of a span. A missing one follows from the stated duration, or the timing is
    /// unknown.
    pub(super) fn of(span: &Span) -> Self {
        let (start, end) = (moment(span.start), moment(span.end));
        let facts = Facts::of(&span.attributes);
        let lasted = || {
            let seconds = facts.number(names::SECONDS);
            let milliseconds = || facts.number(names::MILLISECONDS).map(|it| it / 1000.0);
            seconds.or_else(milliseconds).and_then(of_seconds)
        };
        let both = match (start, end) {
            (Some(start), Some(end)) => Some((start, end)),
            (Some(start), None) => lasted().map(|lasted| (start, start + lasted)),
            (None, Some(end)) => lasted().map(|lasted| (end - lasted, end)),
            (None, None) => None,
        };
        let known = both.filter(|(start, end)| start <= end);
        let any = start.or(end).unwrap_or(DateTime::UNIX_EPOCH);
        let (start, end) = known.unwrap_or((any, any));
        Self {
            start,
            end,
            timing: if known.is_some() {
                Timing::Known
            } else {
                Timing::Unknown
            },
        }
    }

    /// The times, without those more than a day after the report of the work; clocks may differ by
    /// less. If none is left, the time of the report.
    pub(super) fn before(self, reported: DateTime<Utc>) -> Self {
        let latest = reported + TimeDelta::days(1);
        let is_possible = |at: DateTime<Utc>| at > DateTime::UNIX_EPOCH && at <= latest;
        let known = match (is_possible(self.start), is_possible(self.end)) {
            (true, true) => return self,
            (true, false) => self.start,
            (false, true) => self.end,
            (false, false) => reported,
        };
        Self {
            start: known,
            end: known,
            timing: Timing::Unknown,
        }
    }

    /// The length of the work.
    pub(super) fn length(&self) -> TimeDelta {
        self.end - self.start
    }
}

/// The year 2000, in nanoseconds since 1970. An earlier time is in other units, or from a clock
/// that was not set.
const EARLIEST: i64 = 946_684_800_000_000_000;

/// Converts nanoseconds since 1970; `None` for an implausible time.
pub(super) fn moment(nanoseconds: u64) -> Option<DateTime<Utc>> {
    let nanoseconds = i64::try_from(nanoseconds).ok()?;
    (nanoseconds >= EARLIEST).then(|| DateTime::from_timestamp_nanos(nanoseconds))
}

fn of_seconds(seconds: f64) -> Option<TimeDelta> {
    const LONGEST: f64 = 31.0 * 86_400.0;
    let seconds = Some(seconds).filter(|it| (0.0..LONGEST).contains(it))?;
    #[expect(clippy::cast_possible_truncation, reason = "it is less than 2^52")]
    let nanoseconds = (seconds * 1e9).round() as i64;
    Some(TimeDelta::nanoseconds(nanoseconds))
}

/// When the first part of a response arrived. It is within the call, or unknown.
pub(super) fn first_token_at(facts: &Facts<'_>, times: Times) -> Option<DateTime<Utc>> {
    let stated = facts.text(names::FIRST_AT).map(unquoted);
    let stated = stated.and_then(|it| it.parse::<DateTime<Utc>>().ok());
    if let Some(at) = stated {
        let is_within = times.timing == Timing::Known && at > times.start && at <= times.end;
        return is_within.then_some(at);
    }
    let streams = facts.flag(names::STREAMS) == Some(true);
    let seconds = facts.number(names::FIRST_SECONDS);
    let milliseconds = || {
        facts
            .number(names::FIRST_MILLISECONDS)
            .map(|it| it / 1000.0)
    };
    let if_streamed = || facts.number(names::FIRST_IF_STREAMED).filter(|_| streams);
    let seconds = seconds.or_else(milliseconds).or_else(if_streamed)?;
    let waited = of_seconds(seconds).filter(|waited| *waited > TimeDelta::zero())?;
    let is_within = times.timing == Timing::Known && waited <= times.length();
    is_within.then(|| times.start + waited)
}

/// Why the model stopped.
pub(super) fn stop_reason(facts: &Facts<'_>) -> Option<StopReason> {
    let word = facts
        .value(names::STOP_REASON)
        .map(parsed)
        .and_then(first_text);
    let in_output = || within(&parsed(facts.value(names::OUTPUT)?), 0);
    let in_spread = || {
        let mut outputs = names::SPREAD_OUTPUT.iter();
        outputs.find_map(|prefix| within(&facts.spread(prefix)?, 0))
    };
    let in_other = || {
        let mut outputs = names::OTHER_OUTPUT.iter();
        outputs.find_map(|name| within(&parsed(facts.value(&[name])?), 0))
    };
    let word = word.or_else(in_output).or_else(in_spread).or_else(in_other);
    word.map(|word| reason(&word))
}

/// The stop reason anywhere in a response.
pub(super) fn within(value: &Json, depth: usize) -> Option<String> {
    const NAMES: [&str; 4] = ["finish_reason", "stop_reason", "finishReason", "stopReason"];
    let inner = |it: &Json| within(it, depth + 1);
    match value {
        Json::Object(fields) if depth < 6 => {
            let mut stated = NAMES.iter().filter_map(|name| fields.get(*name)?.as_str());
            let stated = stated.next().map(str::to_owned);
            stated.or_else(|| fields.values().find_map(inner))
        }
        Json::Array(items) if depth < 6 => items.iter().find_map(inner),
        _ => None,
    }
}

fn first_text(value: Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text).filter(|text| !text.is_empty()),
        Json::Array(items) => items.into_iter().find_map(first_text),
        _ => None,
    }
}

/// The stop reason for an emitter's word.
pub(super) fn reason(word: &str) -> StopReason {
    match word {
        "tool-calls" | "tool_call" | "function_call" => StopReason::ToolCalls,
        "STOP" | "stop_sequence" | "completed" => StopReason::Finished,
        "MAX_TOKENS" | "max_output_tokens" => StopReason::Length,
        word => models::stop_reason(word),
    }
}

/// The error of a span; `None` if it did not fail.
pub(super) fn error(span: &Span, facts: &Facts<'_>) -> Option<CallError> {
    let exception = span.events.iter().rev().find(|it| it.name == "exception");
    let kind = facts.text(&["error.type"]);
    let has_failed = span.status.code == StatusCode::Error
        || facts.flag(&["success"]) == Some(false)
        || facts.text(&["langfuse.observation.level", "span.level"]).as_deref() == Some("ERROR")
        // An attempt of OpenRouter at a provider.
        || facts.count(&["span.metadata.status_code"]) >= Some(400)
        // A success may carry an empty type.
        || kind.is_some() && span.status.code != StatusCode::Ok;
    if !has_failed {
        return None;
    }
    let of_exception = exception.and_then(text_of);
    let stated = Some(span.status.message.clone()).filter(|text| !text.is_empty());
    let message = of_exception
        .or(stated)
        .or_else(|| facts.text(names::ERROR_TEXT));
    let message = message
        .or_else(|| kind.clone())
        .unwrap_or_else(|| "failed".to_owned());
    let thrown = exception.and_then(|it| it.attributes.text("exception.type"));
    let known = || refusals::status(thrown.or(kind.as_deref())?, &message);
    Some(CallError {
        status: status(exception, facts, &message).or_else(known),
        kind: kind.clone().or_else(|| thrown.map(str::to_owned)),
        message,
    })
}

/// The HTTP status of OpenRouter's last attempt at a provider, if it failed.
pub(super) fn status_of_attempts<'a>(spans: impl Iterator<Item = &'a Span>) -> Option<u16> {
    let statuses = spans.filter_map(|span| {
        let facts = Facts::of(&span.attributes);
        let status = facts.count(&["span.metadata.status_code"])?;
        Some((facts.count(&["span.metadata.attempt_index"]), status))
    });
    let (_, last) = statuses.max_by_key(|(index, _)| *index)?;
    u16::try_from(last).ok().filter(|it| is_failure(*it))
}

/// The text of an exception, without its stack trace.
fn text_of(exception: &SpanEvent) -> Option<String> {
    let attribute = |name| {
        let text = exception.attributes.text(name);
        text.filter(|text| !text.is_empty())
    };
    match (attribute("exception.type"), attribute("exception.message")) {
        (Some(kind), Some(message)) => Some(format!("{kind}: {message}")),
        (kind, message) => kind.or(message).map(str::to_owned),
    }
}

/// The HTTP status of a failed call, if stated anywhere. An unknown status is better than a guess.
fn status(exception: Option<&SpanEvent>, facts: &Facts<'_>, message: &str) -> Option<u16> {
    let stated = facts.count(names::HTTP_STATUS);
    let of_exception = || {
        let attributes = Facts::of(&exception?.attributes);
        attributes.count(names::HTTP_STATUS)
    };
    let stated = stated
        .or_else(of_exception)
        .and_then(|it| u16::try_from(it).ok());
    // A gateway may state 200 for a stream that failed later.
    stated
        .filter(|it| is_failure(*it))
        .or_else(|| in_words(message))
}

const fn is_failure(status: u16) -> bool {
    matches!(status, 400..=599)
}

/// Words after which libraries write a status: `Error code: 429 - …`, `status code 429`.
const BEFORE_STATUS: [&str; 6] = [
    "error code:",
    "status code:",
    "status code",
    "status_code=",
    "http status",
    "http error",
];

fn in_words(message: &str) -> Option<u16> {
    let lower = message.to_lowercase();
    BEFORE_STATUS.iter().find_map(|words| {
        let (_, after) = lower.split_once(words)?;
        let digits: String = after
            .trim_start()
            .chars()
            .take_while(char::is_ascii_digit)
            .collect();
        let status = digits.parse().ok().filter(|_| digits.len() == 3)?;
        is_failure(status).then_some(status)
    })
}

/// Whether the caller cancelled a call.
pub(super) fn is_cancelled(error: Option<&CallError>) -> bool {
    const WORDS: [&str; 4] = [
        "aborterror",
        "client has disconnected",
        "was aborted",
        "cancelled",
    ];
    error.is_some_and(|error| {
        let text = format!(
            "{} {}",
            error.kind.as_deref().unwrap_or_default(),
            error.message
        );
        let text = text.to_lowercase();
        WORDS.iter().any(|word| text.contains(word))
    })
}

/// Whether a span has an attribute with this value.
pub(super) fn says(span: &Span, name: &str, expected: &str) -> bool {
    span.attributes.get(name).and_then(Value::as_text) == Some(expected)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::otlp::{Attributes, Status};

    #[test]
    fn a_status_in_words_is_the_status_and_no_other_number_is() {
        for (message, expected) in [
            ("Error code: 429 - Rate limit reached", Some(429)),
            ("request failed with status code 503", Some(503)),
            ("Rate limit reached after 500 requests", None),
            ("Error code: 1042", None),
            ("status code 200", None),
        ] {
            assert_eq!(in_words(message), expected, "{message}");
        }
    }

    #[test]
    fn a_stop_reason_is_found_in_a_list_in_json_or_alone() {
        for (value, expected) in [
            (
                Value::Array(vec!["tool-calls".into()]),
                StopReason::ToolCalls,
            ),
            (r#"["stop"]"#.into(), StopReason::Finished),
            ("MAX_TOKENS".into(), StopReason::Length),
            ("refusal".into(), StopReason::Other("refusal".into())),
        ] {
            let attributes = [("gen_ai.response.finish_reasons", value)];
            let attributes: Attributes = attributes.into_iter().collect();
            assert_eq!(stop_reason(&Facts::of(&attributes)), Some(expected));
        }
    }

    #[test]
    fn a_time_that_no_clock_had_is_the_time_of_the_report() {
        const BEGIN: u64 = 1_772_366_400_000_000_000;
        const DAY: u64 = 86_400_000_000_000;
        let end_of_years = i64::MAX.cast_unsigned();
        for (times, expected, timing) in [
            ([BEGIN, BEGIN + DAY], [0, 1], Timing::Known),
            ([BEGIN + 3 * DAY, BEGIN + 3 * DAY], [3, 3], Timing::Known),
            ([0, 0], [2, 2], Timing::Unknown),
            ([u64::MAX, u64::MAX], [2, 2], Timing::Unknown),
            ([end_of_years, end_of_years], [2, 2], Timing::Unknown),
            ([1_772_366_400, 1_772_366_401], [2, 2], Timing::Unknown),
            ([BEGIN, end_of_years], [0, 0], Timing::Unknown),
            ([0, BEGIN + DAY], [1, 1], Timing::Unknown),
        ] {
            let mut span = crate::sources::otlp::tests::span("chat", Attributes::default());
            [span.start, span.end] = times;
            let begin = DateTime::from_timestamp_nanos(BEGIN.cast_signed());
            let found = Times::of(&span).before(begin + TimeDelta::days(2));
            let days = [found.start, found.end].map(|it| (it - begin).num_days());
            assert_eq!((days, found.timing), (expected, timing), "{times:?}");
        }
    }

    #[test]
    fn a_first_token_outside_the_call_is_none() {
        let times = Times {
            start: DateTime::UNIX_EPOCH,
            end: DateTime::UNIX_EPOCH + TimeDelta::seconds(2),
            timing: Timing::Known,
        };
        for (milliseconds, expected) in [(500, Some(500)), (0, None), (2_001, None)] {
            let attributes = [("ttft_ms", Value::Int(milliseconds))];
            let attributes: Attributes = attributes.into_iter().collect();
            let at = first_token_at(&Facts::of(&attributes), times);
            assert_eq!(at.map(|at| at.timestamp_millis()), expected);
        }
    }

    #[test]
    fn an_error_says_what_the_exception_says_without_the_stack() {
        let exception = [
            ("exception.type", Value::from("AI_APICallError")),
            ("exception.message", "Rate limit reached".into()),
            ("exception.stacktrace", "at secret.ts:1".into()),
        ];
        let mut span = crate::sources::otlp::tests::span("chat", Attributes::default());
        span.status = Status {
            code: StatusCode::Error,
            message: "Rate limit reached".to_owned(),
        };
        span.events = vec![SpanEvent {
            time: 1,
            name: "exception".to_owned(),
            attributes: exception.into_iter().collect(),
        }];
        let error = error(&span, &Facts::of(&span.attributes)).unwrap();
        assert_eq!(error.message, "AI_APICallError: Rate limit reached");
        assert_eq!(
            (error.kind.as_deref(), error.status),
            (Some("AI_APICallError"), Some(429))
        );
    }
}
