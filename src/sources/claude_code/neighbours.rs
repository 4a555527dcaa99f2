//! Transcripts that may contain lines of other sessions: those of one folder or, for a project of
//! Claude Code, those of all its projects.
//!
//! They are listed once for all sessions among them, and each is searched once. Otherwise the cost
//! of reading many sessions would grow with the square of their number. A listing is used for a
//! session whose own transcript has not changed since: lines of it in other transcripts, older than
//! its last own line, existed then.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::SystemTime;

use chrono::{DateTime, Utc};
use memchr::memmem::Finder;

use super::glance;
use super::names;
use crate::sources::jsonl::{Lines, text_after};
use crate::sources::regular;

/// Name of the folder of all projects, in a folder of Claude Code.
const PROJECTS: &str = "projects";

/// Name of the field of a line with the session's id.
const FIELD: &[u8] = b"sessionId";

/// Listings, by the folder around them.
static LISTED: Mutex<BTreeMap<PathBuf, Arc<Neighbours>>> = Mutex::new(BTreeMap::new());

/// Transcripts that may contain lines of each other.
#[derive(Debug)]
pub(super) struct Neighbours {
    /// Modification time of each folder.
    folders: HashMap<PathBuf, Option<SystemTime>>,
    /// State of every transcript, including those behind links.
    states: HashMap<PathBuf, State>,
    /// Transcripts that are no links, the least recently written first.
    transcripts: Vec<Arc<Neighbour>>,
    /// The paths of these, by file name.
    by_name: HashMap<OsString, Vec<PathBuf>>,
    names: Mutex<Names>,
}

/// One transcript. Its contents are searched when they are needed.
#[derive(Debug)]
struct Neighbour {
    path: PathBuf,
    state: State,
    began: OnceLock<Option<DateTime<Utc>>>,
    /// Ids of the sessions that it names.
    ids: OnceLock<HashSet<String>>,
    /// Whether a thread searches it, or has searched it.
    is_taken: AtomicBool,
}

/// Size and modification time of a file, which show whether it was written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct State {
    bytes: u64,
    written: DateTime<Utc>,
}

/// The transcripts that name each session.
#[derive(Debug)]
struct Names {
    /// Indices of the transcripts that were not searched yet, in order.
    left: Vec<usize>,
    /// Indices of the others, by the ids of sessions that they name.
    by_id: HashMap<String, Vec<usize>>,
}

impl Neighbours {
    /// The listing that contains a transcript.
    pub(super) fn of(transcript: &Path) -> Arc<Self> {
        let Some((own, around)) = places(transcript) else {
            return Arc::new(Self::in_folders(Vec::new(), None));
        };
        let mut listed = LISTED.lock().unwrap_or_else(PoisonError::into_inner);
        let known = listed.get(around);
        if let Some(known) = known.filter(|it| it.serve(transcript, [own, around])) {
            return Arc::clone(known);
        }
        let mut folders = folders_near(transcript);
        folders.push(around.to_owned());
        let anew = Arc::new(Self::in_folders(folders, known.map(Arc::as_ref)));
        listed.insert(around.to_owned(), Arc::clone(&anew));
        anew
    }

    /// Whether nothing that concerns a session was written since.
    fn serve(&self, transcript: &Path, folders: [&Path; 2]) -> bool {
        let is_same = |folder: &Path| self.folders.get(folder) == Some(&changed(folder));
        let state = State::of(fs::metadata(transcript));
        let known = self.states.get(transcript).copied();
        folders.into_iter().all(is_same) && state.is_some() && state == known
    }

    /// Lists folders. Results of an earlier listing are kept for unchanged transcripts.
    fn in_folders(folders: Vec<PathBuf>, earlier: Option<&Self>) -> Self {
        let known = earlier.iter().flat_map(|it| &it.transcripts);
        let known: HashMap<&Path, _> = known.map(|it| (it.path.as_path(), it)).collect();
        let mut all = Self {
            folders: HashMap::new(),
            states: HashMap::new(),
            transcripts: Vec::new(),
            by_name: HashMap::new(),
            names: Mutex::new(Names {
                left: Vec::new(),
                by_id: HashMap::new(),
            }),
        };
        for folder in folders {
            if all.folders.contains_key(&folder) {
                continue;
            }
            all.folders.insert(folder.clone(), changed(&folder));
            // A folder that cannot be listed is reported with its own sessions.
            let Ok(entries) = fs::read_dir(&folder) else {
                continue;
            };
            for entry in entries.flatten() {
                all.add(&entry, &known);
            }
        }
        all.transcripts
            .sort_by(|a, b| (a.state.written, &a.path).cmp(&(b.state.written, &b.path)));
        let names = all.names.get_mut().unwrap_or_else(PoisonError::into_inner);
        names.left = (0..all.transcripts.len()).collect();
        all
    }

