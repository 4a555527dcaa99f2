//! Drains the outbox: claims waiting events, posts them, and acts on what the answer means.
//!
//! Promises:
//! - An event leaves the outbox when the server took it, or is parked when the server will never
//!   take it. Whatever else happens, it goes on waiting.
//! - One sender at a time for a destination. The process may be killed at any instruction; what
//!   was sent and not yet acknowledged is then sent again, as the same bytes.
//! - A destination in trouble is left alone for a while, longer each time.

mod batch;
mod probe;
#[cfg(test)]
mod tests;

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::host::Host;
use crate::outbox::{
    Claimed, Damaged, Destination, DestinationRecord, Dropped, Lock, Outbox, OutboxError,
};
use crate::posthog::{Disposition, backoff, classify, spread};
use crate::transport::{Endpoint, Lane, Transport};
use batch::Parcel;
pub use batch::body;

pub use probe::probe;

/// How often a request is made before its destination is left for a later run, however much
/// patience is left.
const MAX_ATTEMPTS: u32 = 10;
/// How often a busy sender is asked again.
const POLL: Duration = Duration::from_millis(100);
/// How long a destination is left alone after the first failed drain; it doubles with each
/// further one.
const FIRST_PAUSE: Duration = Duration::from_secs(30);
/// The longest pause that doubling leads to: a network that comes back should not wait long.
const MAX_PAUSE: Duration = Duration::from_mins(15);
/// How long a destination is left alone that refused us: a person has to change something.
const REFUSED_PAUSE: Duration = Duration::from_hours(24);
/// Below that size a batch is not made smaller for the next ones' sake.
const MIN_BATCH_BYTES: usize = 64 * 1024;
/// So many events refused one by one, and none taken: it is not the events. An explicit command
/// asks for every one of them.
const SUSPECTS: usize = 32;

/// What a drain needs to know of time and chance.
pub trait Clock {
    /// The time of day.
    fn now(&self) -> DateTime<Utc>;
    /// A clock that never goes back.
    fn elapsed(&self) -> Duration;
    /// Waits.
    fn sleep(&self, duration: Duration);
    /// A number between 0 and 1, another one each time.
    fn jitter(&self) -> f64;
}

/// The clock of the machine we run on.
#[derive(Clone, Copy, Debug)]
pub struct HostClock<'a>(pub &'a Host);

impl Clock for HostClock<'_> {
    fn now(&self) -> DateTime<Utc> {
        self.0.now()
    }

    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    fn sleep(&self, duration: Duration) {
        std::thread::sleep(duration);
    }

    fn jitter(&self) -> f64 {
        // Without chance, the middle will do.
        getrandom::u32().map_or(0.5, |number| f64::from(number) / f64::from(u32::MAX))
    }
}

/// Shortens an event (its JSON) to that many bytes, or says that it cannot.
pub type Clip<'a> = dyn Fn(&[u8], usize) -> Option<Vec<u8>> + 'a;

/// How hard to try, and what may be sent.
#[derive(Clone, Copy)]
pub struct Policy<'a> {
    /// How long a destination may be busy or in trouble before this drain leaves it. A drain
    /// that gets on is never cut short.
    pub patience: Duration,
    /// Also destinations that should be left alone for now: the user asked.
    pub ignore_backoff: bool,
    /// Whether the user agreed to a destination. Events for others wait.
    pub permits: &'a dyn Fn(&Destination) -> bool,
    /// Shortens an event that is too large.
    pub clip: &'a Clip<'a>,
    /// Whether to stop before the next request. What was not sent goes on waiting.
    pub stop: &'a dyn Fn() -> bool,
}

/// What a drain achieved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Drained {
    /// Events that the server took.
    pub sent: u64,
    /// Events that the server will never take.
    pub parked: u64,
    /// Events that the limits of the outbox dropped.
    pub dropped: Dropped,
    /// Events that still wait, for any destination.
    pub waiting: u64,
    /// Another process was sending to one of the destinations all the time.
    pub busy: bool,
    /// A project is over its quota: PostHog took the events and may have dropped them.
    pub quota_limited: bool,
    /// The last thing that went wrong.
    pub last_error: Option<String>,
}

