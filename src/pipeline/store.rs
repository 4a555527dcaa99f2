//! From sessions to the outbox.

use std::collections::BTreeSet;
use std::mem;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::Context;

use super::collect::{Collected, Parts, Step};
use super::{Given, Pipeline};
use crate::ahead;
use crate::config::Config;
use crate::host::Host;
use crate::outbox::{
    Batch, Destination, Enqueued, Exclusion, Outbox, OutboxError, SessionEntry, TranscriptStamp,
};
use crate::posthog::{self, Foreign, Frozen, Progress, Tally, Written};
use crate::redact::{Counts, Redacted};
use crate::session::{Agent, Session, Skipped};
use crate::sources::{Checkpoint, Look, SessionFiles, SessionRef};

/// Events are handed on to be stored in pieces of so many bytes.
const PIECE_BYTES: usize = 256 << 10;

/// So many pieces are built before they are stored: as much as is stored in one step, so that
/// neither waits for the other.
const PIECES_AHEAD: usize = 16;

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
        /// Lines that could not be used, since the session began.
        skipped: Skipped,
        /// Responses that did not tell what they used.
        without_usage: u64,
        /// What the events that were read amount to, each counted once over all transcripts of
        /// the session.
        tally: Tally,
        /// Whether its content was left out, being older than PostHog keeps it.
        without_content: bool,
    },
}

/// A session of which something is not stored yet.
#[derive(Debug)]
pub struct Unstored<'a> {
    agent: Agent,
    /// Taken before reading: what is written meanwhile is read the next time.
    stamps: Vec<TranscriptStamp>,
    parts: Parts<'a>,
    /// Why the user wants nothing of it sent; then nothing of it is read.
    excluded: Option<String>,
}

/// A session on its way into the outbox, of which something was read.
#[derive(Debug)]
pub struct Read<'a>(Unstored<'a>);

