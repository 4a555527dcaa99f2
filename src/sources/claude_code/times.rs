//! When things happened.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::kinds::SystemKind;
use super::wire::Line;
use crate::sources::times::parse_time;

/// When the lines of a file were written.
#[derive(Debug, Default)]
pub(super) struct Times {
    /// When the last line was written that told.
    pub(super) last_time: Option<DateTime<Utc>>,
    /// By the uuid of the line: a call begins when its chain parent was there.
    by_line: HashMap<String, DateTime<Utc>>,
    /// The last line of the model's.
    last_answer: Option<String>,
}

impl Times {
    pub(super) fn new(last_time: Option<DateTime<Utc>>) -> Self {
        Self {
            last_time,
            ..Self::default()
        }
    }

    /// The time of a line, and whether it is a copy of an earlier one: it has the same uuid.
    pub(super) fn note(&mut self, line: &Line<'_>) -> (Option<DateTime<Utc>>, bool) {
        let at = of_line(line);
        self.last_time = at.or(self.last_time);
        let known = line.uuid.as_ref().zip(at).and_then(|(uuid, at)| {
            let uuid = uuid.as_str().to_owned();
            self.by_line.insert(uuid, at)
        });
        (at, known.is_some())
    }

    /// When that line was written.
    pub(super) fn of(&self, uuid: Option<&str>) -> Option<DateTime<Utc>> {
        self.by_line.get(uuid?).copied()
    }

    /// A line of the model's was written.
    pub(super) fn answered(&mut self, line: &Line<'_>) {
        self.last_answer = line.uuid.as_ref().map(|uuid| uuid.as_str().to_owned());
    }

    /// Takes notice of a `system` line. A command that the user typed while the model worked stands
    /// in the chain between a response and what it answers. The call did not wait for it.
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

/// When a line was written, where it tells.
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
