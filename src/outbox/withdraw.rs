//! The user's commands on stored events: sending parked ones again, and withdrawing.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, params};

use super::EventState::{Parked, Waiting, Withdrawn};
use super::exclusions::{Cause, Exclusion};
use super::records::milliseconds;
use super::{Outbox, OutboxError, read_again, receipt, session};

impl Outbox {
    /// Makes parked events wait again, for a user who knows that the reason is gone. Damaged ones
    /// stay parked, since their body is not the one that was stored. Returns the number of events
    /// that wait again.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub(crate) fn unpark(&self) -> Result<usize, OutboxError> {
        let update = format!(
            "UPDATE events SET state = {Waiting}, settled_at = NULL, reason = NULL
             WHERE state = {Parked} AND digest <> x''"
        );
        self.write(|change| change.execute(&update, []))
    }

    /// Withdraws the waiting and parked events of [excluded](super::Exclusions) sessions and
    /// deletes their bodies; of forgotten sessions it deletes everything except the identities of
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
        self.write(|change| {
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
    let withdrawn = events_of(change, &exclusion.agent, &exclusion.session, now)?;
    if exclusion.cause == Cause::Forgotten {
        if withdrawn == 0 && session.checkpoint.is_some() {
            read_again(change, session.id)?;
        }
        change.execute(
            "UPDATE sessions SET project = NULL WHERE id = ?1 AND project IS NOT NULL",
            [session.id],
        )?;
        change.execute(
            "UPDATE runs SET session = NULL WHERE session = ?1",
            params![exclusion.session],
        )?;
    }
    Ok(withdrawn)
}

/// Withdraws the waiting and parked events of a session; it is then read from its start when it is
/// read again. The events keep their rows, by which a copy of them in another session (a fork) is
/// recognised and not sent either.
pub(super) fn events_of(
    change: &Connection,
    agent: &str,
    id: &str,
    now: i64,
) -> rusqlite::Result<u64> {
    let Some(session) = session(change, agent, id)? else {
        return Ok(0);
    };
    let held = receipt(change, session.id)?;
    let withdrawn = held.waiting + held.parked;
    if withdrawn == 0 {
        return Ok(0);
    }
    for (state, index) in [(Waiting, "events_waiting"), (Parked, "events_parked")] {
        change.execute(
            &format!(
                "DELETE FROM bodies WHERE seq IN (
                     SELECT seq FROM events INDEXED BY {index}
                     WHERE state = {state} AND session = ?1)"
            ),
            [session.id],
        )?;
        change.execute(
            &format!(
                "UPDATE events INDEXED BY {index}
                 SET state = {Withdrawn}, settled_at = ?2, reason = NULL
                 WHERE state = {state} AND session = ?1"
            ),
            [session.id, now],
        )?;
    }
    read_again(change, session.id)?;
    Ok(withdrawn)
}
