//! Notes about sessions whose end a hook began to process: one small file each, beside the database.
//!
//! A hook writes the note before anything else and removes it when the session is stored, so that a
//! note that stays shows a machine that went down, or a process that was killed, in between. The
//! next session start stores such a session at once, instead of an hour after its last line.
//!
//! Notes help to be early; nothing depends on them. One that is missing, damaged or of another
//! version costs that hour, so none is waited for to reach the disk.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::files::{make_directory, private_file, remove};
use super::lock::Lock;
use crate::fingerprint;

/// Format version of the files. Readers use the fields they know, whatever the version.
const VERSION: u32 = 1;

/// Size in bytes above which a file is not a note: a note has one path, of 4 KiB at most.
const MOST_BYTES: u64 = 64 * 1024;

/// Folder of the files in the state directory.
pub(super) const FOLDER: &str = "endings";

/// The notes of a state directory.
#[derive(Clone, Debug)]
pub(crate) struct Endings {
    folder: PathBuf,
}

/// A session whose end a hook began to process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ending {
    /// The agent, such as `claude-code`.
    pub(crate) agent: String,
    /// The session's transcript.
    pub(crate) transcript: PathBuf,
    /// When the hook began.
    pub(crate) at: SystemTime,
    file: PathBuf,
}

/// The content of a note's file. The time is that of the file.
#[derive(Serialize, Deserialize)]
struct Note<'a> {
    #[serde(default)]
    version: u32,
    agent: &'a str,
    transcript: PathBuf,
}

impl Endings {
    /// The notes of a state directory, which need not exist.
    #[must_use]
    pub(crate) fn of(state_dir: &Path) -> Self {
        Self {
            folder: state_dir.join(FOLDER),
        }
    }

    /// Notes that the end of a session is being processed.
    ///
    /// # Errors
    /// When the file cannot be written, or the path cannot be written as JSON.
    pub(crate) fn add(&self, agent: &str, transcript: &Path) -> io::Result<()> {
        let note = Note {
            version: VERSION,
            agent,
            transcript: transcript.to_owned(),
        };
        let text = serde_json::to_vec(&note)?;
        let path = self.path(agent, transcript);
        let open = || private_file().truncate(true).open(&path);
        let mut file = match open() {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                make_directory(&self.folder)?;
                open()?
            }
            opened => opened?,
        };
        file.write_all(&text)
    }

    /// Removes the note about a session, which was stored.
    pub(crate) fn remove(&self, agent: &str, transcript: &Path) {
        // If it stays, a later session start finds nothing new in the session.
        let _ = remove(&self.path(agent, transcript));
    }

    /// Marks the end of a session as being processed by this process, until the lock is dropped.
    /// `None` when there is no note, or when another process is at it.
    pub(crate) fn claim(&self, agent: &str, transcript: &Path) -> Option<Lock> {
        claim(&self.path(agent, transcript))
    }

    /// The readable notes of an agent that no process is at, with a lock each. Removes notes of
    /// every kind that are older than `expired`.
    pub(crate) fn left_by(&self, agent: &str, expired: SystemTime) -> Vec<(Ending, Lock)> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let mut left = Vec::new();
        for entry in entries {
            let path = entry.path();
            let Ok(metadata) = entry.metadata() else {
                continue;
            };
            let Ok(at) = metadata.modified() else {
                continue;
            };
            if at < expired {
                let _ = remove(&path);
            } else if metadata.is_file()
                && metadata.len() <= MOST_BYTES
                && let Some(ending) = read(path, at).filter(|it| it.agent == agent)
                && let Some(lock) = claim(&ending.file)
            {
                left.push((ending, lock));
            }
        }
        left
    }

    fn path(&self, agent: &str, transcript: &Path) -> PathBuf {
        let transcript = transcript.as_os_str().as_encoded_bytes();
        let name = fingerprint::of(&[agent.as_bytes(), transcript]);
        self.folder.join(format!("{name:016x}.json"))
    }
}

impl Ending {
    /// Removes the note: its session is stored, or there is nothing to store.
    pub(crate) fn settle(&self) {
        let _ = remove(&self.file);
    }
}

fn read(file: PathBuf, at: SystemTime) -> Option<Ending> {
    let text = fs::read(&file).ok()?;
    let note: Note<'_> = serde_json::from_slice(&text).ok()?;
    Some(Ending {
        agent: note.agent.to_owned(),
        transcript: note.transcript,
        at,
        file,
    })
}

