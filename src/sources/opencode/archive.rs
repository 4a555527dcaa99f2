//! Where sessions are kept: one database for all of them, or, by versions before 1.2, a tree of
//! files.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::database::Database;
use super::files::Files;
use super::record::{Entry, Record, has_extension};
use super::wire::Info;
use crate::sources::walk::Listing;

/// Sessions as they lie on the disk.
#[derive(Debug)]
pub(super) enum Archive {
    Database(Database),
    Files(Files),
}

/// Which session of which archive: the path of the archive, and below it the id. Of a tree of files
/// it is the path of the session's own file, of a database that of nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) archive: PathBuf,
    pub(super) id: String,
    pub(super) path: PathBuf,
}

impl Address {
    /// The session that a path means; `None` when it is none of OpenCode's.
    #[must_use]
    pub(super) fn at(path: &Path) -> Option<Self> {
        let (parent, name) = (path.parent()?, path.file_name()?.to_str()?);
        if is_database(path) {
            // All of it: there is no session of that name, unless there is trouble.
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

/// Whether the path is that of a database, as far as its first bytes tell: `OPENCODE_DB` gives it any
/// name. One with OpenCode's own name is taken for one though it is broken, so that this is told.
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
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut first));
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

    /// Every session that is no subagent's.
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

    /// Bytes of a session and those of its subagents, and when the last was written to
    /// (milliseconds since 1970).
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

    /// The sessions of the subagents of a session, the first first.
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

    /// The session that a subagent's session belongs to in the end.
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
