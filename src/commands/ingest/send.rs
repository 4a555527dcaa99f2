//! `ingest`: stores the new events of sessions, sends them, and prints the results.
//!
//! Stored events are sent while more are stored. Storing waits for sending, so that a history of
//! gigabytes never waits in the outbox as a whole, where its limit would drop the oldest events. If
//! sending fails, storing stops.

use std::collections::HashMap;
use std::thread;

use anyhow::Context;

use super::courier::Courier;
use super::plan::Plan;
use super::summary::{FEW, Summary};
use crate::ahead;
use crate::cli::Ingest;
use crate::commands::read::{READ_AHEAD, by_session};
use crate::commands::sending::{Report, Sending};
use crate::commands::{Exit, flush, in_words, short};
use crate::config::Config;
use crate::deliver::Drained;
use crate::host::Host;
use crate::interrupt::Interrupt;
use crate::outbox::{Load, OutboxError, RunKind};
use crate::pipeline::{KnownEvents, PART_BYTES, Pipeline, Read, Stored, Unstored};
use crate::session::{Agent, SessionState};
use crate::sources::SessionRef;
use crate::ui::{self, Progress};

/// Bytes of waiting events above which storing pauses: a dozen full requests, and far from the
/// limit of the outbox.
const STORE_AHEAD: u64 = 64 << 20;

/// Divisor of [`STORE_AHEAD`]: the bytes from which on a trip is worth while, three full requests.
const WORTH_SENDING: u64 = 4;

/// Divisor of [`STORE_AHEAD`]: the bytes to leave for the next trip, so that every request is full.
const WORTH_KEEPING: u64 = 8;

pub(super) fn run(
    sessions: &[SessionRef],
    arguments: &Ingest,
    config: &Config,
    host: &Host,
) -> anyhow::Result<Exit> {
    let sending = Sending::open(config, host)?;
    sending.outbox().relax()?;
    sending.follow_decisions()?;
    let plan = Plan::of(sessions, sending.outbox(), host)?;
    plan.tell_of_old_content(arguments.with_old_content);
    if !plan.is_agreed(arguments.yes, &sending.destination()?.host)? {
        ui::say("nothing was sent");
        return Ok(Exit::Incomplete);
    }
    let interrupt = Interrupt::watch().context("cannot take note of Ctrl-C")?;
    let is_stopping = interrupt.clone();
    let progress = Progress::start(
        sessions.len() as u64,
        plan.bytes,
        sending.waiting()?,
        move || is_stopping.is_set(),
    );
    let mut backfill = Backfill {
        sending: &sending,
        config,
        host,
        progress: &progress,
        interrupt: interrupt.clone(),
        detail: Detail::of(sessions),
        unmarked: 0,
        known: known(sessions),
        summary: Summary::default(),
        report: Report::default(),
        is_complete: true,
    };
    let content_since = (!arguments.with_old_content).then_some(plan.content_since);
    let pipeline = sending.pipeline().with_content_since(content_since);
    let sender = Sending::open(config, host)?;
    sender.outbox().relax()?;
    let (stopped, drained) = thread::scope(|scope| {
        let mut courier = Courier::hire(scope, sender, &progress, interrupt.clone());
        let stopped = backfill.run(&plan, &pipeline, &mut courier)?;
        anyhow::Ok((stopped, courier.into_drained()))
    })?;
    let Backfill {
        summary,
        report,
        is_complete,
        ..
    } = backfill;
    drop(progress);
    let exit = summary.print(sessions.len(), &drained, sending.outbox())?;
    let stored = conclude(&sending, report, stopped, drained);
    Ok(match exit {
        _ if interrupt.is_set() => Exit::Stopped,
        _ if !is_complete || stored != Exit::Done => Exit::Incomplete,
        exit => exit,
    })
}

/// Prints and logs the result. Returns whether everything could be stored.
fn conclude(
    sending: &Sending<'_>,
    mut report: Report,
    stopped: Option<String>,
    drained: Drained,
) -> Exit {
    flush::say(&drained);
    if let Some(reason) = &stopped {
        ui::say(format_args!(
            "stopped: {reason}\nwhat was stored is kept; the same command goes on from here"
        ));
    }
    let exit = if report.error.is_some() || stopped.is_some() {
        Exit::Incomplete
    } else {
        Exit::Done
    };
    report.error = report.error.or(stopped).or(drained.last_error);
    sending.log(RunKind::Ingest, None, drained.sent, report);
    exit
}

