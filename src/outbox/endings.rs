//! Notes about sessions whose end a hook began to process: one small file each, beside the database.
//!
//! A hook writes the note before anything else and removes it when the session is stored, so that a
//! note that stays shows a machine that went down, or a process that was killed, in between. The
//! next session start stores such a session at once, instead of an hour after its last line, and
//! under the settings that the hook had. A note stays until its session is stored or gone.
//!
//! A note that is missing or damaged only costs that hour and those settings, so writing one does
//! not wait for the disk.

use std::borrow::Cow;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::lock::Lock;
use super::transcripts;
use crate::files::{make_directory, private_file, remove};
use crate::fingerprint;

/// Format version of the files. Readers use the fields they know, whatever the version.
const VERSION: u32 = 1;

/// Size in bytes above which a file is not a note: a note has a few paths, of 4 KiB at most.
const MOST_BYTES: u64 = 64 * 1024;

/// Age from which a file that is not a note is removed. A younger one may be a note that is being
/// written.
const LITTER: Duration = Duration::from_hours(1);

/// Interval at which the lock of a note is tried again.
const POLL: Duration = Duration::from_millis(20);

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
    /// The settings of the hook, as it wrote them; null in a note of an early version.
    pub(crate) settings: Value,
    file: PathBuf,
}

/// The content of a note's file. The time is that of the file.
#[derive(Serialize, Deserialize)]
struct Note<'a> {
    #[serde(default)]
    version: u32,
    agent: Cow<'a, str>,
    transcript: PathBuf,
    #[serde(default)]
    settings: Value,
}

impl Endings {
    /// The notes of a state directory, which need not exist.
    #[must_use]
    pub(crate) fn of(state_dir: &Path) -> Self {
        Self {
            folder: state_dir.join(FOLDER),
        }
    }

    /// Stores a note that the end of a session is being processed, under these settings.
    ///
    /// # Errors
    /// When the file cannot be written, or the path cannot be written as JSON.
    pub(crate) fn add(&self, agent: &str, transcript: &Path, settings: Value) -> io::Result<()> {
        let note = Note {
            version: VERSION,
            agent: Cow::Borrowed(agent),
            transcript: transcript.to_owned(),
            settings,
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

    /// Whether there is a note about a session.
    pub(crate) fn has(&self, agent: &str, transcript: &Path) -> bool {
        self.path(agent, transcript).exists()
    }

    /// Removes the note about a session, which was stored.
    pub(crate) fn remove(&self, agent: &str, transcript: &Path) {
        // If the note stays, a later session start finds nothing new in the session.
        let _ = remove(&self.path(agent, transcript));
    }

    /// Marks the end of a session as being processed by this process, until the lock is dropped.
    /// `None` when there is no note, or when another process is at it.
    pub(crate) fn claim(&self, agent: &str, transcript: &Path) -> Option<Lock> {
        claim(&self.path(agent, transcript))
    }

    /// The notes about sessions of an agent. Removes old files that are not notes.
    pub(crate) fn of_agent(&self, agent: &str) -> Vec<Ending> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let mut endings = Vec::new();
        for entry in entries {
            let Ok(metadata) = entry.metadata() else {
                continue;
            };
            let Ok(at) = metadata.modified() else {
                continue;
            };
            let may_be_one = metadata.is_file() && metadata.len() <= MOST_BYTES;
            let ending = may_be_one.then(|| read(entry.path(), at)).flatten();
            match ending {
                Some(ending) => endings.extend(Some(ending).filter(|it| it.agent == agent)),
                None if at.elapsed().is_ok_and(|age| age > LITTER) => {
                    let _ = remove(&entry.path());
                }
                None => {}
            }
        }
        endings
    }

    fn path(&self, agent: &str, transcript: &Path) -> PathBuf {
        let transcript = transcripts::written(transcript);
        let name = fingerprint::of(&[agent.as_bytes(), &transcript]);
        self.folder.join(format!("{name:016x}.json"))
    }
}

impl Ending {
    /// Marks the end of the session as being processed by this process, until the lock is dropped.
    /// `None` when the session was stored meanwhile, or while another process is at it.
    ///
    /// A process that was killed keeps its locks until its last write is on disk, so this waits for
    /// `patience`, which is reduced by the time that it took.
    pub(crate) fn claim(&self, patience: &mut Duration) -> Option<Lock> {
        loop {
            match claim(&self.file) {
                Some(lock) => return self.file.exists().then_some(lock),
                None if patience.is_zero() || !self.file.exists() => return None,
                None => {
                    thread::sleep(POLL);
                    *patience = patience.saturating_sub(POLL);
                }
            }
        }
    }

