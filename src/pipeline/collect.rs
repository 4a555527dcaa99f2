//! From files to sessions: whole ones, or a part at a time.

use std::collections::BTreeSet;
use std::mem;
use std::path::PathBuf;

use anyhow::{Context, bail};
use chrono::{DateTime, TimeDelta, Utc};

use crate::consent::{ProjectPrivacy, Verdict};
use crate::host::Host;
use crate::integrations::{self, Running};
use crate::posthog::{Foreign, Progress};
use crate::session::{Generation, Session, Turn, Wanted};
use crate::sources::{Checkpoint, Reading, SessionFiles, SessionRef, WorkTree};

/// A session that says nothing for so long is taken to have ended.
const QUIET: TimeDelta = TimeDelta::minutes(10);

/// So many bytes of a transcript are read at a time: most sessions are smaller, and what is held
/// of so much does not matter in memory.
pub const PART_BYTES: u64 = 4 << 20;

/// Where that was too little, so many times as much is read: what is read again costs little then.
const MORE: u64 = 4;

/// A session, or a part of one, as it was read from its files.
#[derive(Debug)]
pub struct Collected {
    /// The session.
    pub session: Session,
    /// Whether it may still be written to.
    pub progress: Progress,
    /// When the last line of the session was written, which a part may not tell.
    pub ended_at: DateTime<Utc>,
    /// The events of it that another session owns.
    pub foreign: Foreign,
    /// What becomes of it for the sake of the folders that it worked in.
    pub(crate) verdict: Verdict,
    found: SessionRef,
    reading: Reading,
}

impl Collected {
    /// What the next reading needs in order to cost only what is new.
    #[must_use]
    pub fn checkpoint(&self) -> Option<Checkpoint> {
        self.reading.checkpoint(&self.session, &|it| self.owns(it))
    }

    /// Whether lines show more than the agent's own books: something was counted twice, or should
    /// not have been counted.
    #[must_use]
    pub fn exceeds_books(&self) -> bool {
        self.session.reconcile(&|it| self.owns(it)).exceeded > 0
    }

    /// Whether a call is the session's own.
    #[must_use]
    pub fn owns(&self, generation: &Generation) -> bool {
        !self.foreign.has(self.session.agent, generation)
    }

    /// The work trees that the session's own lines tell of.
    pub(super) fn work_trees(&self) -> Vec<WorkTree> {
        self.found.work_trees()
    }

    /// Whether it was read from the session's start.
    #[must_use]
    pub fn is_first(&self) -> bool {
        self.session.earlier.is_empty()
    }

    /// Whether nothing was asked yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let session = &self.session;
        session.turns.is_empty() && session.earlier.is_empty() && !self.is_part()
    }

    /// Whether more of the session follows.
    #[must_use]
    pub const fn is_part(&self) -> bool {
        self.reading.is_part
    }

    /// Subagent transcripts that could not be read, with the reason.
    #[must_use]
    pub fn unreadable(&self) -> &[(PathBuf, String)] {
        &self.reading.unreadable
    }

    /// Transcripts of other sessions, of which lines stand in this one: they were left out here.
    #[must_use]
    pub fn others(&self) -> &[PathBuf] {
        &self.reading.others
    }

    /// Why the session is to be left alone: one of the folders it worked in is.
    #[must_use]
    pub fn opted_out(&self) -> Option<&str> {
        match &self.verdict {
            Verdict::LeftAlone(reason) => Some(reason),
            Verdict::Permitted(_) => None,
        }
    }

    /// How private its folders want the session; as private as can be, where it is to be left
    /// alone.
    pub(crate) fn privacy(&self) -> ProjectPrivacy {
        match &self.verdict {
            Verdict::Permitted(privacy) => privacy.clone(),
            Verdict::LeftAlone(_) => ProjectPrivacy {
                no_inputs: true,
                no_outputs: true,
                rules: Vec::new(),
            },
        }
    }
}

/// Reads a session whole; `None` when there is nothing in it. `progress` is known to whoever saw
/// the session end, else the files tell. `wanted` is what is kept of what was said.
///
/// # Errors
/// When the transcript cannot be read.
pub fn collect(
    found: &SessionRef,
    checkpoint: Option<Checkpoint>,
    progress: Option<Progress>,
    wanted: Wanted,
    host: &Host,
) -> anyhow::Result<Option<Collected>> {
    let parts = Parts::of(found, progress, wanted, host)?;
    parts.after(checkpoint).of_bytes(u64::MAX).read()
}