/// Detail of the messages about sessions without new events.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Detail {
    /// A line for each session, as they are few.
    Sessions,
    /// Totals in the summary.
    Totals,
}

impl Detail {
    const fn of(sessions: &[SessionRef]) -> Self {
        if sessions.len() <= FEW {
            Self::Sessions
        } else {
            Self::Totals
        }
    }
}

struct Backfill<'a, 'p> {
    sending: &'a Sending<'a>,
    config: &'a Config,
    host: &'a Host,
    progress: &'p Progress,
    interrupt: Interrupt,
    detail: Detail,
    /// Bytes read since the last line about progress.
    unmarked: u64,
    /// Events passed on so far, of sessions with several transcripts.
    known: HashMap<(Agent, String), KnownEvents>,
    summary: Summary<'a>,
    report: Report,
    /// Whether every file of every session could be read.
    is_complete: bool,
}

/// The session to store next.
struct Next<'a> {
    found: &'a SessionRef,
    /// Bytes of the session to read.
    bytes: u64,
    unstored: anyhow::Result<Option<Unstored<'a>>>,
}

/// The reason why no more sessions are stored.
enum End {
    /// Storing failed; stored events are still to be sent.
    Enough,
    /// The whole run stops, for this reason.
    Stopped(String),
    Failed(anyhow::Error),
}

impl From<anyhow::Error> for End {
    fn from(error: anyhow::Error) -> Self {
        Self::Failed(error)
    }
}

