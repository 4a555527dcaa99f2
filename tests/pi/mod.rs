//! Sessions of Pi: what is read of them, how they are sent while Pi runs, and all of it with the
//! real program.

mod cases;
mod figures;
mod fixtures;
#[cfg(target_os = "linux")]
mod hook;
mod odd;
#[cfg(target_os = "linux")]
mod real;
