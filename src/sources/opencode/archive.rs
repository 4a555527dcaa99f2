//! Archives of sessions: a database or, in versions before 1.2, a tree of files.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::database::Database;
use super::files::Files;
use super::record::{Entry, Record, has_extension};
use super::wire::Info;
use crate::sources::regular;
use crate::sources::walk::Listing;

/// An archive of sessions.
#[derive(Debug)]
pub(super) enum Archive {
    Database(Database),
    Files(Files),
}

/// The place of a session: the path of its archive, its id, and a path that names it. In a tree of
/// files that path is the session's file; in a database no file has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) archive: PathBuf,
    pub(super) id: String,
    pub(super) path: PathBuf,
}

impl Address {
    /// The session that a path names; `None` when it is none of OpenCode's.
    #[must_use]
    pub(super) fn at(path: &Path) -> Option<Self> {
        let (parent, name) = (path.parent()?, path.file_name()?.to_str()?);
        if is_database(path) {
            // The whole database. No session has that name; it stands for a database that cannot be
            // read.
            return Some(Self {
                archive: path.to_owned(),
                id: name.to_owned(),
                path: path.to_owned(),
            });
        }
        let is_session = |name: &str| name.starts_with("ses_");
        if is_session(name) && is_database(parent) {
            return Some(Self {
                archive: parent.to_owned(),
                id: name.to_owned(),
                path: path.to_owned(),
            });
        }
        let id = name.strip_suffix(".json").filter(|name| is_session(name))?;
        // storage/session/<project>/<id>.json
        let sessions = parent.parent().filter(|it| it.ends_with("session"))?;
        Some(Self {
            archive: sessions.parent()?.to_owned(),
            id: id.to_owned(),
            path: path.to_owned(),
        })
    }

    pub(super) fn open(&self) -> io::Result<Archive> {
        Archive::open(&self.archive)
    }
}

/// Whether the path is a database, according to its first bytes: `OPENCODE_DB` gives it any name. A
/// file with OpenCode's own name counts even if it is broken, so that this is reported.
#[must_use]
pub(super) fn is_database(path: &Path) -> bool {
    path.is_file() && (has_usual_name(path) || begins_as_database(path))
}

/// Whether a file has the name that OpenCode gives to its databases (`opencode-<channel>.db`).
pub(super) fn has_usual_name(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    name.is_some_and(|name| name.starts_with("opencode") && has_extension(path, "db"))
}

/// The first bytes of every database of SQLite (<https://www.sqlite.org/fileformat.html>, 1.3).
const MAGIC: &[u8] = b"SQLite format 3\0";

fn begins_as_database(path: &Path) -> bool {
    let mut first = [0; MAGIC.len()];
    let read = regular::open(path).and_then(|(mut file, _)| file.read_exact(&mut first));
    read.is_ok() && first == MAGIC
}

impl Archive {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        Ok(if path.is_dir() {
            Self::Files(Files::new(path))
        } else {
            Self::Database(Database::open(path)?)
        })
    }

    /// Every session except those of subagents.
    pub(super) fn sessions(&self) -> io::Result<Listing<Entry>> {
        match self {
            Self::Database(database) => Ok(Listing {
                found: database.sessions()?,
                unreadable: Vec::new(),
            }),
            Self::Files(files) => Ok(files.sessions()),
        }
    }

    pub(super) fn info(&self, id: &str) -> io::Result<Option<Info>> {
        match self {
            Self::Database(database) => database.info(id),
            Self::Files(files) => Ok(files.info(id)),
        }
    }

    /// Size of a session and its subagents in bytes, and the time of the last change (milliseconds
    /// since 1970).
    pub(super) fn size(&self, id: &str) -> io::Result<(u64, i64)> {
        let (mut bytes, mut updated) = (0, 0);
        let mut family = vec![id.to_owned()];
        let mut known = 0;
        while let Some(id) = family.get(known).cloned() {
            let (more, later) = match self {
                Self::Database(database) => database.size(&id)?,
                Self::Files(files) => files.size(&id),
            };
            bytes += more;
            updated = updated.max(later);
            known += 1;
            for child in self.children(&id)? {
                if !family.contains(&child) {
                    family.push(child);
                }
            }
        }
        Ok((bytes, updated))
    }

    /// The sessions of a session's subagents, the first first.
    pub(super) fn children(&self, id: &str) -> io::Result<Vec<String>> {
        match self {
            Self::Database(database) => database.children(id),
            Self::Files(files) => Ok(files.children(id)),
        }
    }

    /// The messages of a session, the first first.
    pub(super) fn messages(&self, id: &str) -> io::Result<Vec<Record>> {
        let mut records = match self {
            Self::Database(database) => database.messages(id)?,
            Self::Files(files) => files.messages(id)?,
        };
        records.sort_by(|a, b| (a.created, &a.id).cmp(&(b.created, &b.id)));
        for record in &mut records {
            record.parts.sort_by(|a, b| a.id.cmp(&b.id));
        }
        Ok(records)
    }

    /// The session that a subagent's session is finally part of.
    pub(super) fn root(&self, id: &str) -> io::Result<Option<String>> {
        let mut id = id.to_owned();
        let mut seen = vec![id.clone()];
        loop {
            let Some(info) = self.info(&id)? else {
                return Ok(None);
            };
            match info.parent_id {
                Some(parent) if !seen.contains(&parent) && self.info(&parent)?.is_some() => {
                    seen.push(parent.clone());
                    id = parent;
                }
                _ => return Ok(Some(id)),
            }
        }
    }
}