impl<'a> Backfill<'a, '_> {
    /// Stores and sends. Returns the reason if it stopped before the end.
    fn run(
        &mut self,
        plan: &Plan<'a>,
        pipeline: &Pipeline<'_>,
        courier: &mut Courier<'_>,
    ) -> anyhow::Result<Option<String>> {
        let (outbox, config, host) = (self.sending.outbox(), self.config, self.host);
        let sessions = plan.sessions.iter().map(|(found, unread)| Next {
            found,
            bytes: unread.unwrap_or(0),
            unstored: Unstored::of(found, outbox, None, config, host),
        });
        let read = |next: Next<'a>| {
            let read = next.unstored.and_then(|unstored| {
                let read = unstored.map(Unstored::read);
                read.transpose()
            });
            (next.found, next.bytes, read)
        };
        let ended = ahead::in_order(
            sessions,
            |next| next.bytes.min(PART_BYTES),
            READ_AHEAD,
            read,
            |(found, bytes, read)| self.store(pipeline, courier, found, bytes, read),
        );
        match ended {
            Err(End::Stopped(reason)) => return Ok(Some(reason)),
            Err(End::Failed(error)) => return Err(error),
            Err(End::Enough) | Ok(()) => {}
        }
        courier.wait()?;
        if let Some(reason) = self.trouble(courier) {
            return Ok(Some(reason));
        }
        if courier.came_back_in_vain() {
            return Ok(None);
        }
        for line in self.sending.announcements()? {
            self.progress.say(line);
        }
        courier.send_off(0);
        courier.wait()?;
        Ok(self.interrupt.is_set().then(|| "Ctrl-C".to_owned()))
    }

    /// Stores a session that was read, once there is room for it.
    fn store(
        &mut self,
        pipeline: &Pipeline<'_>,
        courier: &mut Courier<'_>,
        found: &'a SessionRef,
        bytes: u64,
        read: anyhow::Result<Option<Read<'_>>>,
    ) -> Result<(), End> {
        self.make_room(courier)?;
        if let Some(reason) = self.trouble(courier) {
            return Err(End::Stopped(reason));
        }
        let stored = match read {
            Ok(Some(read)) => {
                let session = (found.agent, found.session_key());
                let mut alone = KnownEvents::default();
                let known = self.known.get_mut(&session).unwrap_or(&mut alone);
                let stored = self.sending.store_read(pipeline, found, read, known);
                known.next_transcript();
                stored
            }
            Ok(None) => Ok(Stored::Unchanged),
            Err(error) => Err(error),
        };
        let events = match stored {
            Ok(stored) => self.note(found, stored),
            Err(error) => {
                self.note_error(&error);
                // An outbox that cannot store this session cannot store the next one.
                if error.is::<OutboxError>() {
                    return Err(End::Enough);
                }
                self.summary.unreadable += 1;
                0
            }
        };
        self.progress.read(bytes, events);
        self.mark(bytes)?;
        Ok(())
    }

    fn note_error(&mut self, error: &anyhow::Error) {
        let error = in_words(error);
        self.progress.say(&error);
        self.report.error.get_or_insert(error);
    }

    /// Records the result of a session. Returns the number of its events to send.
    fn note(&mut self, found: &'a SessionRef, stored: Stored) -> u64 {
        let known = self.report.warnings.len();
        self.is_complete &= self.report.note(&stored, found);
        for warning in &self.report.warnings[known..] {
            self.progress.say(warning);
        }
        let is_settled = match &stored {
            Stored::Unchanged => true,
            Stored::Session { state, .. } => *state == SessionState::Ended,
            _ => false,
        };
        if is_settled {
            self.settle_ending(found);
        }
        let summary = &mut self.summary;
        match stored {
            Stored::Nothing => {
                summary.empty += 1;
                if self.detail == Detail::Sessions {
                    let path = &found.locator;
                    self.progress.say(format_args!("nothing in {path}"));
                }
            }
            Stored::OptedOut(reason) => {
                if self.detail == Detail::Sessions {
                    let id = short(&found.session_id());
                    self.progress
                        .say(format_args!("{id} is left alone: {reason}"));
                }
                *summary.left_alone.entry(reason).or_default() += 1;
            }
            Stored::Unchanged => summary.handle(found, None),
            Stored::Session {
                enqueued,
                state,
                tally,
                without_content,
                ..
            } => {
                summary.tally += tally;
                summary.without_content += u64::from(without_content);
                summary.handle(found, Some(state));
                return enqueued.new + enqueued.replaced;
            }
        }
        0
    }

    /// Removes the note of a hook about a session that is stored, for whichever destination.
    fn settle_ending(&self, found: &SessionRef) {
        let endings = self.sending.endings();
        endings.remove(found.agent.as_str(), &found.locator.path());
    }

    /// Prints a line about progress from time to time.
    fn mark(&mut self, read: u64) -> anyhow::Result<()> {
        self.unmarked += read;
        if self.unmarked >= step(&self.sending.load()?) {
            self.unmarked = 0;
            self.progress.mark();
        }
        Ok(())
    }

    /// Begins a trip of the courier if it is worth while, and waits for it if no more may be
    /// stored.
    fn make_room(&self, courier: &mut Courier) -> Result<(), End> {
        let load = self.sending.load()?;
        let step = step(&load);
        if courier.is_ready()? && load.waiting >= step / WORTH_SENDING {
            courier.send_off(step / WORTH_KEEPING);
        }
        let is_stuck = |courier: &Courier<'_>| {
            Ok::<_, anyhow::Error>(
                self.trouble(courier).is_none() && is_full(&self.sending.load()?),
            )
        };
        if is_stuck(courier)? {
            courier.wait()?;
        }
        if is_stuck(courier)? && !courier.came_back_in_vain() {
            courier.send_off(0);
            courier.wait()?;
        }
        if !is_stuck(courier)? {
            return Ok(());
        }
        let reason = self.sending.missing();
        let reason = reason.or_else(|| courier.drained().last_error.clone());
        Err(End::Stopped(reason.unwrap_or_else(|| {
            "the outbox is nearly full; posthog-llma status shows what waits in it".to_owned()
        })))
    }

    /// The reason why nothing more may be stored or sent, independent of room.
    fn trouble(&self, courier: &Courier<'_>) -> Option<String> {
        if self.interrupt.is_set() {
            return Some("Ctrl-C".to_owned());
        }
        let reason = "PostHog drops events over the project's quota; raise it first";
        let is_over_quota = courier.drained().quota_limited;
        is_over_quota.then(|| reason.to_owned())
    }
}

/// An empty set for each session with several transcripts.
fn known(found: &[SessionRef]) -> HashMap<(Agent, String), KnownEvents> {
    let sessions = by_session(found).into_iter();
    let repeated = sessions.filter(|transcripts| transcripts.len() > 1);
    repeated
        .map(|transcripts| {
            let first = transcripts[0];
            ((first.agent, first.session_key()), KnownEvents::default())
        })
        .collect()
}

/// Bytes that may wait before storing pauses.
fn step(load: &Load) -> u64 {
    STORE_AHEAD.min(load.limit / 4)
}

/// Whether to send before more is stored. Room is kept for one more session.
fn is_full(load: &Load) -> bool {
    load.waiting >= step(load) || load.held + step(load) > load.limit
}
