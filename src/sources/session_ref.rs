//! A session that was found and not yet read.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use chrono::{DateTime, Utc};

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
