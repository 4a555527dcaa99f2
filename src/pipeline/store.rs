//! From sessions to the outbox.

use std::collections::BTreeSet;
use std::mem;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::Context;
use uuid::Uuid;

use super::collected::Collected;
use super::parts::{Parts, Step};
use super::{KnownEvents, Pipeline, reported};
use crate::ahead;
use crate::config::Config;
use crate::consent::Verdict;
use crate::host::Host;
use crate::outbox::{
    Destination, Enqueued, Exclusion, Outbox, OutboxError, SessionEntry, SessionWriter,
    TranscriptStamp,
};
use crate::posthog::{self, Event, Frozen, Tally, Written};
use crate::redact::{Counts, Redacted};
use crate::session::SessionState;
use crate::session::{Agent, Skipped};
use crate::sources::{Checkpoint, Look, SessionFiles, SessionRef};

/// Bytes of events to pass from the building thread to the storing one at a time.
const PIECE_BYTES: usize = 256 << 10;

/// Pieces to build ahead of storing. Together they have the size of one transaction, so that neither
/// thread waits for the other.
const PIECES_AHEAD: usize = 16;

/// Result of storing a session.
#[derive(Debug)]
pub enum Stored {
    /// Its files did not change since it was stored.
    Unchanged,
    /// There is no session in the file.
    Nothing,
    /// The session is to be left alone, for this reason.
    OptedOut(String),
    /// It was read, and its new events wait to be sent.
    Session {
        /// Numbers of events, new and known.
        enqueued: Enqueued,
        /// Subagent transcripts that could not be read, with the reason.
        unreadable: Vec<(PathBuf, String)>,
        /// Whether it still runs; then the rest follows when it ends.
        state: SessionState,
        /// Whether it ended with more usage in its lines than in the agent's books.
        exceeds_books: bool,
        /// Lines that could not be used, since the session began.
        skipped: Skipped,
        /// Responses without usage.
        without_usage: u64,
        /// Totals of the events that were read, each counted once over all transcripts of the
        /// session.
        tally: Tally,
        /// Whether its content was left out because PostHog would drop it for its age.
        without_content: bool,
    },
}

/// A session that is new or has changed since it was stored.
#[derive(Debug)]
pub struct Unstored<'a> {
    agent: Agent,
    /// Taken before reading, so that lines written meanwhile are read by the next run.
    stamps: Vec<TranscriptStamp>,
    parts: Parts<'a>,
    /// Why the user excluded the session; then it is not read.
    excluded: Option<String>,
}

/// A session whose first part was read.
#[derive(Debug)]
pub struct Read<'a>(Unstored<'a>);

impl<'a> Unstored<'a> {
    /// `None` if the files did not change since the session was stored. For `state` see
    /// [`collect`](super::parts::collect).
    ///
    /// # Errors
    /// When the transcript cannot be found or the outbox cannot be read.
    pub fn of(
        found: &SessionRef,
        outbox: &Outbox,
        state: Option<SessionState>,
        config: &Config,
        host: &'a Host,
    ) -> anyhow::Result<Option<Self>> {
        let agent = found.agent;
        let parts = Parts::of(found, state, config.wanted(), host)?;
        let stamps = stamps(parts.files());
        let key = parts.files().session_key();
        let excluded = match excluded(outbox, agent, &key)? {
            Some(reason) => Some(reason),
            None => reported(found, config, host)?,
        };
        if excluded.is_some() {
            return Ok(Some(Self {
                agent,
                stamps,
                parts,
                excluded,
            }));
        }
        if is_unchanged(outbox, &stamps)? {
            return Ok(None);
        }
        let known = outbox.session(agent.as_str(), &key)?;
        // Lines left out of another session may belong anywhere in this one: read all of it again.
        let is_from_start = stamps.iter().map(|stamp| is_unread(outbox, &stamp.path));
        let is_from_start = is_from_start
            .collect::<Result<Vec<bool>, _>>()?
            .contains(&true);
        let checkpoint = known.and_then(|session| session.checkpoint);
        let checkpoint = checkpoint.filter(|_| !is_from_start);
        let checkpoint = checkpoint.map(|kept| Checkpoint::of_kept(agent, kept));
        Ok(Some(Self {
            agent,
            stamps,
            parts: parts.after(checkpoint),
            excluded,
        }))
    }

