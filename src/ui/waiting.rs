//! A line on a terminal that shows for what, and how long, the program waits.

use std::fmt::Display;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{clean, say};

/// Interval at which the line is redrawn.
const TICK: Duration = Duration::from_secs(1);

/// The line, from its creation until it is dropped. Without a terminal, the text is printed once.
#[derive(Debug)]
pub struct Waiting(ProgressBar);

impl Waiting {
    /// Begins to wait for `what`, such as `https://us.i.posthog.com to take 33 events`.
    #[must_use]
    pub fn begin(what: impl Display) -> Self {
        let text = format!("waiting for {what}");
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        if bar.is_hidden() {
            say(&text);
        } else {
            let style = ProgressStyle::with_template("{msg}, {elapsed}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
            bar.set_message(clean(&text).into_owned());
            bar.enable_steady_tick(TICK);
        }
        Self(bar)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
