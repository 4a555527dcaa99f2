//! Sessions of Claude Code: where they are and what their lines mean.
//!
//! The facts about the format, with the versions in which they were seen, are in `README.md`
//! beside this file.

mod agents;
mod answers;
mod attempts;
mod beside;
mod blocks;
mod checkpoint;
mod content;
mod folders;
mod glance;
mod kinds;
mod lenient;
mod line_reader;
mod lists;
mod messages;
mod neighbours;
mod pace;
mod paths;
pub(crate) mod places;
mod prompt;
mod queue;
mod read;
mod requests;
mod snapshot;
mod strays;
mod surroundings;
mod times;
mod tool_result;
pub mod unknown;
mod wire;
mod work_trees;

pub use checkpoint::{Checkpoint, Reading};
pub use folders::folders;
pub use glance::{glance, last_written, started_at};
pub use paths::{AgentFile, SessionFiles, locate, named, session_files, session_id};
pub(super) use paths::{all, of_project, transcripts};
pub use places::{config_dir, config_dirs, config_dirs_of, cowork_dirs, projects_dir};
pub use read::read;
pub use work_trees::{work_tree_of, work_trees};