    /// Reads the first part.
    ///
    /// # Errors
    /// When the transcript cannot be read.
    pub fn read(mut self) -> anyhow::Result<Read<'a>> {
        if self.excluded.is_none() {
            self.parts.peek()?;
        }
        Ok(Read(self))
    }
}

/// Events that are passed on together.
#[derive(Debug, Default)]
struct Piece {
    events: Vec<Redacted<Written>>,
    bytes: usize,
}

impl Piece {
    /// Adds an event. Returns the events once the piece is full, and leaves it empty.
    fn with(&mut self, event: Redacted<Written>) -> Option<Vec<Redacted<Written>>> {
        self.bytes += event.get().json.len();
        self.events.push(event);
        (self.bytes >= PIECE_BYTES).then(|| mem::take(self).events)
    }
}

impl Pipeline<'_> {
    /// Builds the events of a session from its first step on, and reads the next part meanwhile.
    /// `directory` is that of the outbox, which knows the events of other sessions.
    fn build(
        &self,
        mut parts: Parts<'_>,
        first: Step,
        frozen: &Frozen,
        known: &mut KnownEvents,
        directory: &Path,
        hand_on: HandOn<'_>,
    ) -> anyhow::Result<Built> {
        let key = parts.files().session_key();
        let mut sums = Sums::default();
        let mut last = None;
        let mut outbox = None;
        let mut step = first;
        loop {
            match step {
                Step::Restart => sums.restart(),
                Step::OptedOut(reason) => return Ok(Built::OptedOut(reason)),
                Step::End => break,
                Step::Part(part) => {
                    let counts = &mut sums.counts;
                    let mut build = || self.build_part(&part, frozen, known, counts, hand_on);
                    let tally = if part.is_part() {
                        ahead::beside(|| parts.read_ahead(), build).1
                    } else {
                        build()
                    };
                    sums.add(&part, tally?);
                    last = Some(part);
                }
            }
            step = parts.next(&mut |part| {
                if outbox.is_none() {
                    outbox = Outbox::open_read_only(directory)?;
                }
                let outbox = outbox.as_ref().context("the outbox was removed")?;
                self.claim(&mut part.session, &key, outbox)
            })?;
        }
        let last = last.context("the session ended before it began")?;
        Ok(Built::Whole(last, sums))
    }

    /// Builds the events of a part. Returns their totals.
    fn build_part(
        &self,
        part: &Collected,
        frozen: &Frozen,
        known: &mut KnownEvents,
        counts: &mut Counts,
        hand_on: HandOn<'_>,
    ) -> anyhow::Result<Tally> {
        let limits = self.limits(part.session.agent);
        let mut piece = Piece::default();
        let sink = &mut |event: Redacted<Event<'_>>| match piece.with(event.written(&limits)) {
            Some(full) => hand_on(full),
            None => Ok(()),
        };
        let tally = self.new_events(part, frozen.clone(), known, counts, sink)?;
        hand_on(piece.events)?;
        Ok(tally)
    }

    /// Stores the new events of a session in the outbox. If the process dies meanwhile, the next call
    /// finishes the work and stores nothing twice.
    ///
    /// # Errors
    /// When the transcript cannot be read or the outbox cannot be written.
    pub fn store(
        &self,
        found: &SessionRef,
        outbox: &Outbox,
        destination: &Destination,
        state: Option<SessionState>,
        host: &Host,
    ) -> anyhow::Result<Stored> {
        loop {
            let unstored = Unstored::of(found, outbox, state, self.config, host)?;
            let Some(unstored) = unstored else {
                return Ok(Stored::Unchanged);
            };
            let read = unstored.read()?;
            match self.store_read(read, &mut KnownEvents::default(), outbox, destination, host) {
                Err(error) if is_overtaken(&error) => {}
                stored => return stored,
            }
        }
    }

    /// Stores a session whose first part was read. `known` are the events of its other transcripts
    /// that were stored before.
    ///
    /// # Errors
    /// When the transcript cannot be read or the outbox cannot be written. If [`is_overtaken`],
    /// another process stored the session meanwhile: read it again.
    pub fn store_read(
        &self,
        read: Read<'_>,
        known: &mut KnownEvents,
        outbox: &Outbox,
        destination: &Destination,
        host: &Host,
    ) -> anyhow::Result<Stored> {
        let Read(Unstored {
            agent,
            stamps,
            mut parts,
            excluded: reason,
        }) = read;
        if let Some(reason) = reason {
            return Ok(Stored::OptedOut(reason));
        }
        let key = parts.files().session_key();
        let Some(first) = parts.peek()? else {
            outbox.remember(&stamps)?;
            return Ok(Stored::Nothing);
        };
        if first.is_empty() {
            // Without a prompt, the settings of the session are not frozen yet.
            return Ok(Stored::Nothing);
        }
        if let Some(reason) = first.opted_out() {
            if matches!(first.verdict, Verdict::LeftAlone(_)) {
                // These events have waited since before the user's decision.
                outbox.withdraw(agent.as_str(), &key, host.now())?;
            }
            return Ok(Stored::OptedOut(reason.to_owned()));
        }
        let entry = SessionEntry {
            agent: agent.as_str(),
            id: &key,
            frozen: self.freeze(first)?,
            recording: self.recording(first),
            place: first.place(),
        };
        let mut writer = outbox.begin(&entry, destination, host.now())?;
        let frozen = writer.session().frozen()?;
        let first = parts.next(&mut |part| self.claim(&mut part.session, &key, outbox))?;
        let directory = outbox.directory();
        let mut built = None;
        ahead::meanwhile(
            PIECES_AHEAD,
            |hand_on| {
                built = Some(self.build(parts, first, &frozen, known, directory, hand_on)?);
                Ok(())
            },
            |events: Vec<Redacted<Written>>| {
                let mut events = events.into_iter();
                events.try_for_each(|event| Ok(writer.push(event)?))
            },
        )?;
        let (last, sums) = match built.context("the session was not built")? {
            Built::Whole(last, sums) => (last, sums),
            Built::OptedOut(reason) => return Ok(Stored::OptedOut(reason)),
        };
        // If it was excluded meanwhile, its stored events are withdrawn before the next sending.
        if let Some(reason) = excluded(outbox, agent, &key)? {
            return Ok(Stored::OptedOut(reason));
        }
        self.commit(&last, sums, stamps, writer)
    }

    /// Commits a session after its last part. Checkpoint and stamps are stored only if nothing of
    /// the session was held back: a running session, or one with an unreadable file, is read again.
    fn commit(
        &self,
        last: &Collected,
        sums: Sums,
        mut stamps: Vec<TranscriptStamp>,
        mut writer: SessionWriter<'_>,
    ) -> anyhow::Result<Stored> {
        let is_final = last.state == SessionState::Ended && sums.unreadable.is_empty();
        let checkpoint = is_final.then(|| last.checkpoint()).flatten();
        let (redactor, recording) = (self.redactor(last)?, self.recording(last));
        let checkpoint = checkpoint.and_then(|kept| {
            let kept = redactor.written(|replace| kept.into_bytes(recording, replace));
            kept.transpose()
        });
        // Lines left out here are read with the session they belong to, even if that was read.
        stamps.extend(last.others().iter().map(|path| unread(path)));
        stamps.retain(|_| is_final);
        let namespace = self.config.namespace;
        let aliases = sums.aliases.iter();
        writer.also_known_as(
            aliases.map(|(event, alias)| (namespace.id(*event), namespace.id(*alias))),
        );
        let enqueued = writer.commit(checkpoint.as_ref(), sums.counts.iter(), &stamps)?;
        Ok(Stored::Session {
            enqueued,
            unreadable: sums.unreadable.into_iter().collect(),
            state: last.state,
            exceeds_books: is_final && sums.exceeds_books,
            skipped: last.session.skipped(),
            without_usage: last.session.without_usage(),
            tally: sums.tally,
            without_content: self.leaves_out_content(last),
        })
    }
}

