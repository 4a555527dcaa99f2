//! What the user decided about sessions of which events wait: what a decision depends on, and what
//! follows from a new one.
//!
//! Events are stored under the decisions of that moment. Whoever sends them asks for the newest one
//! before each request, and brings what waits in line with it here. Each step is one transaction: an
//! event either waits as it was or as it may be sent.

use std::ffi::OsString;
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension, Params, Row, ToSql, params};

use super::records::{Place, StoredSession, milliseconds};
use super::{EventState, Outbox, OutboxError, batches, changes, rewrite, session, withdraw};
use crate::posthog::{Recording, without_recording};

/// The columns of a [`StoredSession`].
const COLUMNS: &str = "sessions.id, agent, sessions.session, recording, transcript, folders";

impl Outbox {
    /// The sessions of which events wait, for any destination.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub(crate) fn sessions_waiting(&self) -> Result<Vec<StoredSession>, OutboxError> {
        let select = format!(
            "SELECT DISTINCT {COLUMNS} FROM destinations CROSS JOIN tallies CROSS JOIN sessions
             WHERE destination = destinations.id AND state = ?1 AND events > 0
               AND sessions.id = tallies.session"
        );
        self.read(|connection| {
            let mut select = connection.prepare_cached(&select)?;
            select.query_map([EventState::Waiting], stored)?.collect()
        })
    }

    /// A stored session, by its number.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub(crate) fn stored_session(&self, number: i64) -> Result<Option<StoredSession>, OutboxError> {
        self.find("id = ?1", [number])
    }

    /// A stored session, by its agent and id.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub(super) fn stored_session_of(
        &self,
        agent: &str,
        id: &str,
    ) -> Result<Option<StoredSession>, OutboxError> {
        self.find("agent = ?1 AND session = ?2", [agent, id])
    }

    fn find(
        &self,
        condition: &str,
        parameters: impl Params,
    ) -> Result<Option<StoredSession>, OutboxError> {
        let select = format!("SELECT {COLUMNS} FROM sessions WHERE {condition}");
        self.read(|connection| {
            let mut select = connection.prepare_cached(&select)?;
            select.query_row(parameters, stored).optional()
        })
    }

    /// Withdraws the waiting and parked events of a session. They are stored anew when the session is
    /// read again and may be sent.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub(crate) fn withdraw(
        &self,
        agent: &str,
        id: &str,
        now: DateTime<Utc>,
    ) -> Result<(), OutboxError> {
        self.erase(|change| match session(change, agent, id)? {
            Some(session) => withdraw::events_of(change, session.id, milliseconds(now)),
            None => Ok(0),
        })?;
        Ok(())
    }

    /// Removes the content from the waiting and parked events of a session if they have more than
    /// this recording allows; see [`without_recording`].
    ///
    /// # Errors
    /// When the database cannot be written.
    pub(crate) fn record_less(
        &self,
        session: &StoredSession,
        recording: Recording,
        now: DateTime<Utc>,
    ) -> Result<(), OutboxError> {
        let left = session.recording.and(recording);
        if left != session.recording {
            self.erase(|change| record(change, session.number, left, milliseconds(now)))?;
        }
        Ok(())
    }
}

/// Notes the recording with which the events of a session are stored from now on. Removes the
/// content of those that are stored with more. Returns the number of events that were changed.
pub(super) fn record(
    change: &Connection,
    session: i64,
    recording: Recording,
    now: i64,
) -> rusqlite::Result<u64> {
    let before: Recording = change
        .prepare_cached("SELECT recording FROM sessions WHERE id = ?1")?
        .query_row([session], |row| row.get(0))?;
    if before == recording {
        return Ok(0);
    }
    change.execute(
        "UPDATE sessions SET recording = ?2 WHERE id = ?1",
        params![session, recording],
    )?;
    if before.and(recording) == before {
        return Ok(0);
    }
    let changed = withhold(change, session, now)?;
    if changed > 0 {
        changes::count(change)?;
    }
    Ok(changed)
}

/// Removes the content from the waiting and parked events of a session. Returns their number. An
/// event that cannot be read is withdrawn. A damaged batch is left to the sender, which sets it
/// aside.
fn withhold(change: &Connection, session: i64, now: i64) -> rusqlite::Result<u64> {
    let mut changed = 0;
    for batch in batches::of_session(change, session)? {
        changed += rewrite::rewrite(change, batch, now, &|owner, event| {
            if owner == session {
                without_recording(event).map(Into::into)
            } else {
                Some(event.into())
            }
        })?;
    }
    Ok(changed)
}

/// Notes the place of a session, in addition to the folders that are known.
pub(super) fn place(change: &Connection, session: i64, place: &Place) -> rusqlite::Result<()> {
    let select = "SELECT transcript, folders FROM sessions WHERE id = ?1";
    let (transcript, folders): (Option<TranscriptPath>, Option<String>) = change
        .prepare_cached(select)?
        .query_row([session], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut all = folders.map_or_else(Vec::new, |known| listed(&known));
    let count = all.len();
    all.extend(place.folders.iter().cloned());
    all.sort();
    all.dedup();
    if transcript.is_some_and(|it| it.0 == place.transcript) && all.len() == count {
        return Ok(());
    }
    change
        .prepare_cached("UPDATE sessions SET transcript = ?2, folders = ?3 WHERE id = ?1")?
        .execute(params![
            session,
            TranscriptPath(place.transcript.clone()),
            serde_json::json!(all).to_string()
        ])?;
    Ok(())
}

/// Reads a row of [`COLUMNS`].
fn stored(row: &Row<'_>) -> rusqlite::Result<StoredSession> {
    let transcript: Option<TranscriptPath> = row.get(4)?;
    let folders: Option<String> = row.get(5)?;
    Ok(StoredSession {
        number: row.get(0)?,
        agent: row.get(1)?,
        id: row.get(2)?,
        recording: row.get(3)?,
        place: transcript.zip(folders).map(|(transcript, folders)| Place {
            transcript: transcript.0,
            folders: listed(&folders),
        }),
    })
}

fn listed(folders: &str) -> Vec<String> {
    serde_json::from_str(folders).unwrap_or_default()
}

/// The path of a transcript in the database.
struct TranscriptPath(PathBuf);

impl ToSql for TranscriptPath {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.as_os_str().as_encoded_bytes().into())
    }
}

impl FromSql for TranscriptPath {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let bytes = value.as_blob()?.to_vec();
        #[cfg(unix)]
        let path: OsString = std::os::unix::ffi::OsStringExt::from_vec(bytes);
        #[cfg(not(unix))]
        let path: OsString = String::from_utf8(bytes)
            .map_err(|error| FromSqlError::Other(error.into()))?
            .into();
        Ok(Self(path.into()))
    }
}

/// The number of a recording on disk: 1 for inputs, 2 for outputs, 3 for both.
const fn number(recording: Recording) -> u8 {
    recording.inputs() as u8 + 2 * recording.outputs() as u8
}

impl ToSql for Recording {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(number(*self).into())
    }
}

impl FromSql for Recording {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let stored = value.as_i64()?;
        match stored {
            0..=3 => Ok(Self::of(stored & 1 != 0, stored & 2 != 0)),
            _ => Err(FromSqlError::OutOfRange(stored)),
        }
    }
}
