//! Work trees: other folders for the same project.

use super::claude_code;

/// A work tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkTree {
    /// Its top folder.
    pub root: String,
    /// What it is called.
    pub name: String,
    /// The folder of the project that it was made of.
    pub project: String,
}

/// The work tree that a folder is in, as agents lay them out: by its path alone.
#[must_use]
pub fn work_tree_of(folder: &str) -> Option<WorkTree> {
    claude_code::work_tree_of(folder)
}
