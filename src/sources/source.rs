//! What the rest of the program knows of any source of sessions.

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use super::checkpoint::Checkpoint;
use super::links::Bounds;
use super::look::Look;
use super::session_ref::{Glance, SessionRef};
use super::walk::Listing;
use super::work_tree::WorkTree;
use crate::host::Host;
use crate::session::{Agent, Generation, Session, Wanted};

/// The sessions of one agent. There is one implementation in each agent's folder, and one table of
/// them all in the module above.
pub(super) trait Source: Sync {
    /// Whose sessions they are.
    fn agent(&self) -> Agent;

    /// The folder in which the agent keeps them; `None` without a home directory.
    fn folder(&self, host: &Host) -> Option<PathBuf>;

    /// Every session of this user, in no order.
    fn all(&self, host: &Host) -> Listing<SessionRef>;

    /// The sessions of the project that the program runs in, in no order.
    fn of_project(&self, host: &Host) -> Listing<SessionRef>;

    /// Files at or below a folder that may be transcripts of any source: each is then offered to all
    /// of them (see [`Source::claims`]). Links are followed within the bounds.
    fn files_below(&self, _root: &Path, _bounds: &Bounds) -> Listing<PathBuf> {
        Listing::default()
    }

    /// Sessions at or below a path that have no transcript of their own.
    fn stored_below(&self, _root: &Path) -> Listing<SessionRef> {
        Listing::default()
    }

    /// Whether many sessions lie in the file at that path.
    fn holds_many(&self, _path: &Path) -> bool {
        false
    }

    /// Whether the session at that path is one of this source.
    fn claims(&self, path: &Path) -> bool;

    /// The session at that path.
    ///
    /// # Errors
    /// When none is there.
    fn at(&self, path: &Path) -> io::Result<SessionRef>;

    /// Whether it is part of another session, with which it is read.
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

    /// The work tree that a folder is in by its path alone, as the agent lays them out.
    fn work_tree_of(&self, _folder: &str) -> Option<WorkTree> {
        None
    }

    /// See [`SessionRef::files`].
    ///
    /// # Errors
    /// When the transcript is not there or is no regular file.
    fn files(&self, session: &SessionRef, host: &Host) -> io::Result<Box<dyn SessionFiles>>;

    /// The bytes of a checkpoint of this source with another text in the place of every text that was
    /// said in the session; `None` when they cannot be read. The default is for a source that makes
    /// no checkpoints.
    fn replace_texts(
        &self,
        _checkpoint: &[u8],
        _replace: &mut dyn FnMut(String) -> String,
    ) -> Option<Vec<u8>> {
        None
    }
}

/// The files, or rows, of one session.
pub trait SessionFiles: fmt::Debug + Send + Sync {
    /// The session's own id, as it stands in the transcript.
    fn session_id(&self) -> String;

    /// What tells the session from every other one; see [`Session::key`].
    fn session_key(&self) -> String {
        self.session_id()
    }

    /// How they look now; what is not there is left out.
    fn looks(&self) -> Vec<Look>;

    /// The folders that the session worked in, where it may be read in parts; what is read whole
    /// tells them itself.
    ///
    /// # Errors
    /// When a file cannot be read.
    fn folders(&self) -> io::Result<BTreeSet<String>> {
        Ok(BTreeSet::new())
    }

    /// Reads the session, from its start or from where `checkpoint` left off. There is none when
    /// the files hold no line with a time. `wanted` is what is kept of what was said. After about
    /// `most` bytes the reading may stop (see [`Reading::is_part`]).
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

/// How a reading went, besides the session that it found.
#[derive(Debug, Default)]
pub struct Reading {
    /// Whether there is more of the session than was read.
    pub is_part: bool,
    /// Subagent transcripts that could not be read, with the reason.
    pub unreadable: Vec<(PathBuf, String)>,
    /// Transcripts of other sessions, of which lines stand in this one: they were left out here.
    pub others: Vec<PathBuf>,
    /// `None` for a session that is always read whole.
    pub(super) resume: Option<Box<dyn Resume>>,
}

/// Tells which generations belong to a session and which were copied out of another.
pub type Ours<'a> = &'a dyn Fn(&Generation) -> bool;

/// Finds the places at which a later reading can go on.
pub(super) trait Resume: fmt::Debug + Send + Sync {
    /// See [`Reading::checkpoint`].
    fn checkpoint(&self, session: &Session, ours: Ours<'_>) -> Option<Checkpoint>;

    /// See [`Reading::cut`].
    fn cut(&self, session: &mut Session, ours: Ours<'_>) -> Option<Checkpoint>;
}

impl Reading {
    /// What to keep so that the next reading costs only what is new. `ours` tells the generations
    /// of this session from those copied out of another.
    #[must_use]
    pub fn checkpoint(&self, session: &Session, ours: Ours<'_>) -> Option<Checkpoint> {
        self.resume.as_ref()?.checkpoint(session, ours)
    }

    /// Cuts a part down to what cannot change any more, and returns where the next one begins.
    /// `None` when nothing would be left: it has to be read again, together with more. For `ours`
    /// see [`Reading::checkpoint`].
    #[must_use]
    pub fn cut(&self, session: &mut Session, ours: Ours<'_>) -> Option<Checkpoint> {
        self.resume.as_ref()?.cut(session, ours)
    }
}
