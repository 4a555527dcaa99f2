//! A session that was found and not yet read.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use chrono::{DateTime, Utc};

use crate::session::Agent;

/// The place where a session is stored.
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
    /// The path that names the session to people, in arguments and in the outbox;
    /// [`SessionRef::at`] finds the session by it. For a session in a store this is the store's
    /// path followed by the id, where no file exists.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        match self {
            Self::File(path) => path.clone(),
            Self::Stored { store, id } => store.join(id),
        }
    }

    /// The file that contains the session, alone or among others.
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
    /// The agent that wrote it, which determines the source that reads it.
    pub agent: Agent,
    /// The id in the name of its file.
    pub id: String,
    /// The place where it is stored.
    pub locator: Locator,
    /// Size of the transcript in bytes.
    pub bytes: u64,
    /// Modification time of the transcript.
    pub modified: SystemTime,
}

/// The reporter, over OpenTelemetry, of calls that a session of a coding agent contains too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reporter {
    /// The agent itself.
    Agent {
        /// The agent, which also keeps sessions of its own that this program reads.
        agent: Agent,
        /// Its id of the session, if the trace says so.
        session: Option<String>,
    },
    /// A gateway between its caller and the models. The caller may be a coding agent.
    Gateway {
        /// The sessions that the requests name, each once: at least one.
        sessions: Vec<String>,
    },
}

/// The beginning of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Glance {
    /// Time of the first line.
    pub started_at: Option<DateTime<Utc>>,
    /// Working directory at the start.
    pub cwd: Option<String>,
    /// The first prompt.
    pub prompt: Option<String>,
}
