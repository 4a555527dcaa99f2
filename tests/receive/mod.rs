//! The receiver of OpenTelemetry data and its inbox.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed")]
#![expect(
    clippy::print_stdout,
    reason = "figures of long tests, and the address of a process"
)]

mod connections;
mod disk;
mod fuzz;
mod inbox;
mod kill;
mod limits;
mod prune;
mod refused;
mod stop;
pub(crate) mod support;
mod taken;