    /// Adds an entry of a folder, if it is a transcript. Links are not searched, since their
    /// targets are in other listings.
    fn add(&mut self, entry: &fs::DirEntry, known: &HashMap<&Path, &Arc<Neighbour>>) {
        let path = entry.path();
        let Ok(kind) = entry.file_type() else { return };
        if kind.is_dir() || !names::is_transcript(&path) {
            return;
        }
        let Some(state) = State::of(fs::metadata(&path)) else {
            return;
        };
        if kind.is_file() {
            let known = known.get(path.as_path()).filter(|it| it.state == state);
            let neighbour = known.map_or_else(
                || Arc::new(Neighbour::new(path.clone(), state)),
                |known| Arc::clone(known),
            );
            self.transcripts.push(neighbour);
            let same = self.by_name.entry(entry.file_name()).or_default();
            same.push(path.clone());
        }
        self.states.insert(path, state);
    }

    /// The first transcript of this name in another folder than this one.
    pub(super) fn elsewhere(&self, name: &str, folder: &Path) -> Option<&Path> {
        let same = self.by_name.get(OsStr::new(name))?.iter();
        let others = same.filter(|path| path.parent() != Some(folder));
        others.min().map(PathBuf::as_path)
    }

    /// The transcripts, apart from the session's own, that name a session and were written to
    /// between two times, by path. Only transcripts of that time are searched.
    pub(super) fn naming(
        &self,
        session: &str,
        transcript: &Path,
        since: Option<DateTime<Utc>>,
        until: Option<DateTime<Utc>>,
    ) -> Vec<PathBuf> {
        let is_own = |it: &Neighbour| it.path.as_os_str() == transcript.as_os_str();
        let is_early = |it: &Neighbour| since.is_some_and(|since| it.state.written < since);
        let is_late = |it: &Neighbour| until.is_some_and(|until| it.began() > Some(until));
        let is_early_one = |at: &usize| is_early(&self.transcripts[*at]);
        let is_candidate = |at: &usize| {
            let it = &self.transcripts[*at];
            !is_own(it) && !is_late(it)
        };
        let mut unsearched = self.names().left.clone();
        unsearched.drain(..unsearched.partition_point(is_early_one));
        unsearched.retain(is_candidate);
        self.search(&unsearched);
        let mut names = self.names();
        let Names { left, by_id } = &mut *names;
        let first = left.partition_point(is_early_one);
        for at in left.extract_if(first.., |at| is_candidate(at)) {
            for id in self.transcripts[at].ids() {
                by_id.entry(id.clone()).or_default().push(at);
            }
        }
        let naming = by_id.get(session).into_iter().flatten();
        let naming = naming.map(|at| &*self.transcripts[*at]);
        let naming = naming.filter(|it| !is_own(it) && !is_early(it) && !is_late(it));
        let mut paths: Vec<PathBuf> = naming.map(|it| it.path.clone()).collect();
        paths.sort();
        paths
    }

    /// Searches transcripts. Threads that need the same ones share the work.
    fn search(&self, transcripts: &[usize]) {
        for at in transcripts {
            let neighbour = &self.transcripts[*at];
            if !neighbour.is_taken.swap(true, Ordering::Relaxed) {
                neighbour.ids();
            }
        }
    }

    fn names(&self) -> MutexGuard<'_, Names> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Neighbour {
    fn new(path: PathBuf, state: State) -> Self {
        Self {
            path,
            state,
            began: OnceLock::new(),
            ids: OnceLock::new(),
            is_taken: AtomicBool::new(false),
        }
    }

    /// Time of the first line that has one.
    fn began(&self) -> Option<DateTime<Utc>> {
        *self.began.get_or_init(|| {
            let is_transcript = begins_as_object(&self.path);
            is_transcript.then(|| glance::started_at(&self.path))?
        })
    }

    /// Ids of the sessions that its lines name. A transcript that cannot be read is reported with
    /// its own session.
    fn ids(&self) -> &HashSet<String> {
        self.ids.get_or_init(|| {
            let mut ids = HashSet::new();
            if begins_as_object(&self.path) {
                let _ = collect_ids(&self.path, &mut ids);
            }
            ids
        })
    }
}

impl State {
    fn of(meta: io::Result<fs::Metadata>) -> Option<Self> {
        let meta = meta.ok().filter(fs::Metadata::is_file)?;
        Some(Self {
            bytes: meta.len(),
            written: meta.modified().ok()?.into(),
        })
    }
}

/// Modification time of a folder.
fn changed(folder: &Path) -> Option<SystemTime> {
    fs::metadata(folder).and_then(|meta| meta.modified()).ok()
}

/// The folder of a transcript, and the one around all its neighbours: that of all projects, or else
/// the same.
fn places(transcript: &Path) -> Option<(&Path, &Path)> {
    let own = transcript.parent()?;
    let projects = own.parent().filter(|it| it.ends_with(PROJECTS));
    Some((own, projects.unwrap_or(own)))
}

