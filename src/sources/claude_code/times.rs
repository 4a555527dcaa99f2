//! When things happened.

use chrono::{DateTime, TimeDelta, Utc};

use super::content;
use super::wire::Line;

/// When the block of this line began to arrive.
pub(super) fn streamed_since(line: &Line<'_>, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let streamed = line
        .thinking_duration_ms
        .0
        .or(line.tool_input_stream_ms.0)?;
    let streamed = content::whole_milliseconds(streamed)?;
    at.checked_sub_signed(TimeDelta::try_milliseconds(i64::try_from(streamed).ok()?)?)
}

/// A time beyond the years of four digits is the last one that can be sent.
pub(super) fn parse_time(text: &str) -> Option<DateTime<Utc>> {
    const LAST: DateTime<Utc> = match DateTime::from_timestamp(253_370_764_800, 0) {
        Some(last) => last,
        None => DateTime::UNIX_EPOCH,
    };
    let at = DateTime::parse_from_rfc3339(text).ok()?.with_timezone(&Utc);
    Some(at.clamp(DateTime::UNIX_EPOCH, LAST))
}
