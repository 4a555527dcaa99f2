//! Sessions of Pi: their files, and the meaning of their entries.
//!
//! `README.md` beside this file has the facts about the format, with the versions in which they
//! were seen.

mod children;
mod content;
mod conversation;
mod glance;
mod header;
pub(crate) mod paths;
mod read;
mod source;
mod tree;
mod wire;

pub(super) use source::Pi;
