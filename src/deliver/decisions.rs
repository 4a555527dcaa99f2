//! The user's newest decisions about waiting events.
//!
//! The decisions are read before every request and every further attempt, since a drain can last
//! minutes. Only a request under way cannot be stopped any more.

use std::collections::{BTreeMap, BTreeSet};

use super::{Clock, Policy};
use crate::outbox::{Outbox, OutboxError, StoredSession};
use crate::posthog::Recording;

/// The user's decision about the waiting events of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The events are sent with at most this content.
    Sent(Recording),
    /// The events are withdrawn.
    Withdrawn,
    /// The events wait with at most this content, because the user's decision is unclear, for this
    /// reason.
    Held(Recording, String),
}

/// Reasons why events wait, by agent and id of their session.
pub type Reasons = BTreeMap<(String, String), String>;

/// Applies the user's decisions to all waiting and parked events, including those for destinations
/// that cannot be sent to now. Returns the reasons why events of sessions wait.
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

/// The sessions whose events wait until the user's decision is clear.
#[derive(Debug, Default)]
pub(super) struct Held {
    /// Numbers of the sessions.
    pub(super) sessions: BTreeSet<i64>,
    pub(super) reasons: Reasons,
}

impl Held {
    /// Applies the user's decisions to claimed events. Returns whether all of them may be sent
    /// unchanged. For `contents` see [`Load::contents`](super::Load::contents); `changes` is the
    /// number of changes at the time of the claim.
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
