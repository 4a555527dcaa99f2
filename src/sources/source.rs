//! The interface of a source of sessions, and the result of reading one.

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use super::checkpoint::Checkpoint;
use super::links::Bounds;
use super::look::Look;
use super::session_ref::{Glance, Reporter, SessionRef};
use super::walk::Listing;
use super::work_tree::WorkTree;
use crate::host::Host;
use crate::inbox::Route;
use crate::session::{Agent, Generation, Recording, Session, Wanted};

/// Access to the sessions of one agent. Each agent's folder has one implementation, and `registry`
/// a table of them.
pub(super) trait Source: Sync {
    /// The agent whose sessions this source reads.
    fn agent(&self) -> Agent;

    /// The folder in which the agent keeps its sessions; `None` without a home directory.
    fn folder(&self, host: &Host) -> Option<PathBuf>;

    /// Every session of this user, in no order.
    fn all(&self, host: &Host) -> Listing<SessionRef>;

    /// The sessions of the project in the current directory, in no order.
    fn of_project(&self, host: &Host) -> Listing<SessionRef>;

    /// Files at or below a folder that may be transcripts of any source: each is then offered to
    /// all sources (see [`Source::claims`]). Links are followed within the bounds.
    fn files_below(&self, _root: &Path, _bounds: &Bounds) -> Listing<PathBuf> {
        Listing::default()
    }

    /// Sessions at or below a path that are stored without a transcript of their own.
    fn stored_below(&self, _root: &Path) -> Listing<SessionRef> {
        Listing::default()
    }

    /// Whether the file at that path is a store of many sessions.
    fn holds_many(&self, _path: &Path) -> bool {
        false
    }

    /// Whether the session at that path belongs to this source.
    fn claims(&self, path: &Path) -> bool;

    /// The session at that path.
    ///
    /// # Errors
    /// When there is none.
    fn at(&self, path: &Path) -> io::Result<SessionRef>;

    /// Whether a session is part of another one, and is read with it.
    fn is_part(&self, _session: &SessionRef) -> bool {
        false
    }

    /// The path of the session with that id.
    fn locate(&self, _id: &str, _host: &Host) -> Option<PathBuf> {
        None
    }

    /// The path of the session that the agent's plugin names.
    fn named_by_plugin(&self, session: &Path, host: &Host) -> Option<PathBuf>;

    /// See [`SessionRef::session_id`].
    fn session_id(&self, session: &SessionRef) -> String;

    /// See [`Session::key`].
    fn session_key(&self, session: &SessionRef) -> String {
        self.session_id(session)
    }

    /// See [`SessionRef::glance`].
    fn glance(&self, session: &SessionRef) -> Glance;

    /// See [`SessionRef::started_at`].
    fn started_at(&self, session: &SessionRef) -> Option<DateTime<Utc>>;

    /// See [`SessionRef::last_written`].
    fn last_written(&self, session: &SessionRef) -> Option<DateTime<Utc>>;

    /// See [`SessionRef::work_trees`].
    fn work_trees(&self, _session: &SessionRef) -> Vec<WorkTree> {
        Vec::new()
    }

    /// See [`SessionRef::reporter`].
    fn reporter(&self, _session: &SessionRef) -> Option<Reporter> {
        None
    }

    /// See [`SessionRef::named`].
    fn named(&self, _session: &SessionRef) -> io::Result<Vec<String>> {
        Ok(Vec::new())
    }

    /// See [`SessionRef::route`].
    fn route(&self, _session: &SessionRef) -> Option<Route> {
        None
    }

    /// The work tree that contains a folder, found by the folder's path alone.
    fn work_tree_of(&self, _folder: &str) -> Option<WorkTree> {
        None
    }

    /// See [`SessionRef::files`].
    ///
    /// # Errors
    /// When the transcript does not exist or is not a regular file.
    fn files(&self, session: &SessionRef, host: &Host) -> io::Result<Box<dyn SessionFiles>>;

    /// The bytes of a checkpoint of this source with `replace` applied to every text of the session
    /// in it, and without the texts that are not recorded; `None` when they cannot be read. The
    /// default is for a source without checkpoints.
    fn replace_texts(
        &self,
        _checkpoint: &[u8],
        _recording: Recording,
        _replace: &mut dyn FnMut(String) -> String,
    ) -> Option<Vec<u8>> {
        None
    }
}

/// The files, or rows, of one session.
pub trait SessionFiles: fmt::Debug + Send + Sync {
    /// The session's own id, as the transcript states it.
    fn session_id(&self) -> String;

    /// A key that is unique among the agent's sessions; see [`Session::key`].
    fn session_key(&self) -> String {
        self.session_id()
    }

    /// Size and modification time of each file; missing ones are omitted.
    fn looks(&self) -> Vec<Look>;

    /// The working directories of a session that may be read in parts. A session that is always
    /// read whole states them itself.
    ///
    /// # Errors
    /// When a file cannot be read.
    fn folders(&self) -> io::Result<BTreeSet<String>> {
        Ok(BTreeSet::new())
    }

    /// Reads the session from its start, or from `checkpoint` on. `None` when no line has a time.
    /// `wanted` says which content to keep. After about `most` bytes the reading may stop (see
    /// [`Reading::is_part`]).
    ///
    /// # Errors
    /// When the transcript cannot be read.
    fn read(
        &self,
        checkpoint: Option<&Checkpoint>,
        wanted: Wanted,
        most: u64,
    ) -> anyhow::Result<(Option<Session>, Reading)>;
}

/// The result of a reading, apart from the session.
#[derive(Debug, Default)]
pub struct Reading {
    /// Whether the session continues after the part that was read.
    pub is_part: bool,
    /// Subagent transcripts that could not be read, with the reason.
    pub unreadable: Vec<(PathBuf, String)>,
    /// Transcripts of other sessions that own lines in this one's transcript; these lines are
    /// omitted here.
    pub others: Vec<PathBuf>,
    /// Ids, in lower case, of the sessions of any agent that a trace names; see
    /// [`SessionRef::named`].
    pub named: Vec<String>,
    /// Makes checkpoints; `None` for a session that is always read whole.
    pub(super) resume: Option<Box<dyn Resume>>,
}

/// Distinguishes the generations of a session from those copied from another.
pub type Ours<'a> = &'a dyn Fn(&Generation) -> bool;

/// Finds the places from which a later reading can continue.
pub(super) trait Resume: fmt::Debug + Send + Sync {
    /// See [`Reading::checkpoint`].
    fn checkpoint(&self, session: &Session, ours: Ours<'_>) -> Option<Checkpoint>;

    /// See [`Reading::cut`].
    fn cut(&self, session: &mut Session, ours: Ours<'_>) -> Option<Checkpoint>;
}

impl Reading {
    /// The checkpoint from which the next reading costs only what is new. `ours` distinguishes the
    /// generations of this session from those copied from another.
    #[must_use]
    pub fn checkpoint(&self, session: &Session, ours: Ours<'_>) -> Option<Checkpoint> {
        self.resume.as_ref()?.checkpoint(session, ours)
    }

    /// Removes from a part everything that may still change, and returns the place where the next
    /// one begins. `None` when nothing would be left: the part has to be read again, together with
    /// more. For `ours` see [`Reading::checkpoint`].
    #[must_use]
    pub fn cut(&self, session: &mut Session, ours: Ours<'_>) -> Option<Checkpoint> {
        self.resume.as_ref()?.cut(session, ours)
    }
}
