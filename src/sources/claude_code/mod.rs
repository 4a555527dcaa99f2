//! Sessions of Claude Code: where they are and what their lines mean.
//!
//! The facts about the format, with the versions in which they were seen, are in `README.md`
//! beside this file.

mod content;
mod glance;
mod paths;
mod prompt;
mod read;
mod wire;

pub use glance::{Glance, glance};
pub use paths::{AgentFile, SessionFiles, project_dir, projects_dir, session_files, transcripts};
pub use read::{Checkpoint, Reading, read};
