//! The files of OpenCode before 1.2: `session/<project>/<session>.json`,
//! `message/<session>/<message>.json`, `part/<message>/<part>.json`.

use std::cell::OnceCell;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde::Deserialize;

use super::record::{Entry, PartRecord, Record, has_extension};
use super::wire::{Info, Times};
use crate::sources::lenient::read_text;
use crate::sources::regular;
use crate::sources::walk::{self, Listing, Unreadable};

#[derive(Debug)]
pub(super) struct Files {
    storage: PathBuf,
    /// Every session with its file. Each session names its parent.
    sessions: OnceCell<Listing<(PathBuf, Info)>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Created {
    time: Times,
}

impl Files {
    pub(super) fn new(storage: &Path) -> Self {
        Self {
            storage: storage.to_owned(),
            sessions: OnceCell::new(),
        }
    }

    fn listing(&self) -> &Listing<(PathBuf, Info)> {
        self.sessions.get_or_init(|| self.read_all())
    }

    fn all(&self) -> &[(PathBuf, Info)] {
        &self.listing().found
    }

    fn read_all(&self) -> Listing<(PathBuf, Info)> {
        // session/<project>/<session>.json
        let folder = self.storage.join("session");
        let files = walk::files(&folder, |entry| entry.depth() <= 2);
        let is_session = |path: &PathBuf| {
            let project = path.parent();
            project.and_then(Path::parent) == Some(&folder) && has_extension(path, "json")
        };
        let mut sessions = Listing {
            found: Vec::new(),
            unreadable: files.unreadable,
        };
        for path in files.found.into_iter().filter(is_session) {
            match regular::read(&path) {
                Ok(text) => {
                    let info: Option<Info> = read_text(&text);
                    let info = info.filter(|info| info.id.is_some());
                    sessions.found.extend(info.map(|info| (path, info)));
                }
                Err(error) => sessions.unreadable.extend(Unreadable::of(&path, &error)),
            }
        }
        sessions
    }

    pub(super) fn sessions(&self) -> Listing<Entry> {
        let all = self.all();
        let is_child = |info: &Info| {
            let parent = info.parent_id.as_ref();
            parent.is_some_and(|parent| all.iter().any(|(_, it)| it.id.as_ref() == Some(parent)))
        };
        let roots = all.iter().filter(|(_, info)| !is_child(info));
        let entries = roots.filter_map(|(path, info)| {
            let id = info.id.clone()?;
            let (mut bytes, mut updated) = self.size(&id);
            let mut family = children(all, &id);
            while let Some(child) = family.pop() {
                let (more, later) = self.size(&child);
                bytes += more;
                updated = updated.max(later);
                family.extend(children(all, &child));
            }
            Some(Entry {
                path: path.clone(),
                bytes,
                updated: updated.max(info.time.updated.unwrap_or(0)),
                directory: info.directory.clone(),
                id,
            })
        });
        Listing {
            found: entries.collect(),
            unreadable: self.listing().unreadable.clone(),
        }
    }

    pub(super) fn info(&self, id: &str) -> Option<Info> {
        let mut all = self.all().iter().map(|(_, info)| info);
        all.find(|info| info.id.as_deref() == Some(id)).cloned()
    }

    pub(super) fn children(&self, id: &str) -> Vec<String> {
        children(self.all(), id)
    }

    pub(super) fn messages(&self, id: &str) -> io::Result<Vec<Record>> {
        let messages = texts(&self.storage.join("message").join(id))?;
        let records = messages.into_iter().map(|(id, data)| {
            let parts = texts(&self.storage.join("part").join(&id))?;
            let created: Created = read_text(&data).unwrap_or_default();
            Ok(Record {
                id,
                created: created.time.created.unwrap_or(0),
                data,
                parts: parts
                    .into_iter()
                    .map(|(id, data)| PartRecord {
                        id,
                        created: None,
                        data,
                    })
                    .collect(),
                is_taken_back: false,
                is_copy: false,
            })
        });
        records.collect()
    }

    /// Size of a session's messages in bytes, and the time of the last change.
    pub(super) fn size(&self, id: &str) -> (u64, i64) {
        let (mut bytes, mut updated) = (0, 0);
        let mut add = |path: &Path| {
            let Ok(meta) = path.metadata() else { return };
            let modified = meta.modified().ok();
            let modified = modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
            let modified = modified.and_then(|since| i64::try_from(since.as_millis()).ok());
            bytes += meta.len();
            updated = updated.max(modified.unwrap_or(0));
        };
        for message in paths(&self.storage.join("message").join(id)).unwrap_or_default() {
            add(&message);
            let name = message.file_stem().unwrap_or_default();
            for part in paths(&self.storage.join("part").join(name)).unwrap_or_default() {
                add(&part);
            }
        }
        (bytes, updated)
    }
}

fn children(all: &[(PathBuf, Info)], id: &str) -> Vec<String> {
    let children = all
        .iter()
        .filter(|(_, info)| info.parent_id.as_deref() == Some(id));
    let mut children: Vec<(Option<i64>, String)> = children
        .filter_map(|(_, info)| Some((info.time.created, info.id.clone()?)))
        .collect();
    children.sort();
    children.into_iter().map(|(_, id)| id).collect()
}

/// The JSON files of a folder; none when it does not exist.
fn paths(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if has_extension(&path, "json") {
            paths.push(path);
        }
    }
    Ok(paths)
}

/// Names and contents of the JSON files of a folder.
fn texts(folder: &Path) -> io::Result<Vec<(String, String)>> {
    let paths = paths(folder)?.into_iter();
    let read = paths.map(|path| {
        let name = path.file_stem().unwrap_or_default();
        Ok((name.to_string_lossy().into_owned(), regular::read(&path)?))
    });
    read.collect()
}