/// Reads a session part by part, so that a large one takes no more memory than others.
///
/// Every part has the turns in which nothing can change any more, and the next one begins with the
/// first that may. What is told of the session as a whole, the last one tells.
#[derive(Debug)]
pub struct Parts<'a> {
    found: SessionRef,
    files: Box<dyn SessionFiles>,
    progress: Option<Progress>,
    wanted: Wanted,
    host: &'a Host,
    /// How many bytes are read at a time; more when that is too little.
    usual_bytes: u64,
    bytes: u64,
    /// The folders of all parts, once they were looked up.
    folders: Option<Vec<String>>,
    /// When the last line was written, once that was looked up.
    last_written: Option<DateTime<Utc>>,
    next: Next,
    /// The next part, if it was read ahead.
    ahead: Option<anyhow::Result<Option<Collected>>>,
    given: Given,
}

/// The next step of reading a session in parts.
#[derive(Debug)]
pub enum Step {
    /// A part of the session, cut down to what cannot change any more.
    Part(Box<Collected>),
    /// The session is read again from its start, since its history was written anew: what was added
    /// up of its parts before counts no more. The part follows with the next step.
    Restart,
    /// The session is to be left alone, for this reason. Nothing follows.
    OptedOut(String),
    /// There are no more parts.
    End,
}

/// Parts of a session that `next` has returned so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Given {
    Nothing,
    /// Parts, after which more of the session follows.
    Some,
    /// The last part, or why there is none.
    All,
}

/// Tells the events of a part that another session owns.
pub type Claim<'c> = &'c mut dyn FnMut(&Collected) -> anyhow::Result<Foreign>;

/// What is read next.
#[derive(Debug)]
enum Next {
    /// What follows the checkpoint, or the beginning.
    From(Option<Checkpoint>),
    Nothing,
}