/// Sends what waits, destination by destination, and calls `progress` after every step. What waits
/// of sessions that the user excluded is withdrawn first.
///
/// # Errors
/// When the outbox cannot be read or written. What servers and networks do is no error: it is in
/// [`Drained::last_error`] and in the outbox's status.
pub fn drain(
    outbox: &Outbox,
    transport: &Transport,
    clock: &dyn Clock,
    policy: Policy<'_>,
    progress: &mut dyn FnMut(&Drained),
) -> Result<Drained, OutboxError> {
    outbox.withdraw_excluded(clock.now())?;
    let mut drained = Drained::default();
    let due = |id: Option<i64>| {
        let mut due = outbox.destinations_waiting(clock.now(), policy.ignore_backoff)?;
        due.retain(|record| {
            (policy.permits)(&record.destination) && id.is_none_or(|id| id == record.id)
        });
        Ok::<_, OutboxError>(due)
    };
    for DestinationRecord { id, .. } in due(None)? {
        // Again until nothing waits once the lock is free: who enqueued while we held it and went
        // away relies on us.
        while !due(Some(id))?.is_empty() {
            let Some(lock) = wait_for_sender(outbox, clock, id, policy)? else {
                drained.busy = true;
                break;
            };
            // The sender before us may have emptied it, or met trouble.
            let Some(record) = due(Some(id))?.pop() else {
                break;
            };
            let mut sender = Sender {
                outbox,
                transport,
                clock,
                policy,
                record,
                drained: &mut drained,
                progress,
            };
            let emptied = sender.send_all()?;
            drop(lock);
            if !emptied {
                break;
            }
        }
    }
    drained.dropped = outbox.enforce_limits(clock.now())?;
    outbox.give_back_space()?;
    for record in outbox.destinations_waiting(clock.now(), true)? {
        drained.waiting += outbox.waiting(record.id)?;
    }
    Ok(drained)
}

fn wait_for_sender(
    outbox: &Outbox,
    clock: &dyn Clock,
    destination: i64,
    policy: Policy<'_>,
) -> Result<Option<Lock>, OutboxError> {
    let start = clock.elapsed();
    loop {
        if let Some(lock) = outbox.try_lock_sender(destination)? {
            return Ok(Some(lock));
        }
        let waited = clock.elapsed().saturating_sub(start);
        if waited + POLL > policy.patience || (policy.stop)() {
            return Ok(None);
        }
        clock.sleep(POLL);
    }
}

/// The lane that events are sent on: the one that is known to exist, else the first to try. It
/// decides how large they may be.
#[must_use]
pub fn lane(endpoint: &Endpoint, has_ai_lane: Option<bool>) -> Lane {
    match has_ai_lane {
        None => endpoint.first_lane(),
        Some(true) => Lane::Ai,
        Some(false) => Lane::Batch,
    }
}

/// Sends to one destination; its lock is held.
struct Sender<'a> {
    outbox: &'a Outbox,
    transport: &'a Transport,
    clock: &'a dyn Clock,
    policy: Policy<'a>,
    record: DestinationRecord,
    drained: &'a mut Drained,
    progress: &'a mut dyn FnMut(&Drained),
}

/// What is learnt about a destination while sending to it.
struct Route {
    endpoint: Endpoint,
    lane: Lane,
    /// The AI lane was missing and the other one has not proved itself yet.
    detour: bool,
    max_bytes: usize,
    /// Something was taken during this drain.
    proved: bool,
}

