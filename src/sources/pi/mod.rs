//! Sessions of Pi: where they are and what their entries mean.
//!
//! The facts about the format, with the versions in which they were seen, are in `README.md`
//! beside this file.

mod children;
mod content;
mod conversation;
mod glance;
pub(crate) mod paths;
mod read;
mod tree;
mod wire;

pub use glance::{glance, last_written, started_at};
pub use paths::{
    all, files, id_in_name, is_part, is_session, named, of_project, session_id, session_key,
    sessions_dir,
};
pub use read::read;