impl<'a> Parts<'a> {
    /// Begins to read. For `progress` and `wanted` see [`collect`].
    ///
    /// # Errors
    /// When the transcript cannot be found.
    pub fn of(
        found: &SessionRef,
        progress: Option<Progress>,
        wanted: Wanted,
        host: &'a Host,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            found: found.clone(),
            files: files_of(found, host)?,
            progress,
            wanted,
            host,
            usual_bytes: PART_BYTES,
            bytes: PART_BYTES,
            folders: None,
            last_written: None,
            next: Next::From(None),
            ahead: None,
            given: Given::Nothing,
        })
    }

    /// Begins where `checkpoint` left off.
    #[must_use]
    pub fn after(mut self, checkpoint: Option<Checkpoint>) -> Self {
        self.next = Next::From(checkpoint);
        self
    }

    /// Reads about so many bytes of the transcript at a time.
    #[must_use]
    pub const fn of_bytes(mut self, bytes: u64) -> Self {
        self.usual_bytes = bytes;
        self.bytes = bytes;
        self
    }

    /// The files of the session.
    #[must_use]
    pub fn files(&self) -> &dyn SessionFiles {
        &*self.files
    }

    /// The next step: a part is read, what others own of it is asked of `claim`, and what may still
    /// change is left to the next part. `claim` is called again with more of the session where
    /// nothing of a part was certain.
    ///
    /// # Errors
    /// When the transcript cannot be read, is emptied while it is read, or `claim` fails.
    pub fn next(&mut self, claim: Claim<'_>) -> anyhow::Result<Step> {
        loop {
            if self.given == Given::All {
                return Ok(Step::End);
            }
            let Some(part) = self.take()? else {
                if self.given == Given::Some {
                    bail!("{} was emptied while it was read", self.found.locator);
                }
                self.given = Given::All;
                return Ok(Step::End);
            };
            if let Some(reason) = part.opted_out() {
                self.given = Given::All;
                return Ok(Step::OptedOut(reason.to_owned()));
            }
            if part.is_first() && self.given == Given::Some {
                self.given = Given::Nothing;
                self.ahead = Some(Ok(Some(part)));
                return Ok(Step::Restart);
            }
            let foreign = claim(&part)?;
            if let Some(part) = self.settle(part, foreign) {
                self.given = if part.is_part() {
                    Given::Some
                } else {
                    Given::All
                };
                return Ok(Step::Part(Box::new(part)));
            }
        }
    }

    /// Reads what [`Parts::next`] needs, unless that was done. An error is kept for it.
    pub fn read_ahead(&mut self) {
        if self.ahead.is_none() && self.given != Given::All {
            self.ahead = Some(self.read());
        }
    }

    /// The part that comes next, with what may still change.
    ///
    /// # Errors
    /// When the transcript cannot be read.
    pub fn peek(&mut self) -> anyhow::Result<Option<&Collected>> {
        let part = self.take()?;
        let Ok(part) = self.ahead.insert(Ok(part)) else {
            return Ok(None);
        };
        Ok(part.as_ref())
    }

    fn take(&mut self) -> anyhow::Result<Option<Collected>> {
        self.ahead.take().unwrap_or_else(|| self.read())
    }

    /// Reads the next part; `None` after the last. It is the same one again until it was given to
    /// [`Parts::settle`]. What its folders say is asked with every part: the session may go on, and
    /// the user may think again, while it is read.
    fn read(&mut self) -> anyhow::Result<Option<Collected>> {
        let Next::From(checkpoint) = mem::replace(&mut self.next, Next::Nothing) else {
            return Ok(None);
        };
        let (Some(mut session), mut reading) = self.read_enough(checkpoint.as_ref())? else {
            return Ok(None);
        };
        let verdict = self.verdict(&session, &reading)?;
        if let Verdict::Permitted(privacy) = &verdict {
            let wanted = self.wanted.less(privacy.no_inputs, privacy.no_outputs);
            if wanted != self.wanted {
                // What is not to be sent is not kept either.
                self.wanted = wanted;
                match self.read_enough(checkpoint.as_ref())? {
                    (Some(again), of_again) => (session, reading) = (again, of_again),
                    (None, _) => return Ok(None),
                }
            }
        }
        let (progress, ended_at) = if reading.is_part {
            self.next = Next::From(checkpoint);
            // What may still change of a part is left to the next.
            (Progress::Ended, self.last_written())
        } else {
            let progress = self.progress;
            let progress =
                progress.unwrap_or_else(|| progress_of(&session, &self.found, self.host));
            (progress, session.ended_at)
        };
        Ok(Some(Collected {
            session,
            progress,
            ended_at,
            foreign: Foreign::default(),
            verdict,
            found: self.found.clone(),
            reading,
        }))
    }

    /// What the folders of a session say: of a part, those of the whole session, since it has to be
    /// known before anything leaves.
    fn verdict(&mut self, session: &Session, reading: &Reading) -> anyhow::Result<Verdict> {
        let mut folders: BTreeSet<&str> = session.turns.iter().flat_map(Turn::folders).collect();
        folders.extend(session.earlier.folders.iter().map(String::as_str));
        if reading.is_part && self.folders.is_none() {
            let all = self.files.folders();
            let all = all.with_context(|| format!("cannot read {}", self.found.locator))?;
            self.folders = Some(all.into_iter().collect());
        }
        folders.extend(self.folders.iter().flatten().map(String::as_str));
        Ok(Verdict::of(folders, &self.found.locator.path(), self.host))
    }

    /// When the last line was written; now, where that is not told.
    fn last_written(&mut self) -> DateTime<Utc> {
        let look = || {
            let last = self.found.last_written();
            last.unwrap_or_else(|| self.host.now())
        };
        *self.last_written.get_or_insert_with(look)
    }

    /// Reads as much as it takes to find something.
    fn read_enough(
        &mut self,
        checkpoint: Option<&Checkpoint>,
    ) -> anyhow::Result<(Option<Session>, Reading)> {
        loop {
            let read = self.files.read(checkpoint, self.wanted, self.bytes)?;
            if read.0.is_some() || !read.1.is_part {
                return Ok(read);
            }
            self.bytes = self.bytes.saturating_mul(MORE);
        }
    }

    /// Leaves of a part what cannot change any more: the next one goes on behind it. `None` when
    /// that is nothing: then the next one is this one with more.
    fn settle(&mut self, mut part: Collected, foreign: Foreign) -> Option<Collected> {
        part.foreign = foreign;
        if !part.is_part() {
            return Some(part);
        }
        let Collected {
            session,
            foreign,
            reading,
            ..
        } = &mut part;
        let agent = session.agent;
        let Some(checkpoint) = reading.cut(session, &|it| !foreign.has(agent, it)) else {
            self.bytes = self.bytes.saturating_mul(MORE);
            return None;
        };
        self.next = Next::From(Some(checkpoint));
        self.bytes = self.usual_bytes;
        Some(part)
    }
}

/// When a session was last written to. A time that is still to come tells nothing.
fn written_at(session: &Session, found: &SessionRef, host: &Host) -> DateTime<Utc> {
    if session.ended_at - host.now() > QUIET {
        found.modified.into()
    } else {
        session.ended_at
    }
}

fn files_of(found: &SessionRef, host: &Host) -> anyhow::Result<Box<dyn SessionFiles>> {
    let path = &found.locator;
    found
        .files(host)
        .with_context(|| format!("cannot read {path}"))
}

/// A session goes on while a process has it open. Where no version of the agent tells, it has
/// ended when the agent wrote so, or when nothing was written for a while.
fn progress_of(session: &Session, found: &SessionRef, host: &Host) -> Progress {
    let goes_on = match integrations::running_beside(found, host) {
        Running::Sessions(open) => open.contains(&session.id),
        // By its lines: the file's own time is that of the last copy.
        Running::Unknown => {
            !session.is_closed && host.now() - written_at(session, found, host) <= QUIET
        }
    };
    if goes_on {
        Progress::Running
    } else {
        Progress::Ended
    }
}
