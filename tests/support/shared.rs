//! Sessions that are not part of the project.
//!
//! They are searched beside the project, or where an environment variable says. Tests that need
//! them pass without them, and say so.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// The file or folder that `variable` names, or else `../shared/<place>`, followed by `inside`;
/// `None` when it does not exist.
pub(crate) fn shared_or_skip(variable: &str, place: &str, inside: &str) -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let named = std::env::var_os(variable);
    let root = named.map_or_else(|| beside.join(place), PathBuf::from);
    let path = root.join(inside);
    if path.exists() {
        return Some(path);
    }
    // Written past the test harness, which hides the output of passing tests.
    let skipped = format!("skipped: nothing in ../shared/{place} or {variable}\n");
    let _ = io::stderr().write_all(skipped.as_bytes());
    None
}
