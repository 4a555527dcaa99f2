//! Storing events.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, params};
use sha2::{Digest, Sha256};

use super::EventState::{
    self, Acknowledged, DroppedForAge, DroppedForSize, Parked, Waiting, Withdrawn,
};
use super::records::{
    Destination, Enqueued, SessionEntry, SessionRecord, TranscriptStamp, milliseconds,
};
use super::{Outbox, OutboxError, identities, remember, session};
use crate::posthog::{EventName, Written};
use crate::redact::Redacted;

/// Bytes of events written per transaction. This bounds memory, and other processes do not wait
/// long for the database while a very large session is read.
const STEP_BYTES: usize = 4 * 1024 * 1024;
/// Bytes of memory per buffered event in addition to its body.
const EVENT_BYTES: usize = 128;
/// Bytes of the SHA-256 of a body that are kept. Enough to tell two versions of one event apart.
const DIGEST_BYTES: usize = 16;

/// An event that is already stored.
const SELECT: &str = "SELECT seq, state, digest FROM identities JOIN events USING (seq)
     WHERE identities.uuid = ?1";
/// A new event.
const INSERT: &str = "INSERT INTO events
         (uuid, session, destination, name, state, size, digest, enqueued_at)
     VALUES (?1, ?2, ?3, ?4, ?8, ?5, ?6, ?7)";
/// A stored event that waits again.
const UPDATE: &str = "UPDATE events SET state = ?6, destination = ?2, size = ?3, digest = ?4,
            enqueued_at = ?5, settled_at = NULL, reason = NULL
     WHERE seq = ?1";

/// The digest by which the body of an event is recognised.
pub(super) fn digest(body: &[u8]) -> [u8; DIGEST_BYTES] {
    let mut digest = [0; DIGEST_BYTES];
    digest.copy_from_slice(&Sha256::digest(body)[..DIGEST_BYTES]);
    digest
}

/// The new events of one session while they are stored.
///
/// Events may be stored before [`SessionWriter::commit`], but the session's checkpoint changes only
/// there: without a commit, the next run reads and pushes the same events again, which are then
/// recognised. Until the commit, a power failure may undo what was stored.
#[derive(Debug)]
pub struct SessionWriter<'a> {
    outbox: &'a Outbox,
    session: SessionRecord,
    destination: i64,
    now: i64,
    pending: Vec<Written>,
    pending_bytes: usize,
    /// Traces sum up the other events, so they wait for the commit: if another process was faster,
    /// its totals are kept.
    traces: Vec<Written>,
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
        let now = milliseconds(now);
        let frozen = entry.frozen.get();
        let project = frozen.project_name.as_deref();
        let frozen = serde_json::to_string(frozen).map_err(OutboxError::Frozen)?;
        let (session, destination) = self.write_ahead(|change| {
            change.execute(
                "INSERT INTO sessions (agent, session, project, frozen, first_seen, last_seen)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?5)
                 ON CONFLICT (agent, session) DO UPDATE SET project = coalesce(?3, project)",
                params![entry.agent, entry.id, project, frozen, now],
            )?;
            let session = session(change, entry.agent, entry.id)?
                .ok_or(rusqlite::Error::QueryReturnedNoRows)?;
            Ok((session, register(change, destination)?))
        })?;
        Ok(SessionWriter {
            outbox: self,
            session,
            destination,
            now,
            pending: Vec::new(),
            pending_bytes: 0,
            traces: Vec::new(),
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
            self.traces.push(event);
            return Ok(());
        }
        self.pending_bytes += event.json.len() + EVENT_BYTES;
        self.pending.push(event);
        if self.pending_bytes >= STEP_BYTES {
            let step = std::mem::take(&mut self.pending);
            self.pending_bytes = 0;
            let counts = self
                .outbox
                .write_ahead(|change| self.store(change, &step))?;
            self.count(counts);
        }
        Ok(())
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
        let mut last = std::mem::take(&mut self.pending);
        last.append(&mut self.traces);
        let counts = self.outbox.write(|change| {
            let moved = change.execute(
                "UPDATE sessions SET generation = generation + 1, last_seen = ?2,
                        checkpoint = coalesce(?3, checkpoint)
                 WHERE id = ?1 AND generation = ?4",
                params![
                    self.session.id,
                    self.now,
                    checkpoint.map(Redacted::get),
                    self.session.generation
                ],
            )?;
            if moved == 0 {
                return Ok(None);
            }
            let counts = self.store(change, &last)?;
            remember(change, transcripts)?;
            for (rule, count) in redactions {
                change.execute(
                    "INSERT INTO redactions (rule, count) VALUES (?1, ?2)
                     ON CONFLICT (rule) DO UPDATE SET count = count + ?2",
                    params![rule, count],
                )?;
            }
            Ok(Some(counts))
        })?;
        self.count(counts.ok_or(OutboxError::Overtaken)?);
        Ok(self.counts)
    }

    fn store(&self, change: &Connection, step: &[Written]) -> rusqlite::Result<Enqueued> {
        let mut select = change.prepare_cached(SELECT)?;
        let mut insert = change.prepare_cached(INSERT)?;
        let mut update = change.prepare_cached(UPDATE)?;
        let mut body =
            change.prepare_cached("INSERT OR REPLACE INTO bodies (seq, body) VALUES (?1, ?2)")?;
        let mut counts = Enqueued::default();
        for event in step {
            let digest = digest(&event.json);
            let size = event.json.len();
            let held = select.query_row([event.uuid.as_bytes()], |row| {
                let same = row.get_ref(2)?.as_blob()? == digest;
                Ok((row.get::<_, i64>(0)?, row.get::<_, EventState>(1)?, same))
            });
            let mut wait_again = |seq: i64| {
                let row = params![seq, self.destination, size, digest, self.now, Waiting];
                update.execute(row).map(|_| seq)
            };
            let seq = match (held.optional()?, event.name) {
                (None, name) => {
                    insert.execute(params![
                        event.uuid.as_bytes(),
                        self.session.id,
                        self.destination,
                        name.as_str(),
                        size,
                        digest,
                        self.now,
                        Waiting
                    ])?;
                    counts.new += 1;
                    change.last_insert_rowid()
                }
                // A changed trace, or a changed parked event: send it again.
                (Some((seq, Waiting | Acknowledged, false)), EventName::Trace)
                | (Some((seq, Parked, false)), _) => {
                    counts.replaced += 1;
                    wait_again(seq)?
                }
                // Dropped or withdrawn before it was sent, and now stored again.
                (Some((seq, DroppedForAge | DroppedForSize | Withdrawn, _)), _) => {
                    counts.new += 1;
                    wait_again(seq)?
                }
                (Some(_), _) => {
                    counts.known += 1;
                    continue;
                }
            };
            body.execute(params![seq, event.json])?;
        }
        identities::merge(change)?;
        Ok(counts)
    }

    const fn count(&mut self, counts: Enqueued) {
        self.counts.new += counts.new;
        self.counts.replaced += counts.replaced;
        self.counts.known += counts.known;
    }
}

fn register(change: &Connection, destination: &Destination) -> rusqlite::Result<i64> {
    let committed_by = destination.committed_by.as_deref().unwrap_or_default();
    let identity = [&destination.host, &destination.api_key, committed_by];
    change.execute(
        "INSERT OR IGNORE INTO destinations (host, api_key, committed_by) VALUES (?1, ?2, ?3)",
        identity,
    )?;
    change.query_row(
        "SELECT id FROM destinations WHERE host = ?1 AND api_key = ?2 AND committed_by = ?3",
        identity,
        |row| row.get(0),
    )
}
