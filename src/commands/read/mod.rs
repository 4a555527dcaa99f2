//! Reads sessions in parallel, and passes on the results in order.
//!
//! Two folders may hold transcripts of the same session: these are read one after the other and
//! give one result.

mod claims;
mod order;

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::mpsc::SyncSender;

use anyhow::anyhow;

use super::{Exit, excluded, in_words, short, words};
use crate::ahead;
use crate::config::Config;
use crate::host::Host;
use crate::integrations::{self, Running};
use crate::pipeline::{self, PART_BYTES, Parts, Step};
use crate::session::SessionState;
use crate::sources::{Locator, SessionRef};
use crate::ui;
use claims::Permit;
pub(super) use order::in_order;

/// Bytes of transcripts to read ahead: enough to keep every processor busy, and a harmless amount
/// of memory.
pub(super) const READ_AHEAD: u64 = 16 << 20;

/// A transcript that is read part by part, with its permission to claim events.
pub(super) struct Own<'a> {
    path: &'a Locator,
    parts: Parts<'a>,
    permit: Permit,
    /// Whether another transcript of the same session follows.
    pub(super) is_followed: bool,
    /// Whether it may still be written to.
    state: SessionState,
    /// Files of it that cannot be read, with the reasons.
    unreadable: BTreeSet<String>,
    /// Number of its lines, or parts of lines, that cannot be read.
    lost: u64,
}

impl Own<'_> {
    /// The next step. If the rest cannot or must not be read, that is noted and the end is
    /// returned.
    pub(super) fn next(&mut self) -> Step {
        let permit = &mut self.permit;
        let step = self.parts.next(&mut |part| {
            let foreign = permit.claim(&part.session);
            if !part.is_part() {
                permit.pass();
            }
            Ok(foreign)
        });
        match step {
            Ok(Step::OptedOut(reason)) => {
                let path = self.path;
                let what = format!("the rest of {path} is left alone: {reason}");
                self.unreadable.insert(what);
                Step::End
            }
            Ok(step) => {
                if let Step::Part(part) = &step {
                    self.state = part.state;
                    let skipped = part.session.skipped();
                    self.lost = skipped.broken + skipped.oversized;
                    let unreadable = part.unreadable().iter();
                    let what = |(path, why): &(PathBuf, String)| {
                        format!("cannot read {}: {why}", path.display())
                    };
                    self.unreadable.extend(unreadable.map(what));
                }
                step
            }
            Err(error) => {
                self.unreadable.insert(in_words(&error));
                Step::End
            }
        }
    }
}

/// Receives a result of a session. It fails if no more results are wanted.
pub(super) type Emit<'a, R> = dyn FnMut(R) -> anyhow::Result<()> + 'a;

/// Result of reading a session.
enum Outcome<R> {
    Built(R),
    /// The reason why the session has no result, or a partial one.
    Passed(String),
    /// Files of it that cannot be read, with the reasons.
    Unreadable(String),
    Failed(anyhow::Error),
}

/// Builds the results of one session from its transcripts.
pub(super) trait Build<R> {
    /// Adds a transcript of the session. Several folders may hold one each.
    fn add(&mut self, own: &mut Own<'_>, emit: &mut Emit<'_, R>) -> anyhow::Result<()>;

    /// Finishes the session after the last transcript.
    fn finish(self, emit: &mut Emit<'_, R>) -> anyhow::Result<()>;
}

/// The recipient of the results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Audience {
    /// The user's PostHog project, which gets no session that is left alone.
    PostHog,
    /// The user of this machine, who also sees sessions that are left alone.
    Owner,
    /// The same user, after the command of the sessions has ended.
    OwnerOfEnded,
}

impl Audience {
    /// The state of a session, if known without reading it.
    fn state(self, found: &SessionRef, host: &Host) -> Option<SessionState> {
        if self == Self::OwnerOfEnded {
            state_after_command(found, host)
        } else {
            None
        }
    }
}

/// The state of a session after its command has ended. It is still running if its agent lists it as
/// open: then another process has it.
pub(super) fn state_after_command(found: &SessionRef, host: &Host) -> Option<SessionState> {
    match integrations::running_beside(found, host) {
        Running::Unknown => Some(SessionState::Ended),
        Running::Sessions(_) => None,
    }
}

