//! The archives of OpenCode's sessions.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::archive::{Archive, has_usual_name, is_database};
use super::record::Entry;
use crate::host::Host;
use crate::sources::walk::{self, Listing, Unreadable};
use crate::variables::Variable;

/// `opencode` below `XDG_DATA_HOME` or `~/.local/share`, on every system.
#[must_use]
pub(super) fn data_dir(host: &Host) -> Option<PathBuf> {
    let moved = host.path_variable(Variable::XdgDataHome);
    let data = moved.or_else(|| Some(host.home.as_ref()?.join(".local").join("share")))?;
    Some(data.join("opencode"))
}

/// The user's databases and, for versions before 1.2, the tree of files. A session in a database
/// takes precedence.
fn archives(host: &Host) -> Listing<PathBuf> {
    let Some(folder) = data_dir(host) else {
        return Listing::default();
    };
    let mut archives = archives_in(&folder);
    let named = host.path_variable(Variable::OpencodeDb);
    let named = named.map(|path| folder.join(path));
    if let Some(path) = named.filter(|path| path.is_file() && !archives.found.contains(path)) {
        archives.found.insert(0, path);
    }
    archives
}

/// The databases of a folder, one per channel, and the tree of files.
fn archives_in(folder: &Path) -> Listing<PathBuf> {
    let mut archives = walk::entries(folder);
    archives
        .found
        .retain(|path| has_usual_name(path) && path.is_file());
    archives.found.sort();
    let files = folder.join("storage");
    match walk::is_folder(&files.join("session")) {
        Ok(true) => archives.found.push(files),
        Ok(false) => {}
        Err(error) => archives.unreadable.extend(Unreadable::of(&files, &error)),
    }
    archives
}

/// Every session of the user.
#[must_use]
pub(super) fn sessions(host: &Host) -> Listing<Entry> {
    entries(archives(host))
}

/// Every session in a database, in a folder of them, or in a tree of files.
#[must_use]
pub(super) fn below(root: &Path) -> Listing<Entry> {
    if is_database(root) {
        return entries(Listing {
            found: vec![root.to_owned()],
            unreadable: Vec::new(),
        });
    }
    if root.is_file() {
        return Listing::default();
    }
    let mut archives = archives_in(root);
    if root.join("session").is_dir() && root.join("message").is_dir() {
        archives.found.push(root.to_owned());
    }
    entries(archives)
}

fn entries(archives: Listing<PathBuf>) -> Listing<Entry> {
    let mut seen = HashSet::new();
    let mut all = Listing {
        found: Vec::new(),
        unreadable: archives.unreadable,
    };
    for path in archives.found {
        let sessions = Archive::open(&path).and_then(|archive| archive.sessions());
        // An archive that cannot be read is listed as one session, so that reading it reports the
        // error.
        all.append(sessions.unwrap_or_else(|_| Listing {
            found: vec![Entry::of_archive(&path)],
            unreadable: Vec::new(),
        }));
    }
    all.found.retain(|entry| seen.insert(entry.id.clone()));
    all
}

/// The sessions of the project in the current directory.
#[must_use]
pub(super) fn of_project(host: &Host) -> Listing<Entry> {
    let Some(cwd) = &host.cwd else {
        return Listing::default();
    };
    let mut all = sessions(host);
    all.found.retain(|entry| {
        entry
            .directory
            .as_ref()
            .is_some_and(|it| Path::new(it) == cwd)
    });
    all
}

/// The path of the session with that id or, for a subagent's, of the session it is part of.
#[must_use]
pub(super) fn locate(id: &str, host: &Host) -> Option<PathBuf> {
    archives(host).found.into_iter().find_map(|path| {
        let archive = Archive::open(&path).ok()?;
        let root = archive.root(id).ok()??;
        match &archive {
            Archive::Database(_) => Some(path.join(root)),
            Archive::Files(_) => {
                let entries = archive.sessions().ok()?.found.into_iter();
                entries
                    .map(|entry| entry.path)
                    .find(|path| path.file_stem().is_some_and(|stem| *stem == *root))
            }
        }
    })
}
