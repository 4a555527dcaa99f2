//! Sessions of OpenCode: what is read of them, how they are sent while OpenCode runs, and all of it
//! with the real program.

mod cases;
mod figures;
mod fixtures;
#[cfg(target_os = "linux")]
mod hook;
#[cfg(target_os = "linux")]
mod real;
mod store;
