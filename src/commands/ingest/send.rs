//! `ingest`: stores what is new of the sessions, sends it, and says what became of each.
//!
//! Storing and sending take turns: a history of gigabytes never waits in the outbox as a whole,
//! whose limit would drop the oldest of it. Where sending fails, storing stops.

use std::cell::Cell;
use std::time::Duration;

use anyhow::Context;

use super::plan::Plan;
use super::read::READ_AHEAD;
use super::summary::{FEW, Summary};
use crate::ahead;
use crate::cli::Ingest;
use crate::commands::sending::{Effort, Report, Sending};
use crate::commands::{Exit, flush, short};
use crate::config::Config;
use crate::deliver::Drained;
use crate::host::Host;
use crate::interrupt::Interrupt;
use crate::outbox::OutboxError;
use crate::pipeline::{Pipeline, Read, Stored, Unstored};
use crate::sources::Found;
use crate::ui::{self, Progress};

/// How long a person waits for a destination that is busy or in trouble.
const EFFORT: Effort = Effort {
    patience: Duration::from_mins(1),
    asked: true,
};

/// So many bytes of events are stored before they are sent: a dozen full requests, and far from
/// the limit of the outbox.
const STORE_AHEAD: u64 = 64 << 20;

pub(super) fn run(
    sessions: &[Found],
    arguments: &Ingest,
    config: &Config,
    host: &Host,
) -> anyhow::Result<Exit> {
    let sending = Sending::open(host, config)?;
    sending.outbox().relax()?;
    let plan = Plan::of(sessions, sending.outbox(), host.now())?;
    plan.tell_of_old_content(arguments.with_old_content);
    if !plan.is_agreed(arguments.yes, &sending.destination()?.host)? {
        ui::say("nothing was sent");
        return Ok(Exit::Incomplete);
    }
    let interrupt = Interrupt::watch().context("cannot take note of Ctrl-C")?;
    let is_stopping = interrupt.clone();
    let mut backfill = Backfill {
        sending: &sending,
        config,
        host,
        progress: Progress::start(
            sessions.len() as u64,
            plan.bytes,
            sending.waiting()?,
            move || is_stopping.is_set(),
        ),
        interrupt,
        is_chatty: sessions.len() <= FEW,
        drained: Drained::default(),
        summary: Summary::default(),
        report: Report::default(),
        is_complete: true,
    };
    let content_since = (!arguments.with_old_content).then_some(plan.content_since);
    let pipeline = sending.pipeline().with_content_since(content_since);
    let stopped = backfill.run(&plan, &pipeline)?;
    let Backfill {
        progress,
        interrupt,
        drained,
        summary,
        mut report,
        is_complete,
        ..
    } = backfill;
    drop(progress);
    let exit = summary.print(sessions.len(), &drained, sending.outbox())?;
    flush::say(&drained);
    if let Some(reason) = &stopped {
        ui::say(format_args!(
            "stopped: {reason}\nwhat was stored is kept; the same command goes on from here"
        ));
    }
    let failed = !is_complete || report.error.is_some() || stopped.is_some();
    report.error = report.error.or(stopped).or(drained.last_error);
    sending.log("ingest", None, drained.sent, report);
    Ok(match exit {
        _ if interrupt.is_set() => Exit::Stopped,
        _ if failed => Exit::Incomplete,
        exit => exit,
    })
}

struct Backfill<'a> {
    sending: &'a Sending<'a>,
    config: &'a Config,
    host: &'a Host,
    progress: Progress,
    interrupt: Interrupt,
    /// Whether what is passed over is worth a line each.
    is_chatty: bool,
    drained: Drained,
    summary: Summary<'a>,
    report: Report,
    /// Whether every file of every session could be read.
    is_complete: bool,
}

/// A session whose turn comes.
struct Next<'a> {
    found: &'a Found,
    /// What of it is to be read.
    bytes: u64,
    unstored: anyhow::Result<Option<Unstored>>,
}

/// Why no more sessions are stored.
enum End {
    /// What was stored is still to be sent.
    Enough,
    /// Nothing more can be done, for this reason.
    Stopped(String),
    Failed(anyhow::Error),
}

impl From<anyhow::Error> for End {
    fn from(error: anyhow::Error) -> Self {
        Self::Failed(error)
    }
}

