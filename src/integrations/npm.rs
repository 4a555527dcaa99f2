//! Packages of npm on disk.

use std::fs;
use std::path::Path;

use serde_json::Value;

/// The version in the `package.json` of a folder.
pub(super) fn version(folder: &Path) -> Option<String> {
    let manifest = fs::read(folder.join("package.json")).ok()?;
    let manifest: Value = serde_json::from_slice(&manifest).ok()?;
    manifest["version"].as_str().map(str::to_owned)
}
