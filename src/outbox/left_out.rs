//! Sessions that ran while sending was off, each as an empty file in the state directory.
//!
//! A session whose end was missed is sent later without being asked for. These are not, also after
//! sending is switched on again: only `ingest` sends them, or the end of the session if it goes on.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::transcripts;
use crate::files::{make_directory, private_file, remove};
use crate::fingerprint;

/// Folder of the files in the state directory.
pub(super) const FOLDER: &str = "left-out";

/// Age at which a file is removed: longer than agents keep transcripts unless told otherwise.
const KEPT: Duration = Duration::from_hours(400 * 24);

/// The sessions of a state directory that ran while sending was off.
#[derive(Clone, Debug)]
pub(crate) struct LeftOut {
    folder: PathBuf,
}

impl LeftOut {
    /// Those of a state directory, which need not exist.
    #[must_use]
    pub(crate) fn of(state_dir: &Path) -> Self {
        Self {
            folder: state_dir.join(FOLDER),
        }
    }

    /// Notes a session.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(crate) fn add(&self, agent: &str, transcript: &Path) -> io::Result<()> {
        let path = self.path(agent, transcript);
        let write = || private_file().truncate(true).open(&path).map(drop);
        match write() {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                make_directory(&self.folder)?;
                write()
            }
            written => written,
        }
    }

    /// Whether a session is noted.
    #[must_use]
    pub(crate) fn has(&self, agent: &str, transcript: &Path) -> bool {
        self.path(agent, transcript).exists()
    }

    /// Removes the note of a session, which is sent from now on.
    pub(crate) fn remove(&self, agent: &str, transcript: &Path) {
        // If the file stays, only a missed end of the session is not made up for.
        let _ = remove(&self.path(agent, transcript));
    }

    /// Removes notes of sessions that are gone.
    pub(crate) fn tidy(&self, now: SystemTime) {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        for entry in entries {
            let modified = entry.metadata().and_then(|it| it.modified());
            let age = modified.ok().and_then(|at| now.duration_since(at).ok());
            if age.is_some_and(|age| age > KEPT) {
                let _ = remove(&entry.path());
            }
        }
    }

    fn path(&self, agent: &str, transcript: &Path) -> PathBuf {
        let transcript = transcripts::written(transcript);
        let name = fingerprint::of(&[agent.as_bytes(), &transcript]);
        self.folder.join(format!("{name:016x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_left_out_until_it_is_sent_again() {
        let state = tempfile::tempdir().unwrap();
        let left_out = LeftOut::of(state.path());
        let (one, two) = (Path::new("/p/1.jsonl"), Path::new("/p/2.jsonl"));
        left_out.add("claude-code", one).unwrap();
        left_out.add("claude-code", one).unwrap();
        left_out.add("claude-code", two).unwrap();
        assert!(left_out.has("claude-code", Path::new("/p/./1.jsonl")));
        assert!(!left_out.has("pi", one));
        left_out.remove("claude-code", one);
        assert!(!left_out.has("claude-code", one));
        left_out.tidy(SystemTime::now());
        assert!(left_out.has("claude-code", two));
        left_out.tidy(SystemTime::now() + 2 * KEPT);
        assert!(!left_out.has("claude-code", two));
    }
}
