//! Stores the sessions whose end was missed.

use std::path::Path;
use std::time::SystemTime;

use chrono::{DateTime, TimeDelta, Utc};

use crate::commands::sending::{Report, Sending};
use crate::commands::{in_words, select};
use crate::consent;
use crate::host::Host;
use crate::integrations::{self, Running};
use crate::outbox::Ending;
use crate::session::{Agent, SessionState};
use crate::sources::{self, SessionRef};

/// Time without a write after which a transcript that no process has open belongs to a session
/// whose end was missed.
const QUIET: TimeDelta = TimeDelta::hours(1);

/// How much earlier than its last line a transcript may seem to have been written, after a
/// restore or a change of the clock.
const CLOCK_ERROR: TimeDelta = TimeDelta::days(1);

/// The search for sessions of an agent whose end was missed.
pub(super) struct Sweep<'a> {
    agent: Agent,
    sending: &'a Sending<'a>,
    host: &'a Host,
    /// Since when the agent's sessions are captured.
    since: DateTime<Utc>,
    open: Running,
}

impl<'a> Sweep<'a> {
    pub(super) fn of(
        agent: Agent,
        sending: &'a Sending<'a>,
        host: &'a Host,
        since: DateTime<Utc>,
    ) -> Self {
        Self {
            agent,
            sending,
            host,
            since,
            open: integrations::running(agent, host),
        }
    }

    /// Stores the sessions whose hook was interrupted before it had stored them. A session that
    /// cannot be stored yet keeps its note; an hour later it counts as quiet, and the note goes.
    pub(super) fn finish_endings(&self, report: &mut Report) {
        let expired = SystemTime::from(self.host.now() - QUIET);
        let endings = self.sending.endings();
        for (ending, _lock) in endings.left_by(self.agent.as_str(), expired) {
            let Some(found) = SessionRef::at(&ending.transcript) else {
                ending.settle();
                continue;
            };
            if self.has_ended(&found, &ending)
                && self.may_send(&found)
                && self.store(&found, report)
            {
                ending.settle();
            }
        }
    }

    /// Stores the sessions that were written to since capturing was switched on, and are quiet now.
    /// Earlier sessions are never sent without being asked for.
    pub(super) fn store_quiet(&self, report: &mut Report) {
        let all = sources::of_agent(self.agent, self.host);
        report.warnings.extend(select::in_words(&all.unreadable));
        for found in all.found {
            let modified = DateTime::<Utc>::from(found.modified);
            let may_be_missed =
                self.host.now() - modified > QUIET && modified > self.since - CLOCK_ERROR;
            if may_be_missed
                && !self.is_open(&found)
                && was_written_since(&found, self.since)
                && self.may_send(&found)
            {
                self.store(&found, report);
            }
        }
    }

    /// Stores what is new of a session. Returns whether that worked.
    fn store(&self, found: &SessionRef, report: &mut Report) -> bool {
        let pipeline = self.sending.pipeline();
        match self
            .sending
            .store(&pipeline, found, Some(SessionState::Ended))
        {
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
            Running::Unknown => found.modified <= ending.at,
        }
    }

    /// A session of a project with a destination of its own is sent by hooks in that project.
    fn may_send(&self, found: &SessionRef) -> bool {
        let cwd = found.glance().cwd;
        cwd.is_some_and(|cwd| consent::shares_destination(Path::new(&cwd), self.host))
    }
}

fn was_written_since(found: &SessionRef, since: DateTime<Utc>) -> bool {
    found.last_written().is_some_and(|last| last >= since)
}
