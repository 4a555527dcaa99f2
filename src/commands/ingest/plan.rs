//! The plan of a backfill: sessions and bytes to read, shown before anything is stored.

use chrono::{DateTime, TimeDelta, Utc};

use crate::commands::WrongUse;
use crate::host::Host;
use crate::outbox::Outbox;
use crate::pipeline;
use crate::posthog::retention::CONTENT_DAYS;
use crate::sources::SessionRef;
use crate::ui;

/// Number of events from which on the user is asked: a tenth of the monthly events of PostHog's
/// free plan (100,000), and far more than a day's work.
const WORTH_ASKING: u64 = 10_000;

/// Bytes of transcript per event, for the estimate: 152.7 MB of 76 versions gave 23,118 events.
const BYTES_AN_EVENT: u64 = 6_600;

/// The sessions of a backfill, and the bytes of them to read.
pub(super) struct Plan<'a> {
    /// Sessions with the number of bytes that are not stored yet; `None` if there are none.
    pub(super) sessions: Vec<(&'a SessionRef, Option<u64>)>,
    /// Sum of these bytes.
    pub(super) bytes: u64,
    /// PostHog no longer keeps the content of sessions that ended before this time.
    pub(super) content_since: DateTime<Utc>,
    /// Number of sessions to read that ended before `content_since`.
    old: u64,
}

impl<'a> Plan<'a> {
    pub(super) fn of(
        sessions: &'a [SessionRef],
        outbox: &Outbox,
        host: &Host,
    ) -> anyhow::Result<Self> {
        let content_since = host.now() - TimeDelta::days(CONTENT_DAYS);
        let mut plan = Self {
            sessions: Vec::with_capacity(sessions.len()),
            bytes: 0,
            content_since,
            old: 0,
        };
        for found in sessions {
            let unread = pipeline::unread_bytes(found, outbox, host)?;
            if let Some(bytes) = unread {
                plan.bytes += bytes;
                let end = found.last_written();
                plan.old += u64::from(end.is_some_and(|end| end < content_since));
            }
            plan.sessions.push((found, unread));
        }
        Ok(plan)
    }

    /// Prints whether content that PostHog does not keep is left out.
    pub(super) fn tell_of_old_content(&self, is_sent: bool) {
        if self.old == 0 {
            return;
        }
        let sessions = ui::count(self.old, "session");
        let what = if is_sent {
            "theirs is sent, but its cloud will not show it"
        } else {
            "theirs is left out (--with-old-content sends it all the same)"
        };
        ui::say(format_args!(
            "{sessions} ended more than {CONTENT_DAYS} days ago; PostHog keeps prompts, answers, \
             inputs and outputs for {CONTENT_DAYS} days: {what}"
        ));
    }

    /// Whether to begin: many events are sent only if the user agrees.
    pub(super) fn is_agreed(&self, yes: bool, host: &str) -> anyhow::Result<bool> {
        let events = self.bytes / BYTES_AN_EVENT;
        if yes || events < WORTH_ASKING {
            return Ok(true);
        }
        let new = self.sessions.iter().filter(|(_, unread)| unread.is_some());
        let what = format!(
            "about {} of {} ({}B of transcripts) would be sent to {host}",
            ui::count(rounded(events), "event"),
            ui::count(new.count() as u64, "session"),
            ui::short_number(self.bytes),
        );
        if !ui::can_ask() {
            return Err(WrongUse(format!(
                "{what}; agree with --yes, choose fewer with --since or --project, or count them \
                 with --dry-run"
            ))
            .into());
        }
        Ok(ui::agree(format_args!("{what}. Send them?"))?)
    }
}

/// Rounds an estimate to two significant digits.
const fn rounded(number: u64) -> u64 {
    let mut unit = 1;
    while number / unit >= 100 {
        unit *= 10;
    }
    number / unit * unit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_estimate_has_two_digits() {
        for (number, shown) in [(0, 0), (99, 99), (606_060, 600_000), (12_345, 12_000)] {
            assert_eq!(rounded(number), shown);
        }
    }
}
