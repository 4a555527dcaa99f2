//! Bodies that are being received, and the choice of one to abort when memory or connections run
//! short.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

/// All bodies that are being received.
#[derive(Debug, Clone)]
pub(super) struct Bodies {
    table: Arc<Mutex<Table>>,
    stall: Duration,
}

#[derive(Debug, Default)]
struct Table {
    coming: BTreeMap<u64, Progress>,
    next: u64,
}

/// The progress of a body.
#[derive(Debug)]
struct Progress {
    /// Time of the last step.
    at: Instant,
    /// Bytes received at that time.
    bytes: usize,
    gives_way: Arc<Notify>,
}

/// A body that is being received until this is dropped.
#[derive(Debug)]
pub(super) struct Coming {
    bodies: Bodies,
    number: u64,
    gives_way: Arc<Notify>,
}

/// Bytes that count as a step of progress. A client that sends single bytes makes none.
const STEP: usize = 32 << 10;

impl Bodies {
    /// `stall` is the time without progress after which a body may be aborted.
    pub(super) fn new(stall: Duration) -> Self {
        Self {
            table: Arc::default(),
            stall,
        }
    }

    /// Begins a body.
    pub(super) fn coming(&self) -> Coming {
        let gives_way = Arc::new(Notify::new());
        let progress = Progress {
            at: Instant::now(),
            bytes: 0,
            gives_way: Arc::clone(&gives_way),
        };
        let mut table = self.lock();
        table.next += 1;
        let number = table.next;
        table.coming.insert(number, progress);
        drop(table);
        Coming {
            bodies: self.clone(),
            number,
            gives_way,
        }
    }

    /// Aborts the body that has stalled longest; `false` if none has stalled.
    pub(super) fn close_stalled(&self) -> bool {
        let mut table = self.lock();
        let oldest = table.coming.iter().min_by_key(|(_, it)| it.at);
        let stalled = oldest.filter(|(_, it)| it.at.elapsed() >= self.stall);
        let Some(number) = stalled.map(|(number, _)| *number) else {
            return false;
        };
        if let Some(body) = table.coming.remove(&number) {
            body.gives_way.notify_one();
        }
        true
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        // A panic leaves the table consistent.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Coming {
    /// Records the number of bytes received so far.
    pub(super) fn has(&self, bytes: usize) {
        let mut table = self.bodies.lock();
        if let Some(progress) = table.coming.get_mut(&self.number)
            && bytes >= progress.bytes + STEP
        {
            progress.at = Instant::now();
            progress.bytes = bytes;
        }
    }

    /// Waits until this body has to be aborted.
    pub(super) async fn gives_way(&self) {
        self.gives_way.notified().await;
    }

    /// All bodies that are being received, including this one.
    pub(super) const fn bodies(&self) -> &Bodies {
        &self.bodies
    }
}

impl Drop for Coming {
    fn drop(&mut self) {
        self.bodies.lock().coming.remove(&self.number);
    }
}
