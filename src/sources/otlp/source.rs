//! Traces as a source of sessions: a trace is a session.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::agents;
use super::archive::{Archive, Trace, is_archive};
use super::read::read;
use super::received;
use crate::host::Host;
use crate::inbox::{self, Route, TraceKey};
use crate::otlp::TraceId;
use crate::session::{Agent, Session, Wanted};
use crate::sources::checkpoint::Checkpoint;
use crate::sources::look::Look;
use crate::sources::session_ref::{Glance, Locator, Reporter, SessionRef};
use crate::sources::source::{Reading, SessionFiles, Source};
use crate::sources::walk::{self, Listing, Unreadable};

/// See [`Source`].
pub(in crate::sources) struct Otlp;

/// Extensions of the files to examine in a folder. A file that the user names may have any name.
const ENDINGS: [&str; 9] = [
    "json", "jsonl", "ndjson", "gz", "pb", "binpb", "proto", "protobuf", "otlp",
];

/// The place of a trace.
#[derive(Clone, Debug)]
enum Address {
    /// In a file of many traces; without an id, the file as a whole.
    File(PathBuf, Option<TraceId>),
    /// In the inbox of a database.
    Received(PathBuf, TraceKey),
}

impl Address {
    /// The trace or file that a path names; `None` for a path of another source.
    fn at(path: &Path) -> Option<Self> {
        if is_archive(path) {
            return Some(Self::File(path.to_owned(), None));
        }
        if let Some((database, key)) = received::at(path) {
            return Some(Self::Received(database.to_owned(), key));
        }
        let trace = path.file_name()?.to_str()?.parse().ok()?;
        let file = path.parent().filter(|it| is_archive(it))?;
        Some(Self::File(file.to_owned(), Some(trace)))
    }

    fn open(&self) -> io::Result<Arc<Archive>> {
        match self {
            Self::Received(database, key) => received::read(database, key),
            Self::File(file, _) => Archive::of(file),
        }
    }

    /// The named trace, or else the only one of the file.
    fn trace<'a>(&self, archive: &'a Archive) -> Option<Trace<'a>> {
        match self {
            Self::Received(_, key) => archive.trace(key.trace_id),
            Self::File(_, Some(id)) => archive.trace(*id),
            Self::File(file, None) => match archive.traces_in(file)[..] {
                [trace] => Some(trace),
                _ => None,
            },
        }
    }
}

impl Source for Otlp {
    fn agent(&self) -> Agent {
        Agent::Otlp
    }

    fn folder(&self, _host: &Host) -> Option<PathBuf> {
        None
    }

    /// The traces of the inbox. Files have no usual folder.
    fn all(&self, host: &Host) -> Listing<SessionRef> {
        let database = host.state_directory().map(|it| inbox::database(&it));
        database.map_or_else(Listing::default, |it| in_inbox(&it))
    }

    fn of_project(&self, _host: &Host) -> Listing<SessionRef> {
        Listing::default()
    }

    fn stored_below(&self, root: &Path) -> Listing<SessionRef> {
        if root.is_file() {
            return in_file(root, false);
        }
        let mut listing = walk::files(root, |_| true);
        let mut found = Listing {
            found: Vec::new(),
            unreadable: std::mem::take(&mut listing.unreadable),
        };
        let is_named = |path: &&PathBuf| {
            let ending = path.extension().and_then(|it| it.to_str());
            ending.is_some_and(|it| ENDINGS.contains(&it))
        };
        let named = || listing.found.iter().filter(is_named);
        // An error is reported when the file itself is read.
        let _ = Archive::gather(named());
        for path in named() {
            found.append(in_file(path, true));
        }
        found
    }

    fn holds_many(&self, path: &Path) -> bool {
        is_archive(path)
    }

    fn claims(&self, path: &Path) -> bool {
        Address::at(path).is_some()
    }

    fn at(&self, path: &Path) -> io::Result<SessionRef> {
        let address = Address::at(path).ok_or(ErrorKind::NotFound)?;
        if let Address::Received(database, key) = &address {
            let summary = received::summary(database, key)?;
            return Ok(received::reference(database, &summary));
        }
        let archive = address.open()?;
        let trace = address.trace(&archive);
        if let Address::File(file, Some(_)) = &address {
            let trace = trace.ok_or(ErrorKind::NotFound)?;
            return Ok(reference(file, &trace));
        }
        // The file as a whole: each of its traces has a path of its own.
        let meta = path.metadata()?;
        Ok(SessionRef {
            agent: Agent::Otlp,
            id: trace.map(|it| it.id.to_string()).unwrap_or_default(),
            locator: Locator::File(path.to_owned()),
            bytes: meta.len(),
            modified: meta.modified()?,
        })
    }

    /// A file as a whole is not a session; its traces are.
    fn is_part(&self, session: &SessionRef) -> bool {
        matches!(session.locator, Locator::File(_))
    }

    fn named_by_plugin(&self, _session: &Path, _host: &Host) -> Option<PathBuf> {
        None
    }

    fn session_id(&self, session: &SessionRef) -> String {
        session.id.clone()
    }

