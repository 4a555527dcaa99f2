//! Sessions of Claude Code: their files, and the meaning of their lines.
//!
//! `README.md` beside this file has the facts about the format, with the versions in which they
//! were seen.

mod agents;
mod answers;
mod assembly;
mod attempts;
mod beside;
mod blocks;
mod checkpoint;
mod content;
mod first_lines;
mod folders;
mod glance;
mod kinds;
mod line_reader;
mod lists;
mod messages;
mod names;
mod neighbours;
mod pace;
mod paths;
pub(crate) mod places;
mod progress;
mod prompt;
mod queue;
mod read;
mod requests;
mod snapshot;
mod source;
mod strays;
mod surroundings;
mod times;
mod tool_result;
pub(crate) mod unknown;
mod wire;
mod work_trees;

pub(crate) use paths::session_files;
pub(crate) use places::{config_dirs, cowork_dirs, projects_dir};
pub(super) use source::ClaudeCode;
