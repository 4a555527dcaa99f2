//! The one way from files to what may leave: read, map, redact, shorten, store.
//!
//! The only place that knows sources, sessions, events, redaction and the outbox.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};

use crate::ahead;
use crate::config::Config;
use crate::consent;
use crate::events::limits::Limits;
use crate::events::{
    self, DistinctId, Event, Foreign, Frozen, Progress, Settings, Tally, Written, retention,
};
use crate::git;
use crate::host::Host;
use crate::outbox::{
    Batch, Destination, Enqueued, Outbox, OutboxError, SessionEntry, TranscriptStamp,
};
use crate::redact::{Counts, Redacted, Redactor};
use crate::session::{Agent, Generation, Session, Turn, Wanted};
use crate::sources::{self, Checkpoint, Found, Look, Reading, Running, SessionFiles};

/// A session that says nothing for so long is taken to have ended.
const QUIET: TimeDelta = TimeDelta::minutes(10);

/// Events are handed on to be stored in pieces of so many bytes.
const PIECE_BYTES: usize = 256 << 10;

/// So many pieces are built before they are stored: as much as is stored in one step, so that
/// neither waits for the other.
const PIECES_AHEAD: usize = 16;

/// A session as it was read from its files.
#[derive(Debug)]
pub struct Collected {
    /// The session.
    pub session: Session,
    /// Whether it may still be written to.
    pub progress: Progress,
    /// The files it came from.
    pub files: SessionFiles,
    reading: Reading,
}

impl Collected {
    /// What the next reading needs in order to cost only what is new.
    #[must_use]
    pub fn checkpoint(&self, foreign: &Foreign) -> Option<Checkpoint> {
        let agent = self.session.agent;
        let ours = |generation: &Generation| !foreign.has(agent, generation);
        self.reading.checkpoint(&self.session, &ours)
    }

    /// Whether lines show more than the agent's own books: something was counted twice, or should
    /// not have been counted.
    #[must_use]
    pub fn exceeds_books(&self, foreign: &Foreign) -> bool {
        let agent = self.session.agent;
        let ours = |generation: &Generation| !foreign.has(agent, generation);
        self.session.reconcile(&ours).exceeded > 0
    }

    /// Subagent transcripts that could not be read, with the reason.
    #[must_use]
    pub fn unreadable(&self) -> &[(PathBuf, String)] {
        self.reading.unreadable()
    }
}

/// What became of a session on its way into the outbox.
#[derive(Debug)]
pub enum Stored {
    /// Nothing was written to it since it was stored.
    Unchanged,
    /// There is no session in the file.
    Nothing,
    /// The project is to be left alone, for this reason.
    OptedOut(String),
    /// It was read, and what is new of it waits to be sent.
    Session {
        /// What was new.
        enqueued: Enqueued,
        /// Subagent transcripts that could not be read, with the reason.
        unreadable: Vec<(PathBuf, String)>,
        /// Whether it still goes on; the rest follows when it ends.
        progress: Progress,
        /// Whether it ended with more in its lines than in the agent's own books.
        exceeds_books: bool,
        /// What the events that were read amount to.
        tally: Tally,
        /// Whether its content was left out, being older than PostHog keeps it.
        without_content: bool,
    },
}

/// Reads a session; `None` when there is nothing in it. `progress` is known to
/// whoever saw the session end, else the files tell. `inputs` is what is wanted of the model's
/// inputs, if anything.
///
/// # Errors
/// When the transcript cannot be read.
pub fn collect(
    found: &Found,
    checkpoint: Option<Checkpoint>,
    progress: Option<Progress>,
    wanted: Wanted,
    host: &Host,
) -> anyhow::Result<Option<Collected>> {
    collect_files(files_of(found)?, checkpoint, progress, wanted, host)
}

fn collect_files(
    files: SessionFiles,
    checkpoint: Option<Checkpoint>,
    progress: Option<Progress>,
    wanted: Wanted,
    host: &Host,
) -> anyhow::Result<Option<Collected>> {
    let (session, reading) = files.read(checkpoint, wanted)?;
    Ok(session.map(|session| {
        let progress = progress.unwrap_or_else(|| progress_of(&session, host));
        Collected {
            session,
            progress,
            files,
            reading,
        }
    }))
}

fn files_of(found: &Found) -> anyhow::Result<SessionFiles> {
    let path = found.path.display();
    found.files().with_context(|| format!("cannot read {path}"))
}

