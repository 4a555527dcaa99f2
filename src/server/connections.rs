//! Open connections, and the choice of one to close when they run short.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio::time::timeout;

/// All open connections.
#[derive(Debug)]
pub(super) struct Connections {
    table: Mutex<Table>,
    limit: usize,
    changed: Notify,
}

/// Identity of a connection.
pub(super) type Id = u64;

#[derive(Debug, Default)]
struct Table {
    open: HashMap<Id, Open>,
    /// Idle connections, which wait for a request or the rest of its head, by the order in which
    /// they began to wait.
    waiting: BTreeMap<u64, Id>,
    next: u64,
}

#[derive(Debug)]
struct Open {
    task: AbortHandle,
    /// Number in the order of waiting; `None` while it has a request.
    since: Option<u64>,
}

/// A connection that has a request until this is dropped.
#[derive(Debug)]
pub(super) struct Busy(Arc<Connections>, Id);

/// A connection that is open until this is dropped.
#[derive(Debug)]
pub(super) struct Opened(Arc<Connections>, Id);

impl Connections {
    pub(super) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self {
            table: Mutex::default(),
            limit,
            changed: Notify::new(),
        })
    }

    /// Closes the connection that has been idle longest, if there is no room for one more. `false`
    /// if all have requests.
    pub(super) fn make_room(&self) -> bool {
        let mut table = self.lock();
        table.open.len() < self.limit || table.close_oldest()
    }

    /// Closes the connection that has been idle longest, if there is one.
    pub(super) fn close_oldest(&self) -> bool {
        self.lock().close_oldest()
    }

    /// An id for the next connection, before it has a task.
    pub(super) fn name(&self) -> Id {
        self.lock().number()
    }

    /// Adds a connection, idle until its first request.
    pub(super) fn add(&self, id: Id, task: AbortHandle) {
        let mut table = self.lock();
        let since = table.number();
        table.waiting.insert(since, id);
        let since = Some(since);
        table.open.insert(id, Open { task, since });
    }

    pub(super) fn opened(self: &Arc<Self>, id: Id) -> Opened {
        Opened(Arc::clone(self), id)
    }

    /// Marks a connection as having a request.
    pub(super) fn busy(self: &Arc<Self>, id: Id) -> Busy {
        let mut table = self.lock();
        let since = table.open.get_mut(&id).and_then(|open| open.since.take());
        since.and_then(|since| table.waiting.remove(&since));
        Busy(Arc::clone(self), id)
    }

    /// Closes idle connections, and the others once they have answered or the time is up. Returns
    /// the number of requests that were cut off.
    pub(super) async fn close(&self, time: Duration) -> usize {
        let all_gone = async {
            loop {
                let changed = self.changed.notified();
                while self.close_oldest() {}
                if self.lock().open.is_empty() {
                    break;
                }
                changed.await;
            }
        };
        if timeout(time, all_gone).await.is_ok() {
            return 0;
        }
        let mut table = self.lock();
        let cut = table.open.len();
        table.open.drain().for_each(|(_, open)| open.task.abort());
        cut
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        // A panic leaves the table consistent.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    const fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn close_oldest(&mut self) -> bool {
        let Some((_, id)) = self.waiting.pop_first() else {
            return false;
        };
        if let Some(open) = self.open.remove(&id) {
            open.task.abort();
        }
        true
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let Self(connections, id) = self;
        let mut table = connections.lock();
        let since = table.number();
        if let Some(open) = table.open.get_mut(id) {
            open.since = Some(since);
            table.waiting.insert(since, *id);
        }
        drop(table);
        connections.changed.notify_waiters();
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        let Self(connections, id) = self;
        let mut table = connections.lock();
        let open = table.open.remove(id);
        if let Some(since) = open.and_then(|open| open.since) {
            table.waiting.remove(&since);
        }
        drop(table);
        connections.changed.notify_waiters();
    }
}
