//! Reads a session whole, or a part at a time.

use std::collections::BTreeSet;
use std::mem;

use anyhow::{Context, bail};
use chrono::{DateTime, TimeDelta, Utc};

use super::collected::Collected;
use crate::consent::Verdict;
use crate::host::Host;
use crate::integrations::{self, Running};
use crate::posthog::Foreign;
use crate::session::{Session, SessionState, Turn, Wanted};
use crate::sources::{Checkpoint, Reading, SessionFiles, SessionRef};

/// Time without a new line after which a session counts as ended, if no running process says
/// otherwise.
pub(crate) const SILENCE: TimeDelta = TimeDelta::minutes(10);

/// Bytes of a transcript to read at a time. Most sessions fit in one part, and 4 MiB is a harmless
/// amount of memory.
pub const PART_BYTES: u64 = 4 << 20;

/// Growth factor of a part in which nothing is final yet. Geometric growth keeps the cost of reading
/// again low.
const GROWTH: u64 = 4;

/// Reads a whole session; `None` if it is empty. `state` is given by callers that know it (a hook at
/// the end of a session); otherwise it is derived from the files. `wanted` is the content to keep.
///
/// # Errors
/// When the transcript cannot be read.
pub fn collect(
    found: &SessionRef,
    checkpoint: Option<Checkpoint>,
    state: Option<SessionState>,
    wanted: Wanted,
    host: &Host,
) -> anyhow::Result<Option<Collected>> {
    let parts = Parts::of(found, state, wanted, host)?;
    parts.after(checkpoint).of_bytes(u64::MAX).read()
}

/// A session read part by part, which bounds the memory that a large one takes.
///
/// A part holds the turns that are final; the next part begins with the first turn that may still
/// change. The last part carries the facts about the session as a whole.
#[derive(Debug)]
pub struct Parts<'a> {
    found: SessionRef,
    files: Box<dyn SessionFiles>,
    state: Option<SessionState>,
    wanted: Wanted,
    /// Whether sessions that are left alone are read too.
    is_for_owner: bool,
    host: &'a Host,
    /// Initial size of a part, in bytes.
    usual_bytes: u64,
    /// Size of the next part, in bytes.
    bytes: u64,
    /// The folders of all parts, once looked up.
    folders: Option<Vec<String>>,
    /// Time of the last line, once looked up.
    last_written: Option<DateTime<Utc>>,
    next: Next,
    /// The next part, if it was read ahead.
    ahead: Option<anyhow::Result<Option<Collected>>>,
    returned: Returned,
}

/// The next step of reading a session in parts.
#[derive(Debug)]
pub enum Step {
    /// A part of the session, cut down to its final turns.
    Part(Box<Collected>),
    /// The transcript was rewritten, so the session is read again from its start: discard the sums
    /// over earlier parts. The first part follows with the next step.
    Restart,
    /// The session is to be left alone, for this reason. No step follows.
    OptedOut(String),
    /// There are no more parts.
    End,
}

/// The steps that [`Parts::next`] has returned so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Returned {
    Nothing,
    /// At least one part, and more follow.
    Some,
    /// The last part, or the reason why there is none.
    All,
}

/// Finds the events of a part that another session owns. It may restore identities from an earlier
/// send.
pub type Claim<'c> = &'c mut dyn FnMut(&mut Collected) -> anyhow::Result<Foreign>;

/// The position of the next part.
#[derive(Debug)]
enum Next {
    /// After a checkpoint, or at the beginning.
    From(Option<Checkpoint>),
    /// There is no next part.
    Nothing,
}

