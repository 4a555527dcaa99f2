//! What goes into the outbox and comes out of it, as plain values.

use std::fmt;
use std::path::PathBuf;
use std::time::SystemTime;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::EventState;

/// Where events are to go. Two that differ in any field have separate queues and senders.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Destination {
    /// Base address, as [`Endpoint::base`](crate::transport::Endpoint::base) writes it.
    pub host: String,
    /// The project's key.
    pub api_key: String,
    /// The project whose committed settings named this destination; `None` when the user did.
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

/// A destination and what is known about sending there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DestinationRecord {
    /// Names the destination inside this outbox.
    pub id: i64,
    /// Where it is.
    pub destination: Destination,
    /// `Some(false)` when the AI lane answered that it does not exist, `Some(true)` when a test
    /// send proved that it does.
    pub ai_lane: Option<bool>,
    /// Automatic senders leave it alone until then.
    pub not_before: Option<DateTime<Utc>>,
    /// Failed drains in a row.
    pub failures: u32,
    /// The last failure was a refusal, which time alone does not mend.
    pub refused: bool,
    /// Why the last drain failed; `None` after a success.
    pub last_error: Option<String>,
    /// When that was.
    pub last_error_at: Option<DateTime<Utc>>,
    /// When events were last acknowledged there.
    pub last_sent_at: Option<DateTime<Utc>>,
}

/// A session whose events are about to be stored.
#[derive(Clone, Copy, Debug)]
pub struct SessionEntry<'a> {
    /// The agent, such as `claude-code`.
    pub agent: &'a str,
    /// The agent's own session id.
    pub id: &'a str,
    /// Name of the project, for display.
    pub project: Option<&'a str>,
    /// Title of the session, for display; redacted.
    pub title: Option<&'a str>,
    /// The settings that its identities depend on, if this is the first time it is stored.
    pub frozen: &'a str,
}

/// What is remembered of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SessionRecord {
    /// The settings that were in force when it was first stored. They stay.
    pub(crate) frozen: String,
    /// How far it was read, in the reader's own words.
    pub(crate) checkpoint: Option<Vec<u8>>,
    /// When it was first and last stored.
    pub(crate) first_seen: DateTime<Utc>,
    /// When it was last stored.
    pub(crate) last_seen: DateTime<Utc>,
    pub(super) id: i64,
    pub(super) generation: i64,
}

/// What became of the events of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Enqueued {
    /// Now waiting, not known before (or dropped before they were sent).
    pub new: u64,
    /// Waiting again with a new body: traces that grew, parked events that changed.
    pub replaced: u64,
    /// Held already; nothing to do.
    pub known: u64,
}

/// How many events of a session there are, by state. They add up to `events`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    /// All of them.
    pub events: u64,
    /// Taken by the server.
    pub acknowledged: u64,
    /// Still to be sent.
    pub waiting: u64,
    /// Refused by the server one by one; kept, not sent again.
    pub parked: u64,
    /// Given up under a limit of the outbox.
    pub dropped: u64,
    /// Taken back by the user before they were sent.
    pub withdrawn: u64,
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

/// A transcript file as it was when its events were stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TranscriptStamp {
    /// Where it is.
    pub path: PathBuf,
    /// Its length in bytes.
    pub size: u64,
    /// When it was last written.
    pub modified: SystemTime,
}

/// An event on its way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Names the event inside this outbox and orders it.
    pub seq: i64,
    /// The event's identity.
    pub uuid: Uuid,
    /// The event's name on the wire.
    pub name: String,
    /// The event as JSON.
    pub body: Vec<u8>,
    /// Of the body as it was stored: an event that was replaced meanwhile has another one.
    pub(super) digest: Vec<u8>,
}

/// Events that were taken out to be sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claimed {
    /// To be sent, the oldest first.
    pub events: Vec<Waiting>,
    /// Not to be sent: what is stored of them is not what was stored.
    pub damaged: Vec<Damaged>,
}

/// An event whose body is missing or is another one than was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damaged {
    /// The event's identity.
    pub uuid: Uuid,
    /// The event's name on the wire.
    pub name: String,
    /// What is wrong with it.
    pub reason: &'static str,
    pub(super) seq: i64,
    pub(super) digest: Vec<u8>,
}

/// How much the outbox holds, in bytes of bodies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Load {
    /// Everything that was not taken yet, for whatever destination, refused events included.
    pub(crate) held: u64,
    /// Of these, what waits for the destination that was asked about.
    pub(crate) waiting: u64,
    /// More than this is not held: the oldest would be dropped.
    pub(crate) limit: u64,
}

/// What the limits of the outbox cost.
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
