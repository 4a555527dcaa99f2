//! Claude Code as a source of sessions.

use std::collections::BTreeSet;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use super::checkpoint::{self, Checkpoint};
use super::{folders, glance, paths, places, read, work_trees};
use crate::host::Host;
use crate::session::{Agent, Recording, Session, Wanted};
use crate::sources::links::Bounds;
use crate::sources::look::Look;
use crate::sources::session_ref::{Glance, Locator, SessionRef};
use crate::sources::source::{Ours, Reading, Resume, SessionFiles, Source};
use crate::sources::walk::Listing;
use crate::sources::work_tree::WorkTree;

/// See [`Source`].
pub(in crate::sources) struct ClaudeCode;

impl Source for ClaudeCode {
    fn agent(&self) -> Agent {
        Agent::ClaudeCode
    }

    fn folder(&self, host: &Host) -> Option<PathBuf> {
        places::projects_dir(host)
    }

    fn all(&self, host: &Host) -> Listing<SessionRef> {
        paths::all(host).looked_at(|path| self.at(path))
    }

    fn of_project(&self, host: &Host) -> Listing<SessionRef> {
        paths::of_project(host).looked_at(|path| self.at(path))
    }

    fn files_below(&self, root: &Path, bounds: &Bounds) -> Listing<PathBuf> {
        paths::transcripts(&[root.to_owned()], bounds)
    }

    fn claims(&self, _path: &Path) -> bool {
        true
    }

    fn at(&self, path: &Path) -> io::Result<SessionRef> {
        let id = paths::named(path).ok_or(ErrorKind::NotFound)?;
        let look = Look::of(path)?;
        Ok(SessionRef {
            agent: self.agent(),
            id,
            locator: Locator::File(look.path),
            bytes: look.bytes,
            modified: look.modified,
        })
    }

    fn locate(&self, id: &str, host: &Host) -> Option<PathBuf> {
        paths::locate(id, host)
    }

    fn named_by_plugin(&self, session: &Path, _host: &Host) -> Option<PathBuf> {
        let path = std::path::absolute(session).ok()?;
        path.is_file().then_some(path)
    }

    fn session_id(&self, session: &SessionRef) -> String {
        paths::session_id(session.locator.file())
    }

    fn glance(&self, session: &SessionRef) -> Glance {
        glance::glance(session.locator.file())
    }

    fn started_at(&self, session: &SessionRef) -> Option<DateTime<Utc>> {
        glance::started_at(session.locator.file())
    }

    fn last_written(&self, session: &SessionRef) -> Option<DateTime<Utc>> {
        glance::last_written(session.locator.file())
    }

    fn work_trees(&self, session: &SessionRef) -> Vec<WorkTree> {
        work_trees::work_trees(session.locator.file())
    }

    fn work_tree_of(&self, folder: &str) -> Option<WorkTree> {
        work_trees::work_tree_of(folder)
    }

    fn files(&self, session: &SessionRef, host: &Host) -> io::Result<Box<dyn SessionFiles>> {
        let files = paths::session_files(session.locator.file(), host)?;
        Ok(Box::new(files))
    }

    fn replace_texts(
        &self,
        bytes: &[u8],
        recording: Recording,
        replace: &mut dyn FnMut(String) -> String,
    ) -> Option<Vec<u8>> {
        let checkpoint = Checkpoint::from_bytes(bytes)?;
        checkpoint.replacing(recording, replace).to_bytes()
    }
}

impl SessionFiles for paths::SessionFiles {
    fn session_id(&self) -> String {
        self.session_id.clone()
    }

    fn looks(&self) -> Vec<Look> {
        let agents = self.agents.iter().map(|agent| agent.path.as_path());
        let paths = [self.transcript.as_path()].into_iter().chain(agents);
        paths.map(Look::of).filter_map(Result::ok).collect()
    }

    fn folders(&self) -> io::Result<BTreeSet<String>> {
        folders::folders(self)
    }

    fn read(
        &self,
        checkpoint: Option<&crate::sources::checkpoint::Checkpoint>,
        wanted: Wanted,
        most: u64,
    ) -> anyhow::Result<(Option<Session>, Reading)> {
        let checkpoint = checkpoint.and_then(|it| Checkpoint::from_bytes(it.bytes()));
        let (session, mut extent) = read::read(self, checkpoint, wanted, most)?;
        let reading = Reading {
            is_part: extent.is_part,
            unreadable: std::mem::take(&mut extent.unreadable),
            others: std::mem::take(&mut extent.others),
            resume: Some(Box::new(extent)),
            ..Reading::default()
        };
        Ok((session, reading))
    }
}

impl Resume for checkpoint::Extent {
    fn checkpoint(
        &self,
        session: &Session,
        ours: Ours<'_>,
    ) -> Option<crate::sources::checkpoint::Checkpoint> {
        opaque(&self.checkpoint_of(session, ours)?)
    }

    fn cut(
        &self,
        session: &mut Session,
        ours: Ours<'_>,
    ) -> Option<crate::sources::checkpoint::Checkpoint> {
        opaque(&self.cut_down(session, ours)?)
    }
}

fn opaque(checkpoint: &Checkpoint) -> Option<crate::sources::checkpoint::Checkpoint> {
    let bytes = checkpoint.to_bytes()?;
    Some(crate::sources::checkpoint::Checkpoint::new(
        Agent::ClaudeCode,
        bytes,
    ))
}
