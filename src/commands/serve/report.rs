//! Messages while requests arrive: a line per minute, and one at once when data cannot be stored.

use std::sync::Arc;
use std::time::Duration;

use crate::host::Host;
use crate::receive::{Traffic, TrafficCounts};
use crate::ui;

const MINUTE: Duration = Duration::from_mins(1);

/// Prints the arrivals of the last minute.
pub(super) struct Report<'a> {
    host: &'a Host,
    traffic: &'a Arc<Traffic>,
    is_watched: bool,
    told_at: Duration,
    told: (TrafficCounts, u64),
    is_failing: bool,
}

impl<'a> Report<'a> {
    pub(super) fn new(host: &'a Host, traffic: &'a Arc<Traffic>) -> Self {
        Self {
            host,
            traffic,
            is_watched: ui::is_watched(),
            told_at: host.elapsed(),
            told: <(TrafficCounts, u64)>::default(),
            is_failing: false,
        }
    }

    /// Prints a message when data can no longer be stored, and when they can again.
    pub(super) fn tell_failure(&mut self) {
        let failure = self.traffic.failure();
        if failure.is_some() == self.is_failing {
            return;
        }
        self.is_failing = failure.is_some();
        match failure {
            Some(error) => {
                let fix = error.fix().map(|fix| format!("; {fix}"));
                ui::say_in_lines(format_args!(
                    "what comes cannot be stored, and clients are told to send it again: \
                     {error}{}",
                    fix.unwrap_or_default()
                ));
            }
            None => ui::say_in_lines("what comes is stored again"),
        }
    }

    /// Prints the line once per minute, if something arrived or was sent. `sent` is the number of
    /// acknowledged events.
    pub(super) fn tell(&mut self, sent: u64) {
        if !self.is_watched || self.host.elapsed() < self.told_at + MINUTE {
            return;
        }
        self.told_at = self.host.elapsed();
        let now = (self.traffic.counts(), sent);
        if let Some(line) = line(self.told, now) {
            // The terminal may be closed.
            drop(ui::print(line));
        }
        self.told = now;
    }
}

/// The line about the requests between two moments; `None` if there were none.
fn line(before: (TrafficCounts, u64), now: (TrafficCounts, u64)) -> Option<String> {
    let ((before, sent_before), (counts, sent)) = (before, now);
    let parts = [
        (counts.requests - before.requests, "request"),
        (counts.spans - before.spans, "span"),
        (counts.logs - before.logs, "log record"),
    ];
    let mut line = parts
        .map(|(number, what)| ui::count(number, what))
        .join(", ");
    let refused = counts.refused - before.refused;
    if refused > 0 {
        let refused = ui::count(refused, "request");
        line = format!("{line}; {refused} refused");
    }
    let sent = sent - sent_before;
    let has_sent = sent > 0;
    if has_sent {
        let sent = ui::count(sent, "event");
        line = format!("{line}; {sent} acknowledged by PostHog");
    }
    (counts != before || has_sent).then_some(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_the_difference_and_nothing_without_one() {
        let counts = |requests, spans, refused| TrafficCounts {
            requests,
            spans,
            logs: 0,
            refused,
        };
        for (before, now, expected) in [
            ((counts(1, 2, 0), 3), (counts(1, 2, 0), 3), None),
            (
                (counts(1, 2, 0), 3),
                (counts(2, 1_202, 0), 3),
                Some("1 request, 1,200 spans, 0 log records"),
            ),
            (
                (counts(0, 0, 0), 0),
                (counts(0, 0, 2), 1),
                Some(
                    "0 requests, 0 spans, 0 log records; 2 requests refused; 1 event acknowledged \
                     by PostHog",
                ),
            ),
        ] {
            assert_eq!(line(before, now).as_deref(), expected);
        }
    }
}