/// The folder of a transcript, then the other projects in the same folder of Claude Code.
fn folders_near(transcript: &Path) -> Vec<PathBuf> {
    let Some((own, around)) = places(transcript) else {
        return Vec::new();
    };
    let mut folders = vec![own.to_owned()];
    if around != own {
        let entries = fs::read_dir(around).into_iter().flatten().flatten();
        // The target of a link may be outside the user's own folders.
        let others = entries.filter(|entry| entry.file_type().is_ok_and(|it| it.is_dir()));
        let others = others.map(|entry| entry.path());
        let mut others: Vec<PathBuf> = others.filter(|path| path != own).collect();
        others.sort();
        folders.extend(others);
    }
    folders
}

/// Whether a file begins like a transcript. Other files with such a name may be endless.
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
            // Nearly all lines name the same session.
            if let Some(id) = id.filter(|id| *id != last) {
                last = id.to_owned();
                ids.insert(String::from_utf8_lossy(id).into_owned());
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(id: &str) -> String {
        format!("{{\"sessionId\":\"{id}\"}}\n")
    }

    #[test]
    fn transcripts_are_listed_again_for_a_session_that_has_grown() {
        let folder = tempfile::tempdir().unwrap();
        let [a, b] = ["a.jsonl", "b.jsonl"].map(|name| folder.path().join(name));
        fs::write(&a, line("a")).unwrap();
        let near = Neighbours::of(&a);
        assert_eq!(near.naming("a", &a, None, None), Vec::<PathBuf>::new());
        fs::write(&b, line("b") + &line("a")).unwrap();
        let near = Neighbours::of(&a);
        assert_eq!(near.naming("a", &a, None, None), [b.as_path()]);
        // A session's own transcript is not searched for it.
        assert_eq!(near.naming("b", &b, None, None), Vec::<PathBuf>::new());
        assert_eq!(near.naming("a", &b, None, None), [a.as_path()]);
        // Unchanged folders are not listed again, whichever session asks.
        assert!(Arc::ptr_eq(&near, &Neighbours::of(&b)));
        fs::write(&b, line("b") + &line("a") + &line("b")).unwrap();
        assert!(Arc::ptr_eq(&near, &Neighbours::of(&a)));
        assert!(!Arc::ptr_eq(&near, &Neighbours::of(&b)));
        // Results for unchanged transcripts are kept.
        let anew = Neighbours::of(&a);
        let find = |near: &Neighbours| {
            let mut all = near.transcripts.iter();
            all.find(|it| it.path == a).cloned().unwrap()
        };
        assert!(Arc::ptr_eq(&find(&near), &find(&anew)));
    }

    #[test]
    fn one_listing_serves_all_projects_of_a_folder() {
        let home = tempfile::tempdir().unwrap();
        let transcripts = ["a", "b"].map(|id| {
            let project = home.path().join(".claude/projects").join(id);
            fs::create_dir_all(&project).unwrap();
            let path = project.join(format!("{id}.jsonl"));
            fs::write(&path, line("a") + &line("b")).unwrap();
            path
        });
        let [of_a, of_b] = transcripts.each_ref().map(|path| Neighbours::of(path));
        assert!(Arc::ptr_eq(&of_a, &of_b));
        assert_eq!(
            of_a.naming("b", &transcripts[1], None, None),
            transcripts[..1]
        );
        // A new project is seen.
        fs::create_dir_all(home.path().join(".claude/projects/c")).unwrap();
        assert!(!Arc::ptr_eq(&of_a, &Neighbours::of(&transcripts[0])));
    }

    #[test]
    fn only_transcripts_of_the_time_are_looked_into() {
        let folder = tempfile::tempdir().unwrap();
        let at = |time: &str| Some(time.parse::<DateTime<Utc>>().unwrap());
        let paths = ["1", "2"].map(|day| {
            let path = folder.path().join(format!("{day}.jsonl"));
            let written: DateTime<Utc> = at(&format!("2026-01-0{day}T12:00:00Z")).unwrap();
            let began = format!(r#"{{"sessionId":"a","timestamp":"2026-01-0{day}T00:00:00Z"}}"#);
            fs::write(&path, began + "\n").unwrap();
            let file = fs::File::options().append(true).open(&path).unwrap();
            file.set_modified(written.into()).unwrap();
            path
        });
        for (since, until, expected) in [
            (None, at("2026-01-01T06:00:00Z"), &paths[..1]),
            (at("2026-01-02T06:00:00Z"), None, &paths[1..]),
            (at("2026-01-01T18:00:00Z"), at("2026-01-01T20:00:00Z"), &[]),
            (None, None, &paths),
        ] {
            let near = Neighbours::in_folders(vec![folder.path().to_owned()], None);
            let found = near.naming("a", Path::new(""), since, until);
            assert_eq!(found, expected, "{since:?} {until:?}");
            let looked = near.transcripts.iter().filter(|it| it.ids.get().is_some());
            assert_eq!(looked.count(), expected.len());
        }
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
