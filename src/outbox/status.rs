//! Everything that `status` shows, read in one transaction.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension};
use uuid::Uuid;

use super::ledger::size;
use super::records::{DestinationRecord, Dropped, Receipt, moment};
use super::run::Run;
use super::{
    DESTINATION_COLUMNS, EventState, FIRST_AGENT, Outbox, OutboxError, destination, enabled_since,
    enabled_since_of, open, receipt,
};

/// Maximum number of sessions shown.
const SESSIONS: u32 = 10;
/// Maximum number of parked events shown; all are counted.
const PARKED: u32 = 20;

/// The state of the outbox at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// The time since when sessions are collected automatically.
    pub enabled_since: Option<DateTime<Utc>>,
    /// Every destination that was ever used.
    pub destinations: Vec<DestinationStatus>,
    /// The sessions that were stored last, newest first.
    pub sessions: Vec<SessionStatus>,
    /// Number of all stored sessions.
    pub sessions_total: u64,
    /// The last runs, newest first.
    pub runs: Vec<Run>,
    /// The events parked last, newest first.
    pub parked: Vec<Parked>,
    /// The number of all parked events.
    pub parked_total: u64,
    /// The number of parked events that were damaged in the outbox.
    pub damaged_total: u64,
    /// Events dropped by the limits.
    pub dropped: Dropped,
    /// Numbers of redacted values, by rule.
    pub redactions: Vec<(String, u64)>,
    /// Damaged databases that were set aside.
    pub set_aside: Vec<PathBuf>,
}

/// A destination and its waiting events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DestinationStatus {
    /// The destination and its delivery state.
    pub record: DestinationRecord,
    /// The number of waiting events.
    pub waiting: u64,
    /// Size of their JSON in bytes.
    pub waiting_bytes: u64,
    /// When the oldest waiting event was stored.
    pub oldest: Option<DateTime<Utc>>,
}

/// A session and its receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionStatus {
    /// The agent, such as `claude-code`.
    pub agent: String,
    /// The agent's own session id.
    pub id: String,
    /// Name of the project.
    pub project: Option<String>,
    /// When it was last stored.
    pub last_seen: DateTime<Utc>,
    /// When events of the session were last acknowledged.
    pub last_sent_at: Option<DateTime<Utc>>,
    /// Numbers of its events by state.
    pub receipt: Receipt,
}

/// An event that the server will never accept, or that was damaged in the outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parked {
    /// The event's identity.
    pub uuid: Uuid,
    /// The event's name on the wire.
    pub name: String,
    /// Size of its JSON in bytes.
    pub size: u64,
    /// The server's message, or a description of the damage.
    pub reason: String,
    /// Whether it was damaged in the outbox.
    pub is_damaged: bool,
    /// The session it belongs to.
    pub session: String,
}

impl Status {
    /// Warnings of the runs in the log, without duplicates, newest first.
    #[must_use]
    pub(crate) fn warnings(&self) -> Vec<&str> {
        let mut warnings = Vec::new();
        for warning in self.runs.iter().flat_map(|run| &run.warnings) {
            if !warnings.contains(&warning.as_str()) {
                warnings.push(warning.as_str());
            }
        }
        warnings
    }
}

impl Outbox {
    /// Reads everything that `status` shows in one transaction.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn status(&self) -> Result<Status, OutboxError> {
        let mut status = self.read(|connection| {
            Ok(Status {
                enabled_since: enabled_since(connection, &enabled_since_of(FIRST_AGENT))?,
                destinations: destinations(connection)?,
                sessions: sessions(connection)?,
                sessions_total: sessions_total(connection)?,
                runs: runs(connection)?,
                parked: parked(connection)?,
                parked_total: total(connection, EventState::Parked)?,
                damaged_total: damaged(connection)?,
                dropped: Dropped {
                    by_age: total(connection, EventState::DroppedForAge)?,
                    by_size: total(connection, EventState::DroppedForSize)?,
                },
                redactions: redactions(connection)?,
                set_aside: Vec::new(),
            })
        })?;
        status.set_aside = open::set_aside_databases(&self.directory);
        Ok(status)
    }

    /// The address of the destination that has accepted most events of a session; `None` if none
    /// has accepted any.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub(crate) fn recipient(&self, agent: &str, id: &str) -> Result<Option<String>, OutboxError> {
        let select = format!(
            "SELECT host FROM sessions CROSS JOIN destinations CROSS JOIN tallies
             WHERE agent = ?1 AND sessions.session = ?2 AND destination = destinations.id
               AND state = {acknowledged} AND tallies.session = sessions.id AND events > 0
             ORDER BY events DESC LIMIT 1",
            acknowledged = EventState::Acknowledged
        );
        self.read(|connection| {
            let mut select = connection.prepare_cached(&select)?;
            select.query_row([agent, id], |row| row.get(0)).optional()
        })
    }
}