/// A session goes on while a process has it open. Where no version of the agent tells, it has
/// ended when the agent wrote so, or when nothing was written for a while.
fn progress_of(session: &Session, host: &Host) -> Progress {
    let goes_on = match sources::running(session.agent, host) {
        Running::Sessions(open) => open.contains(&session.id),
        // By its lines: the file's own time is that of the last copy.
        Running::Unknown => !session.is_closed && host.now() - session.ended_at <= QUIET,
    };
    if goes_on {
        Progress::Running
    } else {
        Progress::Ended
    }
}

/// A session of which something is not stored yet, and how far it was.
#[derive(Debug)]
pub struct Unstored {
    agent: Agent,
    files: SessionFiles,
    /// Taken before reading: what is written meanwhile is read the next time.
    stamps: Vec<TranscriptStamp>,
    checkpoint: Option<Checkpoint>,
}

/// What was read of a session, on its way into the outbox.
#[derive(Debug)]
pub struct Read {
    agent: &'static str,
    stamps: Vec<TranscriptStamp>,
    /// `None` when there is no session in the file.
    collected: Option<Collected>,
}

impl Unstored {
    /// `None` when nothing was written to the session since it was stored.
    ///
    /// # Errors
    /// When the transcript cannot be found or the outbox not read.
    pub fn of(found: &Found, outbox: &Outbox) -> anyhow::Result<Option<Self>> {
        let files = files_of(found)?;
        let stamps = stamps(&files);
        if is_unchanged(outbox, &stamps)? {
            return Ok(None);
        }
        let known = outbox.session(found.agent.as_str(), &files.session_id())?;
        let checkpoint = known.and_then(|session| session.checkpoint);
        Ok(Some(Self {
            agent: found.agent,
            files,
            stamps,
            checkpoint: checkpoint.and_then(|kept| Checkpoint::from_bytes(&kept)),
        }))
    }

    /// Reads it. For `progress` see [`collect`].
    ///
    /// # Errors
    /// When the transcript cannot be read.
    pub fn read(
        self,
        progress: Option<Progress>,
        config: &Config,
        host: &Host,
    ) -> anyhow::Result<Read> {
        let wanted = config.of(self.agent).wanted();
        Ok(Read {
            agent: self.agent.as_str(),
            stamps: self.stamps,
            collected: collect_files(self.files, self.checkpoint, progress, wanted, host)?,
        })
    }
}

/// Events that are handed on together.
#[derive(Debug, Default)]
struct Piece {
    events: Vec<Redacted<Written>>,
    bytes: usize,
}

impl Piece {
    /// Adds an event. When the piece is full it is the answer, and begins anew.
    fn with(&mut self, event: Redacted<Written>) -> Option<Vec<Redacted<Written>>> {
        self.bytes += event.get().json.len();
        self.events.push(event);
        (self.bytes >= PIECE_BYTES).then(|| mem::take(self).events)
    }
}

/// Builds the events of sessions under one configuration.
#[derive(Debug)]
pub struct Pipeline<'a> {
    config: &'a Config,
    redactor: &'a Redactor,
    largest_event: usize,
    content_since: Option<DateTime<Utc>>,
    repositories: Mutex<HashMap<String, Option<String>>>,
}

impl<'a> Pipeline<'a> {
    /// `largest_event` is what the destination takes, in bytes of JSON.
    #[must_use]
    pub fn new(config: &'a Config, redactor: &'a Redactor, largest_event: usize) -> Self {
        Self {
            config,
            redactor,
            largest_event,
            content_since: None,
            repositories: Mutex::default(),
        }
    }

    /// Leaves out the content of sessions that ended before that time.
    #[must_use]
    pub const fn with_content_since(mut self, since: Option<DateTime<Utc>>) -> Self {
        self.content_since = since;
        self
    }

    fn leaves_out_content(&self, session: &Session) -> bool {
        self.content_since
            .is_some_and(|since| session.ended_at < since)
    }

    /// The decisions that hold for a session from its first send on.
    #[must_use]
    pub fn freeze(&self, session: &Session) -> Frozen {
        let cwd = session
            .turns
            .iter()
            .find_map(|turn| turn.circumstances.cwd.as_deref());
        let config = self.config.of(session.agent);
        let email = || git::user_email(Path::new(cwd?)).and_then(|id| DistinctId::parse(&id).ok());
        let person = config.distinct_id.clone();
        let person = person.or_else(|| match session.agent {
            Agent::ClaudeCode => email(),
            Agent::Pi | Agent::OpenCode => None,
        });
        let folder = cwd.and_then(|cwd| Path::new(cwd).file_name());
        let folder = folder.map(|name| name.to_string_lossy().into_owned());
        let name = config.project_name.clone().or(folder);
        Frozen {
            is_person: person.is_some(),
            distinct_id: person
                .unwrap_or_else(|| DistinctId::of_session(session.agent, &session.id)),
            grouping: config.grouping,
            session_window: config.session_window,
            turn_spans: config.turn_spans,
            project_name: name.map(|name| self.without_secrets(name)),
        }
    }

