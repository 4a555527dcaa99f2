//! What the user decides about events that are stored: to offer them again, or to withdraw them.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, params};

use super::EventState::{Parked, Waiting, Withdrawn};
use super::exclusions::{Cause, Exclusion};
use super::records::milliseconds;
use super::{Outbox, OutboxError, read_again, receipt, session};

impl Outbox {
    /// Offers parked events again, for a user who knows that the reason is gone: they wait.
    /// Damaged ones stay parked, since their body is not the one that was stored. Answers how many
    /// wait again.
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

    /// Withdraws what waits of the sessions that are [excluded](super::Exclusions) and erases its
    /// text, and all that is kept of forgotten sessions beside the identities of their events.
    /// Whoever sends calls this first, so that an exclusion holds from the moment it is on the
    /// disk. Answers how many events were withdrawn.
    ///
    /// # Errors
    /// [`OutboxError::Exclusion`] when it is not known which sessions are excluded; otherwise when
    /// the database cannot be written.
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

/// Events keep their rows: a copy of them in another session (a fork) is recognised by those, and
/// not sent either.
fn withdraw(change: &Connection, exclusion: &Exclusion, now: i64) -> rusqlite::Result<u64> {
    let Some(session) = session(change, &exclusion.agent, &exclusion.session)? else {
        return Ok(0);
    };
    let held = receipt(change, session.id)?;
    let withdrawn = held.waiting + held.parked;
    if withdrawn > 0 {
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
    }
    let is_kept = exclusion.cause == Cause::Paused || session.checkpoint.is_none();
    if withdrawn > 0 || !is_kept {
        read_again(change, session.id)?;
    }
    if exclusion.cause == Cause::Forgotten {
        change.execute(
            "UPDATE sessions SET title = NULL, project = NULL
             WHERE id = ?1 AND (title IS NOT NULL OR project IS NOT NULL)",
            [session.id],
        )?;
        change.execute(
            "UPDATE runs SET session = NULL WHERE session = ?1",
            params![exclusion.session],
        )?;
    }
    Ok(withdrawn)
}
