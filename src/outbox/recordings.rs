//! The content with which waiting events were stored, for a user who wants less of it meanwhile.

use chrono::{DateTime, Utc};
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension, ToSql, params};

use super::records::milliseconds;
use super::{EventState, Outbox, OutboxError, session, withdraw};
use crate::posthog::Recording;

/// Sessions of which events wait, and the destination.
const WAITING: &str = "SELECT agent, sessions.session, destination
     FROM destinations CROSS JOIN tallies CROSS JOIN sessions
     WHERE destination = destinations.id AND state = ?1 AND events > 0
       AND sessions.id = tallies.session";

impl Outbox {
    /// The sessions of which events wait: agent, id, and the number of the destination.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub(crate) fn sessions_waiting(&self) -> Result<Vec<(String, String, i64)>, OutboxError> {
        self.read(|connection| {
            let mut select = connection.prepare_cached(WAITING)?;
            let rows = select.query_map([EventState::Waiting], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })?;
            rows.collect()
        })
    }

    /// Whether the waiting events of a session may be sent with this recording: they were stored
    /// with the same content or less.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub(crate) fn allows(
        &self,
        agent: &str,
        session: &str,
        recording: Recording,
    ) -> Result<bool, OutboxError> {
        let select = "SELECT recording FROM sessions WHERE agent = ?1 AND session = ?2";
        let stored: Option<Recording> = self.read(|connection| {
            let mut select = connection.prepare_cached(select)?;
            select
                .query_row([agent, session], |row| row.get(0))
                .optional()
        })?;
        Ok(stored.is_none_or(|stored| stored.and(recording) == stored))
    }

    /// Withdraws the waiting and parked events of a session, which are stored anew when the session
    /// is read again and may be sent. Returns their number.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub(crate) fn withdraw(
        &self,
        agent: &str,
        id: &str,
        now: DateTime<Utc>,
    ) -> Result<u64, OutboxError> {
        self.write(|change| match session(change, agent, id)? {
            Some(session) => withdraw::events_of(change, session.id, milliseconds(now)),
            None => Ok(0),
        })
    }
}

/// Notes the recording with which the events of a session are stored from now on. Withdraws its
/// waiting events if they have more content: they are stored anew when the session is read from its
/// start. Returns whether there were any.
pub(super) fn note(
    change: &Connection,
    session: i64,
    recording: Recording,
    now: i64,
) -> rusqlite::Result<bool> {
    let before: Recording = change
        .prepare_cached("SELECT recording FROM sessions WHERE id = ?1")?
        .query_row([session], |row| row.get(0))?;
    if before == recording {
        return Ok(false);
    }
    change.execute(
        "UPDATE sessions SET recording = ?2 WHERE id = ?1",
        params![session, recording],
    )?;
    let is_stricter = before.and(recording) != before;
    Ok(is_stricter && withdraw::events_of(change, session, now)? > 0)
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