fn claim(path: &Path) -> Option<Lock> {
    let file: File = OpenOptions::new().read(true).write(true).open(path).ok()?;
    Lock::of(file)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const LONG_AGO: SystemTime = SystemTime::UNIX_EPOCH;

    fn left(endings: &Endings, agent: &str) -> Vec<PathBuf> {
        let left = endings.left_by(agent, LONG_AGO).into_iter();
        let mut left: Vec<_> = left.map(|(ending, _)| ending.transcript).collect();
        left.sort();
        left
    }

    #[test]
    fn a_note_stays_until_its_session_is_stored() {
        let state = tempfile::tempdir().unwrap();
        let endings = Endings::of(&state.path().join("state"));
        assert_eq!(left(&endings, "claude-code"), [] as [PathBuf; 0]);
        let [one, two] = ["/p/1.jsonl", "/p/2.jsonl"].map(PathBuf::from);
        endings.add("claude-code", &one).unwrap();
        endings.add("claude-code", &two).unwrap();
        endings.add("claude-code", &two).unwrap();
        endings.add("pi", &one).unwrap();
        assert_eq!(left(&endings, "claude-code"), [one.clone(), two.clone()]);
        assert_eq!(left(&endings, "pi").len(), 1);
        endings.remove("claude-code", &one);
        assert_eq!(left(&endings, "claude-code"), [two]);
        endings
            .left_by("pi", LONG_AGO)
            .iter()
            .for_each(|(ending, _)| ending.settle());
        assert_eq!(left(&endings, "pi"), [] as [PathBuf; 0]);
    }

    #[test]
    fn a_session_that_a_process_is_at_is_left_to_it() {
        let state = tempfile::tempdir().unwrap();
        let endings = Endings::of(state.path());
        let transcript = Path::new("/p/1.jsonl");
        assert!(
            endings.claim("claude-code", transcript).is_none(),
            "no note"
        );
        endings.add("claude-code", transcript).unwrap();
        let lock = endings.claim("claude-code", transcript);
        assert!(lock.is_some());
        assert_eq!(left(&endings, "claude-code"), [] as [PathBuf; 0]);
        drop(lock);
        assert_eq!(left(&endings, "claude-code"), [transcript]);
    }

    #[test]
    fn notes_of_any_content_are_read_as_far_as_possible_and_removed_in_the_end() {
        let state = tempfile::tempdir().unwrap();
        let endings = Endings::of(state.path());
        endings.add("claude-code", Path::new("/p/1.jsonl")).unwrap();
        let newer = r#"{"version":9,"agent":"claude-code","transcript":"/p/2.jsonl","why":[]}"#;
        for (name, text) in [
            ("newer.json", newer),
            ("empty.json", ""),
            ("torn.json", &newer[..30]),
            ("other", "[1]"),
        ] {
            fs::write(state.path().join(FOLDER).join(name), text).unwrap();
        }
        let known = ["/p/1.jsonl", "/p/2.jsonl"].map(PathBuf::from);
        assert_eq!(left(&endings, "claude-code"), known);
        let later = SystemTime::now() + Duration::from_secs(1);
        assert!(endings.left_by("claude-code", later).is_empty());
        let folder = fs::read_dir(state.path().join(FOLDER)).unwrap();
        assert_eq!(folder.count(), 0);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn files_that_are_not_notes_are_not_opened() {
        let state = tempfile::tempdir().unwrap();
        let endings = Endings::of(state.path());
        endings.add("claude-code", Path::new("/p/1.jsonl")).unwrap();
        let folder = state.path().join(FOLDER);
        // Opening a pipe would wait for a writer, reading the device would never end.
        rustix::fs::mkfifoat(rustix::fs::CWD, folder.join("00.json"), 0o600.into()).unwrap();
        std::os::unix::fs::symlink("/dev/zero", folder.join("01.json")).unwrap();
        let large = File::create(folder.join("02.json")).unwrap();
        large.set_len(MOST_BYTES + 1).unwrap();
        assert_eq!(left(&endings, "claude-code"), [Path::new("/p/1.jsonl")]);
    }

    #[test]
    #[cfg(unix)]
    fn notes_are_for_their_owner_only() {
        use std::os::unix::fs::PermissionsExt as _;
        let state = tempfile::tempdir().unwrap();
        let endings = Endings::of(state.path());
        endings.add("claude-code", Path::new("/p/1.jsonl")).unwrap();
        let folder = state.path().join(FOLDER);
        let note = fs::read_dir(&folder).unwrap().next().unwrap().unwrap();
        for (path, expected) in [(folder, 0o700), (note.path(), 0o600)] {
            let mode = path.metadata().unwrap().permissions().mode() & 0o777;
            assert_eq!(mode, expected, "{}", path.display());
        }
    }
}
