//! Counts of arrivals since the start, for a line on the terminal.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::inbox::{InboxError, Stored};

/// Counts since the start.
#[derive(Debug, Default)]
pub struct Traffic {
    requests: AtomicU64,
    spans: AtomicU64,
    logs: AtomicU64,
    refused: AtomicU64,
    /// Why the last delivery could not be stored; `None` if it was.
    failure: Mutex<Option<Arc<InboxError>>>,
}

/// Counts at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TrafficCounts {
    /// Requests whose accepted data are stored.
    pub requests: u64,
    /// Spans that were stored, without repeated ones.
    pub spans: u64,
    /// Log records that were stored, without repeated ones.
    pub logs: u64,
    /// Requests that were refused.
    pub refused: u64,
}

impl Traffic {
    /// The present counts.
    #[must_use]
    pub fn counts(&self) -> TrafficCounts {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        TrafficCounts {
            requests: read(&self.requests),
            spans: read(&self.spans),
            logs: read(&self.logs),
            refused: read(&self.refused),
        }
    }

    /// Whether the last delivery could not be stored.
    #[must_use]
    pub fn is_failing(&self) -> bool {
        self.failure().is_some()
    }

    /// Why the last delivery could not be stored; `None` when it was.
    #[must_use]
    pub fn failure(&self) -> Option<Arc<InboxError>> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Arc<InboxError>>> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn took(&self, spans: u64, logs: u64) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.spans.fetch_add(spans, Ordering::Relaxed);
        self.logs.fetch_add(logs, Ordering::Relaxed);
    }

    pub(super) fn stored(&self, stored: &Stored) {
        *self.lock() = stored.as_ref().err().cloned();
    }

    pub(super) fn refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }
}