impl<'a> Unstored<'a> {
    /// `None` when nothing was written to the session since it was stored. For `progress` see
    /// [`collect`](super::collect).
    ///
    /// # Errors
    /// When the transcript cannot be found or the outbox not read.
    pub fn of(
        found: &SessionRef,
        outbox: &Outbox,
        progress: Option<Progress>,
        config: &Config,
        host: &'a Host,
    ) -> anyhow::Result<Option<Self>> {
        let agent = found.agent;
        let parts = Parts::of(found, progress, config.wanted(), host)?;
        let stamps = stamps(parts.files());
        let key = parts.files().session_key();
        let excluded = excluded(outbox, agent, &key)?;
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
        // Lines that were met elsewhere may belong anywhere: then all of it is read again.
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

    /// Reads it, or the first part of it.
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

impl Pipeline<'_> {
    /// Stores the events of a session; the next are built and written meanwhile. Answers what they
    /// amount to.
    fn push_all(
        &self,
        collected: &Collected,
        frozen: Frozen,
        given: &mut Given,
        counts: &mut Counts,
        batch: &mut Batch<'_>,
    ) -> anyhow::Result<Tally> {
        let limits = self.limits(collected.session.agent);
        let mut tally = Tally::default();
        let mut piece = Piece::default();
        ahead::meanwhile(
            PIECES_AHEAD,
            |hand_on| {
                tally =
                    self.new_events(collected, frozen, given, counts, &mut |event| match piece
                        .with(event.written(&limits))
                    {
                        Some(full) => hand_on(full),
                        None => Ok(()),
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
        found: &SessionRef,
        outbox: &Outbox,
        destination: &Destination,
        progress: Option<Progress>,
        host: &Host,
    ) -> anyhow::Result<Stored> {
        loop {
            let unstored = Unstored::of(found, outbox, progress, self.config, host)?;
            let Some(unstored) = unstored else {
                return Ok(Stored::Unchanged);
            };
            let read = unstored.read()?;
            match self.store_read(read, &mut Given::default(), outbox, destination, host) {
                Err(error) if is_overtaken(&error) => {}
                stored => return stored,
            }
        }
    }

    /// Stores a session of which something was read. `given` are the events that other transcripts
    /// of it hold and that were stored before.
    ///
    /// # Errors
    /// When the transcript cannot be read on or the outbox not be written; [`is_overtaken`] tells
    /// that another process was faster and the session is to be read again.
    pub fn store_read(
        &self,
        read: Read<'_>,
        given: &mut Given,
        outbox: &Outbox,
        destination: &Destination,
        host: &Host,
    ) -> anyhow::Result<Stored> {
        let Read(Unstored {
            agent,
            mut stamps,
            mut parts,
            excluded: reason,
        }) = read;
        if let Some(reason) = reason {
            return Ok(Stored::OptedOut(reason));
        }
        let Some(first) = parts.peek()? else {
            outbox.remember(&stamps)?;
            return Ok(Stored::Nothing);
        };
        if first.is_empty() {
            // Nothing was asked yet, and nothing is decided for the session.
            return Ok(Stored::Nothing);
        }
        if let Some(reason) = first.opted_out() {
            return Ok(Stored::OptedOut(reason.to_owned()));
        }
        let frozen = self.freeze(first)?;
        let entry = SessionEntry {
            agent: agent.as_str(),
            id: &first.session.key,
            project: frozen.project_name.as_deref(),
            title: None,
            frozen: &serde_json::to_string(&frozen)?,
        };
        let mut batch = outbox.begin(entry, destination, host.now())?;
        let frozen: Frozen = serde_json::from_str(&batch.session().frozen)
            .context("the outbox holds settings of this session that cannot be read")?;
        let mut counts = Counts::default();
        let mut tally = Tally::default();
        let mut unreadable = BTreeSet::new();
        let mut exceeds_books = false;
        let mut last = None;
        loop {
            match parts.next(&mut |part| foreign(&part.session, outbox))? {
                Step::Restart => (tally, counts) = (Tally::default(), Counts::default()),
                Step::OptedOut(reason) => return Ok(Stored::OptedOut(reason)),
                Step::End => break,
                Step::Part(part) => {
                    let push =
                        || self.push_all(&part, frozen.clone(), given, &mut counts, &mut batch);
                    let ((), pushed) = ahead::beside(|| parts.read_ahead(), push);
                    tally += pushed?;
                    exceeds_books |= part.exceeds_books();
                    unreadable.extend(part.unreadable().iter().cloned());
                    last = Some(part);
                }
            }
        }
        let last = last.context("the session ended before it began")?;
        let progress = last.progress;
        // Of a session that goes on, something may have been held back: it is read again.
        let is_final = progress == Progress::Ended && unreadable.is_empty();
        let checkpoint = if is_final { last.checkpoint() } else { None };
        let redactor = self.redactor(&last)?;
        let checkpoint = checkpoint.and_then(|kept| {
            let kept = redactor.written(|replace| kept.into_bytes(replace));
            kept.transpose()
        });
        // Excluded meanwhile: what is stored of it already is withdrawn before anything is sent.
        if let Some(reason) = excluded(outbox, agent, &last.session.key)? {
            return Ok(Stored::OptedOut(reason));
        }
        // What was left out here is read with its own session, whenever that was read last.
        stamps.extend(last.others().iter().map(|path| unread(path)));
        let stamps: &[TranscriptStamp] = if is_final { &stamps } else { &[] };
        let enqueued = batch.commit(checkpoint.as_ref(), counts.iter(), stamps)?;
        Ok(Stored::Session {
            enqueued,
            unreadable: unreadable.into_iter().collect(),
            progress,
            exceeds_books: is_final && exceeds_books,
            skipped: last.session.skipped(),
            without_usage: last.session.without_usage(),
            tally,
            without_content: self.leaves_out_content(&last),
        })
    }
}

/// Whether another process stored the session meanwhile.
#[must_use]
pub fn is_overtaken(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(OutboxError::Overtaken))
}

/// Why the user wants nothing of a session sent, if that is so.
fn excluded(outbox: &Outbox, agent: Agent, key: &str) -> anyhow::Result<Option<String>> {
    let exclusion = outbox.exclusions().find(agent.as_str(), key)?;
    Ok(exclusion.as_ref().map(Exclusion::reason))
}

/// How a file looks of which nothing was read yet.
fn unread(path: &Path) -> TranscriptStamp {
    TranscriptStamp {
        path: path.to_owned(),
        size: 0,
        modified: SystemTime::UNIX_EPOCH,
    }
}

/// Whether a file was marked so that nothing of it counts as read.
fn is_unread(outbox: &Outbox, path: &Path) -> anyhow::Result<bool> {
    Ok(outbox
        .transcript(path)?
        .is_some_and(|known| known == unread(path)))
}

/// How the files of a session look now.
fn stamps(files: &dyn SessionFiles) -> Vec<TranscriptStamp> {
    let stamp = |look: Look| TranscriptStamp {
        path: look.path,
        size: look.bytes,
        modified: look.modified,
    };
    files.looks().into_iter().map(stamp).collect()
}

/// How many bytes of the session at `found` were not stored yet; `None` when nothing was written
/// to it since it was, or nothing of it is to be.
///
/// # Errors
/// When the outbox cannot be read.
pub fn unread_bytes(
    found: &SessionRef,
    outbox: &Outbox,
    host: &Host,
) -> anyhow::Result<Option<u64>> {
    let Ok(files) = found.files(host) else {
        // Reading it will say what is wrong with it.
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

/// The events of a session that the outbox holds for another one.
fn foreign(session: &Session, outbox: &Outbox) -> anyhow::Result<Foreign> {
    let owners = outbox.owners(posthog::claims(session))?.into_iter();
    let foreign = owners.filter(|(_, (_, owner))| *owner != session.key);
    Ok(foreign.map(|(event, _)| event).collect())
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
