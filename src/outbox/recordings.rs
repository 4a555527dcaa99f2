//! The content with which waiting events were stored, for a user who wants less of it meanwhile.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, params};

use super::records::milliseconds;
use super::{EventState, Outbox, OutboxError, withdraw};
use crate::posthog::Recording;

/// Sessions of which events wait, and the destination.
const WAITING: &str = "SELECT agent, sessions.session, destination
     FROM destinations CROSS JOIN tallies CROSS JOIN sessions
     WHERE destination = destinations.id AND state = ?1 AND events > 0
       AND sessions.id = tallies.session";

/// Beginning of the key in `meta` under which the recording of a session is stored. All content is
/// stored as no row, since that is usual.
const PREFIX: &str = "recording ";

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
        let stored = self.read(|connection| stored(connection, agent, session))?;
        Ok(stored.and(recording) == stored)
    }

    /// Notes the recording with which the events of a session are stored from now on. Withdraws its
    /// waiting events if they have more content: they are stored anew when the session is read
    /// again. Returns whether there were any.
    ///
    /// # Errors
    /// When the database cannot be read or written.
    pub(crate) fn record(
        &self,
        agent: &str,
        session: &str,
        recording: Recording,
        now: DateTime<Utc>,
    ) -> Result<bool, OutboxError> {
        let before = self.read(|connection| stored(connection, agent, session))?;
        if before == recording {
            return Ok(false);
        }
        let is_stricter = before.and(recording) != before;
        let withdrawn = is_stricter
            .then(|| self.withdraw(agent, session, now))
            .transpose()?;
        // Durable together with the events.
        self.write_ahead(|change| store(change, agent, session, recording))?;
        Ok(withdrawn.is_some_and(|events| events > 0))
    }

    /// Withdraws the waiting and parked events of a session, which are stored anew when the session
    /// is read again and may be sent. Returns their number.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub(crate) fn withdraw(
        &self,
        agent: &str,
        session: &str,
        now: DateTime<Utc>,
    ) -> Result<u64, OutboxError> {
        self.write(|change| withdraw::events_of(change, agent, session, milliseconds(now)))
    }
}

fn stored(connection: &Connection, agent: &str, session: &str) -> rusqlite::Result<Recording> {
    let select = "SELECT value FROM meta WHERE name = ?1";
    let value: Option<[u8; 2]> = connection
        .prepare_cached(select)?
        .query_row([name(agent, session)], |row| row.get(0))
        .optional()?;
    Ok(value.map_or(Recording::Full, |[inputs, outputs]| {
        Recording::of(inputs != 0, outputs != 0)
    }))
}

fn store(
    change: &Connection,
    agent: &str,
    session: &str,
    recording: Recording,
) -> rusqlite::Result<()> {
    let name = name(agent, session);
    change.execute("DELETE FROM meta WHERE name = ?1", [&name])?;
    // While nothing waits, no row has a use.
    let delete = format!(
        "DELETE FROM meta WHERE name GLOB '{PREFIX}*'
         AND NOT EXISTS (SELECT 1 FROM events WHERE state = {waiting})",
        waiting = EventState::Waiting
    );
    change.prepare_cached(&delete)?.execute([])?;
    if recording != Recording::Full {
        let value = [u8::from(recording.inputs()), u8::from(recording.outputs())];
        change.execute(
            "INSERT INTO meta (name, value) VALUES (?1, ?2)",
            params![name, value],
        )?;
    }
    Ok(())
}

fn name(agent: &str, session: &str) -> String {
    format!("{PREFIX}{agent} {session}")
}