    /// For what is kept beside the events: nothing unredacted is written anywhere.
    fn without_secrets(&self, text: String) -> String {
        let redacted = self.redactor.text(&text, &mut Counts::default());
        redacted.unwrap_or(text)
    }

    /// Hands every event of a session, redacted, to `sink`, but for those that are `foreign`.
    ///
    /// # Errors
    /// The first error of `sink`; nothing is handed to it afterwards.
    pub fn events(
        &self,
        collected: &Collected,
        frozen: Frozen,
        foreign: &Foreign,
        counts: &mut Counts,
        sink: &mut dyn FnMut(Redacted<Event>) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let session = &collected.session;
        let config = self.config.of(session.agent);
        let settings = Settings {
            frozen,
            recording: config.recording,
            input_scope: config.input_scope,
            agent_name: config.agent_name.clone(),
            purpose: config.purpose.clone(),
            custom: config.custom.clone(),
            repositories: self.repositories_of(session),
        };
        let without_content = self.leaves_out_content(session);
        let mut result = Ok(());
        events::map(
            session,
            &settings,
            collected.progress,
            foreign,
            &mut |mut event| {
                if result.is_ok() {
                    if without_content {
                        retention::without_content(&mut event);
                    }
                    result = sink(self.redactor.event(event, counts));
                }
            },
        );
        result
    }

    /// How large the events of an agent's sessions may be.
    #[must_use]
    pub fn limits(&self, agent: Agent) -> Limits {
        let config = self.config.of(agent);
        Limits {
            attribute: config.max_attribute_bytes,
            event: self.largest_event,
            input_scope: config.input_scope,
        }
    }

    /// Stores the events of a session; the next are built and written meanwhile. Answers what they
    /// amount to.
    fn push_all(
        &self,
        collected: &Collected,
        frozen: Frozen,
        foreign: &Foreign,
        counts: &mut Counts,
        batch: &mut Batch<'_>,
    ) -> anyhow::Result<Tally> {
        let limits = self.limits(collected.session.agent);
        let mut tally = Tally::default();
        let mut piece = Piece::default();
        ahead::meanwhile(
            PIECES_AHEAD,
            |hand_on| {
                self.events(collected, frozen, foreign, counts, &mut |event| {
                    tally += event.get();
                    match piece.with(event.written(&limits)) {
                        Some(full) => hand_on(full),
                        None => Ok(()),
                    }
                })?;
                hand_on(piece.events)
            },
            |events: Vec<Redacted<Written>>| {
                let mut events = events.into_iter();
                events.try_for_each(|event| Ok(batch.push(event)?))
            },
        )?;
        Ok(tally)
    }

    /// Stores what is new of the session at `found` in the outbox. Whatever this process dies of
    /// in between, the next call finishes the work and stores nothing twice.
    ///
    /// # Errors
    /// When the transcript cannot be read or the outbox not written.
    pub fn store(
        &self,
        found: &Found,
        outbox: &Outbox,
        destination: &Destination,
        progress: Option<Progress>,
        host: &Host,
    ) -> anyhow::Result<Stored> {
        loop {
            let Some(unstored) = Unstored::of(found, outbox)? else {
                return Ok(Stored::Unchanged);
            };
            let read = unstored.read(progress, self.config, host)?;
            match self.store_read(read, outbox, destination, host) {
                Err(error) if is_overtaken(&error) => {}
                stored => return stored,
            }
        }
    }

