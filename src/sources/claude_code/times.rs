//! Times of lines.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::kinds::SystemKind;
use super::wire::Line;
use crate::sources::times::parse_time;

/// The times of the lines of a file.
#[derive(Debug, Default)]
pub(super) struct Times {
    /// Time of the last line with a time.
    pub(super) last_time: Option<DateTime<Utc>>,
    /// Times by the uuid of the line: a call begins when its parent line was written.
    by_line: HashMap<String, DateTime<Utc>>,
    /// The last `assistant` line.
    last_answer: Option<String>,
}

impl Times {
    pub(super) fn new(last_time: Option<DateTime<Utc>>) -> Self {
        Self {
            last_time,
            ..Self::default()
        }
    }

    /// The time of a line, and whether it is a copy of an earlier one with the same uuid.
    pub(super) fn note(&mut self, line: &Line<'_>) -> (Option<DateTime<Utc>>, bool) {
        let at = of_line(line);
        self.last_time = at.or(self.last_time);
        let known = line.uuid.as_ref().zip(at).and_then(|(uuid, at)| {
            let uuid = uuid.as_str().to_owned();
            self.by_line.insert(uuid, at)
        });
        (at, known.is_some())
    }

    /// The time of that line.
    pub(super) fn of(&self, uuid: Option<&str>) -> Option<DateTime<Utc>> {
        self.by_line.get(uuid?).copied()
    }

    /// Stores the last `assistant` line.
    pub(super) fn answered(&mut self, line: &Line<'_>) {
        self.last_answer = line.uuid.as_ref().map(|uuid| uuid.as_str().to_owned());
    }

    /// Processes a `system` line. A command that the user typed while the model worked is in the
    /// chain between a response and its input, but the call did not wait for it.
    pub(super) fn note_command(&mut self, line: &Line<'_>, at: DateTime<Utc>, is_waiting: bool) {
        let is_local = line.system_kind == Some(SystemKind::LocalCommand);
        let (true, Some(uuid), Some(parent)) = (is_local, &line.uuid, &line.parent_uuid) else {
            return;
        };
        let is_answer = self.last_answer.as_deref() == Some(parent.as_str());
        if !is_answer
            && is_waiting
            && let Some(asked_at) = self.of(Some(parent.as_str()))
        {
            self.by_line
                .insert(uuid.as_str().to_owned(), asked_at.min(at));
        }
    }
}

/// The time of a line, if it has one.
pub(super) fn of_line(line: &Line<'_>) -> Option<DateTime<Utc>> {
    parse_time(line.timestamp.as_ref()?.as_str())
}

/// When the block of this line began to arrive.
pub(super) fn streamed_since(line: &Line<'_>, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let streamed = line.thinking_duration_ms.or(line.tool_input_stream_ms)?;
    let streamed = whole_milliseconds(streamed)?;
    at.checked_sub_signed(TimeDelta::try_milliseconds(i64::try_from(streamed).ok()?)?)
}

/// A duration in milliseconds, rounded; `None` when it is negative.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked before"
)]
pub(super) fn whole_milliseconds(duration: f64) -> Option<u64> {
    (duration.is_finite() && duration >= 0.0).then(|| duration.round() as u64)
}
