//! Storing the events of a session.

use std::mem;

use chrono::{DateTime, Utc};
use rusqlite::{Connection, params};
use uuid::Uuid;

use super::records::{
    Destination, Enqueued, SessionEntry, SessionRecord, TranscriptStamp, milliseconds,
};
use super::store::{BATCH_BYTES, NewBatch, Owner, unstored};
use super::transcripts::remember;
use super::{Outbox, OutboxError, decisions, identities, session};
use crate::posthog::{EventName, Written};
use crate::redact::Redacted;

/// The new events of one session while they are stored.
///
/// Events may be stored before [`SessionWriter::commit`], but the session's checkpoint changes only
/// there: without a commit, the next run reads and pushes the same events again, which are then
/// recognised. Until the commit, a power failure may undo what was stored.
#[derive(Debug)]
pub struct SessionWriter<'a> {
    outbox: &'a Outbox,
    session: SessionRecord,
    owner: Owner,
    pending: Vec<Written>,
    pending_bytes: usize,
    /// Traces sum up the other events, so they wait for the commit: if another process was faster,
    /// its totals are kept.
    traces: Vec<Written>,
    /// Further identities of events, each after the one of the event.
    aliases: Vec<(Uuid, Uuid)>,
    counts: Enqueued,
}

impl Outbox {
    /// Begins to store events of a session. The session is registered at once, with its frozen
    /// settings if it is new. Build the events with the frozen settings of
    /// `SessionWriter::session`, which an earlier run may have registered.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn begin(
        &self,
        entry: &SessionEntry<'_>,
        destination: &Destination,
        now: DateTime<Utc>,
    ) -> Result<SessionWriter<'_>, OutboxError> {
        let frozen = entry.frozen.get();
        let project = frozen.project_name.as_deref();
        let frozen = serde_json::to_string(frozen).map_err(OutboxError::Frozen)?;
        let now = milliseconds(now);
        let (session, destination) = self.write_ahead(|change| {
            change
                .prepare_cached(
                    "INSERT INTO sessions
                         (agent, session, project, frozen, first_seen, last_seen)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?5)
                     ON CONFLICT (agent, session) DO UPDATE SET project = coalesce(?3, project)",
                )?
                .execute(params![entry.agent, entry.id, project, frozen, now])?;
            let session = session(change, entry.agent, entry.id)?
                .ok_or(rusqlite::Error::QueryReturnedNoRows)?;
            decisions::place(change, session.id, &entry.place)?;
            Ok((session, register(change, destination)?))
        })?;
        let owner = Owner {
            session: session.id,
            destination,
            recording: entry.recording,
            now,
        };
        Ok(SessionWriter {
            outbox: self,
            session,
            owner,
            pending: Vec::new(),
            pending_bytes: 0,
            traces: Vec::new(),
            aliases: Vec::new(),
            counts: Enqueued::default(),
        })
    }
}

impl SessionWriter<'_> {
    /// The stored record of the session: its frozen settings and its checkpoint.
    #[must_use]
    pub(crate) const fn session(&self) -> &SessionRecord {
        &self.session
    }

    /// Adds an event. An event whose uuid is already stored is only counted, except for a changed
    /// trace: its new body replaces the old one and is sent again.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn push(&mut self, event: Redacted<Written>) -> Result<(), OutboxError> {
        let event = event.into_inner();
        if event.name == EventName::Trace {
            self.traces.retain(|earlier| earlier.uuid != event.uuid);
            self.traces.push(event);
            return Ok(());
        }
        if self.pending_bytes + event.json.len() > BATCH_BYTES {
            self.store_pending()?;
        }
        // One byte for the comma after each event.
        self.pending_bytes += event.json.len() + 1;
        self.pending.push(event);
        Ok(())
    }

    /// Adds further identities of events, each after the event's own: an event with one of them
    /// counts as stored. Identities of events that are not stored are ignored.
    pub fn also_known_as(&mut self, aliases: impl IntoIterator<Item = (Uuid, Uuid)>) {
        self.aliases.extend(aliases);
    }

    /// Stores the pushed events as a batch.
    fn store_pending(&mut self) -> Result<(), OutboxError> {
        self.pending_bytes = 0;
        let pending = mem::take(&mut self.pending);
        for batch in self.pack(pending)? {
            let stored = self
                .outbox
                .write_ahead(|change| batch.store(change, self.owner))?;
            self.counts += stored;
        }
        Ok(())
    }

    /// Compresses the events that are not stored yet, and counts the others. Compression takes
    /// longest, so it comes before the transaction: other processes need not wait for it.
    fn pack(&mut self, events: Vec<Written>) -> Result<Vec<NewBatch>, OutboxError> {
        let pushed = events.len();
        let unstored = self
            .outbox
            .read(|connection| unstored(connection, events))?;
        self.counts.known += (pushed - unstored.len()) as u64;
        Ok(NewBatch::all(unstored))
    }

    /// Stores the remaining events and sets the session's checkpoint (unchanged if `None`) in one
    /// transaction. When this returns, everything is on disk.
    ///
    /// # Errors
    /// [`OutboxError::Overtaken`] when another process committed to this session since
    /// [`Outbox::begin`]: begin again from its checkpoint. Otherwise when the database cannot be
    /// written; then this call stored nothing.
    pub fn commit<'r>(
        mut self,
        checkpoint: Option<&Redacted<Vec<u8>>>,
        redactions: impl IntoIterator<Item = (&'r str, u64)>,
        transcripts: &[TranscriptStamp],
    ) -> Result<Enqueued, OutboxError> {
        let (pending, traces) = (mem::take(&mut self.pending), mem::take(&mut self.traces));
        // Only traces change later: in a batch of their own, they leave the others' batch
        // unchanged.
        let mut last = self.pack(pending)?;
        last.append(&mut self.pack(traces)?);
        let stored = self.outbox.write(|change| {
            let moved = change
                .prepare_cached(
                    "UPDATE sessions SET generation = generation + 1, last_seen = ?2,
                            checkpoint = coalesce(?3, checkpoint)
                     WHERE id = ?1 AND generation = ?4",
                )?
                .execute(params![
                    self.session.id,
                    self.owner.now,
                    checkpoint.map(Redacted::get),
                    self.session.generation
                ])?;
            if moved == 0 {
                return Ok(None);
            }
            let mut stored = Enqueued::default();
            for batch in &last {
                stored += batch.store(change, self.owner)?;
            }
            for (event, alias) in &self.aliases {
                identities::add_alias(change, *event, *alias)?;
            }
            remember(change, transcripts)?;
            for (rule, count) in redactions {
                change
                    .prepare_cached(
                        "INSERT INTO redactions (rule, count) VALUES (?1, ?2)
                         ON CONFLICT (rule) DO UPDATE SET count = count + ?2",
                    )?
                    .execute(params![rule, count])?;
            }
            Ok(Some(stored))
        })?;
        self.counts += stored.ok_or(OutboxError::Overtaken)?;
        Ok(self.counts)
    }
}

fn register(change: &Connection, destination: &Destination) -> rusqlite::Result<i64> {
    let committed_by = destination.committed_by.as_deref().unwrap_or_default();
    let identity = [&destination.host, &destination.api_key, committed_by];
    change
        .prepare_cached(
            "INSERT OR IGNORE INTO destinations (host, api_key, committed_by) VALUES (?1, ?2, ?3)",
        )?
        .execute(identity)?;
    change
        .prepare_cached(
            "SELECT id FROM destinations WHERE host = ?1 AND api_key = ?2 AND committed_by = ?3",
        )?
        .query_row(identity, |row| row.get(0))
}
