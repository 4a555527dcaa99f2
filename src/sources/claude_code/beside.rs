//! Transcripts of subagents in the same folder as those of sessions, as version 2.0 wrote them.
//!
//! A folder is listed once for all sessions in it, while its entries stay the same. Otherwise the
//! cost of reading many sessions would grow with the square of their number.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use super::first_lines::first_facts;
use super::names::{agent_id, is_jsonl};
use crate::sources::walk::{self, Unreadable};

/// Listings by folder.
static LISTED: Mutex<BTreeMap<PathBuf, Arc<Beside>>> = Mutex::new(BTreeMap::new());

/// The subagents in a folder of sessions.
#[derive(Debug)]
pub(super) struct Beside {
    /// Modification time of the folder.
    changed: Option<SystemTime>,
    /// Transcripts of subagents, by session.
    pub(super) by_session: HashMap<String, Vec<PathBuf>>,
    /// Paths that could not be listed and may contain more.
    pub(super) unreadable: Vec<Unreadable>,
    /// Transcripts that do not name their session yet, with their sizes in bytes.
    unknown: Vec<(PathBuf, u64)>,
}

impl Beside {
    pub(super) fn of(folder: &Path) -> Arc<Self> {
        let changed = fs::metadata(folder).and_then(|meta| meta.modified()).ok();
        let mut listed = LISTED.lock().unwrap_or_else(PoisonError::into_inner);
        let known = listed.get(folder);
        let is_same = |known: &&Arc<Self>| known.is_as_listed(changed);
        if let Some(known) = known.filter(is_same) {
            return Arc::clone(known);
        }
        let anew = Arc::new(Self::list(folder, changed));
        listed.insert(folder.to_owned(), Arc::clone(&anew));
        anew
    }

    fn is_as_listed(&self, changed: Option<SystemTime>) -> bool {
        let mut unknown = self.unknown.iter();
        changed.is_some()
            && self.changed == changed
            && unknown.all(|(path, size)| bytes(path) == *size)
    }

    fn list(folder: &Path, changed: Option<SystemTime>) -> Self {
        let entries = walk::entries(folder);
        let mut beside = Self {
            changed,
            by_session: HashMap::new(),
            unreadable: entries.unreadable,
            unknown: Vec::new(),
        };
        let is_regular = |path: &Path| path.symlink_metadata().is_ok_and(|meta| meta.is_file());
        for path in entries.found {
            if agent_id(&path).is_none() || !is_jsonl(&path) || !is_regular(&path) {
                continue;
            }
            if let Some(session) = first_facts(&path).and_then(|facts| facts.session) {
                beside.by_session.entry(session).or_default().push(path);
            } else {
                let bytes = bytes(&path);
                beside.unknown.push((path, bytes));
            }
        }
        beside
    }
}

fn bytes(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |meta| meta.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_listed_again_when_it_holds_more_or_an_agent_has_said_whose_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("agent-1.jsonl");
        let line = r#"{"sessionId":"a","timestamp":"2026-01-01T00:00:00Z"}"#;
        let first = Beside::of(folder.path());
        assert!(Arc::ptr_eq(&first, &Beside::of(folder.path())));
        fs::write(&path, "").unwrap();
        let empty = Beside::of(folder.path());
        assert!(empty.by_session.is_empty());
        assert!(Arc::ptr_eq(&empty, &Beside::of(folder.path())));
        fs::write(&path, line).unwrap();
        let known = Beside::of(folder.path());
        assert_eq!(known.by_session["a"], [path]);
        assert!(Arc::ptr_eq(&known, &Beside::of(folder.path())));
        fs::write(folder.path().join("agent-2.jsonl"), line).unwrap();
        assert_eq!(Beside::of(folder.path()).by_session["a"].len(), 2);
    }
}
