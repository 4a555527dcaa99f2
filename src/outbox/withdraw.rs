//! The user's commands on stored events: sending parked ones again, and withdrawing.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, params};

use super::EventState::{Parked, Waiting, Withdrawn};
use super::exclusions::{Cause, Exclusion};
use super::ledger::{Fate, Which, settle};
use super::records::milliseconds;
use super::{Outbox, OutboxError, changes, read_again, receipt, rewrite, session};

impl Outbox {
    /// Makes parked events wait again, for a user who knows that the reason is gone. Damaged ones
    /// stay parked, since their text is gone. Returns the number of events that wait again.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub(crate) fn unpark(&self) -> Result<u64, OutboxError> {
        let fate = Fate {
            state: Waiting,
            keeps_json: true,
            reason: None,
            settled_at: None,
        };
        let moved = self.write(|change| settle(change, Which::Undamaged, Parked, fate))?;
        Ok(moved.events)
    }

    /// Withdraws the waiting and parked events of [excluded](super::Exclusions) sessions and
    /// deletes their text; of forgotten sessions it deletes everything except the identities of
    /// their events. A sender calls this first, so that an exclusion takes effect as soon as it is
    /// on disk. Returns the number of withdrawn events.
    ///
    /// # Errors
    /// [`OutboxError::Exclusion`] when the exclusions cannot be read; otherwise when the database
    /// cannot be written.
    pub(crate) fn withdraw_excluded(&self, now: DateTime<Utc>) -> Result<u64, OutboxError> {
        let exclusions = self.exclusions().all()?;
        if exclusions.is_empty() {
            return Ok(0);
        }
        self.erase(|change| {
            let mut withdrawn = 0;
            for exclusion in &exclusions {
                withdrawn += withdraw(change, exclusion, milliseconds(now))?;
            }
            Ok(withdrawn)
        })
    }
}

fn withdraw(change: &Connection, exclusion: &Exclusion, now: i64) -> rusqlite::Result<u64> {
    let Some(session) = session(change, &exclusion.agent, &exclusion.session)? else {
        return Ok(0);
    };
    let withdrawn = events_of(change, session.id, now)?;
    if exclusion.cause == Cause::Forgotten {
        if withdrawn == 0 && session.checkpoint.is_some() {
            read_again(change, session.id)?;
        }
        change.execute(
            "UPDATE sessions SET project = NULL, transcript = NULL, folders = NULL
             WHERE id = ?1 AND (project IS NOT NULL OR transcript IS NOT NULL)",
            [session.id],
        )?;
        change.execute(
            "UPDATE runs SET session = NULL WHERE session = ?1",
            params![exclusion.session],
        )?;
    }
    Ok(withdrawn)
}

/// Withdraws the waiting and parked events of a session and deletes their text; the session is read
/// from its start when it is read again. The events keep their rows, by which a copy of them in
/// another session (a fork) is recognised and not sent either.
pub(super) fn events_of(change: &Connection, session: i64, now: i64) -> rusqlite::Result<u64> {
    let held = receipt(change, session)?;
    let mut withdrawn = 0;
    for (state, events) in [(Waiting, held.waiting), (Parked, held.parked)] {
        if events == 0 {
            continue;
        }
        let fate = Fate::over(Withdrawn, now);
        let moved = settle(change, Which::Session(session), state, fate)?;
        withdrawn += moved.events;
        for batch in moved.batches {
            rewrite::rewrite(change, batch, now, &|_, event| Some(event.into()))?;
        }
    }
    if withdrawn > 0 {
        read_again(change, session)?;
        changes::count(change)?;
    }
    Ok(withdrawn)
}
