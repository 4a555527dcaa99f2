//! Sending the waiting events: when, to which destinations, and for how long.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::Sending;
use crate::commands::short;
use crate::deliver::{self, Clock, Drained, HostClock, Policy, Reasons};
use crate::outbox::DestinationRecord;
use crate::posthog::limits;
use crate::transport::{Transport, TransportSettings};
use crate::ui;

/// Why a drain stopped.
const CHANGED: &str = "your settings were changed meanwhile; the rest is sent under the new ones, \
                       by the next session or posthog-llma flush";

/// Maximum time between a request to stop and the stop.
const NAP: Duration = Duration::from_millis(100);

/// Destinations, patience and pauses of a drain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::commands) struct Effort {
    /// The destinations to send to.
    pub(in crate::commands) to: To,
    /// Time after which a failing destination is left for later.
    pub(in crate::commands) patience: Duration,
    /// Time after which a destination is left for later that another process sends to, or whose
    /// pause has not ended.
    pub(in crate::commands) admission_wait: Duration,
    /// Whether the pauses between tries are kept.
    pub(in crate::commands) pauses: Pauses,
}

/// The destinations that a drain sends to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::commands) enum To {
    /// The one that the settings name.
    Own,
    /// All destinations, that of the settings first.
    All,
}

/// Whether the pauses between tries are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::commands) enum Pauses {
    /// Wait as long as the destination or the backoff says.
    Kept,
    /// Try at once: a person asked to send now.
    Skipped,
}

impl Sending<'_> {
    /// Number of waiting events, for all destinations.
    pub(in crate::commands) fn waiting(&self) -> anyhow::Result<u64> {
        let destinations = self.outbox.destinations_waiting(self.host.now(), true)?;
        let mut waiting = 0;
        for record in destinations {
            waiting += self.outbox.waiting(record.id)?;
        }
        Ok(waiting)
    }

    /// Whether the destination of the settings accepts events now: it is confirmed, not left alone
    /// after a failure, and no other process is sending to it.
    ///
    /// The check takes the lock for a moment, which can make another process believe that this one
    /// sends. So only a process that sends waiting events afterwards may ask.
    pub(in crate::commands) fn can_send_now(&self) -> anyhow::Result<bool> {
        let destination = self.destination()?;
        if !self.trust.permits(destination) {
            return Ok(false);
        }
        let now = self.host.now();
        let known = self.outbox.destinations_waiting(now, true)?;
        let record = known.iter().find(|it| it.destination == *destination);
        // A destination without waiting events is in no trouble.
        record.map_or(Ok(true), |record| {
            let is_due = record.not_before.is_none_or(|at| at <= now);
            Ok(is_due && self.outbox.try_lock_sender(record.id)?.is_some())
        })
    }

    /// Time of the next attempt to send; `None` when no event waits for a destination whose last
    /// failure may pass by itself.
    pub(in crate::commands) fn next_attempt(&self) -> anyhow::Result<Option<DateTime<Utc>>> {
        let now = self.host.now();
        let waiting = self.outbox.destinations_waiting(now, true)?.into_iter();
        let due = waiting
            .filter(|record| deliver::may_pass(record) && self.trust.permits(&record.destination))
            .map(|record| record.not_before.unwrap_or(now));
        Ok(due.min())
    }

    /// Whether some waiting events may be sent now.
    pub(in crate::commands) fn is_due(&self) -> anyhow::Result<bool> {
        let due = self.outbox.destinations_waiting(self.host.now(), false)?;
        let mut due = due.iter().map(|record| &record.destination);
        Ok(due.any(|destination| self.trust.permits(destination)))
    }

    /// Messages about the events that are about to be sent, one per destination.
    pub(in crate::commands) fn announcements(&self) -> anyhow::Result<Vec<String>> {
        let destinations = self.outbox.destinations_waiting(self.host.now(), true)?;
        let announce = |record: &DestinationRecord| {
            let events = ui::count(self.outbox.waiting(record.id)?, "event");
            Ok(match self.trust.missing(&record.destination) {
                Some(missing) => format!("{events} wait: {missing}"),
                None => format!("sending {events} to {}", record.destination.host),
            })
        };
        destinations.iter().map(announce).collect()
    }

    /// The hosts that a drain would send to, and the number of events for them.
    pub(in crate::commands) fn sendable(&self) -> anyhow::Result<(BTreeSet<String>, u64)> {
        let (mut hosts, mut events) = (BTreeSet::new(), 0);
        for record in self.outbox.destinations_waiting(self.host.now(), true)? {
            if self.trust.permits(&record.destination) {
                events += self.outbox.waiting(record.id)?;
                hosts.insert(record.destination.host);
            }
        }
        Ok((hosts, events))
    }

    /// Sends the waiting events, until `stop`.
    pub(in crate::commands) fn drain(
        &self,
        effort: Effort,
        stop: &dyn Fn() -> bool,
        progress: &mut dyn FnMut(&Drained),
    ) -> anyhow::Result<Drained> {
        let transport = Transport::new(TransportSettings::default());
        let own = self.destination.as_ref();
        let stop = &|| stop() || self.settings.have_changed(self.host);
        let policy = Policy {
            patience: effort.patience,
            admission_wait: effort.admission_wait,
            first: own,
            ignore_backoff: effort.pauses == Pauses::Skipped,
            permits: &|destination| {
                (effort.to == To::All || own == Some(destination))
                    && self.trust.permits(destination)
            },
            decide: &|session| self.decision(session),
            clip: &limits::fit_json,
            stop,
        };
        let mut drained = deliver::drain(
            &self.outbox,
            &transport,
            &WakingClock {
                clock: HostClock(self.host),
                stop,
            },
            policy,
            progress,
        )?;
        if drained.waiting > 0 && self.settings.have_changed(self.host) {
            drained.last_error = Some(CHANGED.to_owned());
        }
        Ok(drained)
    }
}

/// A clock whose pauses end early when a stop is asked for.
struct WakingClock<'a> {
    clock: HostClock<'a>,
    stop: &'a dyn Fn() -> bool,
}

impl Clock for WakingClock<'_> {
    fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    fn elapsed(&self) -> Duration {
        self.clock.elapsed()
    }

    fn sleep(&self, duration: Duration) {
        let end = self.elapsed() + duration;
        while !(self.stop)() {
            match end.saturating_sub(self.elapsed()) {
                Duration::ZERO => break,
                left => self.clock.sleep(left.min(NAP)),
            }
        }
    }

    fn jitter(&self) -> f64 {
        self.clock.jitter()
    }
}

/// Messages about the sessions whose events wait until the user's decision is clear.
pub(in crate::commands) fn held(reasons: &Reasons) -> impl Iterator<Item = String> {
    reasons
        .iter()
        .map(|((_, id), reason)| format!("session {} waits: {reason}", short(id)))
}
