//! Work trees: further folders of the same project.

/// A work tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkTree {
    /// Its top folder.
    pub root: String,
    /// The name.
    pub name: String,
    /// The folder of the project it belongs to.
    pub project: String,
}
