//! The order of the destinations, and the wait until one may be sent to.

use std::time::Duration;

use chrono::TimeDelta;

use super::{Clock, FIRST_RETRY, MAX_RETRY, Policy};
use crate::outbox::{Destination, DestinationRecord, Lock, Outbox, OutboxError};

/// Interval at which a destination that cannot be sent to is looked at again.
const POLL: Duration = Duration::from_millis(100);

/// Whether a drain may send to a destination.
pub(super) enum Admission {
    /// The drain may send, as long as it holds the lock.
    Granted(Lock, DestinationRecord),
    /// Another process sends to the destination.
    Busy,
    /// Nothing waits, or the destination is left alone after a failure.
    Closed,
}

/// The result of a drain for one destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Served {
    /// The drain sent everything, or an attempt failed.
    Tried,
    /// The drain did nothing: no event waits, or the destination is left alone after a failure.
    Never,
    /// The drain did nothing: another process sends to the destination.
    ByAnother,
}

/// Sorts destinations: the one of the settings, the healthy ones, those that failed. A request to a
/// silent server takes a minute and a half, for which no healthy destination should wait.
pub(super) fn sort(destinations: &mut [DestinationRecord], first: Option<&Destination>) {
    let is_first = |record: &DestinationRecord| Some(&record.destination) == first;
    destinations.sort_by_key(|record| (!is_first(record), record.failures, record.id));
}

/// Waits until a destination may be sent to, for at most `patience`: while another process sends to
/// it, and during a pause that ends within that time.
pub(super) fn wait(
    outbox: &Outbox,
    clock: &dyn Clock,
    destination: i64,
    patience: Duration,
    policy: Policy<'_>,
) -> Result<Admission, OutboxError> {
    let end = clock.elapsed() + patience;
    loop {
        let left = end.saturating_sub(clock.elapsed());
        let Some(record) = waiting(outbox, clock, destination)? else {
            return Ok(Admission::Closed);
        };
        let pause = match record.not_before {
            Some(at) if !policy.ignore_backoff => (at - clock.now()).to_std().unwrap_or_default(),
            Some(_) | None => Duration::ZERO,
        };
        if pause > left {
            return Ok(Admission::Closed);
        }
        if pause.is_zero() {
            if let Some(lock) = outbox.try_lock_sender(destination)? {
                // The previous sender may have emptied the destination or paused it.
                let record = waiting(outbox, clock, destination)?;
                match record {
                    Some(record) if is_due(&record, clock, policy) => {
                        return Ok(Admission::Granted(lock, record));
                    }
                    Some(_) => continue,
                    None => return Ok(Admission::Closed),
                }
            }
            if POLL > left || (policy.stop)() {
                return Ok(Admission::Busy);
            }
        }
        if (policy.stop)() {
            return Ok(Admission::Closed);
        }
        clock.sleep(if pause.is_zero() {
            POLL
        } else {
            pause.min(POLL)
        });
    }
}

/// Whether a destination is not left alone after a failure.
pub(super) fn is_due(record: &DestinationRecord, clock: &dyn Clock, policy: Policy<'_>) -> bool {
    policy.ignore_backoff || record.not_before.is_none_or(|at| at <= clock.now())
}

/// The record of a destination for which events wait.
fn waiting(
    outbox: &Outbox,
    clock: &dyn Clock,
    destination: i64,
) -> Result<Option<DestinationRecord>, OutboxError> {
    let all = outbox.destinations_waiting(clock.now(), true)?;
    Ok(all.into_iter().find(|record| record.id == destination))
}

/// Whether the last failure of a destination may pass at any moment, such as a network that is
/// gone. It is known by its pause: one after another failure is at least 15 times as long.
#[must_use]
pub(crate) fn may_pass(record: &DestinationRecord) -> bool {
    let Some((until, since)) = record.not_before.zip(record.last_error_at) else {
        return true;
    };
    let longest = longest_pause(FIRST_RETRY, MAX_RETRY, record.failures.saturating_sub(1));
    let longest = TimeDelta::from_std(longest).unwrap_or(TimeDelta::MAX);
    !record.refused && until - since <= longest
}

/// The longest pause after one more failure than `failures`.
pub(super) fn longest_pause(first: Duration, most: Duration, failures: u32) -> Duration {
    first.saturating_mul(1 << failures.min(16)).min(most)
}
