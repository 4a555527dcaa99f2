//! Sessions of OpenCode: their databases and files, and the meaning of their messages.
//!
//! `README.md` beside this file has the facts about the format, with the versions in which they
//! were seen.

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
