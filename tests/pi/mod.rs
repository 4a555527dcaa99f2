//! Sessions of Pi: reading them, sending them while Pi runs, and tests with the real program.

mod cases;
mod figures;
mod fixtures;
mod hook;
mod odd;
#[cfg(target_os = "linux")]
mod real;