    /// Stores what was read of a session.
    ///
    /// # Errors
    /// When the outbox cannot be written; [`is_overtaken`] tells that another process was faster
    /// and the session is to be read again.
    pub fn store_read(
        &self,
        read: Read,
        outbox: &Outbox,
        destination: &Destination,
        host: &Host,
    ) -> anyhow::Result<Stored> {
        let Read {
            agent,
            stamps,
            collected,
        } = read;
        let Some(collected) = collected else {
            outbox.remember(&stamps)?;
            return Ok(Stored::Nothing);
        };
        let session = &collected.session;
        if session.turns.is_empty() && session.earlier.is_empty() {
            // Nothing was asked yet, and nothing is decided for the session.
            return Ok(Stored::Nothing);
        }
        if let Some(reason) = opted_out(session, host) {
            return Ok(Stored::OptedOut(reason));
        }
        let frozen = self.freeze(session);
        let entry = SessionEntry {
            agent,
            id: &session.id,
            project: frozen.project_name.as_deref(),
            title: None,
            frozen: &serde_json::to_string(&frozen)?,
        };
        let mut batch = outbox.begin(entry, destination, host.now())?;
        let frozen = serde_json::from_str(&batch.session().frozen)
            .context("the outbox holds settings of this session that cannot be read")?;
        let owners = outbox.owners(events::claims(session))?;
        let foreign = owners.into_iter();
        let foreign = foreign.filter(|(_, (_, owner))| *owner != session.id);
        let foreign: Foreign = foreign.map(|(event, _)| event).collect();
        let mut counts = Counts::default();
        let tally = self.push_all(&collected, frozen, &foreign, &mut counts, &mut batch)?;
        let progress = collected.progress;
        // Of a session that goes on, something may have been held back: it is read again.
        let is_final = progress == Progress::Ended && collected.unreadable().is_empty();
        let checkpoint = if is_final {
            collected.checkpoint(&foreign)
        } else {
            None
        };
        let checkpoint = checkpoint
            .map(|kept| kept.into_bytes(&mut |text| self.without_secrets(text)))
            .transpose()?;
        let stamps: &[TranscriptStamp] = if is_final { &stamps } else { &[] };
        let enqueued = batch.commit(checkpoint.as_deref(), counts.iter(), stamps)?;
        let exceeds_books = is_final && collected.exceeds_books(&foreign);
        let without_content = self.leaves_out_content(session);
        let unreadable = collected.unreadable().to_vec();
        Ok(Stored::Session {
            enqueued,
            unreadable,
            progress,
            exceeds_books,
            tally,
            without_content,
        })
    }

    fn repositories_of(&self, session: &Session) -> BTreeMap<String, String> {
        let cwds: BTreeSet<&str> = session.turns.iter().flat_map(cwds_of).collect();
        let mut repositories = self
            .repositories
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mut known = BTreeMap::new();
        for cwd in cwds {
            let repository = repositories
                .entry(cwd.to_owned())
                .or_insert_with(|| git::repository(Path::new(cwd)));
            if let Some(repository) = repository {
                known.insert(cwd.to_owned(), repository.clone());
            }
        }
        known
    }
}

/// Why a session is to be left alone: one of the folders it worked in is.
#[must_use]
pub fn opted_out(session: &Session, host: &Host) -> Option<String> {
    let cwds: BTreeSet<&str> = session.turns.iter().flat_map(cwds_of).collect();
    cwds.into_iter()
        .find_map(|cwd| consent::opted_out(Path::new(cwd), host))
}

/// Whether another process stored the session meanwhile.
#[must_use]
pub fn is_overtaken(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(OutboxError::Overtaken))
}

/// How the files of a session look now.
fn stamps(files: &SessionFiles) -> Vec<TranscriptStamp> {
    let stamp = |look: Look| TranscriptStamp {
        path: look.path,
        size: look.bytes,
        modified: look.modified,
    };
    files.looks().into_iter().map(stamp).collect()
}

/// How many bytes of the session at `found` were not stored yet; `None` when nothing was written
/// to it since it was.
///
/// # Errors
/// When the outbox cannot be read.
pub fn unread_bytes(found: &Found, outbox: &Outbox) -> anyhow::Result<Option<u64>> {
    let Ok(files) = found.files() else {
        // Reading it will say what is wrong with it.
        return Ok(Some(found.bytes));
    };
    let stamps = stamps(&files);
    let mut unread = stamps.is_empty().then_some(found.bytes);
    for stamp in stamps {
        let known = outbox.transcript(&stamp.path)?;
        if known.as_ref() != Some(&stamp) {
            let read = known.map_or(0, |known| known.size);
            *unread.get_or_insert(0) += stamp.size.saturating_sub(read);
        }
    }
    Ok(unread)
}

/// What cannot be looked at may have changed: reading it will say what is wrong with it.
fn is_unchanged(outbox: &Outbox, stamps: &[TranscriptStamp]) -> anyhow::Result<bool> {
    if stamps.is_empty() {
        return Ok(false);
    }
    for stamp in stamps {
        if outbox.transcript(&stamp.path)?.as_ref() != Some(stamp) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn cwds_of(turn: &Turn) -> Vec<&str> {
    let generations = turn.all_generations();
    let of_calls = generations
        .iter()
        .map(|generation| generation.circumstances.as_ref());
    let all = of_calls.chain([turn.circumstances.as_ref()]);
    all.filter_map(|circumstances| circumstances.cwd.as_deref())
        .collect()
}
