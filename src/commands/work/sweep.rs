//! Stores the sessions whose end was missed.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::commands::sending::{Report, Sending};
use crate::commands::terms::Terms;
use crate::commands::{in_words, select};
use crate::config::Config;
use crate::consent;
use crate::host::Host;
use crate::integrations::{self, Running};
use crate::outbox::Ending;
use crate::session::{Agent, SessionState};
use crate::sources::{self, SessionRef};

/// Time without a write after which a transcript that no process has open belongs to a session
/// whose end was missed.
const QUIET: TimeDelta = TimeDelta::hours(1);

/// Maximum difference by which a transcript may seem older than its last line, after a restore or a
/// change of the clock.
const CLOCK_ERROR: TimeDelta = TimeDelta::days(1);

/// Maximum difference by which a file may seem older than one written before it: the kernel's clock
/// for files advances in ticks of up to ten milliseconds.
const TICK: Duration = Duration::from_millis(10);

/// Time to wait for killed processes, which keep the locks of their notes until their last write is
/// on disk.
const PATIENCE: Duration = Duration::from_secs(5);

/// The search for sessions of an agent whose end was missed.
pub(super) struct Sweep<'a> {
    agent: Agent,
    sending: &'a Sending<'a>,
    config: &'a Config,
    host: &'a Host,
    /// Time since when the agent's sessions are collected.
    since: DateTime<Utc>,
    open: Running,
}

impl<'a> Sweep<'a> {
    pub(super) fn of(
        agent: Agent,
        sending: &'a Sending<'a>,
        config: &'a Config,
        host: &'a Host,
        since: DateTime<Utc>,
    ) -> Self {
        Self {
            agent,
            sending,
            config,
            host,
            since,
            open: integrations::running(agent, host),
        }
    }

    /// Stores the sessions whose hook was interrupted before it had stored them, under the terms of
    /// that hook. A session that cannot be stored yet keeps its note.
    pub(super) fn finish_endings(&self, report: &mut Report) {
        let mut patience = PATIENCE;
        for ending in self.sending.endings().of_agent(self.agent.as_str()) {
            let Some(_lock) = ending.claim(&mut patience) else {
                continue;
            };
            let Some(found) = SessionRef::at(&ending.transcript) else {
                ending.settle();
                continue;
            };
            if self.has_ended(&found, &ending)
                && self.may_send(&found)
                && self.store_under(&ending, &found, report)
            {
                ending.settle();
            }
        }
    }

    /// Stores the sessions that were written to since capturing was switched on, and are quiet now.
    /// Earlier sessions, and those that ran while sending was off, are never sent without being
    /// asked for. A session with a note is stored
    /// under the terms in it or not at all.
    pub(super) fn store_quiet(&self, report: &mut Report) {
        let all = sources::of_agent(self.agent, self.host);
        report.warnings.extend(select::in_words(&all.unreadable));
        let noted = self.sending.endings().of_agent(self.agent.as_str());
        let noted: BTreeSet<_> = noted.into_iter().map(|it| it.transcript).collect();
        let left_out = self.sending.left_out();
        left_out.tidy(self.host.now().into());
        for found in all.found {
            let modified = DateTime::<Utc>::from(found.modified);
            let may_be_missed =
                self.host.now() - modified > QUIET && modified > self.since - CLOCK_ERROR;
            if may_be_missed
                && !noted.contains(&*found.locator.path())
                && !left_out.has(self.agent.as_str(), &found.locator.path())
                && !self.is_open(&found)
                && was_written_since(&found, self.since)
                && self.may_send(&found)
            {
                store(self.sending, &found, report);
            }
        }
    }

    /// Stores the new events of a session under the terms of its hook. Returns whether that worked.
    fn store_under(&self, ending: &Ending, found: &SessionRef, report: &mut Report) -> bool {
        let Some(joined) = Terms::join(&ending.settings, self.config) else {
            return false;
        };
        if Terms::of(&joined) == Terms::of(self.config) {
            return store(self.sending, found, report);
        }
        match Sending::open(&joined, self.host) {
            Ok(sending) => store(&sending, found, report),
            Err(error) => {
                report.warnings.push(in_words(&error));
                false
            }
        }
    }

    fn is_open(&self, found: &SessionRef) -> bool {
        match &self.open {
            Running::Sessions(sessions) => sessions.contains(&found.id),
            Running::Unknown => false,
        }
    }

    /// Whether a session is still over, and was not resumed since its hook began.
    fn has_ended(&self, found: &SessionRef, ending: &Ending) -> bool {
        match &self.open {
            Running::Sessions(_) => !self.is_open(found),
            Running::Unknown => {
                let modified = DateTime::<Utc>::from(found.modified);
                found.modified <= ending.at + TICK || self.host.now() - modified > QUIET
            }
        }
    }

    /// A session of a project with a destination of its own is sent by hooks in that project.
    fn may_send(&self, found: &SessionRef) -> bool {
        let cwd = found.glance().cwd;
        cwd.is_some_and(|cwd| consent::shares_destination(Path::new(&cwd), self.host))
    }
}

/// Stores the new events of a session. Returns whether that worked.
fn store(sending: &Sending<'_>, found: &SessionRef, report: &mut Report) -> bool {
    let stored = sending.store(&sending.pipeline(), found, Some(SessionState::Ended));
    match stored {
        Ok(stored) => {
            report.note(&stored, found);
            true
        }
        Err(error) => {
            report.warnings.push(in_words(&error));
            false
        }
    }
}

fn was_written_since(found: &SessionRef, since: DateTime<Utc>) -> bool {
    found.last_written().is_some_and(|last| last >= since)
}
