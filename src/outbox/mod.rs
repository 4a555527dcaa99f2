//! The outbox: waiting events, the ledger of acknowledged events, and everything that `status`
//! shows, in one `SQLite` database.
//!
//! # States of an event
//!
//! ```text
//!            ┌─────── it changed, or the user asked for another try ────────┐
//!            ▼                                                              │
//!  new ─► waiting ── the server refused it, or its body is damaged ──► parked
//!          │ │ │                                                        │ │
//!          │ │ └── 30 days old, or no room ──► dropped ◄── no room ─────┘ │
//!          │ └──── its session was excluded ─► withdrawn ◄────────────────┘
//!          └────── the server accepted it ───► acknowledged
//! ```
//!
//! A dropped or withdrawn event waits again when its session is read again, an acknowledged trace
//! when it changed. Every event that was ever stored keeps a row with its identity: the ledger.
//! Drops for age and for size are counted separately.
//!
//! # Batches
//!
//! Waiting and parked events have their JSON in a batch: up to 5 MiB of events, compressed once, when
//! they are stored, into a part of a deflate stream ([`Segment`]). A request consists of segments as
//! they lie on disk, with a few bytes around them, so sending neither compresses nor decompresses.
//!
//! | table | a row is | by the hand of |
//! |---|---|---|
//! | `batches` | a segment, with its lengths and checksums; it names no destination | `batches.rs` |
//! | `events` | an event for a destination: state, batch, offset in the JSON of the batch | `store.rs` adds, `ledger.rs` changes |
//! | `identities` | the uuid of an event | `identities.rs` |
//! | `tallies` | number and bytes of the events of a destination, state and session | `ledger.rs` |
//!
//! - The bytes of a batch do not change. If one of its events is replaced, parked or dropped, the
//!   batch holds more than its rows say; a sender then unpacks it and compresses the rest. The same
//!   happens when the server refuses a request as too large or malformed. All else is sent as it is.
//! - Only the user's decisions change that: withdrawn events, and content that events lose, leave
//!   the batch at once. A counter tells senders that have the batch in memory.
//! - A parked event has a batch of its own, a damaged one none.
//! - A batch without a waiting or parked event is deleted in the transaction that settles the last.
//! - The numbers of batches are never used again, so that a sender that was overtaken acknowledges
//!   nothing that it did not send.
//!
//! If a process dies:
//!
//! | while | is on disk | and then |
//! |---|---|---|
//! | events are compressed | nothing of them | the session is read again from its checkpoint |
//! | a batch is written | all of batch, rows and tallies, or nothing | the same; what is stored is recognised |
//! | a request is under way | the batch waits | it is sent again, as the same bytes |
//! | the server has accepted it | the batch waits | it is sent again under the same identities |
//! | it is acknowledged | all rows and the deletion of the batch, or nothing | as before, or done |
//! | events are withdrawn, or lose content | all as before, or all as decided | a sender decides again |
//! | an older format is migrated | the older format | the next process migrates it |
//!
//! # Files of the state directory
//!
//! | file | content |
//! |---|---|
//! | `outbox.db`, `-wal`, `-shm` | the database and its log |
//! | `outbox.db.new` | a database under construction; renamed when it is complete |
//! | `outbox.db.suspect` | a mark: the next run checks the whole database |
//! | `outbox.db.corrupt-1`, … | damaged databases that were set aside |
//! | `outbox.lock` | lock for creating, migrating and setting aside a database |
//! | `sender-1.lock`, … | lock for sending to a destination, and the id of the process that took it last |
//! | `sender-waiting.lock` | lock of the process that waits for destinations in trouble |
//! | `endings/….json` | for each session whose end a hook began to process: agent, transcript, and the settings of the hook |
//! | `redaction.key` | secret that keys the marks of redacted values; made when first needed |
//! | `excluded/….json` | for each session that the user excluded: which, when and by which command |
//!
//! # Crash safety
//!
//! | what happens | stored events and checkpoints | acknowledgements |
//! |---|---|---|
//! | the process is killed | everything committed survives | everything written survives |
//! | the power fails | the same; during a backfill (`relax`) the last steps may be lost, together | the same; an event that lost its acknowledgement is sent again, under the same identity |
//! | the disk is full | stay; nothing new is stored | stay; events whose acknowledgement cannot be written are sent again |
//! | the database is damaged | set aside with it; sessions are read from their start | lost with it; events that are read again are sent again, under the same identities |
//!
//! Exclusions are files of their own and survive all four.
//!
//! # Promises
//!
//! - When [`SessionWriter::commit`] has returned, its changes are on disk. A process may be killed at any
//!   instruction; its last transaction then happened completely or not at all.
//! - An event is identified by its uuid and stored once, whichever session or file it comes from.
//! - Only [`Redacted`](crate::redact::Redacted) events are accepted.
//! - Nothing is deleted without being counted; a damaged database is set aside, never removed.

