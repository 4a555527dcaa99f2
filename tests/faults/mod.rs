//! Nothing is lost, nothing is sent twice, and nobody waits: the built program, a writer of
//! sessions that counts what it writes, and a double of PostHog that fails in every way.
#![expect(clippy::print_stdout, reason = "how long hooks take is worth seeing")]

mod background;
mod decisions;
#[cfg(target_os = "linux")]
mod endless;
mod exits;
mod hook;
mod machine;
mod network;
mod sessions;
mod turns;
