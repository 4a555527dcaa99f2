//! Drains the outbox: claims waiting events, posts them, and acts on the answer.
//!
//! Promises:
//! - An event leaves the outbox only when the server accepted it, or is parked when the server
//!   will never accept it. In all other cases it keeps waiting.
//! - One sender per destination at a time. The process may be killed at any instruction; events
//!   sent but not yet acknowledged are then sent again as the same bytes.
//! - Nothing is sent against the user's newest decisions, which are read before every request.
//! - A failing destination is left alone for a while, longer after each failure. All processes but
//!   those of a person's command keep to that pause, so that there is one attempt in each.

mod admission;
mod body;
mod clock;
mod decisions;
mod drained;
mod load;
mod parts;
mod probe;
mod target;
#[cfg(test)]
mod tests;

use std::time::Duration;

use chrono::TimeDelta;

use crate::outbox::{
    Batch, Damaged, Destination, DestinationRecord, Outbox, OutboxError, StoredSession,
};
use crate::posthog::{Disposition, backoff, classify, spread};
use crate::transport::{Endpoint, Lane, Transport};
pub use body::body;
pub use clock::{Clock, HostClock};
use decisions::Held;
pub use decisions::{Decision, Reasons, follow};
pub use drained::Drained;
use load::{Load, Parcel};

pub(crate) use admission::may_pass;
use admission::{Admission, Served};
pub use probe::probe;
use target::Target;
pub use target::lane;

/// Number of attempts per request before the destination is left for a later run, even if patience
/// remains.
const MAX_ATTEMPTS: u32 = 10;
/// Pause of a destination after a failure that may pass at any moment, such as a network that is
/// gone. Doubles with each further failure.
const FIRST_RETRY: Duration = Duration::from_secs(1);
/// Upper limit of that pause. Short, so that events flow soon after a network comes back.
const MAX_RETRY: Duration = Duration::from_mins(5);
/// Pause of a destination after its first answer that is not PostHog's. Doubles with each further
/// failure.
const FIRST_PAUSE: Duration = Duration::from_secs(30);
/// Upper limit of that pause.
const MAX_PAUSE: Duration = Duration::from_mins(15);
/// Pause of a destination that refused us. Long, because a person has to change something.
const REFUSED_PAUSE: Duration = Duration::from_hours(24);
/// Size in bytes below which a batch is not split only to make the next batches smaller.
const MIN_BATCH_BYTES: usize = 64 * 1024;
/// After this many refusals without one success, blame the server and stop. An explicit command
/// tries every event.
const SUSPECTS: usize = 32;

/// Shortens an event (JSON) to a number of bytes; `None` when that is impossible.
pub type Clip<'a> = dyn Fn(&[u8], usize) -> Option<Vec<u8>> + 'a;

/// Limits and permissions of a drain.
#[derive(Clone, Copy)]
pub struct Policy<'a> {
    /// How long to try again after failed requests to a destination. A drain that makes progress is
    /// never interrupted.
    pub patience: Duration,
    /// How long to wait until a destination may be sent to: while another process sends to it, and
    /// during a pause that ends within that time.
    pub admission_wait: Duration,
    /// The destination to send to first.
    pub first: Option<&'a Destination>,
    /// Whether to try destinations that are paused, because the user asked explicitly.
    pub ignore_backoff: bool,
    /// Whether the user agreed to a destination. Events for others keep waiting.
    pub permits: &'a dyn Fn(&Destination) -> bool,
    /// The user's decision about the waiting events of a session.
    pub decide: &'a dyn Fn(&StoredSession) -> Decision,
    /// Shortens an event that is too large.
    pub clip: &'a Clip<'a>,
    /// Whether to stop before the next request. Unsent events keep waiting.
    pub stop: &'a dyn Fn() -> bool,
}

/// Sends waiting events, destination by destination, and calls `progress` after every step.
///
/// # Errors
/// When the outbox cannot be read or written. Errors of servers and networks are no errors here:
/// they are reported in [`Drained::last_error`] and in the status of the outbox.
pub fn drain(
    outbox: &Outbox,
    transport: &Transport,
    clock: &dyn Clock,
    policy: Policy<'_>,
    progress: &mut dyn FnMut(&Drained),
) -> Result<Drained, OutboxError> {
    let mut drained = Drained::default();
    let mut destinations = outbox.destinations_waiting(clock.now(), true)?;
    destinations.retain(|record| (policy.permits)(&record.destination));
    admission::sort(&mut destinations, policy.first);
    let mut held = Held::default();
    let means = Means {
        outbox,
        transport,
        clock,
        policy,
    };
    // No destination waits for one that cannot be sent to yet.
    let mut later = Vec::new();
    for DestinationRecord { id, .. } in destinations {
        match means.serve(id, Duration::ZERO, &mut held, &mut drained, progress)? {
            Served::Tried => {}
            served => later.push((id, served)),
        }
    }
    for (id, mut served) in later {
        if !policy.admission_wait.is_zero() {
            served = means.serve(id, policy.admission_wait, &mut held, &mut drained, progress)?;
        }
        if served == Served::ByAnother {
            drained.busy = true;
            drained.sender = outbox.sender(id);
        }
    }
    drained.dropped = outbox.enforce_limits(clock.now())?;
    outbox.give_back_space()?;
    for record in outbox.destinations_waiting(clock.now(), true)? {
        drained.waiting += outbox.waiting(record.id)?;
    }
    drained.held = held.reasons;
    Ok(drained)
}

