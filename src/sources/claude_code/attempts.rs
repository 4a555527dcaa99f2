//! Failed attempts at a call. They belong to the call that follows them.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::content;
use super::kinds::SystemKind;
use super::times::Times;
use super::wire::{self, Line};
use crate::session::Retries;
use crate::sources::lenient::{Text, payload};

/// The attempts so far, by the last line of each call's attempts.
#[derive(Debug, Default)]
pub(super) struct Attempts(HashMap<String, Failed>);

/// Consecutive failed attempts at one call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Failed {
    /// Start of the first one.
    pub(super) began_at: DateTime<Utc>,
    pub(super) retries: Retries,
}

impl Attempts {
    /// Processes a `system` line.
    pub(super) fn note(&mut self, line: &Line<'_>, at: DateTime<Utc>, times: &Times) {
        let is_attempt = line.system_kind == Some(SystemKind::ApiError);
        let (true, Some(uuid)) = (is_attempt, &line.uuid) else {
            return;
        };
        let parent = line.parent_uuid.as_ref().map(Text::as_str);
        let earlier = self.before(parent);
        let error: wire::AttemptError = payload(line.error).unwrap_or_default();
        let failed = Failed {
            began_at: earlier.map_or_else(
                || times.of(parent).unwrap_or(at),
                |earlier| earlier.began_at,
            ),
            retries: Retries {
                count: earlier.map_or(0, |earlier| earlier.retries.count) + 1,
                status: content::http_status(error.status),
            },
        };
        self.0.insert(uuid.as_str().to_owned(), failed);
    }

    /// The attempts before a line.
    pub(super) fn before(&self, parent: Option<&str>) -> Option<Failed> {
        self.0.get(parent?).copied()
    }
}
