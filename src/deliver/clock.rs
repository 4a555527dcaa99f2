//! Time and randomness of a drain.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::host::Host;

/// Time and randomness of a drain, replaceable in tests.
pub trait Clock {
    /// The current time.
    fn now(&self) -> DateTime<Utc>;
    /// Monotonic time since an arbitrary start.
    fn elapsed(&self) -> Duration;
    /// Blocks for `duration`.
    fn sleep(&self, duration: Duration);
    /// A random number from 0 to 1.
    fn jitter(&self) -> f64;
}

/// The [`Clock`] of the real machine.
#[derive(Clone, Copy, Debug)]
pub struct HostClock<'a>(pub &'a Host);

impl Clock for HostClock<'_> {
    fn now(&self) -> DateTime<Utc> {
        self.0.now()
    }

    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    fn sleep(&self, duration: Duration) {
        std::thread::sleep(duration);
    }

    fn jitter(&self) -> f64 {
        // Without a random source, use the middle.
        getrandom::u32().map_or(0.5, |number| f64::from(number) / f64::from(u32::MAX))
    }
}
