//! Storing a batch: the compressed events, and a row for each.

use std::collections::BTreeSet;

use rusqlite::{CachedStatement, Connection, OptionalExtension, params};
use sha2::{Digest, Sha256};

use super::EventState::{
    self, Acknowledged, DroppedForAge, DroppedForSize, Parked, Waiting, Withdrawn,
};
use super::batches::{self, Origin};
use super::identities;
use super::ledger::Tallies;
use super::records::Enqueued;
use super::segment::Segment;
use crate::posthog::{EventName, Recording, Written};

/// Largest batch in bytes of JSON, unless a single event is larger. PostHog accepts requests of 20
/// MiB. This size takes a tenth of a second to compress and about a megabyte on the wire, which even
/// a short run can finish. It also bounds memory, and the time for which other processes wait for
/// the database.
pub(super) const BATCH_BYTES: usize = 5 * 1024 * 1024 - ENVELOPE_BYTES;
/// Bytes of a request that are not events.
const ENVELOPE_BYTES: usize = 4 * 1024;
/// Bytes of an event's SHA-256 to keep: enough to distinguish two versions of one event.
const DIGEST_BYTES: usize = 16;

/// Query of an event that is already stored.
const SELECT: &str = "SELECT seq, state, digest, destination, session, size, batch
     FROM identities JOIN events USING (seq) WHERE identities.uuid = ?1";
/// Statement that adds a new event.
const INSERT: &str = "INSERT INTO events
         (uuid, session, destination, name, state, size, digest, batch, start)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
/// Statement that makes a stored event wait again.
const UPDATE: &str = "UPDATE events SET destination = ?2, state = ?3, size = ?4, digest = ?5,
            batch = ?6, start = ?7, settled_at = NULL, reason = NULL
     WHERE seq = ?1";

/// The digest that shows whether an event changed.
pub(super) fn digest(json: &[u8]) -> [u8; DIGEST_BYTES] {
    let mut digest = [0; DIGEST_BYTES];
    digest.copy_from_slice(&Sha256::digest(json)[..DIGEST_BYTES]);
    digest
}

/// Events to be stored together.
#[derive(Debug)]
pub(super) struct NewBatch {
    events: Vec<Written>,
    segment: Segment,
}

/// The session and the destination of events.
#[derive(Clone, Copy, Debug)]
pub(super) struct Owner {
    pub(super) session: i64,
    pub(super) destination: i64,
    /// The most content that its events may have.
    pub(super) recording: Recording,
    /// Storage time in milliseconds since 1970.
    pub(super) now: i64,
}

impl Owner {
    const fn origin(self) -> Origin {
        Origin {
            stored_at: self.now,
            recording: self.recording,
        }
    }
}

/// The ledger's entry of an event that is to be stored.
enum Found {
    Nothing,
    /// The event is stored already.
    Known,
    /// It is a changed trace, or a changed parked event.
    Changed(Old),
    /// It was dropped or withdrawn before it was sent.
    Unsent(Old),
}

/// The row of an event that waits again.
struct Old {
    seq: i64,
    state: EventState,
    destination: i64,
    session: i64,
    size: i64,
    batch: Option<i64>,
}

/// The events that are not stored yet, or have changed.
pub(super) fn unstored(
    connection: &Connection,
    events: Vec<Written>,
) -> rusqlite::Result<Vec<Written>> {
    let mut select = connection.prepare_cached(SELECT)?;
    let mut unstored = Vec::with_capacity(events.len());
    for event in events {
        if !matches!(find(&mut select, &event)?, Found::Known) {
            unstored.push(event);
        }
    }
    Ok(unstored)
}

fn find(select: &mut CachedStatement<'_>, event: &Written) -> rusqlite::Result<Found> {
    let found = select.query_row([event.uuid.as_bytes()], |row| {
        let old = Old {
            seq: row.get(0)?,
            state: row.get(1)?,
            destination: row.get(3)?,
            session: row.get(4)?,
            size: row.get(5)?,
            batch: row.get(6)?,
        };
        let digest_then = row.get_ref(2)?.as_blob()?;
        let is_changed = || digest_then != digest(&event.json);
        Ok(match (old.state, event.name) {
            (DroppedForAge | DroppedForSize | Withdrawn, _) => Found::Unsent(old),
            // The event is damaged.
            (Parked, _) if old.batch.is_none() => Found::Changed(old),
            (Waiting | Acknowledged, EventName::Trace) | (Parked, _) if is_changed() => {
                Found::Changed(old)
            }
            _ => Found::Known,
        })
    });
    Ok(found.optional()?.unwrap_or(Found::Nothing))
}

