//! The user's decisions about sessions with waiting events: facts that a decision depends on, and
//! the effects of a new one.
//!
//! Events are stored under the decisions of that moment. A sender asks for the newest decision
//! before each request, and applies it to the waiting events here. Each step is one transaction: an
//! event is either as before or as it may be sent.

use std::ffi::OsString;
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension, Row, ToSql, params};

use super::ledger::{Fate, Which, settle};
use super::records::{Place, StoredSession, milliseconds};
use super::{
    EventState, Outbox, OutboxError, batches, changes, read_again, rewrite, session, withdraw,
};
use crate::posthog::{Recording, without_recording};

/// The columns of a [`StoredSession`].
const COLUMNS: &str = "id, agent, session, transcript, folders, named";

/// Waiting and parked events, as pairs of session and batch.
const HELD: &str = "
    SELECT DISTINCT session, batch FROM destinations CROSS JOIN events INDEXED BY events_waiting
    WHERE destination = destinations.id AND state = {waiting}
    UNION SELECT session, batch FROM events INDEXED BY events_parked
    WHERE state = {parked} AND batch IS NOT NULL";

impl Outbox {
    /// The numbers of the sessions with waiting or parked events, each with the number of a batch
    /// and the most content that its events may have.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub(crate) fn undecided(&self) -> Result<Vec<(i64, i64, Recording)>, OutboxError> {
        let held = HELD
            .replace("{waiting}", &EventState::Waiting.to_string())
            .replace("{parked}", &EventState::Parked.to_string());
        self.read(|connection| {
            connection
                .prepare_cached(&format!(
                    "SELECT session, batch, recording FROM ({held})
                     JOIN batches ON batches.id = batch ORDER BY session"
                ))?
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
                .collect()
        })
    }

    /// A stored session, by its number.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub(crate) fn stored_session(&self, number: i64) -> Result<Option<StoredSession>, OutboxError> {
        let select = format!("SELECT {COLUMNS} FROM sessions WHERE id = ?1");
        self.read(|connection| {
            let mut select = connection.prepare_cached(&select)?;
            select.query_row([number], stored).optional()
        })
    }

    /// Withdraws the waiting and parked events of a session. They are stored again when the session
    /// is read again and may be sent.
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

    /// Removes the content from the waiting and parked events of a session (number) in these
    /// batches; see [`without_recording`]. An event that cannot be read is withdrawn. The events of
    /// a damaged batch are parked.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub(crate) fn withhold(
        &self,
        session: i64,
        batches: &[i64],
        now: DateTime<Utc>,
    ) -> Result<(), OutboxError> {
        self.erase(|change| {
            let mut changed = 0;
            for batch in batches {
                changed += withhold(change, session, *batch, milliseconds(now))?;
            }
            if changed > 0 {
                // The checkpoint of the session may quote content.
                read_again(change, session)?;
                changes::count(change)?;
            }
            Ok(())
        })
    }
}

/// Removes the content from the events of a session in a batch. Returns the number of changed
/// events.
fn withhold(change: &Connection, session: i64, batch: i64, now: i64) -> rusqlite::Result<u64> {
    let rewritten = rewrite::rewrite(change, batch, now, &|owner, event| {
        if owner == session {
            without_recording(event).map(Into::into)
        } else {
            Some(event.into())
        }
    })?;
    let Some(changed) = rewritten else {
        return set_aside(change, batch, now);
    };
    // Events of other sessions in the batch keep their content.
    change
        .prepare_cached(&format!(
            "UPDATE batches SET recording = ?3 WHERE id = ?2
             AND NOT EXISTS (
                 SELECT 1 FROM destinations CROSS JOIN events INDEXED BY events_waiting
                 WHERE destination = destinations.id AND state = {waiting} AND batch = ?2
                   AND session <> ?1)",
            waiting = EventState::Waiting
        ))?
        .execute(params![session, batch, Recording::Nothing])?;
    Ok(changed)
}

/// Parks the events of a damaged batch, for all destinations: their content cannot be told from the
/// rest. Their sessions are read again. Returns the number of events.
fn set_aside(change: &Connection, batch: i64, now: i64) -> rusqlite::Result<u64> {
    let destinations: Vec<i64> = change
        .prepare_cached("SELECT id FROM destinations")?
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let fate = Fate {
        reason: Some(batches::CHANGED),
        ..Fate::over(EventState::Parked, now)
    };
    let mut events = 0;
    for destination in destinations {
        for state in [EventState::Waiting, EventState::Parked] {
            let moved = settle(change, Which::Batch { destination, batch }, state, fate)?;
            events += moved.events;
            for session in moved.sessions {
                read_again(change, session)?;
            }
        }
    }
    Ok(events)
}

/// Stores the place of a session, in addition to the folders and sessions stored before.
pub(super) fn place(change: &Connection, session: i64, place: &Place) -> rusqlite::Result<()> {
    let select = "SELECT transcript, folders, named FROM sessions WHERE id = ?1";
    let (transcript, folders, named) =
        change.prepare_cached(select)?.query_row([session], |row| {
            Ok((
                row.get::<_, Option<TranscriptPath>>(0)?,
                row.get(1)?,
                row.get(2)?,
            ))
        })?;
    let (folders, more_folders) = with(folders, &place.folders);
    let (named, more_named) = with(named, &place.sessions);
    let is_known = transcript.is_some_and(|it| it.0 == place.transcript);
    if is_known && !more_folders && !more_named {
        return Ok(());
    }
    let update = "UPDATE sessions SET transcript = ?2, folders = ?3, named = ?4 WHERE id = ?1";
    change.prepare_cached(update)?.execute(params![
        session,
        TranscriptPath(place.transcript.clone()),
        serde_json::json!(folders).to_string(),
        serde_json::json!(named).to_string()
    ])?;
    Ok(())
}

/// A stored list and more items, each once; and whether some were new.
fn with(known: Option<String>, more: &[String]) -> (Vec<String>, bool) {
    let mut all = known.map_or_else(Vec::new, |known| listed(&known));
    let count = all.len();
    all.extend(more.iter().cloned());
    all.sort();
    all.dedup();
    let is_more = all.len() != count;
    (all, is_more)
}

/// Reads a row of [`COLUMNS`].
fn stored(row: &Row<'_>) -> rusqlite::Result<StoredSession> {
    let transcript: Option<TranscriptPath> = row.get(3)?;
    let folders: Option<String> = row.get(4)?;
    let named: Option<String> = row.get(5)?;
    Ok(StoredSession {
        number: row.get(0)?,
        agent: row.get(1)?,
        id: row.get(2)?,
        place: transcript.zip(folders).map(|(transcript, folders)| Place {
            transcript: transcript.0,
            folders: listed(&folders),
            sessions: named.map_or_else(Vec::new, |named| listed(&named)),
        }),
    })
}

fn listed(texts: &str) -> Vec<String> {
    serde_json::from_str(texts).unwrap_or_default()
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
