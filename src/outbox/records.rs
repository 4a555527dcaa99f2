//! The values that the outbox stores and returns.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::AddAssign;
use std::path::PathBuf;
use std::time::SystemTime;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{EventState, OutboxError, Segment};
use crate::posthog::{Frozen, Recording};
use crate::redact::Redacted;

/// Where events are sent. Destinations that differ in any field have separate queues and senders.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Destination {
    /// Base address, as written by [`Endpoint::base`](crate::transport::Endpoint::base).
    pub host: String,
    /// The project's key.
    pub api_key: String,
    /// The project whose committed settings named this destination; `None` if the user did.
    pub committed_by: Option<String>,
}

/// Never shows the key.
impl fmt::Debug for Destination {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Destination")
            .field("host", &self.host)
            .field("committed_by", &self.committed_by)
            .finish_non_exhaustive()
    }
}

/// A destination and its delivery state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DestinationRecord {
    /// Number of the destination in this outbox.
    pub id: i64,
    /// The destination: host, key, and the project that named it.
    pub destination: Destination,
    /// `Some(false)` if the AI lane answered that it does not exist. `Some(true)` is only set by tests:
    /// it makes a local server a host with the AI lane.
    pub ai_lane: Option<bool>,
    /// Automatic senders leave the destination alone until this time.
    pub not_before: Option<DateTime<Utc>>,
    /// Failed drains in a row.
    pub failures: u32,
    /// Whether the last failure was a refusal, which does not pass by itself.
    pub refused: bool,
    /// Why the last drain failed; `None` after a success.
    pub last_error: Option<String>,
    /// When the last drain failed.
    pub last_error_at: Option<DateTime<Utc>>,
    /// When events were last acknowledged there.
    pub last_sent_at: Option<DateTime<Utc>>,
}

/// A session whose events are about to be stored.
#[derive(Clone, Debug)]
pub struct SessionEntry<'a> {
    /// The agent, such as `claude-code`.
    pub agent: &'a str,
    /// The agent's own session id.
    pub id: &'a str,
    /// The settings that its identities depend on, used if the session is new.
    pub frozen: Redacted<Frozen>,
    /// The content with which its events are stored.
    pub recording: Recording,
    /// The facts that the user's decisions about the session depend on.
    pub place: Place,
}

/// Where a session is stored, where it worked and which sessions it names; the user's decisions
/// about it depend on all three.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The path of its transcript.
    pub transcript: PathBuf,
    /// The folders that it worked in.
    pub folders: Vec<String>,
    /// Ids, in lower case, of the sessions of coding agents that it names, if it is a trace.
    pub sessions: Vec<String>,
}

/// A session with stored events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSession {
    /// The agent, such as `claude-code`.
    pub agent: String,
    /// The session's id, unique within the agent.
    pub id: String,
    /// Its place; `None` if an earlier version stored it.
    pub place: Option<Place>,
    pub(super) number: i64,
}

/// The stored record of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SessionRecord {
    /// The settings with which the session was first stored, as JSON. They never change.
    pub(super) frozen: String,
    /// How far the session was read, in a format that only its source knows.
    pub(crate) checkpoint: Option<Vec<u8>>,
    /// When the session was first stored.
    pub(crate) first_seen: DateTime<Utc>,
    /// When the session was last stored.
    pub(crate) last_seen: DateTime<Utc>,
    pub(super) id: i64,
    pub(super) generation: i64,
}

impl SessionRecord {
    /// The settings with which the session was first stored.
    ///
    /// # Errors
    /// [`OutboxError::Frozen`] if they cannot be read.
    pub(crate) fn frozen(&self) -> Result<Frozen, OutboxError> {
        serde_json::from_str(&self.frozen).map_err(OutboxError::Frozen)
    }
}

/// Results of storing the events of a session, in events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Enqueued {
    /// Events that now wait and are new to the outbox (or were dropped before they were sent).
    pub new: u64,
    /// Events that wait again with a new body: traces that grew, parked events that changed.
    pub replaced: u64,
    /// Events that were stored already; nothing to do.
    pub known: u64,
}

/// Numbers of a session's events, by state. They add up to `events`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    /// All events.
    pub events: u64,
    /// Events accepted by the server.
    pub acknowledged: u64,
    /// Events not sent yet.
    pub waiting: u64,
    /// Events refused by the server one by one; kept, not sent again.
    pub parked: u64,
    /// Events dropped by a limit of the outbox.
    pub dropped: u64,
    /// Events withdrawn by the user before they were sent.
    pub withdrawn: u64,
}

impl AddAssign for Enqueued {
    fn add_assign(&mut self, more: Self) {
        self.new += more.new;
        self.replaced += more.replaced;
        self.known += more.known;
    }
}

impl Receipt {
    pub(super) const fn add(&mut self, state: EventState, events: u64) {
        self.events += events;
        let of_state = match state {
            EventState::Waiting => &mut self.waiting,
            EventState::Acknowledged => &mut self.acknowledged,
            EventState::Parked => &mut self.parked,
            EventState::DroppedForAge | EventState::DroppedForSize => &mut self.dropped,
            EventState::Withdrawn => &mut self.withdrawn,
        };
        *of_state += events;
    }
}

/// Path, size and time of a transcript file when its events were stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TranscriptStamp {
    /// The path.
    pub path: PathBuf,
    /// The length in bytes.
    pub size: u64,
    /// The time of the last change.
    pub modified: SystemTime,
}

/// Events that are sent in one request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claimed {
    /// Number of changes of waiting events at the time of the claim; see
    /// [`Outbox::changes`](super::Outbox::changes).
    pub(crate) changes: u64,
    /// Batches to send, the oldest first.
    pub batches: Vec<Batch>,
    /// Batches not to send.
    pub damaged: Vec<Damaged>,
}

impl Claimed {
    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.batches.is_empty() && self.damaged.is_empty()
    }
}

/// The events of a batch that wait for a destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The events, compressed.
    pub segment: Segment,
    /// The numbers of their sessions.
    pub(crate) sessions: BTreeSet<i64>,
    /// The most content that they may have.
    pub(crate) recording: Recording,
    /// The number of the batch.
    pub(crate) id: i64,
    /// The numbers of the events.
    pub(super) events: Vec<i64>,
}

/// A batch that is missing, or differs from the stored one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damaged {
    /// A description of the damage.
    pub reason: &'static str,
    pub(super) batch: i64,
}

/// A single waiting event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Number of the event in this outbox.
    pub seq: i64,
    /// The event's identity.
    pub uuid: Uuid,
    /// The event's name on the wire.
    pub name: String,
    /// The event as JSON.
    pub body: Vec<u8>,
    /// The number of its session.
    pub(crate) session: i64,
    /// The most content that it may have.
    pub(crate) recording: Recording,
    /// The number of its batch.
    pub(crate) batch: i64,
}

/// Size of the outbox, in bytes of JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Load {
    /// Unsent events for all destinations, refused ones included.
    pub(crate) held: u64,
    /// Events waiting for the destination asked about.
    pub(crate) waiting: u64,
    /// The maximum; above it the oldest events are dropped.
    pub(crate) limit: u64,
}

/// Events dropped by the limits of the outbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Events that waited too long.
    pub by_age: u64,
    /// The oldest events of an outbox that grew too large.
    pub by_size: u64,
}

pub(super) fn milliseconds(time: DateTime<Utc>) -> i64 {
    time.timestamp_millis()
}

pub(super) fn moment(milliseconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(milliseconds).unwrap_or_default()
}