    /// Traces of two routes may have the same id.
    fn session_key(&self, session: &SessionRef) -> String {
        match received::at(&session.locator.path()) {
            Some((_, key)) => received::name(&key),
            None => session.id.clone(),
        }
    }

    fn route(&self, session: &SessionRef) -> Option<Route> {
        Some(received::at(&session.locator.path())?.1.route)
    }

    fn glance(&self, session: &SessionRef) -> Glance {
        let session = whole(session, Wanted::Outputs);
        session.map_or_else(Glance::default, |session| Glance {
            started_at: Some(session.started_at),
            cwd: None,
            prompt: session.first_prompt().map(str::to_owned),
        })
    }

    fn started_at(&self, session: &SessionRef) -> Option<DateTime<Utc>> {
        Some(whole(session, Wanted::Numbers)?.started_at)
    }

    fn last_written(&self, session: &SessionRef) -> Option<DateTime<Utc>> {
        Some(whole(session, Wanted::Numbers)?.ended_at)
    }

    fn reporter(&self, session: &SessionRef) -> Option<Reporter> {
        let address = Address::at(&session.locator.path())?;
        let archive = address.open().ok()?;
        agents::reporter(&address.trace(&archive)?.pieces.spans)
    }

    fn named(&self, session: &SessionRef) -> io::Result<Vec<String>> {
        let address = Address::at(&session.locator.path()).ok_or(ErrorKind::NotFound)?;
        let archive = address.open()?;
        let named = address.trace(&archive).map(|it| it.named());
        Ok(named.into_iter().flatten().collect())
    }

    fn files(&self, session: &SessionRef, _host: &Host) -> io::Result<Box<dyn SessionFiles>> {
        let address = Address::at(&session.locator.path()).ok_or(ErrorKind::NotFound)?;
        Ok(Box::new(address))
    }
}

impl SessionFiles for Address {
    fn session_id(&self) -> String {
        match self {
            Self::Received(_, key) => key.trace_id.to_string(),
            Self::File(_, trace) => trace.map(|it| it.to_string()).unwrap_or_default(),
        }
    }

    fn session_key(&self) -> String {
        match self {
            Self::Received(_, key) => received::name(key),
            Self::File(..) => self.session_id(),
        }
    }

    /// Empty for received traces: the inbox itself records what is new.
    fn looks(&self) -> Vec<Look> {
        let Self::File(file, _) = self else {
            return Vec::new();
        };
        let look = || {
            let archive = self.open().ok()?;
            let trace = self.trace(&archive)?;
            Some(Look {
                path: file.join(trace.id.to_string()),
                bytes: trace.bytes(),
                modified: trace.modified(),
            })
        };
        look().into_iter().collect()
    }

    fn read(
        &self,
        _checkpoint: Option<&Checkpoint>,
        wanted: Wanted,
        _most: u64,
    ) -> anyhow::Result<(Option<Session>, Reading)> {
        let archive = self.open()?;
        let trace = self.trace(&archive);
        let named = trace.map(|it| it.named()).into_iter().flatten().collect();
        let session = trace.and_then(|trace| read(&trace, wanted));
        let reading = Reading {
            named,
            ..Reading::default()
        };
        Ok((session, reading))
    }
}

fn whole(session: &SessionRef, wanted: Wanted) -> Option<Session> {
    let address = Address::at(&session.locator.path())?;
    let archive = address.open().ok()?;
    read(&address.trace(&archive)?, wanted)
}

/// The traces of a file that have an event. In a folder, a trace that is spread over files counts
/// once.
fn in_file(file: &Path, is_in_folder: bool) -> Listing<SessionRef> {
    let mut listing = Listing::default();
    if !is_archive(file) {
        return listing;
    }
    match Archive::of(file) {
        Ok(archive) => {
            let traces = archive.traces_in(file).into_iter();
            let own = traces.filter(|it| !is_in_folder || it.first_file() == file);
            let shown = own.filter(|it| read(it, Wanted::Numbers).is_some());
            listing.found.extend(shown.map(|it| reference(file, &it)));
            let damage = archive.damage_of(file);
            let damage = damage.map(|it| Unreadable::damaged(file, &it.to_string()));
            listing.unreadable.extend(damage);
        }
        Err(error) => listing.add(file, Err(error)),
    }
    listing
}

fn reference(file: &Path, trace: &Trace<'_>) -> SessionRef {
    SessionRef {
        agent: Agent::Otlp,
        id: trace.id.to_string(),
        locator: Locator::Stored {
            store: file.to_owned(),
            id: trace.id.to_string(),
        },
        bytes: trace.bytes(),
        modified: trace.modified(),
    }
}

/// The traces of an inbox.
fn in_inbox(database: &Path) -> Listing<SessionRef> {
    let mut listing = Listing::default();
    if !received::is_inbox(database) {
        return listing;
    }
    match received::all(database) {
        Ok(traces) => {
            let found = traces.iter().map(|it| received::reference(database, it));
            listing.found.extend(found);
        }
        Err(error) => listing.add(database, Err(error)),
    }
    listing
}
