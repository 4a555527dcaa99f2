//! What agents keep on disk, read into the vocabulary of a session. Knows no PostHog.

pub mod claude_code;
pub mod jsonl;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::host::Host;
use crate::session::Agent;

/// A session that was found and not yet read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Who wrote it.
    pub agent: Agent,
    /// The id that its file is named by.
    pub id: String,
    /// Its transcript.
    pub path: PathBuf,
    /// Size of the transcript in bytes.
    pub bytes: u64,
    /// When the transcript was last written to.
    pub modified: SystemTime,
}

impl Found {
    /// The session whose transcript is at `path`; `None` when no file is there.
    #[must_use]
    pub fn at(path: &Path) -> Option<Self> {
        let meta = fs::metadata(path).ok()?;
        Some(Self {
            agent: Agent::ClaudeCode,
            id: path.file_stem()?.to_string_lossy().into_owned(),
            path: path.to_owned(),
            bytes: meta.len(),
            modified: meta.modified().unwrap_or(SystemTime::UNIX_EPOCH),
        })
    }
}

/// Every session of this user, the last written one first.
#[must_use]
pub fn all(host: &Host) -> Vec<Found> {
    claude_code::projects_dir(host).map_or_else(Vec::new, |root| below(&root))
}

/// Every session at or below a folder, the last written one first.
#[must_use]
pub fn below(root: &Path) -> Vec<Found> {
    let paths = claude_code::transcripts(root);
    let mut found: Vec<Found> = paths.iter().filter_map(|path| Found::at(path)).collect();
    found.sort_by(|a, b| {
        b.modified
            .cmp(&a.modified)
            .then_with(|| a.path.cmp(&b.path))
    });
    found
}

/// The sessions of the project that the program runs in, the last written one first.
#[must_use]
pub fn of_project(host: &Host) -> Vec<Found> {
    claude_code::project_dir(host).map_or_else(Vec::new, |folder| below(&folder))
}
