//! Transcripts in which lines of a session may stand besides its own: those of the same folder and,
//! where that is a project of Claude Code, those of its other projects.
//!
//! They are listed once, and each is looked into once as long as it stays as it is. Otherwise the
//! cost of reading many sessions would grow with the square of their number.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::SystemTime;

use chrono::{DateTime, Utc};
use memchr::memmem::Finder;

use super::super::jsonl::Lines;
use super::super::regular;
use super::super::walk;
use super::glance;
use super::paths;

/// The folder of all projects, in a folder of Claude Code.
const PROJECTS: &str = "projects";

/// The field of a line that says whose it is.
const FIELD: &[u8] = b"sessionId";

/// What was listed, by the first folder of each.
static LISTED: Mutex<BTreeMap<PathBuf, Arc<Neighbours>>> = Mutex::new(BTreeMap::new());

/// Transcripts that may hold lines of each other.
#[derive(Debug)]
pub(super) struct Neighbours {
    /// The folders that were listed, and when their entries changed last.
    folders: Vec<(PathBuf, Option<SystemTime>)>,
    pub(super) transcripts: Vec<Neighbour>,
}

/// One of them. What it says is looked up when somebody asks.
#[derive(Debug)]
pub(super) struct Neighbour {
    pub(super) path: PathBuf,
    /// When it was last written to.
    pub(super) written: DateTime<Utc>,
    began: OnceLock<Option<DateTime<Utc>>>,
    names: Mutex<Option<Names>>,
}

/// Ids of sessions that a transcript of so many bytes names.
#[derive(Clone, Debug)]
struct Names {
    bytes: u64,
    ids: Arc<HashSet<String>>,
}

impl Neighbours {
    /// Those of a transcript; it is one of them itself.
    pub(super) fn of(transcript: &Path) -> Arc<Self> {
        let folders = folders_near(transcript);
        let folders: Vec<_> = folders
            .into_iter()
            .map(|folder| {
                let changed = fs::metadata(&folder).and_then(|meta| meta.modified());
                (folder, changed.ok())
            })
            .collect();
        let Some((first, _)) = folders.first() else {
            return Arc::new(Self::in_folders(Vec::new()));
        };
        let key = first.clone();
        let mut listed = LISTED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = listed.get(&key).filter(|known| known.folders == folders) {
            return Arc::clone(known);
        }
        let anew = Arc::new(Self::in_folders(folders));
        listed.insert(key, Arc::clone(&anew));
        anew
    }

    fn in_folders(folders: Vec<(PathBuf, Option<SystemTime>)>) -> Self {
        let mut transcripts = Vec::new();
        for (folder, _) in &folders {
            let Ok(entries) = fs::read_dir(folder) else {
                continue;
            };
            transcripts.extend(entries.flatten().filter_map(|entry| Neighbour::of(&entry)));
        }
        Self {
            folders,
            transcripts,
        }
    }
}

impl Neighbour {
    /// Links are not followed: what they lead to lies beside others.
    fn of(entry: &fs::DirEntry) -> Option<Self> {
        let path = entry.path();
        let meta = entry.metadata().ok().filter(fs::Metadata::is_file);
        let meta = meta.filter(|_| paths::is_transcript(&path))?;
        Some(Self {
            path,
            written: meta.modified().ok()?.into(),
            began: OnceLock::new(),
            names: Mutex::new(None),
        })
    }

    /// Time of the first line that has one.
    pub(super) fn began(&self) -> Option<DateTime<Utc>> {
        *self.began.get_or_init(|| {
            let is_transcript = begins_as_object(&self.path);
            is_transcript.then(|| glance::started_at(&self.path))?
        })
    }

    /// Whether one of its lines may be of that session. One that cannot be read names none: its own
    /// session reports it.
    pub(super) fn names(&self, session: &str) -> bool {
        let bytes = self.path.symlink_metadata().map_or(0, |meta| meta.len());
        let mut known = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        if known.as_ref().is_none_or(|known| known.bytes != bytes) {
            let mut ids = HashSet::new();
            if begins_as_object(&self.path) {
                let _ = collect_ids(&self.path, &mut ids);
            }
            *known = Some(Names {
                bytes,
                ids: Arc::new(ids),
            });
        }
        known.as_ref().is_some_and(|it| it.ids.contains(session))
    }
}

