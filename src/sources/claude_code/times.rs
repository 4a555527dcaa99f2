//! When things happened.

use chrono::{DateTime, TimeDelta, Utc};

pub(super) use super::super::times::parse_time;
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