mod batches;
mod changes;
mod check;
mod decisions;
mod delivery;
mod durability;
mod endings;
mod enqueue;
mod erase;
mod error;
mod exclusions;
mod format_1;
mod identities;
mod key;
mod ledger;
mod left_out;
mod limits;
mod lock;
mod open;
mod purge;
mod records;
mod rewrite;
mod run;
mod segment;
mod state;
mod status;
mod store;
#[cfg(test)]
mod tests;
mod transcripts;
mod withdraw;
mod writable;

use std::cell::Cell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, TransactionBehavior, params};
use uuid::Uuid;

pub(crate) use endings::{Ending, Endings};
pub use enqueue::SessionWriter;
pub use error::OutboxError;
pub(crate) use exclusions::{Cause, Exclusion, Exclusions};
pub(crate) use key::redaction_key;
pub(crate) use left_out::LeftOut;
pub(crate) use limits::{MAX_AGE, MAX_BYTES};
pub(crate) use lock::Lock;
pub(crate) use open::is_there;
pub(crate) use purge::purge;
pub use records::{
    Batch, Claimed, Damaged, Destination, Dropped, Enqueued, Place, SessionEntry, StoredSession,
    TranscriptStamp, Waiting,
};
pub(crate) use records::{DestinationRecord, Load, Receipt, SessionRecord};
pub use run::{Run, RunKind};
pub use segment::Segment;
pub(crate) use status::{DestinationStatus, Parked, SessionStatus, Status};

use records::{milliseconds, moment};
use state::EventState;

/// Number of runs in the log.
const RUNS: u32 = 50;

/// An open outbox.
#[derive(Debug)]
pub struct Outbox {
    connection: Connection,
    directory: PathBuf,
    redaction_key: [u8; 32],
    max_bytes: u64,
    is_relaxed: Cell<bool>,
}

impl Outbox {
    /// Opens the outbox in the state directory. Creates both if they are missing, migrates an older
    /// format, and sets a damaged database aside and begins a new one.
    ///
    /// # Errors
    /// [`OutboxError::Directory`] or [`OutboxError::ReadOnly`] when the directory is not writable,
    /// [`OutboxError::Newer`] when a newer version wrote the database, others when the database
    /// fails.
    pub fn open(directory: &Path) -> Result<Self, OutboxError> {
        let connection = open::open(directory)?;
        Self::new(connection, directory)
    }

    /// Opens the outbox for reading, without changing anything; `None` if there is none yet.
    ///
    /// # Errors
    /// As [`Outbox::open`]; [`OutboxError::Damaged`] when the database is damaged.
    pub(crate) fn open_read_only(directory: &Path) -> Result<Option<Self>, OutboxError> {
        open::open_read_only(directory)?
            .map(|connection| Self::new(connection, directory))
            .transpose()
    }

    fn new(connection: Connection, directory: &Path) -> Result<Self, OutboxError> {
        let mut outbox = Self {
            connection,
            directory: directory.to_owned(),
            redaction_key: [0; 32],
            max_bytes: MAX_BYTES,
            is_relaxed: Cell::new(false),
        };
        outbox.redaction_key = outbox.read(|connection| {
            let select = "SELECT value FROM meta WHERE name = 'redaction_key'";
            connection.query_row(select, [], |row| row.get(0))
        })?;
        Ok(outbox)
    }

    /// The same outbox with a size limit other than [`MAX_BYTES`], for this process.
    #[must_use]
    pub(crate) const fn limited_to(mut self, max_bytes: u64) -> Self {
        self.max_bytes = max_bytes;
        self
    }

