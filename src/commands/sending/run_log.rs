//! The log of runs, which `status` lists.

use super::{Sending, held};
use crate::commands::{short, words};
use crate::deliver::Drained;
use crate::outbox::{Run, RunKind};
use crate::pipeline::Stored;
use crate::redact::Counts;
use crate::sources::SessionRef;
use crate::ui;

/// Errors and warnings of a run, for the log.
#[derive(Clone, Debug, Default)]
pub(in crate::commands) struct Report {
    pub(in crate::commands) error: Option<String>,
    pub(in crate::commands) warnings: Vec<String>,
}

impl Report {
    /// Adds warnings about the events that a drain left waiting.
    pub(in crate::commands) fn note_held(&mut self, drained: &Drained) {
        for warning in held(&drained.held) {
            if !self.warnings.contains(&warning) {
                self.warnings.push(warning);
            }
        }
    }

    /// Adds warnings about a stored session. Returns whether all of it could be read.
    pub(in crate::commands) fn note(&mut self, stored: &Stored, found: &SessionRef) -> bool {
        let Stored::Session {
            unreadable,
            exceeds_books,
            skipped,
            without_usage,
            ..
        } = stored
        else {
            return true;
        };
        for (path, reason) in unreadable {
            let warning = format!("cannot read {}: {reason}", path.display());
            self.warnings.push(warning);
        }
        let lost = skipped.broken + skipped.oversized;
        let id = short(&found.session_id());
        if lost > 0 {
            let lost = words::lost(lost, found.agent);
            self.warnings.push(format!("session {id}: {lost}"));
        }
        if *without_usage > 0 {
            let responses = ui::count(*without_usage, "response");
            let warning = format!("session {id}: {responses} reported no usage");
            self.warnings.push(warning);
        }
        if *exceeds_books {
            let id = short(&found.session_id());
            self.warnings.push(format!(
                "session {id}: its lines show more tokens than Claude Code's own totals"
            ));
        }
        unreadable.is_empty()
    }
}

impl Sending<'_> {
    /// Redacts a message: it may quote a setting, which may hold a secret.
    fn without_secrets(&self, message: String) -> String {
        let redacted = self
            .redactors
            .usual()
            .text(&message, &mut Counts::default());
        redacted.unwrap_or(message)
    }

    /// Adds a run to the log. An error is ignored, since the log is the place to report errors.
    pub(in crate::commands) fn log(
        &self,
        kind: RunKind,
        session: Option<String>,
        sent: u64,
        report: Report,
    ) {
        let _ = self
            .outbox
            .log_run(&self.entry(kind, session, sent, report));
    }

    /// Adds a run to the log before it sends, which may take minutes. Returns the number of the
    /// entry, for [`Sending::finish_log`].
    pub(in crate::commands) fn log_unsent(
        &self,
        kind: RunKind,
        session: Option<String>,
        report: &Report,
    ) -> Option<i64> {
        let entry = self.entry(kind, session, 0, report.clone());
        self.outbox.log_run(&entry).ok()
    }

    /// Completes the entry that [`Sending::log_unsent`] made, or adds one if it could not.
    pub(in crate::commands) fn finish_log(
        &self,
        number: Option<i64>,
        kind: RunKind,
        session: Option<String>,
        sent: u64,
        report: Report,
    ) {
        let entry = self.entry(kind, session, sent, report);
        let _ = match number {
            Some(number) => self.outbox.finish_run(number, &entry),
            None => self.outbox.log_run(&entry).map(drop),
        };
    }

    fn entry(&self, kind: RunKind, session: Option<String>, sent: u64, report: Report) -> Run {
        let warnings = report.warnings.into_iter();
        Run {
            at: self.host.now(),
            kind,
            session,
            duration_ms: u64::try_from(self.host.elapsed().as_millis()).unwrap_or(u64::MAX),
            sent,
            error: report.error.map(|error| self.without_secrets(error)),
            warnings: warnings.map(|it| self.without_secrets(it)).collect(),
        }
    }
}
