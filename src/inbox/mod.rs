//! The inbox: received spans and log records that are not in a session yet, redacted, by trace, in
//! one `SQLite` database.
//!
//! # States of a trace
//!
//! ```text
//!                       ┌──── something new came, late ────┐
//!                       ▼                                  │
//!  something came ─► waiting ── mark_mapped ─────────► mapped ── 30 days, or no room ─► removed
//!                       └──────── 30 days ─► removed, counted as expired
//! ```
//!
//! A waiting trace is *quiet* when its root arrived and nothing new for 5 s, or nothing new for 60
//! s; also when OpenRouter or the application is expected to report the same request too. The
//! process that maps a trace reads it, stores its events, and marks the revision it read as mapped;
//! if something arrived meanwhile, the trace keeps waiting. A process that dies in between maps it
//! again: the identities of its events follow from its spans.
//!
//! # Files of the folder
//!
//! | file | content |
//! |---|---|
//! | `inbox.db`, `-wal`, `-shm` | the database and its log |
//! | `inbox.db.new` | a database under construction; renamed when it is complete |
//! | `inbox.db.suspect` | a mark: the next process that writes checks the whole database |
//! | `inbox.db.corrupt-1` | a damaged database, set aside |
//! | `inbox.lock` | lock for creating and migrating the database |
//! | `serve.lock` | held by the receiving process |
//!
//! # Promises
//!
//! - An [`Ack`] for a delivery means that it is flushed to disk. A process may be killed at any
//!   instruction, and the power may fail: a transaction happens completely or not at all.
//! - A span is identified by its id, its trace and its route, and read once. Received again
//!   unchanged, it is ignored; received with other content, the newer one counts. Both are counted.
//! - On a full disk, or when the waiting traces exceed [`Settings::max_bytes`], deliveries are
//!   refused and everything stored stays.
//! - A waiting trace is never removed to make room.

mod alone;
mod attempts;
mod delivery;
mod digest;
mod error;
mod facts;
mod key;
mod loose;
mod open;
mod place;
mod prune;
mod read;
mod sessions;
mod status;
mod store;
mod time;
mod writer;

use std::ops::Add;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime};

pub use alone::Alone;
pub use attempts::Attempts;
pub use delivery::Delivery;
pub use error::{ChunkError, InboxError};
pub use facts::{Fact, Tally};
pub use key::{Route, TraceKey};
pub use prune::Pruned;
pub use read::{Quiet, Reader, Received, Summary};
pub use status::{Holding, ServiceStatus, Status};

use facts::Facts;
use place::Place;
use writer::{Command, Reply, Writer};

/// Size and age limits of the inbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Time for which a trace is kept after something new arrived last.
    pub keep: Duration,
    /// Maximum bytes on disk. Above it, the oldest mapped traces are removed; when the waiting ones
    /// alone exceed it, deliveries are refused.
    pub max_bytes: u64,
    /// Maximum number of deliveries in the queue of the writing thread.
    pub queue: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            keep: Duration::from_hours(30 * 24),
            max_bytes: 1 << 30,
            queue: 1024,
        }
    }
}

/// Result of storing a delivery, in spans and log records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ack {
    /// New spans.
    pub spans: u64,
    /// New log records.
    pub logs: u64,
    /// Spans and records that were stored already, unchanged.
    pub repeated: u64,
    /// Spans that were stored already, with other content.
    pub replaced: u64,
}

/// A trace in the state in which it was read.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Revision {
    /// The trace.
    pub key: TraceKey,
    /// Grows with everything new in the trace.
    pub number: u64,
}

/// Whether a delivery is safe on disk. Deliveries of one transaction share its error.
pub type Stored = Result<Ack, Arc<InboxError>>;