/// The folder of a transcript first, then the other projects of the same folder of Claude Code.
pub(super) fn folders_near(transcript: &Path) -> Vec<PathBuf> {
    let Some(own) = transcript.parent() else {
        return Vec::new();
    };
    let mut folders = vec![own.to_owned()];
    let projects = own.parent().filter(|it| it.ends_with(PROJECTS));
    if let Some(projects) = projects {
        let mut others = walk::entries(projects).found;
        // What a link leads to may be out of the user's own folders.
        let is_folder = |path: &PathBuf| path.symlink_metadata().is_ok_and(|it| it.is_dir());
        others.retain(|path| path != own && is_folder(path));
        others.sort();
        folders.extend(others);
    }
    folders
}

/// Whether a file begins as a transcript does: what else has such a name may be endless.
fn begins_as_object(path: &Path) -> bool {
    let first = regular::open(path).and_then(|(mut file, _)| {
        let mut first = [0];
        file.read_exact(&mut first).map(|()| first)
    });
    first.is_ok_and(|first| first == *b"{")
}

fn collect_ids(path: &Path, ids: &mut HashSet<String>) -> io::Result<()> {
    let finder = Finder::new(FIELD);
    let mut lines = Lines::open(path, 0)?;
    let mut last = Vec::new();
    while let Some(line) = lines.next_line()? {
        for at in finder.find_iter(line.bytes) {
            let id = text_after(&line.bytes[at + FIELD.len()..]);
            // Nearly all lines name the same one.
            if let Some(id) = id.filter(|id| *id != last) {
                last = id.to_owned();
                ids.insert(String::from_utf8_lossy(id).into_owned());
            }
        }
    }
    Ok(())
}

/// The text that is the value of a field, from behind the field's name on.
fn text_after(field: &[u8]) -> Option<&[u8]> {
    let value = field.strip_prefix(b"\"")?.trim_ascii_start();
    let value = value.strip_prefix(b":")?.trim_ascii_start();
    let value = value.strip_prefix(b"\"")?;
    Some(&value[..memchr::memchr(b'"', value)?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_value_of_a_field_is_found_however_it_is_spaced() {
        for (text, expected) in [
            (r#"":"a-1","next":2"#, Some("a-1")),
            (r#"" : "a-1"}"#, Some("a-1")),
            (r#"":null}"#, None),
            (r#"":7}"#, None),
            (r#"":"a-1"#, None),
            // In a text, where quotes are escaped.
            (r#"\":\"a-1\""#, None),
        ] {
            let found = text_after(text.as_bytes());
            assert_eq!(found, expected.map(str::as_bytes), "{text}");
        }
    }

    #[test]
    fn a_transcript_is_looked_into_again_when_it_has_grown() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jsonl");
        let line = |id: &str| format!("{{\"sessionId\":\"{id}\"}}\n");
        fs::write(&path, line("a")).unwrap();
        let near = Neighbours::of(&path);
        assert_eq!(near.transcripts.len(), 1);
        let own = &near.transcripts[0];
        assert!(own.names("a") && !own.names("b"));
        fs::write(&path, line("a") + &line("b")).unwrap();
        assert!(own.names("b"));
        // Nothing is listed again that did not change.
        assert!(Arc::ptr_eq(&near, &Neighbours::of(&path)));
        fs::write(folder.path().join("b.jsonl"), line("b")).unwrap();
        assert_eq!(Neighbours::of(&path).transcripts.len(), 2);
    }

    #[test]
    fn projects_of_one_folder_are_near_each_other_and_other_folders_are_not() {
        let home = tempfile::tempdir().unwrap();
        for project in [
            ".claude/projects/a",
            ".claude/projects/b",
            "copies/a",
            "copies/b",
        ] {
            fs::create_dir_all(home.path().join(project)).unwrap();
        }
        #[cfg(unix)]
        std::os::unix::fs::symlink("/", home.path().join(".claude/projects/link")).unwrap();
        for (transcript, expected) in [
            (
                ".claude/projects/b/1.jsonl",
                &[".claude/projects/b", ".claude/projects/a"][..],
            ),
            ("copies/a/1.jsonl", &["copies/a"]),
        ] {
            let found = folders_near(&home.path().join(transcript));
            let expected: Vec<PathBuf> = expected.iter().map(|it| home.path().join(it)).collect();
            assert_eq!(found, expected, "{transcript}");
        }
    }
}
