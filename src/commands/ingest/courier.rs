//! Sends what waits while more is stored.

use std::cell::Cell;
use std::sync::mpsc::{self, Receiver, Sender, TryRecvError};
use std::thread::Scope;
use std::time::Duration;

use anyhow::anyhow;

use crate::commands::sending::{Effort, Pauses, Sending};
use crate::deliver::Drained;
use crate::interrupt::Interrupt;
use crate::ui::Progress;

/// How long a person waits for a destination that is busy or in trouble.
const EFFORT: Effort = Effort {
    patience: Duration::from_mins(1),
    pauses: Pauses::Skipped,
};

/// A thread that goes on trips: each sends until little is left. It has the database open for
/// itself.
pub(super) struct Courier {
    orders: Sender<Trip>,
    returns: Receiver<anyhow::Result<Drained>>,
    is_out: bool,
    /// Events that the last trip sent.
    last_sent: Option<u64>,
    /// What all trips so far achieved; what went wrong is that of the last one.
    drained: Drained,
}

struct Trip {
    /// Events that earlier trips sent.
    before: u64,
    /// So few bytes are left for later.
    leave: u64,
}

impl Courier {
    /// `sending` is for the courier alone. Trips end early when the user stops them.
    pub(super) fn hire<'scope>(
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
            orders,
            returns,
            is_out: false,
            last_sent: None,
            drained: Drained::default(),
        }
    }

    /// What was achieved so far.
    pub(super) const fn drained(&self) -> &Drained {
        &self.drained
    }

    pub(super) fn into_drained(self) -> Drained {
        self.drained
    }

    /// Whether it is back, and its last trip gives hope for the next one.
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

    /// Sends it off, unless it is on its way. It comes back when less than `leave` bytes wait for
    /// the destination of the settings; when nothing waits for any if that is 0.
    pub(super) fn send_off(&mut self, leave: u64) {
        if !self.is_out {
            let before = self.drained.sent;
            self.is_out = self.orders.send(Trip { before, leave }).is_ok();
        }
    }

    /// Waits until it is back.
    pub(super) fn wait(&mut self) -> anyhow::Result<()> {
        if self.is_out {
            let drained = self.returns.recv();
            self.note(drained.map_err(|_| anyhow!("sending ended by itself"))??);
        }
        Ok(())
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

/// Sends what waits, unless the user stops it. A project over its quota drops what it takes, and
/// what it took is never sent again: then no more is sent either.
fn go(
    trip: &Trip,
    sending: &Sending<'_>,
    progress: &Progress,
    interrupt: &Interrupt,
) -> anyhow::Result<Drained> {
    let is_over_quota = Cell::new(false);
    // What is on its way waits as well, so no request is given up for this.
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
