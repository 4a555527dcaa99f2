//! Pi as a source of sessions.

use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use super::{glance, header, paths, read};
use crate::host::Host;
use crate::session::{Agent, Session, Wanted};
use crate::sources::checkpoint::Checkpoint;
use crate::sources::look::Look;
use crate::sources::session_ref::{Glance, Locator, SessionRef};
use crate::sources::source::{Reading, SessionFiles, Source};
use crate::sources::walk::Listing;

/// See [`Source`]. Below a folder, the files of Pi are among those that Claude Code's source lists.
pub(in crate::sources) struct Pi;

/// A file, and one for each subagent beside it.
#[derive(Debug)]
struct Files(PathBuf);

impl Source for Pi {
    fn agent(&self) -> Agent {
        Agent::Pi
    }

    fn folder(&self, host: &Host) -> Option<PathBuf> {
        paths::sessions_dir(host)
    }

    fn all(&self, host: &Host) -> Listing<SessionRef> {
        paths::all(host).looked_at(|path| self.at(path))
    }

    fn of_project(&self, host: &Host) -> Listing<SessionRef> {
        paths::of_project(host).looked_at(|path| self.at(path))
    }

    fn claims(&self, path: &Path) -> bool {
        paths::is_session(path)
    }

    fn at(&self, path: &Path) -> io::Result<SessionRef> {
        let look = Look::of_all(path, &paths::files(path))?;
        Ok(SessionRef {
            agent: self.agent(),
            id: header::id_in_name(path),
            locator: Locator::File(look.path),
            bytes: look.bytes,
            modified: look.modified,
        })
    }

    fn is_part(&self, session: &SessionRef) -> bool {
        paths::is_part(session.locator.file())
    }

    fn named_by_plugin(&self, session: &Path, _host: &Host) -> Option<PathBuf> {
        paths::named(session)
    }

    fn session_id(&self, session: &SessionRef) -> String {
        paths::session_id(session.locator.file())
    }

    fn session_key(&self, session: &SessionRef) -> String {
        paths::session_key(session.locator.file())
    }

    fn glance(&self, session: &SessionRef) -> Glance {
        glance::glance(session.locator.file())
    }

    fn started_at(&self, session: &SessionRef) -> Option<DateTime<Utc>> {
        header::started_at(session.locator.file())
    }

    fn last_written(&self, session: &SessionRef) -> Option<DateTime<Utc>> {
        glance::last_written(session.locator.file())
    }

    fn files(&self, session: &SessionRef, _host: &Host) -> io::Result<Box<dyn SessionFiles>> {
        Ok(Box::new(Files(session.locator.path())))
    }
}

impl SessionFiles for Files {
    fn session_id(&self) -> String {
        paths::session_id(&self.0)
    }

    fn session_key(&self) -> String {
        paths::session_key(&self.0)
    }

    fn looks(&self) -> Vec<Look> {
        let looks = paths::files(&self.0)
            .into_iter()
            .map(|path| Look::of(&path));
        looks.filter_map(Result::ok).collect()
    }

    fn read(
        &self,
        _checkpoint: Option<&Checkpoint>,
        wanted: Wanted,
        _most: u64,
    ) -> anyhow::Result<(Option<Session>, Reading)> {
        Ok((read::read(&self.0, wanted)?, Reading::default()))
    }
}