/// Passes on events.
type HandOn<'a> = &'a mut dyn FnMut(Vec<Redacted<Written>>) -> anyhow::Result<()>;

/// Result of building the events of a session.
enum Built {
    /// The last part, and the sums over all of them.
    Whole(Box<Collected>, Sums),
    /// The session is to be left alone, for this reason.
    OptedOut(String),
}

/// Sums over the parts of a session that were built.
#[derive(Default)]
struct Sums {
    /// Redactions.
    counts: Counts,
    tally: Tally,
    unreadable: BTreeSet<(PathBuf, String)>,
    exceeds_books: bool,
    /// Further identities of events.
    aliases: Vec<(Uuid, Uuid)>,
}

impl Sums {
    fn add(&mut self, part: &Collected, tally: Tally) {
        self.tally += tally;
        self.exceeds_books |= part.exceeds_books();
        self.aliases.extend(posthog::aliases(&part.session));
        self.unreadable.extend(part.unreadable().iter().cloned());
    }

    /// The session is read from its start again: the same events are counted again.
    fn restart(&mut self) {
        self.tally = Tally::default();
        self.counts = Counts::default();
        self.aliases.clear();
    }
}

/// Whether another process stored the session meanwhile.
#[must_use]
pub fn is_overtaken(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(OutboxError::Overtaken))
}