    /// Removes the note: its session is stored, or there is nothing to store.
    pub(crate) fn settle(&self) {
        let _ = remove(&self.file);
    }
}

fn read(file: PathBuf, at: SystemTime) -> Option<Ending> {
    let text = fs::read(&file).ok()?;
    let note: Note<'_> = serde_json::from_slice(&text).ok()?;
    Some(Ending {
        agent: note.agent.into_owned(),
        transcript: note.transcript,
        at,
        settings: note.settings,
        file,
    })
}

fn claim(path: &Path) -> Option<Lock> {
    let file: File = OpenOptions::new().read(true).write(true).open(path).ok()?;
    Lock::of(file)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    impl Endings {
        fn note(&self, agent: &str, transcript: impl AsRef<Path>) {
            let transcript = transcript.as_ref();
            self.add(agent, transcript, json!({ "inputs": true }))
                .unwrap();
        }
    }

    /// The transcripts of the notes that no process is at.
    fn left(endings: &Endings, agent: &str) -> Vec<PathBuf> {
        let mut left = endings.of_agent(agent);
        let mut patience = Duration::ZERO;
        left.retain(|ending| ending.claim(&mut patience).is_some());
        let mut left: Vec<_> = left.into_iter().map(|ending| ending.transcript).collect();
        left.sort();
        left
    }

    #[test]
    fn a_note_stays_until_its_session_is_stored() {
        let state = tempfile::tempdir().unwrap();
        let endings = Endings::of(&state.path().join("state"));
        assert_eq!(left(&endings, "claude-code"), [] as [PathBuf; 0]);
        let [one, two] = ["/p/1.jsonl", "/p/2.jsonl"].map(PathBuf::from);
        endings.note("claude-code", &one);
        endings.note("claude-code", &two);
        endings.note("claude-code", &two);
        endings.note("pi", &one);
        assert_eq!(left(&endings, "claude-code"), [one.clone(), two.clone()]);
        assert_eq!(left(&endings, "pi").len(), 1);
        endings.remove("claude-code", &one);
        assert_eq!(left(&endings, "claude-code"), [two]);
        endings.of_agent("pi").iter().for_each(Ending::settle);
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
        endings.note("claude-code", transcript);
        let lock = endings.claim("claude-code", transcript);
        assert!(lock.is_some());
        assert_eq!(left(&endings, "claude-code"), [] as [PathBuf; 0]);
        drop(lock);
        assert_eq!(left(&endings, "claude-code"), [transcript]);
    }

    #[test]
    fn a_process_that_was_killed_is_waited_for_until_its_locks_are_free() {
        let state = tempfile::tempdir().unwrap();
        let endings = Endings::of(state.path());
        let transcript = Path::new("/p/1.jsonl");
        endings.note("claude-code", transcript);
        let lock = endings.claim("claude-code", transcript).unwrap();
        let ending = endings.of_agent("claude-code").remove(0);
        let mut patience = 3 * POLL;
        assert!(ending.claim(&mut patience).is_none());
        assert_eq!(patience, Duration::ZERO);
        let mut patience = Duration::from_mins(1);
        thread::scope(|scope| {
            let waiting = scope.spawn(|| ending.claim(&mut patience).is_some());
            drop(lock);
            assert!(waiting.join().unwrap());
        });
        endings.remove("claude-code", transcript);
        assert!(ending.claim(&mut patience).is_none(), "it was stored");
        assert!(patience > Duration::ZERO);
    }

    #[test]
    fn notes_are_kept_whatever_their_age_and_other_files_are_removed() {
        let state = tempfile::tempdir().unwrap();
        let endings = Endings::of(state.path());
        endings.note("claude-code", "/p/1.jsonl");
        let newer = r#"{"version":9,"agent":"claude-code","transcript":"/p/2.jsonl","why":[]}"#;
        let folder = state.path().join(FOLDER);
        for (name, text) in [
            ("newer.json", newer),
            ("empty.json", ""),
            ("torn.json", &newer[..30]),
            ("other", "[1]"),
        ] {
            fs::write(folder.join(name), text).unwrap();
        }
        let known = ["/p/1.jsonl", "/p/2.jsonl"].map(PathBuf::from);
        assert_eq!(left(&endings, "claude-code"), known);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 5);
        let settings = |ending: Ending| (ending.transcript, ending.settings);
        let all = endings.of_agent("claude-code").into_iter().map(settings);
        let mut all: Vec<_> = all.collect();
        all.sort_by(|one, other| one.0.cmp(&other.0));
        let [one, two] = known.clone();
        assert_eq!(all, [(one, json!({ "inputs": true })), (two, Value::Null)]);

        let long_ago = SystemTime::now() - 1_000 * LITTER;
        for entry in fs::read_dir(&folder).unwrap() {
            let file = File::options().write(true).open(entry.unwrap().path());
            file.unwrap().set_modified(long_ago).unwrap();
        }
        assert_eq!(left(&endings, "claude-code"), known);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 2);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn files_that_are_not_notes_are_not_opened() {
        let state = tempfile::tempdir().unwrap();
        let endings = Endings::of(state.path());
        endings.note("claude-code", Path::new("/p/1.jsonl"));
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
        endings.note("claude-code", Path::new("/p/1.jsonl"));
        let folder = state.path().join(FOLDER);
        let note = fs::read_dir(&folder).unwrap().next().unwrap().unwrap();
        for (path, expected) in [(folder, 0o700), (note.path(), 0o600)] {
            let mode = path.metadata().unwrap().permissions().mode() & 0o777;
            assert_eq!(mode, expected, "{}", path.display());
        }
    }
}
