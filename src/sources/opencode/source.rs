//! OpenCode as a source of sessions.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};

use super::archive::{self, Address};
use super::record::Entry;
use super::{glance, paths, read};
use crate::host::Host;
use crate::session::{Agent, Session, Wanted};
use crate::sources::checkpoint::Checkpoint;
use crate::sources::look::Look;
use crate::sources::session_ref::{Glance, Locator, SessionRef};
use crate::sources::source::{Reading, SessionFiles, Source};
use crate::sources::walk::Listing;

/// See [`Source`].
pub(in crate::sources) struct OpenCode;

impl Source for OpenCode {
    fn agent(&self) -> Agent {
        Agent::OpenCode
    }

    fn folder(&self, host: &Host) -> Option<PathBuf> {
        paths::data_dir(host)
    }

    fn all(&self, host: &Host) -> Listing<SessionRef> {
        paths::sessions(host).map(of_entry)
    }

    fn of_project(&self, host: &Host) -> Listing<SessionRef> {
        paths::of_project(host).map(of_entry)
    }

    fn stored_below(&self, root: &Path) -> Listing<SessionRef> {
        paths::below(root).map(of_entry)
    }

    fn holds_many(&self, path: &Path) -> bool {
        archive::is_database(path)
    }

    fn claims(&self, path: &Path) -> bool {
        Address::at(path).is_some()
    }

    fn at(&self, path: &Path) -> io::Result<SessionRef> {
        let address = Address::at(path).ok_or(ErrorKind::NotFound)?;
        let look = look(&address)?;
        Ok(SessionRef {
            agent: self.agent(),
            id: address.id.clone(),
            locator: locator(&address),
            bytes: look.bytes,
            modified: look.modified,
        })
    }

    fn locate(&self, id: &str, host: &Host) -> Option<PathBuf> {
        paths::locate(id, host)
    }

    fn named_by_plugin(&self, session: &Path, host: &Host) -> Option<PathBuf> {
        paths::locate(session.to_str()?, host)
    }

    fn session_id(&self, session: &SessionRef) -> String {
        session.id.clone()
    }

    fn glance(&self, session: &SessionRef) -> Glance {
        let address = address(session);
        address.map_or_else(Glance::default, |address| glance::glance(&address))
    }

    fn started_at(&self, session: &SessionRef) -> Option<DateTime<Utc>> {
        glance::started_at(&address(session)?)
    }

    fn last_written(&self, session: &SessionRef) -> Option<DateTime<Utc>> {
        glance::last_written(&address(session)?)
    }

    fn files(&self, session: &SessionRef, _host: &Host) -> io::Result<Box<dyn SessionFiles>> {
        let address = address(session).ok_or(ErrorKind::NotFound)?;
        Ok(Box::new(address))
    }
}

impl SessionFiles for Address {
    fn session_id(&self) -> String {
        self.id.clone()
    }

    fn looks(&self) -> Vec<Look> {
        look(self).into_iter().collect()
    }

    fn read(
        &self,
        _checkpoint: Option<&Checkpoint>,
        wanted: Wanted,
        _most: u64,
    ) -> anyhow::Result<(Option<Session>, Reading)> {
        Ok((read::read(self, wanted)?, Reading::default()))
    }
}

fn address(session: &SessionRef) -> Option<Address> {
    Address::at(&session.locator.path())
}

/// The place of a session: in a store for a database, a file for a tree of files, and the archive
/// itself if it cannot be read.
fn locator(address: &Address) -> Locator {
    if address.path == address.archive.join(&address.id) {
        Locator::Stored {
            store: address.archive.clone(),
            id: address.id.clone(),
        }
    } else {
        Locator::File(address.path.clone())
    }
}

fn of_entry(entry: Entry) -> SessionRef {
    let address = Address::at(&entry.path);
    SessionRef {
        agent: Agent::OpenCode,
        modified: milliseconds_after_1970(entry.updated),
        id: entry.id,
        locator: address
            .as_ref()
            .map_or_else(|| Locator::File(entry.path), locator),
        bytes: entry.bytes,
    }
}

fn look(address: &Address) -> io::Result<Look> {
    let (bytes, updated) = glance::size(address)?;
    Ok(Look {
        path: address.path.clone(),
        bytes,
        modified: milliseconds_after_1970(updated),
    })
}

fn milliseconds_after_1970(milliseconds: i64) -> SystemTime {
    let since = Duration::from_millis(milliseconds.try_into().unwrap_or(0));
    SystemTime::UNIX_EPOCH + since
}