/// Why the user excluded a session; `None` if they did not.
fn excluded(outbox: &Outbox, agent: Agent, key: &str) -> anyhow::Result<Option<String>> {
    let exclusion = outbox.exclusions().find(agent.as_str(), key)?;
    Ok(exclusion.as_ref().map(Exclusion::reason))
}

/// The stamp of a file that counts as unread.
fn unread(path: &Path) -> TranscriptStamp {
    TranscriptStamp {
        path: path.to_owned(),
        size: 0,
        modified: SystemTime::UNIX_EPOCH,
    }
}

/// Whether a file has the stamp of an unread one.
fn is_unread(outbox: &Outbox, path: &Path) -> anyhow::Result<bool> {
    Ok(outbox
        .transcript(path)?
        .is_some_and(|known| known == unread(path)))
}

/// Stamps of the files of a session as they are now.
fn stamps(files: &dyn SessionFiles) -> Vec<TranscriptStamp> {
    let stamp = |look: Look| TranscriptStamp {
        path: look.path,
        size: look.bytes,
        modified: look.modified,
    };
    files.looks().into_iter().map(stamp).collect()
}

/// Bytes of a session that are not stored yet; `None` if its files did not change since it was
/// stored, or if it is excluded.
///
/// # Errors
/// When the outbox cannot be read.
pub fn unread_bytes(
    found: &SessionRef,
    outbox: &Outbox,
    host: &Host,
) -> anyhow::Result<Option<u64>> {
    let Ok(files) = found.files(host) else {
        // Reading it reports the error.
        return Ok(Some(found.bytes));
    };
    if excluded(outbox, found.agent, &files.session_key())?.is_some() {
        return Ok(None);
    }
    let stamps = stamps(&*files);
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

/// Whether no file changed since it was stored. Without stamps, the files may have changed.
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
