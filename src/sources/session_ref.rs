//! A session that was found and not yet read.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use chrono::{DateTime, Utc};

use super::source::SessionFiles;
use super::work_tree::WorkTree;
use super::{look_at, source};
use crate::host::Host;
use crate::session::Agent;

/// Where a session lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Locator {
    /// A file of its own.
    File(PathBuf),
    /// A store that holds many sessions.
    Stored {
        /// The file of the store.
        store: PathBuf,
        /// The session's id in it.
        id: String,
    },
}

impl Locator {
    /// The path that names the session to people, in arguments and in the outbox; [`SessionRef::at`]
    /// finds the session by it. Where many sessions lie in one store, no file is there: it is the
    /// store's path and below it the id.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        match self {
            Self::File(path) => path.clone(),
            Self::Stored { store, id } => store.join(id),
        }
    }

    /// The file that holds the session, alone or among others.
    #[must_use]
    pub fn file(&self) -> &Path {
        match self {
            Self::File(path) | Self::Stored { store: path, .. } => path,
        }
    }
}

impl fmt::Display for Locator {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path().display().fmt(formatter)
    }
}

/// A session that was found and not yet read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRef {
    /// Who wrote it, and so the source that reads it.
    pub agent: Agent,
    /// The id that its file is named by.
    pub id: String,
    /// Where it lies.
    pub locator: Locator,
    /// Size of the transcript in bytes.
    pub bytes: u64,
    /// When the transcript was last written to.
    pub modified: SystemTime,
}

/// The beginning of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Glance {
    /// Time of the first line.
    pub started_at: Option<DateTime<Utc>>,
    /// Where the session was started.
    pub cwd: Option<String>,
    /// What was asked first.
    pub prompt: Option<String>,
}

impl SessionRef {
    /// The session whose transcript is at `path`, whoever wrote it; `None` when no file is there.
    #[must_use]
    pub fn at(path: &Path) -> Option<Self> {
        look_at(path).ok()
    }

    /// The session's own id, as it stands in the transcript.
    #[must_use]
    pub fn session_id(&self) -> String {
        source(self.agent).session_id(self)
    }

    /// What tells the session from every other one; see [`Session::key`](crate::session::Session::key).
    #[must_use]
    pub fn session_key(&self) -> String {
        source(self.agent).session_key(self)
    }

    /// Whether both are transcripts of one session, which may lie in several folders.
    #[must_use]
    pub fn is_copy_of(&self, other: &Self) -> bool {
        (self.agent, &self.id) == (other.agent, &other.id)
            && self.session_key() == other.session_key()
    }

    /// Looks at the beginning; a file that cannot be read shows nothing.
    #[must_use]
    pub fn glance(&self) -> Glance {
        source(self.agent).glance(self)
    }

    /// When it began, as [`SessionRef::glance`] tells as well, but with less reading.
    #[must_use]
    pub fn started_at(&self) -> Option<DateTime<Utc>> {
        source(self.agent).started_at(self)
    }

    /// Time of the last line, as it is written there.
    #[must_use]
    pub fn last_written(&self) -> Option<DateTime<Utc>> {
        source(self.agent).last_written(self)
    }

    /// The work trees that its own lines tell of.
    #[must_use]
    pub fn work_trees(&self) -> Vec<WorkTree> {
        source(self.agent).work_trees(self)
    }

    /// The files that belong to it.
    ///
    /// # Errors
    /// When the transcript is not there or is no regular file.
    pub fn files(&self, host: &Host) -> io::Result<Box<dyn SessionFiles>> {
        source(self.agent).files(self, host)
    }
}
