//! What the user agreed to: which projects are left alone, and where sessions may go.
//!
//! A repository can set any environment variable in its committed settings. None of them may
//! send a session to a place that the user did not choose, nor make what is sent less private
//! than the user wants it.

mod committed;
mod opt_out;
mod trust;

pub use committed::{Committed, committed, own_environment, shares_destination};
pub use opt_out::{IGNORE_FILE, opted_out};
pub use trust::{Trust, TrustError};
