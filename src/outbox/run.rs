//! The log of runs, shown by `status`.

use std::fmt;

use chrono::{DateTime, Utc};
use rusqlite::types::{FromSql, FromSqlResult, ToSqlOutput, ValueRef};
use rusqlite::{ToSql, params};

use super::records::milliseconds;
use super::{Outbox, OutboxError};

/// One run of the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// When it ended.
    pub at: DateTime<Utc>,
    /// The kind of the run.
    pub kind: RunKind,
    /// The session that the run collected.
    pub session: Option<String>,
    /// Duration in milliseconds.
    pub duration_ms: u64,
    /// Events acknowledged during the run.
    pub sent: u64,
    /// Why the run failed.
    pub error: Option<String>,
    /// Warnings for the user.
    pub warnings: Vec<String>,
}

/// The kind of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunKind {
    /// The process started by Claude Code's hook at the start of a session.
    SessionStart,
    /// The process started by Claude Code's hook at the end of a session.
    SessionEnd,
    /// The process started by Pi's hook.
    PiHook,
    /// The process started by OpenCode's hook.
    OpenCodeHook,
    /// `posthog-llma flush`.
    Flush,
    /// `posthog-llma ingest`.
    Ingest,
    /// `posthog-llma run`.
    Command,
    /// `posthog-llma serve`: one entry for as long as it runs.
    Serve,
    /// A kind that only another version of the program knows, by its name.
    Other(String),
}

impl Outbox {
    /// Completes the entry of a run that [`Outbox::log_run`] added before the run ended.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub(crate) fn finish_run(&self, number: i64, run: &Run) -> Result<(), OutboxError> {
        let warnings = serde_json::json!(run.warnings).to_string();
        self.write_ahead(|change| {
            change.execute(
                "UPDATE runs SET at = ?2, duration = ?3, sent = ?4, error = ?5, warnings = ?6
                 WHERE id = ?1",
                params![
                    number,
                    milliseconds(run.at),
                    run.duration_ms,
                    run.sent,
                    run.error,
                    warnings
                ],
            )?;
            Ok(())
        })
    }
}

impl RunKind {
    /// The kinds known to this version.
    const KNOWN: [Self; 8] = [
        Self::SessionStart,
        Self::SessionEnd,
        Self::PiHook,
        Self::OpenCodeHook,
        Self::Flush,
        Self::Ingest,
        Self::Command,
        Self::Serve,
    ];

    /// The name in the database, in output and in JSON.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::SessionStart => "session start",
            Self::SessionEnd => "session end",
            Self::PiHook => "pi hook",
            Self::OpenCodeHook => "opencode hook",
            Self::Flush => "flush",
            Self::Ingest => "ingest",
            Self::Command => "run",
            Self::Serve => "serve",
            Self::Other(name) => name,
        }
    }

    fn named(name: &str) -> Self {
        let known = Self::KNOWN.into_iter().find(|kind| kind.as_str() == name);
        known.unwrap_or_else(|| Self::Other(name.to_owned()))
    }
}

impl fmt::Display for RunKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl ToSql for RunKind {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.as_str().into())
    }
}

impl FromSql for RunKind {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_str().map(Self::named)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_read_from_the_database_as_it_was_written() {
        let connection = rusqlite::Connection::open_in_memory().unwrap();
        let other = RunKind::Other("of a later version".to_owned());
        for kind in RunKind::KNOWN.into_iter().chain([other]) {
            let read = connection.query_row("SELECT ?1", [&kind], |row| row.get(0));
            assert_eq!(read, Ok(kind));
        }
    }
}
