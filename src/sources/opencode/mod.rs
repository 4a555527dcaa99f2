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
mod steps;
mod wire;

pub use archive::{Address, Entry, is_database};
pub use glance::{glance, last_written, size, started_at};
pub use paths::{below, data_dir, locate, of_project, sessions};
pub use read::read;
