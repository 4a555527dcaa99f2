//! The one writing thread.
//!
//! A transaction costs a flush of the disk, whatever is in it. All deliveries that arrive during
//! one flush share the next: the more arrive, the less each costs.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, SystemTime};

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::delivery::Delivery;
use super::error::InboxError;
use super::facts::{Counts, Facts};
use super::place::Place;
use super::prune::{self, Pruned};
use super::{Ack, Revision, Settings, Stored, TraceKey, open, store, time};

/// A request to the writing thread.
pub(super) enum Command {
    Store(Delivery, Answer),
    MarkMapped(Vec<Revision>, SystemTime, Reply<usize>),
    MarkWaiting(Vec<TraceKey>, Reply<usize>),
    /// Removes some of the old traces; the reply says whether there may be more.
    Prune(SystemTime, Reply<(Pruned, bool)>),
    /// Frees pages; the reply says whether there may be more.
    Shrink(Reply<bool>),
    Close(Reply<()>),
}

/// Called when a delivery is safe on disk, or could not be stored.
pub(super) type Answer = Box<dyn FnOnce(Stored) + Send>;
pub(super) type Reply<T> = SyncSender<Result<T, Arc<InboxError>>>;

/// Maximum number of deliveries in one transaction.
const GROUP: usize = 128;
/// Maximum bytes of deliveries in one transaction. The last one may exceed it.
const GROUP_BYTES: usize = 4 << 20;
/// Time for which counts stay in memory without a delivery.
const COUNTS: Duration = Duration::from_secs(5);
/// Bytes to write before the log is moved into the database. A move takes as long as several
/// transactions, so it is rare, and comes after the answers.
const LOG: usize = 16 << 20;

pub(super) struct Writer {
    pub(super) connection: Connection,
    pub(super) path: PathBuf,
    pub(super) place: Place,
    pub(super) settings: Settings,
    pub(super) facts: Arc<Facts>,
    /// Bytes written to the log since it was moved last.
    pub(super) in_log: usize,
}

impl Writer {
    /// Works until a command closes it, or the last sender is dropped.
    pub(super) fn run(mut self, commands: &Receiver<Command>) {
        loop {
            let first = match commands.recv_timeout(COUNTS) {
                Ok(command) => command,
                Err(RecvTimeoutError::Timeout) => {
                    self.write_counts();
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) => break,
            };
            let (group, other) = group(first, commands);
            self.store(group);
            if let Some(Command::Close(reply)) = other {
                self.write_counts();
                drop(self.connection);
                // The caller may be gone.
                drop(reply.send(Ok(())));
                return;
            }
            self.answer(other);
            self.move_log();
        }
        self.write_counts();
    }

    /// Stores deliveries in one transaction, and answers them.
    fn store(&mut self, group: Vec<(Delivery, Answer)>) {
        if group.is_empty() {
            return;
        }
        match self.commit(group.iter().map(|(delivery, _)| delivery)) {
            Ok(acks) => {
                for ((_, answer), ack) in group.into_iter().zip(acks) {
                    answer(Ok(ack));
                }
            }
            // One delivery may be the cause. Stored one by one, the others succeed.
            Err(InboxError::Database { .. }) if group.len() > 1 => {
                for one in group {
                    self.store(vec![one]);
                }
            }
            Err(error) => {
                let error = Arc::new(error);
                for (_, answer) in group {
                    answer(Err(Arc::clone(&error)));
                }
            }
        }
    }

