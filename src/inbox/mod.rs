//! The inbox: what was pushed to this program and is no session yet. Redacted spans and log
//! records by trace, in one `SQLite` database.
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
//! A trace that waits is *quiet* when its root came and nothing new for 5 s, or nothing new for
//! 60 s: also when a report of the same request to OpenRouter is to be expected. Whoever maps it reads it, stores its events, and marks the revision that was read as
//! mapped; if something came meanwhile, it goes on waiting. A process that dies between the two
//! maps it again: the identities of its events follow from its spans.
//!
//! # Files of the folder
//!
//! | file | content |
//! |---|---|
//! | `inbox.db`, `-wal`, `-shm` | the database and its log |
//! | `inbox.db.new` | a database under construction; renamed when it is complete |
//! | `inbox.db.suspect` | a damaged page was read: the next process that writes checks the database |
//! | `inbox.db.corrupt-1` | a damaged database, set aside |
//! | `inbox.lock` | lock for creating and migrating the database |
//! | `serve.lock` | held by the process that receives |
//!
//! # Promises
//!
//! - When a delivery is answered with [`Ack`], it is on disk, flushed. A process may be killed at
//!   any instruction, the power may fail: a transaction happened completely or not at all.
//! - A span is identified by its id, its trace and its route, and read once. If it comes again as
//!   it was, nothing changes; if it comes again with another content, the newer one is read. Both
//!   are counted.
//! - On a full disk, or when what waits exceeds [`Settings::max_bytes`], deliveries are refused and
//!   nothing that was stored is lost.
//! - What waits is never removed to make room.

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

/// How much is kept for how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// How long a trace is kept after something new came for the last time.
    pub keep: Duration,
    /// Bytes on disk. Beyond it the oldest traces that were mapped are removed; when what waits
    /// exceeds it, nothing more is taken.
    pub max_bytes: u64,
    /// Deliveries that may wait to be written.
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
    /// Spans and records that were there already.
    pub repeated: u64,
    /// Spans that were there with another content.
    pub replaced: u64,
}

/// A trace in the state in which it was read.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Revision {
    /// The trace.
    pub key: TraceKey,
    /// Grows with everything new.
    pub number: u64,
}

/// Whether a delivery is safe on disk. One failure may have met many deliveries.
pub type Stored = Result<Ack, Arc<InboxError>>;

/// The inbox, open for writing. Clones write through the same thread; the last one to go waits for
/// it to finish. Other processes may write too.
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

    /// Stores a delivery together with others, and then calls `answer`, from another thread. Never
    /// waits: when too many deliveries wait, it is refused.
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
    /// When one of them cannot be stored. Others may have been.
    pub fn store(&self, deliveries: impl IntoIterator<Item = Delivery>) -> Stored {
        let (answer, answers) = std::sync::mpsc::channel();
        for delivery in deliveries.into_iter().flat_map(Delivery::parts) {
            let answer = answer.clone();
            // Whoever waits does so below.
            let answer = Box::new(move |stored| drop(answer.send(stored)));
            self.send(Command::Store(delivery, answer))?;
        }
        drop(answer);
        answers
            .iter()
            .try_fold(Ack::default(), |sum, ack| Ok(sum + ack?))
    }

    /// Marks traces as mapped, since their events are stored elsewhere. Those for which something
    /// new came since they were read go on waiting. Returns how many were marked.
    ///
    /// # Errors
    /// When it cannot be written; none of them is marked then.
    pub fn mark_mapped(
        &self,
        traces: Vec<Revision>,
        now: SystemTime,
    ) -> Result<usize, Arc<InboxError>> {
        self.ask(|reply| Command::MarkMapped(traces, now, reply))
    }

    /// Lets traces be mapped once more, as if something new had come. Returns how many of them are
    /// there.
    ///
    /// # Errors
    /// When it cannot be written; none of them waits then that did not before.
    pub fn mark_waiting(&self, traces: Vec<TraceKey>) -> Result<usize, Arc<InboxError>> {
        self.ask(|reply| Command::MarkWaiting(traces, reply))
    }

    /// Removes what was kept long enough or for what there is no room, and gives the room back to
    /// the file system. Deliveries are stored in between.
    ///
    /// # Errors
    /// When it cannot be written. What was removed until then is removed.
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

    /// Whether the database that is open still has its name.
    ///
    /// # Errors
    /// [`InboxError::Gone`] when it was removed, renamed or replaced.
    pub fn check_place(&self) -> Result<(), InboxError> {
        self.0.place.check()
    }

    /// Counts something that happened. It is written with the next delivery, or within seconds.
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

    /// Writes what was submitted and counted, and closes the inbox for all clones.
    ///
    /// # Errors
    /// When it was closed before.
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
        // The last clone may have gone with an answer, on the thread itself.
        if let Some(writer) = writer.filter(|it| it.thread().id() != thread::current().id()) {
            // It panics only where a test does.
            drop(writer.join());
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // Without a sender the thread writes what it has, and ends.
        self.commands = None;
        self.join();
    }
}

/// Whether a folder holds an inbox.
#[must_use]
pub fn is_there(directory: &Path) -> bool {
    open::file(directory).exists()
}

/// The damaged inboxes of a folder that were set aside and still exist. What waited in them to be
/// mapped was acknowledged and is not sent.
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
