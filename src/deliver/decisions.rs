//! The user's newest decisions about what waits.
//!
//! They are asked for before every request and every further attempt at one, since a drain can last
//! minutes: a request that is under way is the only one that a decision cannot stop.

use std::collections::{BTreeMap, BTreeSet};

use super::{Clock, Policy};
use crate::outbox::{Outbox, OutboxError, StoredSession};
use crate::posthog::Recording;

/// The user's decision about the waiting events of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// They are sent with at most this content.
    Sent(Recording),
    /// They are withdrawn.
    Withdrawn,
    /// They wait, since it is not clear what the user wants, for this reason.
    Held(String),
}

/// The sessions whose events wait until it is clear what the user wants.
#[derive(Debug, Default)]
pub(super) struct Held {
    /// Their numbers.
    pub(super) sessions: BTreeSet<i64>,
    /// The reasons, by agent and id of the session.
    pub(super) reasons: BTreeMap<(String, String), String>,
}

impl Held {
    /// Brings all waiting events in line with the user's decisions.
    pub(super) fn follow_all(
        &mut self,
        outbox: &Outbox,
        clock: &dyn Clock,
        policy: Policy<'_>,
    ) -> Result<(), OutboxError> {
        outbox.withdraw_excluded(clock.now())?;
        for session in outbox.sessions_waiting()? {
            self.follow(session, outbox, clock, policy)?;
        }
        Ok(())
    }

    /// Brings the waiting events of sessions (numbers) in line with the user's decisions. Returns
    /// whether all that was claimed of them under `changes` may be sent as it is.
    pub(super) fn allows(
        &mut self,
        sessions: &BTreeSet<i64>,
        changes: u64,
        outbox: &Outbox,
        clock: &dyn Clock,
        policy: Policy<'_>,
    ) -> Result<bool, OutboxError> {
        outbox.withdraw_excluded(clock.now())?;
        for number in sessions {
            if let Some(session) = outbox.stored_session(*number)? {
                self.follow(session, outbox, clock, policy)?;
            }
        }
        Ok(sessions.is_disjoint(&self.sessions) && outbox.changes()? == changes)
    }

    fn follow(
        &mut self,
        session: StoredSession,
        outbox: &Outbox,
        clock: &dyn Clock,
        policy: Policy<'_>,
    ) -> Result<(), OutboxError> {
        let StoredSession { agent, id, .. } = &session;
        match (policy.decide)(&session) {
            Decision::Sent(recording) => {
                outbox.record_less(&session, recording, clock.now())?;
            }
            Decision::Withdrawn => outbox.withdraw(agent, id, clock.now())?,
            Decision::Held(reason) => {
                self.sessions.insert(session.number());
                self.reasons.insert((session.agent, session.id), reason);
                return Ok(());
            }
        }
        self.sessions.remove(&session.number());
        self.reasons.remove(&(session.agent, session.id));
        Ok(())
    }
}