    fn commit<'a>(
        &mut self,
        group: impl Iterator<Item = &'a Delivery>,
    ) -> Result<Vec<Ack>, InboxError> {
        let mut acks = Vec::new();
        let mut size = 0;
        let has_room = self.transaction(|writer, counts| {
            for delivery in group {
                let at = delivery.received_at;
                let is_first = acks.is_empty();
                let (connection, settings) = (&writer.connection, &writer.settings);
                if is_first && !prune::make_room(connection, settings, at, counts)? {
                    return Ok(false);
                }
                size += delivery.size();
                acks.push(store::store(connection, delivery, counts)?);
            }
            Ok(true)
        })?;
        self.in_log += size;
        if has_room {
            return Ok(acks);
        }
        let used = prune::used(&self.connection).map_err(|error| self.located(error))?;
        Err(InboxError::Limit {
            path: self.path.clone(),
            used,
            limit: self.settings.max_bytes,
        })
    }

    /// Runs a change together with the counts that are not on disk yet.
    fn transaction<T>(
        &self,
        change: impl FnOnce(&Self, &mut Counts) -> rusqlite::Result<T>,
    ) -> Result<T, InboxError> {
        let waiting = self.facts.take();
        let mut counts = waiting.clone();
        let run = || {
            let behaviour = TransactionBehavior::Immediate;
            let transaction = Transaction::new_unchecked(&self.connection, behaviour)?;
            let result = change(self, &mut counts)?;
            store::write_counts(&self.connection, &counts)?;
            transaction.commit()?;
            Ok(result)
        };
        let result = run().map_err(|error| {
            self.facts.restore(waiting);
            self.located(error)
        })?;
        // Writes to a file that has lost its name would vanish with it.
        self.place.check()?;
        Ok(result)
    }

    fn answer(&self, command: Option<Command>) {
        // The caller may not wait for the answer any more.
        match command {
            Some(Command::MarkMapped(traces, at, reply)) => {
                let mark = |writer: &Self, _: &mut Counts| {
                    store::mark_mapped(&writer.connection, &traces, time::to_millis(at))
                };
                drop(reply.send(self.transaction(mark).map_err(Arc::new)));
            }
            Some(Command::MarkWaiting(traces, reply)) => {
                let mark = |writer: &Self, _: &mut Counts| {
                    store::mark_waiting(&writer.connection, &traces)
                };
                drop(reply.send(self.transaction(mark).map_err(Arc::new)));
            }
            Some(Command::Prune(now, reply)) => {
                let step = |writer: &Self, counts: &mut Counts| {
                    prune::step(&writer.connection, &writer.settings, now, counts)
                };
                drop(reply.send(self.transaction(step).map_err(Arc::new)));
            }
            Some(Command::Shrink(reply)) => {
                let result = prune::shrink(&self.connection);
                drop(reply.send(result.map_err(|error| Arc::new(self.located(error)))));
            }
            Some(Command::Store(..) | Command::Close(_)) | None => {}
        }
    }

    /// Writes counts when no delivery does.
    fn write_counts(&self) {
        if !self.facts.is_empty() {
            // If that fails, they stay in memory.
            drop(self.transaction(|_, _| Ok(())));
        }
    }

    /// Moves the log into the database when it has grown.
    fn move_log(&mut self) {
        if self.in_log >= LOG {
            self.in_log = 0;
            // On a full disk the log stays; the next transaction reports it.
            let moved = self
                .connection
                .execute_batch("PRAGMA wal_checkpoint(PASSIVE)");
            drop(moved);
        }
    }

    fn located(&self, error: rusqlite::Error) -> InboxError {
        open::noted(&self.path, error)
    }
}

/// The deliveries to store together, and the command that follows them, if any.
fn group(
    first: Command,
    commands: &Receiver<Command>,
) -> (Vec<(Delivery, Answer)>, Option<Command>) {
    let (mut group, mut bytes) = (Vec::new(), 0);
    let mut next = Some(first);
    while let Some(command) = next {
        match command {
            Command::Store(delivery, answer) => {
                bytes += delivery.size();
                group.push((delivery, answer));
            }
            other => return (group, Some(other)),
        }
        let has_room = group.len() < GROUP && bytes < GROUP_BYTES;
        next = has_room.then(|| commands.try_recv().ok()).flatten();
    }
    (group, None)
}