impl<'a> Backfill<'a> {
    /// Stores and sends. Answers why it stopped before the end.
    fn run(&mut self, plan: &Plan<'a>, pipeline: &Pipeline<'_>) -> anyhow::Result<Option<String>> {
        let (outbox, config, host) = (self.sending.outbox(), self.config, self.host);
        let sessions = plan.sessions.iter().map(|(found, unread)| Next {
            found,
            bytes: unread.unwrap_or(0),
            unstored: Unstored::of(found, outbox),
        });
        let read = |next: Next<'a>| {
            let read = next.unstored.and_then(|unstored| {
                let read = unstored.map(|unstored| unstored.read(None, config, host));
                read.transpose()
            });
            (next.found, next.bytes, read)
        };
        let ended = ahead::in_order(
            sessions,
            |next| next.bytes,
            READ_AHEAD,
            read,
            |(found, bytes, read)| self.store(pipeline, found, bytes, read),
        );
        match ended {
            Err(End::Stopped(reason)) => return Ok(Some(reason)),
            Err(End::Failed(error)) => return Err(error),
            Err(End::Enough) | Ok(()) => {}
        }
        if self.interrupt.is_set() {
            return Ok(Some("Ctrl-C".to_owned()));
        }
        for line in self.sending.announcements()? {
            self.progress.say(line);
        }
        self.drain()?;
        Ok(self.interrupt.is_set().then(|| "Ctrl-C".to_owned()))
    }

    /// Stores a session that was read, after what must be sent to make room for it.
    fn store(
        &mut self,
        pipeline: &Pipeline<'_>,
        found: &'a Found,
        bytes: u64,
        read: anyhow::Result<Option<Read>>,
    ) -> Result<(), End> {
        if self.is_full()? {
            self.drain()?;
            self.progress.mark();
            if let Some(reason) = self.trouble()? {
                return Err(End::Stopped(reason));
            }
        }
        if self.interrupt.is_set() {
            return Err(End::Enough);
        }
        let stored = match read {
            Ok(Some(read)) => self.sending.store_read(pipeline, found, read),
            Ok(None) => Ok(Stored::Unchanged),
            Err(error) => Err(error),
        };
        let events = match stored {
            Ok(stored) => self.note(found, stored),
            Err(error) => {
                self.note_error(&error);
                // What cannot be stored now cannot be stored of the next session either.
                if error.is::<OutboxError>() {
                    return Err(End::Enough);
                }
                self.summary.unreadable += 1;
                0
            }
        };
        self.progress.read(bytes, events);
        Ok(())
    }

    fn note_error(&mut self, error: &anyhow::Error) {
        let error = format!("{error:#}");
        self.progress.say(&error);
        self.report.error.get_or_insert(error);
    }

    /// Takes down what became of a session. Answers how many events of it are to be sent.
    fn note(&mut self, found: &'a Found, stored: Stored) -> u64 {
        let known = self.report.warnings.len();
        self.is_complete &= self.report.note(&stored, found);
        for warning in &self.report.warnings[known..] {
            self.progress.say(warning);
        }
        let summary = &mut self.summary;
        match stored {
            Stored::Nothing => {
                summary.empty += 1;
                if self.is_chatty {
                    let path = found.path.display();
                    self.progress.say(format_args!("nothing in {path}"));
                }
            }
            Stored::OptedOut(reason) => {
                if self.is_chatty {
                    let id = short(&found.session_id());
                    self.progress
                        .say(format_args!("{id} is left alone: {reason}"));
                }
                *summary.left_alone.entry(reason).or_default() += 1;
            }
            Stored::Unchanged => summary.handled.push((found, None)),
            Stored::Session {
                enqueued,
                progress,
                tally,
                without_content,
                ..
            } => {
                summary.tally += tally;
                summary.without_content += u64::from(without_content);
                summary.handled.push((found, Some(progress)));
                return enqueued.new + enqueued.replaced;
            }
        }
        0
    }

    /// Whether to send before more is stored. Room is kept for one more session.
    fn is_full(&self) -> anyhow::Result<bool> {
        let load = self.sending.load()?;
        let step = STORE_AHEAD.min(load.limit / 4);
        Ok(load.waiting >= step || load.held + step > load.limit)
    }

    /// Sends what waits, unless the user stops it. A project over its quota drops what it takes,
    /// and what it took is never sent again: then no more is sent either.
    fn drain(&mut self) -> anyhow::Result<()> {
        let before = self.drained.sent;
        let is_over_quota = Cell::new(false);
        let drained = self.sending.drain(
            EFFORT,
            &|| self.interrupt.is_set() || is_over_quota.get(),
            &mut |now| {
                is_over_quota.set(now.quota_limited);
                self.progress.sent(before + now.sent);
            },
        )?;
        self.drained = Drained {
            sent: before + drained.sent,
            parked: self.drained.parked + drained.parked,
            ..drained
        };
        Ok(())
    }

    /// Why no more may be stored: nothing is to be dropped for a destination in trouble.
    fn trouble(&self) -> anyhow::Result<Option<String>> {
        if self.interrupt.is_set() {
            return Ok(Some("Ctrl-C".to_owned()));
        }
        if self.drained.quota_limited {
            let reason = "PostHog drops events over the project's quota; raise it first";
            return Ok(Some(reason.to_owned()));
        }
        if !self.is_full()? {
            return Ok(None);
        }
        let reason = self.sending.missing();
        let reason = reason.or_else(|| self.drained.last_error.clone());
        Ok(Some(reason.unwrap_or_else(|| {
            "the outbox is nearly full; posthog-llma status shows what waits in it".to_owned()
        })))
    }
}
