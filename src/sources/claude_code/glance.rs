//! Facts about a session from the beginning or the end of its transcript.

use std::path::Path;

use chrono::{DateTime, Utc};

use super::kinds::LineKind;
use super::prompt;
use super::wire::Line;
use crate::session::Trigger;
use crate::sources::jsonl::{Lines, objects};
use crate::sources::session_ref::Glance;
use crate::sources::times::parse_time;

/// Bytes in which to look for the first prompt.
const FURTHEST: u64 = 4 << 20;

/// Bytes of the end to read, which nearly always contain a line with a time.
const TAIL: u64 = 256 << 10;

/// When a file was created, as far as the file system knows; appending does not change it. A copy
/// may keep the earlier time of the last change.
pub(super) fn stored_at(path: &Path) -> Option<DateTime<Utc>> {
    let meta = path.metadata().ok()?;
    let times = [meta.created(), meta.modified()];
    times.into_iter().flatten().min().map(DateTime::from)
}

/// Reads the beginning of a transcript; empty when it cannot be read.
#[must_use]
pub(super) fn glance(path: &Path) -> Glance {
    let mut glance = Glance::default();
    let mut command = None;
    let Ok(mut lines) = Lines::open(path, 0) else {
        return glance;
    };
    while let Ok(Some(line)) = lines.next_line() {
        if line.offset > FURTHEST || glance.prompt.is_some() {
            break;
        }
        objects(&line.text(), |line: Line<'_>| {
            glance.started_at = glance.started_at.or_else(|| time_of(&line));
            if glance.cwd.is_none() {
                glance.cwd = line.cwd.as_ref().map(|cwd| cwd.as_str().to_owned());
            }
            let is_user = line.kind == LineKind::User;
            if is_user && line.is_sidechain != Some(true) && glance.prompt.is_none() {
                let message = line.message.as_ref();
                let prompt = message.and_then(|message| prompt::of_line(&line, &message.content));
                match prompt {
                    Some(prompt) if prompt.trigger == Trigger::Prompt => {
                        glance.prompt = Some(prompt.text);
                    }
                    Some(prompt) => command = command.take().or(Some(prompt.text)),
                    None => {}
                }
            }
        });
    }
    glance.prompt = glance.prompt.or(command);
    glance
}

/// Time of the first line that has one.
#[must_use]
pub(super) fn started_at(path: &Path) -> Option<DateTime<Utc>> {
    let mut lines = Lines::beginning(path).ok()?;
    let mut first = None;
    while let Ok(Some(line)) = lines.next_line() {
        if line.offset > FURTHEST || first.is_some() {
            break;
        }
        objects(&line.text(), |line: Line<'_>| {
            first = first.or_else(|| time_of(&line));
        });
    }
    first
}

/// Time of the last line, as it states it: the modification time of a file changes when it is
/// copied.
#[must_use]
pub(super) fn last_written(path: &Path) -> Option<DateTime<Utc>> {
    let length = path.metadata().ok()?.len();
    let mut lines = Lines::open(path, length.saturating_sub(TAIL)).ok()?;
    let mut last = None;
    while let Ok(Some(line)) = lines.next_line() {
        objects(&line.text(), |line: Line<'_>| {
            last = last.max(time_of(&line));
        });
    }
    last
}

fn time_of(line: &Line<'_>) -> Option<DateTime<Utc>> {
    parse_time(line.timestamp.as_ref()?.as_str())
}