impl NewBatch {
    /// Compresses events, in batches of at most [`BATCH_BYTES`].
    pub(super) fn all(events: Vec<Written>) -> Vec<Self> {
        let mut batches = vec![Vec::new()];
        let mut bytes = 0;
        for event in events {
            // One byte for the comma after each event.
            bytes += event.json.len() + 1;
            if bytes > BATCH_BYTES && bytes > event.json.len() + 1 {
                batches.push(Vec::new());
                bytes = event.json.len() + 1;
            }
            batches.last_mut().expect("there is one").push(event);
        }
        batches.retain(|events| !events.is_empty());
        batches.into_iter().map(Self::of).collect()
    }

    fn of(events: Vec<Written>) -> Self {
        let segment = Segment::pack(events.iter().map(|event| &event.json[..]));
        Self { events, segment }
    }

    /// Stores the batch, with a row for each event. An event that another process has stored
    /// meanwhile gets no row: the batch then holds more than its rows say.
    pub(super) fn store(&self, change: &Connection, owner: Owner) -> rusqlite::Result<Enqueued> {
        let batch = batches::write(change, None, &self.segment, owner.origin())?;
        let mut rows = Rows::of(change, owner, batch)?;
        let mut start = 0;
        for event in &self.events {
            rows.add(event, start)?;
            // One byte for the comma after the event.
            start += event.json.len() + 1;
        }
        rows.finish(change)
    }
}

/// Rows for the events of a batch.
struct Rows<'c> {
    select: CachedStatement<'c>,
    insert: CachedStatement<'c>,
    update: CachedStatement<'c>,
    identify: CachedStatement<'c>,
    owner: Owner,
    batch: i64,
    tallies: Tallies,
    /// Batches with an earlier version of an event.
    outdated: BTreeSet<i64>,
    counts: Enqueued,
}

impl<'c> Rows<'c> {
    fn of(change: &'c Connection, owner: Owner, batch: i64) -> rusqlite::Result<Self> {
        Ok(Self {
            select: change.prepare_cached(SELECT)?,
            insert: change.prepare_cached(INSERT)?,
            update: change.prepare_cached(UPDATE)?,
            identify: change.prepare_cached(identities::INSERT)?,
            owner,
            batch,
            tallies: Tallies::default(),
            outdated: BTreeSet::new(),
            counts: Enqueued::default(),
        })
    }

    /// Adds the row of an event at an offset in the JSON of the batch.
    fn add(&mut self, event: &Written, start: usize) -> rusqlite::Result<()> {
        let old = match find(&mut self.select, event)? {
            Found::Known => {
                self.counts.known += 1;
                return Ok(());
            }
            Found::Nothing => {
                self.counts.new += 1;
                return self.insert(event, start);
            }
            Found::Unsent(old) => {
                self.counts.new += 1;
                old
            }
            Found::Changed(old) => {
                self.counts.replaced += 1;
                old
            }
        };
        self.update.execute(params![
            old.seq,
            self.owner.destination,
            Waiting,
            event.json.len(),
            kept_digest(event),
            self.batch,
            start
        ])?;
        let was = (old.destination, old.state, old.session);
        self.tallies.add(was, -1, -old.size);
        self.outdated.extend(old.batch);
        self.count_waiting(old.session, event);
        Ok(())
    }

    fn insert(&mut self, event: &Written, start: usize) -> rusqlite::Result<()> {
        let seq = self.insert.insert(params![
            event.uuid.as_bytes(),
            self.owner.session,
            self.owner.destination,
            event.name.as_str(),
            Waiting,
            event.json.len(),
            kept_digest(event),
            self.batch,
            start
        ])?;
        self.identify.execute(params![event.uuid.as_bytes(), seq])?;
        self.count_waiting(self.owner.session, event);
        Ok(())
    }

    fn count_waiting(&mut self, session: i64, event: &Written) {
        let bytes = i64::try_from(event.json.len()).unwrap_or(i64::MAX);
        let waits = (self.owner.destination, Waiting, session);
        self.tallies.add(waits, 1, bytes);
    }

    fn finish(mut self, change: &Connection) -> rusqlite::Result<Enqueued> {
        self.tallies.write(change)?;
        // If another process was faster with every event, none of this batch waits.
        self.outdated.insert(self.batch);
        for batch in self.outdated {
            batches::release(change, batch)?;
        }
        identities::merge(change)?;
        Ok(self.counts)
    }
}

/// The digest that the ledger keeps of a waiting event: only a trace can change.
fn kept_digest(event: &Written) -> Vec<u8> {
    match event.name {
        EventName::Trace => digest(&event.json).to_vec(),
        EventName::Generation | EventName::Embedding | EventName::Span => Vec::new(),
    }
}