fn destinations(connection: &Connection) -> rusqlite::Result<Vec<DestinationStatus>> {
    let select = format!("SELECT {DESTINATION_COLUMNS} FROM destinations ORDER BY id");
    let records = connection
        .prepare(&select)?
        .query_map([], destination)?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    let mut waiting = connection.prepare(&format!(
        "SELECT coalesce(sum(events), 0), coalesce(sum(bytes), 0),
                (SELECT min(stored_at) FROM batches WHERE EXISTS (
                     SELECT 1 FROM events INDEXED BY events_waiting
                     WHERE state = {waiting} AND destination = ?1 AND batch = batches.id))
         FROM tallies WHERE state = {waiting} AND destination = ?1",
        waiting = EventState::Waiting
    ))?;
    let complete = |record: DestinationRecord| {
        waiting.query_row([record.id], |row| {
            Ok(DestinationStatus {
                record,
                waiting: row.get(0)?,
                waiting_bytes: row.get(1)?,
                oldest: row.get::<_, Option<i64>>(2)?.map(moment),
            })
        })
    };
    records.into_iter().map(complete).collect()
}

fn sessions(connection: &Connection) -> rusqlite::Result<Vec<SessionStatus>> {
    let mut select = connection.prepare(
        "SELECT id, agent, session, project, last_seen, last_sent_at
         FROM sessions ORDER BY last_seen DESC, id DESC LIMIT ?1",
    )?;
    let sessions = select.query_map([SESSIONS], |row| {
        Ok(SessionStatus {
            agent: row.get(1)?,
            id: row.get(2)?,
            project: row.get(3)?,
            last_seen: moment(row.get(4)?),
            last_sent_at: row.get::<_, Option<i64>>(5)?.map(moment),
            receipt: receipt(connection, row.get(0)?)?,
        })
    })?;
    sessions.collect()
}

fn sessions_total(connection: &Connection) -> rusqlite::Result<u64> {
    connection.query_row("SELECT count(*) FROM sessions", [], |row| row.get(0))
}

fn runs(connection: &Connection) -> rusqlite::Result<Vec<Run>> {
    let mut select = connection.prepare(
        "SELECT at, verb, session, duration, sent, error, warnings FROM runs ORDER BY id DESC",
    )?;
    let runs = select.query_map([], |row| {
        let warnings: String = row.get(6)?;
        Ok(Run {
            at: moment(row.get(0)?),
            kind: row.get(1)?,
            session: row.get(2)?,
            duration_ms: row.get(3)?,
            sent: row.get(4)?,
            error: row.get(5)?,
            warnings: serde_json::from_str(&warnings).unwrap_or_else(|_| vec![warnings]),
        })
    })?;
    runs.collect()
}

fn parked(connection: &Connection) -> rusqlite::Result<Vec<Parked>> {
    let mut select = connection.prepare(&format!(
        "SELECT uuid, name, size, reason, sessions.session, batch IS NULL
         FROM events JOIN sessions ON sessions.id = events.session
         WHERE state = {parked} ORDER BY seq DESC LIMIT ?1",
        parked = EventState::Parked
    ))?;
    let parked = select.query_map([PARKED], |row| {
        Ok(Parked {
            uuid: Uuid::from_bytes(row.get(0)?),
            name: row.get(1)?,
            size: size(row, 2)?,
            reason: row.get::<_, Option<String>>(3)?.unwrap_or_default(),
            session: row.get(4)?,
            is_damaged: row.get(5)?,
        })
    })?;
    parked.collect()
}

fn damaged(connection: &Connection) -> rusqlite::Result<u64> {
    let select = format!(
        "SELECT count(*) FROM events WHERE state = {parked} AND batch IS NULL",
        parked = EventState::Parked
    );
    connection.query_row(&select, [], |row| row.get(0))
}

fn total(connection: &Connection, state: EventState) -> rusqlite::Result<u64> {
    let select = "SELECT coalesce(sum(events), 0) FROM destinations CROSS JOIN tallies
                  WHERE destination = destinations.id AND state = ?1";
    connection.query_row(select, [state], |row| row.get(0))
}

fn redactions(connection: &Connection) -> rusqlite::Result<Vec<(String, u64)>> {
    connection
        .prepare("SELECT rule, count FROM redactions ORDER BY count DESC, rule")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}