    /// The secret key of this installation for the hashes of redacted values; see
    /// [`redaction_key`].
    #[must_use]
    pub(crate) const fn redaction_key(&self) -> [u8; 32] {
        self.redaction_key
    }

    /// The stored record of a session.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub(crate) fn session(
        &self,
        agent: &str,
        id: &str,
    ) -> Result<Option<SessionRecord>, OutboxError> {
        self.read(|connection| session(connection, agent, id))
    }

    /// The owner (agent and session id) of each of these events. Events that are not stored are
    /// missing from the result.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub(crate) fn owners(
        &self,
        uuids: impl IntoIterator<Item = Uuid>,
    ) -> Result<HashMap<Uuid, (String, String)>, OutboxError> {
        self.read(|connection| {
            let mut select = connection.prepare_cached(
                "SELECT sessions.agent, sessions.session FROM identities
                 JOIN events USING (seq) JOIN sessions ON sessions.id = events.session
                 WHERE identities.uuid = ?1",
            )?;
            let mut owners = HashMap::new();
            for uuid in uuids {
                let owner =
                    select.query_row([uuid.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)));
                if let Some(owner) = owner.optional()? {
                    owners.insert(uuid, owner);
                }
            }
            Ok(owners)
        })
    }

    /// The numbers of a session's events, by state.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub(crate) fn receipt(&self, agent: &str, id: &str) -> Result<Receipt, OutboxError> {
        self.read(|connection| match session(connection, agent, id)? {
            Some(session) => receipt(connection, session.id),
            None => Ok(Receipt::default()),
        })
    }

    /// The numbers of the events of every session, by agent and session.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub(crate) fn receipts(&self) -> Result<HashMap<(String, String), Receipt>, OutboxError> {
        self.read(|connection| {
            let mut select = connection.prepare_cached(
                "SELECT agent, sessions.session, state, events FROM sessions
                 JOIN tallies ON tallies.session = sessions.id",
            )?;
            let mut receipts: HashMap<(String, String), Receipt> = HashMap::new();
            let mut rows = select.query([])?;
            while let Some(row) = rows.next()? {
                let session = (row.get(0)?, row.get(1)?);
                receipts
                    .entry(session)
                    .or_default()
                    .add(row.get(2)?, row.get(3)?);
            }
            Ok(receipts)
        })
    }

    /// The time since when sessions of an agent are collected automatically: that of the first
    /// call.
    ///
    /// # Errors
    /// When the database cannot be read or written.
    pub(crate) fn enabled_since(
        &self,
        agent: &str,
        now: DateTime<Utc>,
    ) -> Result<DateTime<Utc>, OutboxError> {
        let name = enabled_since_of(agent);
        if let Some(since) = self.read(|connection| enabled_since(connection, &name))? {
            return Ok(since);
        }
        self.write(|change| {
            change.execute(
                "INSERT OR IGNORE INTO meta (name, value) VALUES (?1, ?2)",
                (&name, milliseconds(now).to_be_bytes()),
            )?;
            Ok(enabled_since(change, &name)?.unwrap_or(now))
        })
    }

    /// Adds a run to the log, which keeps the last 50, and returns its number. A power failure may
    /// lose it.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub(crate) fn log_run(&self, run: &Run) -> Result<i64, OutboxError> {
        let warnings = serde_json::json!(run.warnings).to_string();
        self.write_ahead(|change| {
            change.execute(
                "INSERT INTO runs (at, verb, session, duration, sent, error, warnings)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                params![
                    milliseconds(run.at),
                    run.kind,
                    run.session,
                    run.duration_ms,
                    run.sent,
                    run.error,
                    warnings
                ],
            )?;
            let number = change.last_insert_rowid();
            change.execute(
                "DELETE FROM runs WHERE id <= (SELECT max(id) FROM runs) - ?1",
                [RUNS],
            )?;
            Ok(number)
        })
    }

    fn located(&self, error: rusqlite::Error) -> OutboxError {
        OutboxError::at(&open::file(&self.directory), error)
    }

    /// Runs `work` in a read transaction: all of it sees the same state of the database.
    fn read<T>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, OutboxError> {
        self.transaction(TransactionBehavior::Deferred, work)
    }

    /// Runs `work` in a durable transaction: all of its changes happen, or none.
    fn write<T>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, OutboxError> {
        self.transaction(TransactionBehavior::Immediate, work)
    }

    fn transaction<T>(
        &self,
        behavior: TransactionBehavior,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, OutboxError> {
        let run = || {
            let transaction = Transaction::new_unchecked(&self.connection, behavior)?;
            let value = work(&transaction)?;
            transaction.commit()?;
            Ok(value)
        };
        run().map_err(|error| {
            let error = self.located(error);
            if matches!(error, OutboxError::Damaged { .. }) {
                open::suspect(&self.directory);
            }
            error
        })
    }
}

