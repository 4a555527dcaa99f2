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
    /// They wait with at most this content, since it is not clear what the user wants, for this
    /// reason.
    Held(Recording, String),
}

/// Reasons why the events of sessions wait, by agent and id of the session.
pub type Reasons = BTreeMap<(String, String), String>;

/// Brings everything that waits or was refused in line with the user's decisions, also for
/// destinations that nothing can be sent to now. Returns why the events of sessions wait.
///
/// # Errors
/// When the outbox cannot be read or written.
pub fn follow(
    outbox: &Outbox,
    clock: &dyn Clock,
    decide: &dyn Fn(&StoredSession) -> Decision,
) -> Result<Reasons, OutboxError> {
    outbox.withdraw_excluded(clock.now())?;
    let mut held = Held::default();
    held.follow(&outbox.undecided()?, outbox, clock, decide)?;
    Ok(held.reasons)
}

/// The sessions whose events wait until it is clear what the user wants.
#[derive(Debug, Default)]
pub(super) struct Held {
    /// Their numbers.
    pub(super) sessions: BTreeSet<i64>,
    pub(super) reasons: Reasons,
}

impl Held {
    /// Brings what was claimed in line with the user's decisions. Returns whether all of it may be
    /// sent as it is. For `contents` see [`Load::contents`](super::Load::contents); `changes` are
    /// those that were known when it was claimed.
    pub(super) fn allows(
        &mut self,
        contents: &[(i64, i64, Recording)],
        changes: u64,
        outbox: &Outbox,
        clock: &dyn Clock,
        policy: Policy<'_>,
    ) -> Result<bool, OutboxError> {
        if (policy.stop)() {
            return Ok(false);
        }
        outbox.withdraw_excluded(clock.now())?;
        self.follow(contents, outbox, clock, policy.decide)?;
        let is_held = |(session, ..): &(i64, i64, Recording)| self.sessions.contains(session);
        Ok(!contents.iter().any(is_held) && outbox.changes()? == changes)
    }

    /// `contents` are sorted by session.
    fn follow(
        &mut self,
        contents: &[(i64, i64, Recording)],
        outbox: &Outbox,
        clock: &dyn Clock,
        decide: &dyn Fn(&StoredSession) -> Decision,
    ) -> Result<(), OutboxError> {
        for of_session in contents.chunk_by(|one, next| one.0 == next.0) {
            let (number, ..) = of_session[0];
            let Some(session) = outbox.stored_session(number)? else {
                continue;
            };
            self.sessions.remove(&number);
            let (recording, reason) = match decide(&session) {
                Decision::Sent(recording) => (recording, None),
                Decision::Held(recording, reason) => (recording, Some(reason)),
                Decision::Withdrawn => {
                    outbox.withdraw(&session.agent, &session.id, clock.now())?;
                    continue;
                }
            };
            let has_more = |stored: &Recording| stored.and(recording) != *stored;
            let too_much = of_session.iter().filter(|(.., stored)| has_more(stored));
            let too_much: Vec<i64> = too_much.map(|(_, batch, _)| *batch).collect();
            if !too_much.is_empty() {
                outbox.withhold(number, &too_much, clock.now())?;
            }
            let key = (session.agent, session.id);
            match reason {
                Some(reason) => {
                    self.sessions.insert(number);
                    self.reasons.insert(key, reason);
                }
                None => drop(self.reasons.remove(&key)),
            }
        }
        Ok(())
    }
}
