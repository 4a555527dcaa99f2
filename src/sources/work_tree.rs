//! Work trees: other folders for the same project.

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