fn session(
    connection: &Connection,
    agent: &str,
    id: &str,
) -> rusqlite::Result<Option<SessionRecord>> {
    connection
        .prepare_cached(
            "SELECT id, frozen, checkpoint, generation, first_seen, last_seen
             FROM sessions WHERE agent = ?1 AND session = ?2",
        )?
        .query_row([agent, id], |row| {
            Ok(SessionRecord {
                id: row.get(0)?,
                frozen: row.get(1)?,
                checkpoint: row.get(2)?,
                generation: row.get(3)?,
                first_seen: moment(row.get(4)?),
                last_seen: moment(row.get(5)?),
            })
        })
        .optional()
}

fn receipt(connection: &Connection, session: i64) -> rusqlite::Result<Receipt> {
    let mut select = connection.prepare_cached(
        "SELECT events FROM destinations CROSS JOIN tallies
         WHERE destination = destinations.id AND state = ?2 AND session = ?1",
    )?;
    let mut receipt = Receipt::default();
    for state in EventState::ALL {
        let mut rows = select.query(params![session, state])?;
        while let Some(row) = rows.next()? {
            receipt.add(state, row.get(0)?);
        }
    }
    Ok(receipt)
}

/// Deletes the checkpoint of a session: the next run that reads the session reads it from the start
/// and stores what is missing.
fn read_again(change: &Connection, session: i64) -> rusqlite::Result<()> {
    change.execute(
        "UPDATE sessions SET checkpoint = NULL, generation = generation + 1 WHERE id = ?1",
        [session],
    )?;
    // The table does not say which session a file belongs to, so every file counts as unread.
    change.execute("DELETE FROM transcripts", [])?;
    Ok(())
}

const DESTINATION_COLUMNS: &str = "id, host, api_key, committed_by, ai_lane, not_before, \
     failures, refused, last_error, last_error_at, last_sent_at";

/// Reads a row of [`DESTINATION_COLUMNS`].
fn destination(row: &Row<'_>) -> rusqlite::Result<DestinationRecord> {
    let committed_by: String = row.get(3)?;
    Ok(DestinationRecord {
        id: row.get(0)?,
        destination: Destination {
            host: row.get(1)?,
            api_key: row.get(2)?,
            committed_by: (!committed_by.is_empty()).then_some(committed_by),
        },
        ai_lane: row.get(4)?,
        not_before: row.get::<_, Option<i64>>(5)?.map(moment),
        failures: row.get(6)?,
        refused: row.get(7)?,
        last_error: row.get(8)?,
        last_error_at: row.get::<_, Option<i64>>(9)?.map(moment),
        last_sent_at: row.get::<_, Option<i64>>(10)?.map(moment),
    })
}

/// The agent whose time is stored without its name: it was the only one at first.
const FIRST_AGENT: &str = "claude-code";

/// The key in `meta` under which the time is stored.
fn enabled_since_of(agent: &str) -> String {
    match agent {
        FIRST_AGENT => "enabled_since".to_owned(),
        agent => format!("enabled_since {agent}"),
    }
}

fn enabled_since(connection: &Connection, name: &str) -> rusqlite::Result<Option<DateTime<Utc>>> {
    let select = "SELECT value FROM meta WHERE name = ?1";
    let bytes: Option<[u8; 8]> = connection
        .query_row(select, [name], |row| row.get(0))
        .optional()?;
    Ok(bytes.map(|bytes| moment(i64::from_be_bytes(bytes))))
}