impl Sender<'_> {
    /// Whether nothing waits any more; otherwise the reason is recorded, or we were stopped.
    fn send_all(&mut self) -> Result<bool, OutboxError> {
        let endpoint = match Endpoint::parse(&self.record.destination.host) {
            Ok(endpoint) => endpoint,
            Err(error) => return self.give_up(&error.to_string(), REFUSED_PAUSE, true),
        };
        let lane = lane(&endpoint, self.record.ai_lane);
        let mut route = Route {
            endpoint,
            lane,
            detour: false,
            max_bytes: batch::MAX_BYTES,
            proved: false,
        };
        let envelope = batch::envelope_bytes(&self.record.destination.api_key);
        while !(self.policy.stop)() {
            let room = route.max_bytes.saturating_sub(envelope);
            let claimed = self.outbox.claim(self.record.id, room, batch::COMMA)?;
            if claimed == Claimed::default() {
                return Ok(true);
            }
            for event in &claimed.damaged {
                self.set_aside(event)?;
            }
            let parcels = claimed.events.into_iter().map(|event| Parcel {
                event,
                clipped: false,
            });
            if !self.deliver(parcels.collect(), &mut route)? {
                return Ok(false);
            }
        }
        Ok(false)
    }

    /// Sends a batch, in parts where it must be. Whether every event of it found its end;
    /// otherwise the reason is recorded.
    fn deliver(&mut self, parcels: Vec<Parcel>, route: &mut Route) -> Result<bool, OutboxError> {
        let mut parts = vec![parcels];
        let mut suspects = Vec::new();
        while let Some(part) = parts.pop() {
            let part = self.fit(part, route.lane)?;
            if part.is_empty() {
                continue;
            }
            match self.post(&part, route) {
                Disposition::Accepted { quota_limited } => {
                    self.drained.quota_limited |= quota_limited;
                    self.acknowledge(part, route)?;
                }
                Disposition::TooLarge if part.len() > 1 => {
                    route.max_bytes = (batch::bytes(&part) / 2).max(MIN_BATCH_BYTES);
                    split(part, &mut parts);
                }
                Disposition::TooLarge => {
                    for parcel in part {
                        parts.extend(self.shorten(parcel)?.map(|parcel| vec![parcel]));
                    }
                }
                Disposition::Malformed { .. } if part.len() > 1 => split(part, &mut parts),
                Disposition::Malformed { reason } => {
                    suspects.extend(part.into_iter().map(|parcel| (parcel, reason.clone())));
                    let enough = suspects.len() >= SUSPECTS && !self.policy.ignore_backoff;
                    if enough && !route.proved {
                        break;
                    }
                }
                Disposition::NoSuchEndpoint { .. } if route.lane == Lane::Ai => {
                    route.lane = Lane::Batch;
                    route.detour = true;
                    parts.push(part);
                }
                Disposition::NoSuchEndpoint { status } => {
                    let url = route.endpoint.url(route.lane);
                    let what = format!("{url} answered {status}: set POSTHOG_HOST to a PostHog");
                    return self.give_up(&what, self.pause(), false);
                }
                Disposition::Retry { reason, after } => {
                    return self.give_up(&reason, self.pause().max(after), false);
                }
                Disposition::NotPostHog { what } => {
                    return self.give_up(&what, self.pause(), false);
                }
                Disposition::Refused { reason, .. } => {
                    return self.give_up(&reason, REFUSED_PAUSE, true);
                }
            }
        }
        self.judge(suspects, route)
    }

    /// Parks the events that were refused one by one, unless everything is refused with the same
    /// words: then it is not the events that are wrong.
    fn judge(
        &mut self,
        suspects: Vec<(Parcel, String)>,
        route: &Route,
    ) -> Result<bool, OutboxError> {
        if let [(_, first), (_, second), rest @ ..] = &suspects[..]
            && !route.proved
            && first == second
            && rest.iter().all(|(_, reason)| reason == first)
        {
            let what = format!("the server refuses every event: 400: {first}");
            return self.give_up(&what, self.pause(), false);
        }
        for (parcel, reason) in suspects {
            self.park(&parcel, &format!("refused with 400: {reason}"))?;
        }
        Ok(true)
    }

    /// Leaves out, after shortening what can be shortened, the events that are too large for the
    /// lane: one of them would cost the whole batch.
    fn fit(&mut self, part: Vec<Parcel>, lane: Lane) -> Result<Vec<Parcel>, OutboxError> {
        let limit = lane.max_event_bytes();
        let mut fitting = Vec::with_capacity(part.len());
        for mut parcel in part {
            let size = parcel.event.body.len();
            if size > limit {
                match (self.policy.clip)(&parcel.event.body, limit) {
                    Some(body) if body.len() <= limit => parcel.event.body = body,
                    _ => {
                        let reason = format!("{size} bytes, the server takes {limit}");
                        self.park(&parcel, &reason)?;
                        continue;
                    }
                }
            }
            fitting.push(parcel);
        }
        Ok(fitting)
    }

    /// An event that was refused alone for its size is halved once, then parked.
    fn shorten(&mut self, mut parcel: Parcel) -> Result<Option<Parcel>, OutboxError> {
        let size = parcel.event.body.len();
        let half = size / 2;
        match (self.policy.clip)(&parcel.event.body, half) {
            Some(body) if body.len() <= half && !parcel.clipped => {
                parcel.event.body = body;
                parcel.clipped = true;
                Ok(Some(parcel))
            }
            _ => {
                self.park(&parcel, &format!("refused with 413 at {size} bytes"))?;
                Ok(None)
            }
        }
    }

    /// Posts the same bytes until there is an answer that means something else than "again".
    fn post(&self, part: &[Parcel], route: &Route) -> Disposition {
        let url = route.endpoint.url(route.lane);
        let body = batch::compress(&self.record.destination.api_key, part);
        let start = self.clock.elapsed();
        let mut attempts = 0;
        loop {
            let outcome = self.transport.post(&url, &body);
            let disposition = classify(&outcome, self.clock.now().into());
            let Disposition::Retry { after, .. } = &disposition else {
                return disposition;
            };
            attempts += 1;
            let wait = backoff(attempts, *after, self.clock.jitter());
            let spent = self.clock.elapsed().saturating_sub(start);
            if attempts >= MAX_ATTEMPTS || spent + wait > self.policy.patience {
                return disposition;
            }
            self.clock.sleep(wait);
            if (self.policy.stop)() {
                return disposition;
            }
        }
    }

    fn acknowledge(&mut self, part: Vec<Parcel>, route: &mut Route) -> Result<(), OutboxError> {
        let events: Vec<_> = part.into_iter().map(|parcel| parcel.event).collect();
        self.outbox
            .acknowledge(self.record.id, &events, self.clock.now())?;
        if route.detour {
            // Only now: a host that answers 404 to everything has no lane to remember.
            self.outbox.remember_ai_lane(self.record.id, false)?;
            route.detour = false;
        }
        route.proved = true;
        self.record.failures = 0;
        self.drained.sent += events.len() as u64;
        (self.progress)(self.drained);
        Ok(())
    }

    fn park(&mut self, parcel: &Parcel, reason: &str) -> Result<(), OutboxError> {
        let event = &parcel.event;
        self.outbox.park(event, reason, self.clock.now())?;
        self.drained.parked += 1;
        self.drained.last_error = Some(format!("{} {}: {reason}", event.name, event.uuid));
        (self.progress)(self.drained);
        Ok(())
    }

    /// What is damaged in the outbox is not sent, and keeps nothing else from being sent.
    fn set_aside(&mut self, event: &Damaged) -> Result<(), OutboxError> {
        self.outbox.set_aside(event, self.clock.now())?;
        self.drained.parked += 1;
        let Damaged {
            name, uuid, reason, ..
        } = event;
        self.drained.last_error = Some(format!("{name} {uuid} is not sent: {reason}"));
        (self.progress)(self.drained);
        Ok(())
    }

    /// Records why the destination is left for later. Always `Ok(false)`.
    fn give_up(
        &mut self,
        reason: &str,
        pause: Duration,
        refused: bool,
    ) -> Result<bool, OutboxError> {
        let now = self.clock.now();
        let not_before = now + TimeDelta::from_std(pause).unwrap_or(TimeDelta::MAX);
        self.outbox
            .fail(self.record.id, not_before, reason, refused, now)?;
        self.drained.last_error = Some(format!("{}: {reason}", self.record.destination.host));
        Ok(false)
    }

    fn pause(&self) -> Duration {
        let full = FIRST_PAUSE.saturating_mul(1 << self.record.failures.min(16));
        spread(full.min(MAX_PAUSE), self.clock.jitter())
    }
}

/// The older half goes first.
fn split(part: Vec<Parcel>, parts: &mut Vec<Vec<Parcel>>) {
    let (older, newer) = batch::halves(part);
    parts.extend([newer, older]);
}
