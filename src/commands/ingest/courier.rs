//! Sends waiting events while more are stored.

use std::cell::Cell;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, TryRecvError};
use std::thread::Scope;
use std::time::Duration;

use anyhow::bail;

use crate::commands::sending::{Effort, Pauses, Sending, To};
use crate::deliver::Drained;
use crate::interrupt::Interrupt;
use crate::ui::Progress;

/// Time after which a busy or failing destination is left for later. A person waits for it.
const EFFORT: Effort = Effort {
    to: To::All,
    patience: Duration::from_mins(1),
    admission_wait: Duration::from_mins(1),
    pauses: Pauses::Skipped,
};

/// Time without an acknowledged event after which a message says what the program waits for.
const MESSAGE_AFTER: Duration = Duration::from_secs(5);

/// A sending thread with its own connection to the database. On each trip it sends until few events
/// are left.
pub(super) struct Courier<'scope> {
    progress: &'scope Progress,
    orders: Sender<Trip>,
    returns: Receiver<anyhow::Result<Drained>>,
    is_out: bool,
    /// Number of events that the last trip sent.
    last_sent: Option<u64>,
    /// Sum of all trips, with the error of the last one.
    drained: Drained,
}

struct Trip {
    /// Number of events that earlier trips sent.
    before: u64,
    /// The trip ends when fewer than this many bytes wait.
    leave: u64,
}

impl<'scope> Courier<'scope> {
    /// Starts the thread. `sending` is its own; trips end early when the user stops them.
    pub(super) fn hire(
        scope: &'scope Scope<'scope, '_>,
        sending: Sending<'scope>,
        progress: &'scope Progress,
        interrupt: Interrupt,
    ) -> Self {
        let (orders, trips) = mpsc::channel();
        let (back, returns) = mpsc::channel();
        scope.spawn(move || {
            for trip in trips {
                let drained = go(&trip, &sending, progress, &interrupt);
                if back.send(drained).is_err() {
                    break;
                }
            }
        });
        Self {
            progress,
            orders,
            returns,
            is_out: false,
            last_sent: None,
            drained: Drained::default(),
        }
    }

    /// Sum of all trips so far.
    pub(super) const fn drained(&self) -> &Drained {
        &self.drained
    }

    pub(super) fn into_drained(self) -> Drained {
        self.drained
    }

    /// Whether the trip has ended, and the next one may succeed.
    pub(super) fn is_ready(&mut self) -> anyhow::Result<bool> {
        match self.returns.try_recv() {
            Ok(drained) => self.note(drained?),
            Err(TryRecvError::Empty | TryRecvError::Disconnected) => {}
        }
        let is_hopeful = self.drained.last_error.is_none() && self.last_sent != Some(0);
        Ok(!self.is_out && is_hopeful)
    }

    /// Whether the last trip sent nothing for a reason that still holds.
    pub(super) fn came_back_in_vain(&self) -> bool {
        self.drained.last_error.is_some() && self.last_sent == Some(0)
    }

    /// Begins a trip, unless one is under way. It ends when less than `leave` bytes wait for the
    /// destination of the settings; with 0, when nothing waits for any destination.
    pub(super) fn send_off(&mut self, leave: u64) {
        if !self.is_out {
            let before = self.drained.sent;
            self.is_out = self.orders.send(Trip { before, leave }).is_ok();
        }
    }

    /// Waits for the end of the trip.
    pub(super) fn wait(&mut self) -> anyhow::Result<()> {
        if self.is_out {
            let drained = self.next_return()?;
            self.note(drained?);
        }
        Ok(())
    }

    /// Waits for the end of a trip, with a message if nothing was acknowledged for a while.
    fn next_return(&self) -> anyhow::Result<anyhow::Result<Drained>> {
        let mut silence = Duration::ZERO;
        let mut sent = self.progress.acknowledged();
        loop {
            match self.returns.recv_timeout(MESSAGE_AFTER) {
                Ok(drained) => return Ok(drained),
                Err(RecvTimeoutError::Disconnected) => bail!("sending ended by itself"),
                Err(RecvTimeoutError::Timeout) => {}
            }
            let now = self.progress.acknowledged();
            silence = if now == sent {
                silence + MESSAGE_AFTER
            } else {
                Duration::ZERO
            };
            sent = now;
            if !silence.is_zero() {
                self.progress.say(format_args!(
                    "no answer for {} s; Ctrl-C stops, and what waits is kept",
                    silence.as_secs()
                ));
            }
        }
    }

    fn note(&mut self, drained: Drained) {
        self.is_out = false;
        self.last_sent = Some(drained.sent);
        self.drained = Drained {
            sent: self.drained.sent + drained.sent,
            parked: self.drained.parked + drained.parked,
            ..drained
        };
    }
}

/// Sends waiting events until the user stops it. It also stops if the project is over its quota:
/// PostHog then drops events that it accepts, and accepted events are never sent again.
fn go(
    trip: &Trip,
    sending: &Sending<'_>,
    progress: &Progress,
    interrupt: &Interrupt,
) -> anyhow::Result<Drained> {
    let is_over_quota = Cell::new(false);
    // Events of a running request count as waiting, so this interrupts no request.
    let is_enough = || {
        let load = || sending.load().map(|load| load.waiting);
        trip.leave > 0 && load().is_ok_and(|waiting| waiting < trip.leave)
    };
    sending.drain(
        EFFORT,
        &|| interrupt.is_set() || is_over_quota.get() || is_enough(),
        &mut |now| {
            is_over_quota.set(now.quota_limited);
            progress.sent(trip.before + now.sent);
        },
    )
}