/// The inbox, open for writing. All clones write through the same thread; dropping the last one
/// waits for it to finish. Other processes may write too.
#[derive(Debug, Clone)]
pub struct Inbox(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    directory: PathBuf,
    place: Place,
    facts: Arc<Facts>,
    commands: Option<SyncSender<Command>>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl Inbox {
    /// Opens the inbox in this folder; creates folder and inbox if necessary.
    ///
    /// # Errors
    /// When it cannot be opened or created.
    pub fn open(directory: &Path, settings: Settings) -> Result<Self, InboxError> {
        let connection = open::open(directory)?;
        let place = Place::of(&open::file(directory))?;
        let facts = Arc::new(Facts::default());
        let (commands, asked) = sync_channel(settings.queue);
        let writer = Writer {
            connection,
            path: open::file(directory),
            place: place.clone(),
            settings,
            facts: Arc::clone(&facts),
            in_log: 0,
        };
        let thread = thread::Builder::new().name("inbox".to_owned());
        let thread = thread.spawn(move || writer.run(&asked));
        let thread = thread.map_err(InboxError::directory(directory))?;
        Ok(Self(Arc::new(Shared {
            directory: directory.to_owned(),
            place,
            facts,
            commands: Some(commands),
            writer: Mutex::new(Some(thread)),
        })))
    }

    /// Stores a delivery, together with others, and then calls `answer` on another thread. Never
    /// waits: when the queue is full, the delivery is refused.
    pub fn submit(&self, delivery: Delivery, answer: impl FnOnce(Stored) + Send + 'static) {
        let Some(commands) = &self.0.commands else {
            return answer(Err(Arc::new(InboxError::Closed)));
        };
        let (refused, error) = match commands.try_send(Command::Store(delivery, Box::new(answer))) {
            Ok(()) => return,
            Err(TrySendError::Full(command)) => (command, InboxError::Queue),
            Err(TrySendError::Disconnected(command)) => (command, InboxError::Closed),
        };
        if let Command::Store(_, answer) = refused {
            answer(Err(Arc::new(error)));
        }
    }

    /// Stores deliveries and waits until they are safe on disk.
    ///
    /// # Errors
    /// When one of them cannot be stored. Others may have been stored.
    pub fn store(&self, deliveries: impl IntoIterator<Item = Delivery>) -> Stored {
        let (answer, answers) = std::sync::mpsc::channel();
        for delivery in deliveries.into_iter().flat_map(Delivery::parts) {
            let answer = answer.clone();
            // The receiving end waits below.
            let answer = Box::new(move |stored| drop(answer.send(stored)));
            self.send(Command::Store(delivery, answer))?;
        }
        drop(answer);
        answers
            .iter()
            .try_fold(Ack::default(), |sum, ack| Ok(sum + ack?))
    }

    /// Marks traces as mapped, once their events are stored in the outbox. A trace to which
    /// something was added since it was read keeps waiting. Returns the number of marked traces.
    ///
    /// # Errors
    /// When the database cannot be written; then none is marked.
    pub fn mark_mapped(
        &self,
        traces: Vec<Revision>,
        now: SystemTime,
    ) -> Result<usize, Arc<InboxError>> {
        self.ask(|reply| Command::MarkMapped(traces, now, reply))
    }

    /// Makes traces wait to be mapped again, as if something new had arrived. Returns the number of
    /// them that exist.
    ///
    /// # Errors
    /// When the database cannot be written; then no trace changes its state.
    pub fn mark_waiting(&self, traces: Vec<TraceKey>) -> Result<usize, Arc<InboxError>> {
        self.ask(|reply| Command::MarkWaiting(traces, reply))
    }

    /// Removes traces above the age or size limit, and gives the space back to the file system.
    /// Deliveries are stored in between.
    ///
    /// # Errors
    /// When the database cannot be written. Traces removed until then stay removed.
    pub fn prune(&self, now: SystemTime) -> Result<Pruned, Arc<InboxError>> {
        let mut pruned = Pruned::default();
        loop {
            let (step, is_more) = self.ask(|reply| Command::Prune(now, reply))?;
            pruned.mapped += step.mapped;
            pruned.expired += step.expired;
            if !is_more {
                break;
            }
        }
        while self.ask(Command::Shrink)? {}
        Ok(pruned)
    }

    /// Checks that the open database still has its name.
    ///
    /// # Errors
    /// [`InboxError::Gone`] when it was removed, renamed or replaced.
    pub fn check_place(&self) -> Result<(), InboxError> {
        self.0.place.check()
    }

    /// Counts occurrences. The count is written with the next delivery, or within seconds.
    pub fn count(&self, fact: Fact, name: &str, count: u64, now: SystemTime) {
        self.0.facts.add(fact, name, count, now);
    }

    /// Opens the inbox for reading.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn reader(&self) -> Result<Reader, InboxError> {
        let path = open::file(&self.0.directory);
        Reader::open(&self.0.directory)?.ok_or(InboxError::Damaged { path })
    }

    /// Writes all submitted deliveries and counts, and closes the inbox for all clones.
    ///
    /// # Errors
    /// When it is closed already.
    pub fn close(&self) -> Result<(), Arc<InboxError>> {
        self.ask(Command::Close)?;
        self.0.join();
        Ok(())
    }

    fn ask<T>(&self, command: impl FnOnce(Reply<T>) -> Command) -> Result<T, Arc<InboxError>> {
        let (reply, answer) = sync_channel(1);
        self.send(command(reply))?;
        let closed = |_| Err(Arc::new(InboxError::Closed));
        answer.recv().unwrap_or_else(closed)
    }

    fn send(&self, command: Command) -> Result<(), Arc<InboxError>> {
        let sent = self.0.commands.as_ref().map(|it| it.send(command));
        match sent {
            Some(Ok(())) => Ok(()),
            Some(Err(_)) | None => Err(Arc::new(InboxError::Closed)),
        }
    }
}

impl Shared {
    fn join(&self) {
        let writer = self.writer.lock();
        let writer = writer.unwrap_or_else(PoisonError::into_inner).take();
        // The last clone may be dropped with an answer, on the writing thread itself.
        if let Some(writer) = writer.filter(|it| it.thread().id() != thread::current().id()) {
            // The thread panics only in tests.
            drop(writer.join());
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // Without a sender, the thread writes what is left, and ends.
        self.commands = None;
        self.join();
    }
}

/// Whether a folder holds an inbox.
#[must_use]
pub fn is_there(directory: &Path) -> bool {
    open::file(directory).exists()
}

/// The damaged inboxes of a folder that were set aside and still exist. Their waiting traces were
/// acknowledged and are not sent.
#[must_use]
pub fn set_aside(directory: &Path) -> Vec<PathBuf> {
    open::set_aside_databases(directory)
}

/// The folder of the inbox whose database this path names, or would name.
#[must_use]
pub fn folder_of(path: &Path) -> Option<&Path> {
    let is_named = path.file_name().is_some_and(|name| name == open::FILE);
    path.parent().filter(|_| is_named)
}

/// The database of the inbox in a folder.
#[must_use]
pub fn database(directory: &Path) -> PathBuf {
    open::file(directory)
}

impl Add for Ack {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            spans: self.spans + other.spans,
            logs: self.logs + other.logs,
            repeated: self.repeated + other.repeated,
            replaced: self.replaced + other.replaced,
        }
    }
}