impl<'a> Parts<'a> {
    /// Prepares to read from the beginning. For `state` and `wanted` see [`collect`].
    ///
    /// # Errors
    /// When the transcript cannot be found.
    pub fn of(
        found: &SessionRef,
        state: Option<SessionState>,
        wanted: Wanted,
        host: &'a Host,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            found: found.clone(),
            files: files_of(found, host)?,
            state,
            wanted,
            is_for_owner: false,
            host,
            usual_bytes: PART_BYTES,
            bytes: PART_BYTES,
            folders: None,
            last_written: None,
            next: Next::From(None),
            ahead: None,
            returned: Returned::Nothing,
        })
    }

    /// Starts after `checkpoint`.
    #[must_use]
    pub fn after(mut self, checkpoint: Option<Checkpoint>) -> Self {
        self.next = Next::From(checkpoint);
        self
    }

    /// Sets the size of a part, in bytes of the transcript.
    #[must_use]
    pub const fn of_bytes(mut self, bytes: u64) -> Self {
        self.usual_bytes = bytes;
        self.bytes = bytes;
        self
    }

    /// Reads a session that is left alone too, for showing it to the user on this machine. Whether it
    /// is to be left alone depends on files, which may be unreadable: then it is not read.
    #[must_use]
    pub const fn for_owner(mut self) -> Self {
        self.is_for_owner = true;
        self
    }

    /// Where the next part begins; `None` is the start of the session.
    #[must_use]
    pub const fn position(&self) -> Option<&Checkpoint> {
        match &self.next {
            Next::From(checkpoint) => checkpoint.as_ref(),
            Next::Nothing => None,
        }
    }

    /// The files of the session.
    #[must_use]
    pub fn files(&self) -> &dyn SessionFiles {
        &*self.files
    }

    /// The next step. Reads a part, asks `claim` which of its events other sessions own, and leaves
    /// turns that may still change to the next part. If no turn of a part is final, `claim` is called
    /// again with a larger part.
    ///
    /// # Errors
    /// When the transcript cannot be read, is emptied while it is read, or `claim` fails.
    pub fn next(&mut self, claim: Claim<'_>) -> anyhow::Result<Step> {
        loop {
            if self.returned == Returned::All {
                return Ok(Step::End);
            }
            let Some(mut part) = self.take()? else {
                if self.returned == Returned::Some {
                    bail!("{} was emptied while it was read", self.found.locator);
                }
                self.returned = Returned::All;
                return Ok(Step::End);
            };
            if let Some(reason) = part.opted_out()
                && !(self.is_for_owner && part.is_left_alone())
            {
                self.returned = Returned::All;
                return Ok(Step::OptedOut(reason.to_owned()));
            }
            if part.is_first() && self.returned == Returned::Some {
                self.returned = Returned::Nothing;
                self.ahead = Some(Ok(Some(part)));
                return Ok(Step::Restart);
            }
            let foreign = claim(&mut part)?;
            if let Some(part) = self.settle(part, foreign) {
                self.returned = if part.is_part() {
                    Returned::Some
                } else {
                    Returned::All
                };
                return Ok(Step::Part(Box::new(part)));
            }
        }
    }

    /// Reads the part for the following [`Parts::next`], which returns any error.
    pub fn read_ahead(&mut self) {
        if self.ahead.is_none() && self.returned != Returned::All {
            self.ahead = Some(self.read());
        }
    }

    /// The next part, with the turns that may still change.
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

    /// Reads the next part; `None` after the last. [`Parts::settle`] advances the position. The
    /// settings of the folders are read for every part, since session and settings may change
    /// meanwhile.
    fn read(&mut self) -> anyhow::Result<Option<Collected>> {
        let Next::From(checkpoint) = mem::replace(&mut self.next, Next::Nothing) else {
            return Ok(None);
        };
        let (Some(mut session), mut reading) = self.read_enough(checkpoint.as_ref())? else {
            return Ok(None);
        };
        let (verdict, folders) = self.verdict(&session, &reading)?;
        if let Verdict::Permitted(privacy) = &verdict {
            let wanted = self.wanted.within(privacy.recording);
            if wanted != self.wanted {
                // Content that is not sent is not kept in memory either.
                self.wanted = wanted;
                match self.read_enough(checkpoint.as_ref())? {
                    (Some(again), of_again) => (session, reading) = (again, of_again),
                    (None, _) => return Ok(None),
                }
            }
        }
        let (state, ended_at) = if reading.is_part {
            self.next = Next::From(checkpoint);
            // Turns that may still change are left to the next part.
            (SessionState::Ended, self.last_written())
        } else {
            let known = self.state;
            let state = known.unwrap_or_else(|| state_of(&session, &self.found, self.host));
            (state, session.ended_at)
        };
        Ok(Some(Collected {
            session,
            state,
            ended_at,
            foreign: Foreign::default(),
            verdict,
            folders,
            found: self.found.clone(),
            reading,
        }))
    }

    /// The folders of the whole session, also for a part, and the decision by their settings: it has
    /// to be known before the first event is sent.
    fn verdict(
        &mut self,
        session: &Session,
        reading: &Reading,
    ) -> anyhow::Result<(Verdict, Vec<String>)> {
        let mut folders: BTreeSet<&str> = session.turns.iter().flat_map(Turn::folders).collect();
        folders.extend(session.earlier.folders.iter().map(String::as_str));
        if reading.is_part && self.folders.is_none() {
            let all = self.files.folders();
            let all = all.with_context(|| format!("cannot read {}", self.found.locator))?;
            self.folders = Some(all.into_iter().collect());
        }
        folders.extend(self.folders.iter().flatten().map(String::as_str));
        let transcript = self.found.locator.path();
        let verdict = Verdict::of(folders.iter().copied(), &transcript, self.host);
        Ok((verdict, folders.into_iter().map(str::to_owned).collect()))
    }

    /// Time of the last line of the session; the current time if unknown.
    fn last_written(&mut self) -> DateTime<Utc> {
        let look = || {
            let last = self.found.last_written();
            last.unwrap_or_else(|| self.host.now())
        };
        *self.last_written.get_or_insert_with(look)
    }

    /// Reads a part, a larger one until it holds a turn.
    fn read_enough(
        &mut self,
        checkpoint: Option<&Checkpoint>,
    ) -> anyhow::Result<(Option<Session>, Reading)> {
        loop {
            let read = self.files.read(checkpoint, self.wanted, self.bytes)?;
            if read.0.is_some() || !read.1.is_part {
                return Ok(read);
            }
            self.bytes = self.bytes.saturating_mul(GROWTH);
        }
    }

    /// Cuts a part down to its final turns, after which the next part begins. `None` if no turn is
    /// final: the next part is then a larger one from the same position.
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
            self.bytes = self.bytes.saturating_mul(GROWTH);
            return None;
        };
        self.next = Next::From(Some(checkpoint));
        self.bytes = self.usual_bytes;
        Some(part)
    }
}

/// When a session was last written to. If the time of its last line is in the future, the time of
/// the file is used.
fn written_at(session: &Session, found: &SessionRef, host: &Host) -> DateTime<Utc> {
    if session.ended_at - host.now() > SILENCE {
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

/// A session runs while a process has it open. If the agent does not list its processes, the session
/// ended when its lines say so, or after [`SILENCE`].
fn state_of(session: &Session, found: &SessionRef, host: &Host) -> SessionState {
    // The times of the lines: copying a file changes its own time.
    let written_at = (!session.is_closed).then(|| written_at(session, found, host));
    if is_running(&session.id, written_at, found, host) {
        SessionState::Running
    } else {
        SessionState::Ended
    }
}

/// Whether a session runs: its id, and when it was last written to unless its lines say that it
/// ended.
#[must_use]
pub fn is_running(
    id: &str,
    written_at: Option<DateTime<Utc>>,
    found: &SessionRef,
    host: &Host,
) -> bool {
    match integrations::running_beside(found, host) {
        Running::Sessions(open) => open.contains(id),
        Running::Unknown => written_at.is_some_and(|it| host.now() - it <= SILENCE),
    }
}