/// The outbox, transport, clock and policy of a drain.
#[derive(Clone, Copy)]
struct Means<'a> {
    outbox: &'a Outbox,
    transport: &'a Transport,
    clock: &'a dyn Clock,
    policy: Policy<'a>,
}

impl Means<'_> {
    /// Sends to a destination once it may be sent to, if that is within `patience`.
    fn serve(
        self,
        destination: i64,
        patience: Duration,
        held: &mut Held,
        drained: &mut Drained,
        progress: &mut dyn FnMut(&Drained),
    ) -> Result<Served, OutboxError> {
        let Self {
            outbox,
            transport,
            clock,
            policy,
        } = self;
        let mut served = Served::Never;
        // Check again after the lock is free: a process that enqueued while we held it, and then
        // exited, relies on us.
        while outbox.has_waiting(destination, &held.sessions)? {
            let (lock, record) =
                match admission::wait(outbox, clock, destination, patience, policy)? {
                    Admission::Granted(lock, record) => (lock, record),
                    Admission::Busy => return Ok(Served::ByAnother),
                    Admission::Closed => return Ok(served),
                };
            served = Served::Tried;
            let mut sender = Sender {
                outbox,
                transport,
                clock,
                policy,
                record,
                held,
                drained,
                progress,
            };
            let emptied = sender.send_all()?;
            drop(lock);
            if !emptied {
                return Ok(served);
            }
        }
        Ok(served)
    }
}

/// Sends to one destination while holding its lock.
struct Sender<'a> {
    outbox: &'a Outbox,
    transport: &'a Transport,
    clock: &'a dyn Clock,
    policy: Policy<'a>,
    record: DestinationRecord,
    held: &'a mut Held,
    drained: &'a mut Drained,
    progress: &'a mut dyn FnMut(&Drained),
}

