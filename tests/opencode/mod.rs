//! Sessions of OpenCode: reading them, sending them while OpenCode runs, and tests with the real
//! program.

mod cases;
mod figures;
mod fixtures;
mod hook;
#[cfg(target_os = "linux")]
mod real;
mod store;
