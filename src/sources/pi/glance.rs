//! Facts about a session from the beginning or the end of its file.

use std::path::Path;

use chrono::{DateTime, Utc};

use super::content;
use super::header::header;
use super::wire::{self, Line, payload};
use crate::sources::jsonl::{Lines, objects};
use crate::sources::session_ref::Glance;
use crate::sources::times::parse_time;

/// Bytes in which to look for the first prompt.
const FURTHEST: u64 = 4 << 20;

/// Bytes of the end to read, which nearly always contain a line with a time.
const TAIL: u64 = 256 << 10;

/// Reads the beginning of a session; empty when it cannot be read.
#[must_use]
pub(super) fn glance(path: &Path) -> Glance {
    let header = header(path).ok().flatten().unwrap_or_default();
    let mut glance = Glance {
        started_at: header.started_at,
        cwd: header.cwd,
        prompt: None,
    };
    let Ok(mut lines) = Lines::open(path, 0) else {
        return glance;
    };
    while let Ok(Some(line)) = lines.next_line() {
        if line.offset > FURTHEST || glance.prompt.is_some() {
            break;
        }
        objects(&line.text(), |line: Line<'_>| {
            let message: wire::Message<'_> = payload(line.message).unwrap_or_default();
            if message.role == Some(wire::Role::User) && glance.prompt.is_none() {
                glance.prompt = Some(content::text_of(&content::blocks(message.content)));
            }
        });
    }
    glance
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
            last = last.max(line.timestamp.as_deref().and_then(parse_time));
        });
    }
    last
}
