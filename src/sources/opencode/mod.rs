//! Sessions of OpenCode: where they are and what their messages mean.
//!
//! The facts about the format, with the versions in which they were seen, are in `README.md`
//! beside this file.

mod archive;
mod content;
mod conversation;
mod database;
mod files;
mod glance;
mod next;
mod paths;
mod read;
mod record;
mod source;
mod steps;
mod tools;
mod wire;

pub(super) use source::OpenCode;