impl Sender<'_> {
    /// Sends everything that waits. Returns whether nothing waits any more; `false` means that the
    /// reason was recorded, or that the drain was stopped.
    fn send_all(&mut self) -> Result<bool, OutboxError> {
        let endpoint = match Endpoint::parse(&self.record.destination.host) {
            Ok(endpoint) => endpoint,
            Err(error) => return self.give_up(&error.to_string(), REFUSED_PAUSE, true),
        };
        let lane = lane(&endpoint, self.record.ai_lane);
        let mut target = Target {
            endpoint,
            lane,
            detour: false,
            max_bytes: body::MAX_BODY_BYTES,
            proved: false,
            changes: 0,
        };
        let envelope = body::envelope_bytes(&self.record.destination.api_key);
        while !(self.policy.stop)() {
            let room = target.max_bytes.saturating_sub(envelope);
            let held = &self.held.sessions;
            let claimed = self.outbox.claim(self.record.id, room, held)?;
            if claimed.is_empty() {
                return Ok(true);
            }
            target.changes = claimed.changes;
            for damaged in &claimed.damaged {
                self.set_aside(damaged)?;
            }
            if !self.deliver(claimed.batches, &mut target)? {
                return Ok(false);
            }
        }
        Ok(false)
    }

    /// Sends batches, split where necessary. Returns whether every event was accepted, parked or
    /// withdrawn, or is to be claimed again; `false` means that the reason was recorded.
    fn deliver(&mut self, batches: Vec<Batch>, target: &mut Target) -> Result<bool, OutboxError> {
        let mut loads = vec![Load::Batches(batches)];
        let mut suspects = Vec::new();
        while let Some(load) = loads.pop() {
            let load = self.fit(load, target.lane)?;
            let (events, bytes) = (load.events(), load.bytes());
            if events == 0 {
                continue;
            }
            if events > 1 && bytes > target.max_bytes {
                self.split(load, &mut loads)?;
                continue;
            }
            let Some(disposition) = self.post(&load, target)? else {
                return Ok(true);
            };
            match disposition {
                Disposition::Accepted { quota_limited } => {
                    self.drained.quota_limited |= quota_limited;
                    self.acknowledge(&load, target)?;
                }
                Disposition::TooLarge if events > 1 => {
                    target.max_bytes = (bytes / 2).max(MIN_BATCH_BYTES);
                    self.split(load, &mut loads)?;
                }
                Disposition::TooLarge => self.shorten_all(load, &mut loads)?,
                Disposition::Malformed { .. } if events > 1 => self.split(load, &mut loads)?,
                Disposition::Malformed { reason } => {
                    let parcels = self.unpack(load)?.into_iter();
                    suspects.extend(parcels.map(|parcel| (parcel, reason.clone())));
                    let enough = suspects.len() >= SUSPECTS && !self.policy.ignore_backoff;
                    if enough && !target.proved {
                        break;
                    }
                }
                Disposition::NoSuchEndpoint { .. } if target.lane == Lane::Ai => {
                    target.lane = Lane::Batch;
                    target.detour = true;
                    loads.push(load);
                }
                Disposition::NoSuchEndpoint { status } => {
                    let url = target.endpoint.url(target.lane);
                    let what = format!("{url} answered {status}: set POSTHOG_HOST to a PostHog");
                    return self.give_up(&what, self.long_pause(), false);
                }
                Disposition::Retry { reason, after } => {
                    self.drained.may_pass = true;
                    let pause = self.pause(FIRST_RETRY, MAX_RETRY).max(after);
                    return self.give_up(&reason, pause, false);
                }
                Disposition::NotPostHog { what } => {
                    return self.give_up(&what, self.long_pause(), false);
                }
                Disposition::Refused { reason, .. } => {
                    return self.give_up(&reason, REFUSED_PAUSE, true);
                }
            }
        }
        self.judge(suspects, target)
    }

    /// Parks the events that were refused one by one, unless all were refused with the same
    /// message: then the cause is not the events.
    fn judge(
        &mut self,
        suspects: Vec<(Parcel, String)>,
        target: &Target,
    ) -> Result<bool, OutboxError> {
        if let [(_, first), (_, second), rest @ ..] = &suspects[..]
            && !target.proved
            && first == second
            && rest.iter().all(|(_, reason)| reason == first)
        {
            let what = format!("the server refuses every event: 400: {first}");
            return self.give_up(&what, self.long_pause(), false);
        }
        for (parcel, reason) in suspects {
            self.park(&parcel, &format!("refused with 400: {reason}"))?;
        }
        Ok(true)
    }

    /// Posts the same bytes until the answer is not "retry". `None` if a decision of the user
    /// changed events in memory: they are claimed again.
    fn post(&mut self, load: &Load, target: &Target) -> Result<Option<Disposition>, OutboxError> {
        let url = target.endpoint.url(target.lane);
        let segments = load.segments();
        let segments = segments.iter().map(|segment| &**segment);
        let body = body::assemble(&self.record.destination.api_key, segments);
        let contents = load.contents();
        let start = self.clock.elapsed();
        let mut attempts = 0;
        loop {
            let (outbox, clock) = (self.outbox, self.clock);
            let held = &mut *self.held;
            if !held.allows(&contents, target.changes, outbox, clock, self.policy)? {
                return Ok(None);
            }
            let outcome = self.transport.post(&url, &body);
            let disposition = classify(&outcome, self.clock.now().into());
            let Disposition::Retry { after, .. } = &disposition else {
                return Ok(Some(disposition));
            };
            attempts += 1;
            let wait = backoff(attempts, *after, self.clock.jitter());
            let spent = self.clock.elapsed().saturating_sub(start);
            if attempts >= MAX_ATTEMPTS || spent + wait > self.policy.patience {
                return Ok(Some(disposition));
            }
            self.clock.sleep(wait);
            if (self.policy.stop)() {
                return Ok(Some(disposition));
            }
        }
    }

    fn acknowledge(&mut self, load: &Load, target: &mut Target) -> Result<(), OutboxError> {
        let (id, now) = (self.record.id, self.clock.now());
        match load {
            Load::Batches(batches) => self.outbox.acknowledge(id, batches, now)?,
            Load::Events(parcels) => {
                let events = parcels.iter().map(|parcel| &parcel.event);
                self.outbox.acknowledge_events(id, events, now)?;
            }
        }
        if target.detour {
            // Recorded only after the other lane worked: a host that answers 404 to everything says
            // nothing about lanes.
            self.outbox.remember_ai_lane(self.record.id, false)?;
            target.detour = false;
        }
        target.proved = true;
        self.record.failures = 0;
        self.drained.sent += load.events();
        (self.progress)(self.drained);
        Ok(())
    }

    fn park(&mut self, parcel: &Parcel, reason: &str) -> Result<(), OutboxError> {
        let event = &parcel.event;
        self.outbox
            .park(self.record.id, event, reason, self.clock.now())?;
        self.drained.parked += 1;
        self.drained.last_error = Some(format!("{} {}: {reason}", event.name, event.uuid));
        (self.progress)(self.drained);
        Ok(())
    }

    /// Removes a damaged batch from the queue, so that it does not block the others.
    fn set_aside(&mut self, damaged: &Damaged) -> Result<(), OutboxError> {
        let now = self.clock.now();
        let events = self.outbox.set_aside(self.record.id, damaged, now)?;
        let reason = damaged.reason;
        self.drained.parked += events;
        self.drained.last_error = Some(format!(
            "{events} events of a damaged batch are not sent: {reason}"
        ));
        (self.progress)(self.drained);
        Ok(())
    }

    /// Records why the destination is left for later. Always returns `Ok(false)`.
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

    fn long_pause(&self) -> Duration {
        self.pause(FIRST_PAUSE, MAX_PAUSE)
    }

    /// The pause after one more failure.
    fn pause(&self, first: Duration, most: Duration) -> Duration {
        let longest = admission::longest_pause(first, most, self.record.failures);
        spread(longest, self.clock.jitter())
    }
}
