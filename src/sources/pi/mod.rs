//! Sessions of Pi: where they are and what their entries mean.
//!
//! The facts about the format, with the versions in which they were seen, are in `README.md`
//! beside this file.

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
