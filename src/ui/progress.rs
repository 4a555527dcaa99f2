//! Progress of a long operation: a bar on a terminal, an occasional line elsewhere.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use super::{count, number, say};

/// Interval at which the bar is redrawn while nothing changes.
const TICK: Duration = Duration::from_millis(200);

const TEMPLATE: &str =
    "{wide_bar} {sessions} sessions · {decimal_bytes_per_sec} · {events} · {end}";

/// A progress display for reading sessions and sending events. Messages can be printed meanwhile.
/// The bar is removed when this value is dropped.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
    counts: Arc<Counts>,
    total: u64,
}

#[derive(Debug, Default)]
struct Counts {
    sessions: AtomicU64,
    bytes: AtomicU64,
    stored: AtomicU64,
    sent: AtomicU64,
}

impl Counts {
    fn place(&self) -> u64 {
        let get = |count: &AtomicU64| count.load(Ordering::Relaxed);
        place(get(&self.bytes), get(&self.stored), get(&self.sent))
    }
}

impl Progress {
    /// Starts the display: numbers of sessions and bytes to read, and of events that already wait.
    /// `is_stopping` is called whenever the bar is drawn.
    #[must_use]
    pub fn start(
        sessions: u64,
        bytes: u64,
        waiting: u64,
        is_stopping: impl Fn() -> bool + Clone + Send + Sync + 'static,
    ) -> Self {
        let counts = Arc::new(Counts {
            stored: AtomicU64::new(waiting),
            ..Counts::default()
        });
        let bar = ProgressBar::with_draw_target(Some(bytes), ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template(TEMPLATE);
        let (read, sent) = (Arc::clone(&counts), Arc::clone(&counts));
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
        let style = style
            .with_key(
                "sessions",
                move |_: &ProgressState, out: &mut dyn fmt::Write| {
                    let read = number(read.sessions.load(Ordering::Relaxed));
                    let _ = write!(out, "{read}/{}", number(sessions));
                },
            )
            .with_key(
                "events",
                move |_: &ProgressState, out: &mut dyn fmt::Write| {
                    let _ = out.write_str(&count(sent.sent.load(Ordering::Relaxed), "event"));
                },
            )
            .with_key(
                "end",
                move |state: &ProgressState, out: &mut dyn fmt::Write| {
                    let _ = if is_stopping() {
                        out.write_str("stopping, ^C again: at once")
                    } else {
                        write!(out, "{:#} left", HumanDuration(state.eta()))
                    };
                },
            );
        bar.set_style(style);
        if !bar.is_hidden() {
            bar.enable_steady_tick(TICK);
        }
        Self {
            bar,
            counts,
            total: sessions,
        }
    }

    /// Records one more session, with the bytes read and the events to send.
    pub fn read(&self, bytes: u64, events: u64) {
        self.counts.sessions.fetch_add(1, Ordering::Relaxed);
        self.counts.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.counts.stored.fetch_add(events, Ordering::Relaxed);
        self.bar.set_position(self.counts.place());
    }

    /// Records events sent.
    pub fn sent(&self, events: u64) {
        self.counts.sent.store(events, Ordering::Relaxed);
        self.bar.set_position(self.counts.place());
    }

    /// Prints a progress line if there is no bar.
    pub fn mark(&self) {
        if self.bar.is_hidden() {
            say(format_args!(
                "{} of {} read, {} acknowledged",
                number(self.counts.sessions.load(Ordering::Relaxed)),
                count(self.total, "session"),
                count(self.counts.sent.load(Ordering::Relaxed), "event"),
            ));
        }
    }

    /// Prints a message above the bar.
    pub fn say(&self, text: impl fmt::Display) {
        self.bar.suspend(|| say(text));
    }
}

/// The position of the bar in bytes. Reading is one half of the work and sending the other: bytes
/// read count in full once all events stored from them are sent.
fn place(read: u64, stored: u64, sent: u64) -> u64 {
    let sent = match stored {
        0 => read.into(),
        stored => u128::from(read) * u128::from(sent.min(stored)) / u128::from(stored),
    };
    read / 2 + u64::try_from(sent.div_ceil(2)).unwrap_or(read)
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_done_before_it_is_sent() {
        for (read, stored, sent, shown) in [
            (0, 0, 0, 0),
            (101, 0, 0, 101),
            (100, 10, 0, 50),
            (100, 10, 5, 75),
            (101, 10, 10, 101),
            (100, 10, 12, 100),
            (0, 10, 5, 0),
            (u64::MAX, 2, 1, u64::MAX / 4 * 3 + 2),
        ] {
            assert_eq!(place(read, stored, sent), shown, "{read} {stored} {sent}");
        }
    }
}