/// Reads all sessions on all processors, each with a builder from `begin`, and passes the results
/// to `sink` in order. An unreadable transcript is reported and skipped.
pub(super) fn read_all<R: Send, B: Build<R>>(
    sessions: &[SessionRef],
    audience: Audience,
    config: &Config,
    host: &Host,
    begin: impl Fn() -> B + Sync,
    mut sink: impl FnMut(R) -> anyhow::Result<()>,
) -> anyhow::Result<Exit> {
    let mut exit = Exit::Done;
    let work = |transcripts: Vec<(&SessionRef, Permit)>, results: &SyncSender<Outcome<R>>| {
        let tell = |outcome| {
            let sent = results.send(outcome);
            sent.map_err(|_| anyhow!("nothing more is wanted"))
        };
        if let Err(error) = build(transcripts, begin(), &tell, audience, config, host) {
            // If no more results are wanted, the error is not wanted either.
            let _ = tell(Outcome::Failed(error));
        }
    };
    let mut permits = claims::permits();
    let sessions = by_session(sessions).into_iter().map(|transcripts| {
        let transcripts = transcripts.into_iter();
        transcripts.zip(permits.by_ref()).collect::<Vec<_>>()
    });
    ahead::streams_in_order(
        sessions,
        |transcripts| {
            let bytes = transcripts.iter().map(|(found, _)| found.bytes);
            bytes.map(|bytes| bytes.min(PART_BYTES)).sum()
        },
        READ_AHEAD,
        work,
        |outcome| match outcome {
            Outcome::Built(result) => sink(result),
            Outcome::Failed(error) => Err(error),
            Outcome::Passed(why) => {
                ui::say(why);
                Ok(())
            }
            Outcome::Unreadable(what) => {
                ui::say(what);
                exit = Exit::Incomplete;
                Ok(())
            }
        },
    )?;
    Ok(exit)
}

/// Builds one session from its transcripts, and reports what is missing.
fn build<'a, R, B: Build<R>>(
    transcripts: Vec<(&'a SessionRef, Permit)>,
    mut built: B,
    tell: &dyn Fn(Outcome<R>) -> anyhow::Result<()>,
    audience: Audience,
    config: &Config,
    host: &'a Host,
) -> anyhow::Result<()> {
    let hand_on: &mut Emit<'_, R> = &mut |result| tell(Outcome::Built(result));
    let mut left = transcripts.len();
    let mut running = None;
    for (found, permit) in transcripts {
        left -= 1;
        match own(found, permit, audience, config, host) {
            Err(why) => tell(why)?,
            Ok(mut own) => {
                own.is_followed = left > 0;
                built.add(&mut own, hand_on)?;
                let is_running = own.state == SessionState::Running;
                let id = short(&found.session_id());
                if own.lost > 0 && audience == Audience::PostHog {
                    let lost = words::lost(own.lost, found.agent);
                    tell(Outcome::Passed(format!("session {id}: {lost}")))?;
                }
                running = is_running.then_some(id);
                let unreadable = own.unreadable.into_iter();
                unreadable.map(Outcome::Unreadable).try_for_each(tell)?;
            }
        }
    }
    built.finish(hand_on)?;
    running.map_or(Ok(()), |id| {
        tell(Outcome::Passed(format!("{id} {}", words::STILL_RUNNING)))
    })
}

/// Groups transcripts by session, at the position of the first of each.
pub(super) fn by_session(found: &[SessionRef]) -> Vec<Vec<&SessionRef>> {
    let mut sessions: Vec<Vec<&SessionRef>> = Vec::with_capacity(found.len());
    let mut places = HashMap::new();
    for transcript in found {
        let session = (transcript.agent, transcript.session_key());
        let place = *places.entry(session).or_insert(sessions.len());
        match sessions.get_mut(place) {
            Some(others) => others.push(transcript),
            None => sessions.push(vec![transcript]),
        }
    }
    sessions
}

/// Opens a transcript, unless none of it is to be shown.
fn own<'a, R>(
    found: &'a SessionRef,
    permit: Permit,
    audience: Audience,
    config: &Config,
    host: &'a Host,
) -> Result<Own<'a>, Outcome<R>> {
    let unreadable = |error| Outcome::Unreadable(in_words(&error));
    let reported = pipeline::reported(found, config, host);
    if let Some(reason) = reported.map_err(|error| unreadable(error.into()))? {
        let id = short(&found.session_id());
        return Err(Outcome::Passed(format!("{id} is left alone: {reason}")));
    }
    let state = audience.state(found, host);
    let mut parts = Parts::of(found, state, config.wanted(), host).map_err(unreadable)?;
    match audience {
        Audience::PostHog => may_be_sent(found, &mut parts, config)?,
        Audience::Owner | Audience::OwnerOfEnded => parts = parts.for_owner(),
    }
    Ok(Own {
        path: &found.locator,
        parts,
        state: SessionState::Ended,
        permit,
        is_followed: false,
        unreadable: BTreeSet::new(),
        lost: 0,
    })
}

/// Checks that a session may be sent; the error is the reason why not.
fn may_be_sent<R>(
    found: &SessionRef,
    parts: &mut Parts<'_>,
    config: &Config,
) -> Result<(), Outcome<R>> {
    let unreadable = |error| Outcome::Unreadable(in_words(&error));
    let exclusion = excluded::exclusion(found, config);
    if let Some(exclusion) = exclusion.map_err(|error| unreadable(error.into()))? {
        let id = short(&exclusion.session);
        let reason = exclusion.reason();
        return Err(Outcome::Passed(format!("{id} is left alone: {reason}")));
    }
    let Some(first) = parts.peek().map_err(unreadable)? else {
        let why = format!("nothing in {}", found.locator);
        return Err(Outcome::Passed(why));
    };
    if let Some(reason) = first.opted_out() {
        let id = short(&first.session.id);
        return Err(Outcome::Passed(format!("{id} is left alone: {reason}")));
    }
    Ok(())
}
