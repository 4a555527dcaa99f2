//! Traces that were received. Each is read with the others of its session.
//!
//! An inbox may contain a million traces, so it is never read as a whole.

use std::cell::RefCell;
use std::collections::HashSet;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::rc::{Rc, Weak};
use std::sync::Arc;

use super::archive::Archive;
use super::mates::{EARLIER, LATER};
use super::members::Member;
use super::read::read as read_trace;
use crate::inbox::{self, InboxError, Reader, Received, Revision, Route, Summary, TraceKey};
use crate::otlp::openrouter::is_delivery;
use crate::otlp::{Telemetry, TraceId};
use crate::session::{Agent, Generation, Wanted};
use crate::sources::session_ref::{Locator, SessionRef};

/// Largest number of traces of an inbox to list, the newest ones.
const LISTED: usize = 1_000_000;

thread_local! {
    /// The inbox that this thread keeps open.
    static OPEN: RefCell<Weak<Open>> = const { RefCell::new(Weak::new()) };
}

/// An open inbox, with the traces read last.
#[derive(Debug)]
struct Open {
    database: PathBuf,
    reader: Reader,
    last: RefCell<Option<Last>>,
}

/// Traces that were read together, with their revisions at that time.
#[derive(Clone, Debug)]
struct Last {
    revisions: Vec<Revision>,
    archive: Arc<Archive>,
}

/// An inbox whose traces this thread reads one after the other. While this value exists, reading a
/// trace opens no file: opening takes a third of the time of a small trace.
#[derive(Debug)]
pub struct OpenInbox(Rc<Open>);

impl OpenInbox {
    /// Opens an inbox for reading.
    ///
    /// # Errors
    /// When there is none, or it cannot be opened.
    pub fn open(database: &Path) -> io::Result<Self> {
        let open = open(database)?;
        OPEN.set(Rc::downgrade(&open));
        Ok(Self(open))
    }

    /// The traces that change with a part of the inbox: the trace itself, and the one before it in
    /// its session whose tool results it is the first to contain.
    ///
    /// # Errors
    /// When the inbox cannot be read.
    pub fn changed_with(&self, key: &TraceKey) -> io::Result<Vec<SessionRef>> {
        let Self(open) = self;
        let own = open.one(key)?;
        let archive = open.around(&own)?;
        let changed: Vec<TraceId> = if own.is_loose {
            // Records without a trace may belong to any trace of their session.
            let member = open.member(&own);
            let changed = archive.traces_in(&member.path).into_iter();
            changed.map(|it| it.id).collect()
        } else {
            let trace = archive.trace(key.trace_id);
            let answered = trace.map_or_else(Vec::new, |it| it.answered());
            // `key` comes first: it was read last, and reading it again costs nothing.
            [vec![key.trace_id], answered].concat()
        };
        let mut found = Vec::new();
        for trace_id in changed {
            let summary = open.one(&TraceKey {
                route: key.route.clone(),
                trace_id,
            })?;
            // A waiting trace is read by itself later, with everything received until then.
            if trace_id == key.trace_id || own.is_loose || !summary.is_waiting {
                found.push(reference(&open.database, &summary));
            }
        }
        Ok(found)
    }
}

/// Whether the path is that of an inbox.
pub(super) fn is_inbox(path: &Path) -> bool {
    inbox::folder_of(path).is_some() && path.is_file()
}

/// The inbox that this thread has open; otherwise it is opened.
fn open(database: &Path) -> io::Result<Rc<Open>> {
    let kept = OPEN.with_borrow(Weak::upgrade);
    if let Some(kept) = kept.filter(|it| it.database == database) {
        return Ok(kept);
    }
    let folder = inbox::folder_of(database).ok_or(ErrorKind::NotFound)?;
    let reader = Reader::open(folder).map_err(failed)?;
    Ok(Rc::new(Open {
        database: database.to_owned(),
        reader: reader.ok_or(ErrorKind::NotFound)?,
        last: RefCell::default(),
    }))
}

/// The traces of an inbox, except for records without a trace.
pub(super) fn all(database: &Path) -> io::Result<Vec<Summary>> {
    let mut all = open(database)?.reader.traces(LISTED).map_err(failed)?;
    all.retain(|it| !it.is_loose);
    Ok(all)
}

/// Facts about a trace without reading it.
pub(super) fn summary(database: &Path, key: &TraceKey) -> io::Result<Summary> {
    open(database)?.one(key)
}

/// The name of a trace below the path of its inbox, and in the outbox. A trace that came by the
/// default route is named by its id alone.
pub(super) fn name(key: &TraceKey) -> String {
    if key.route.is_main() {
        key.trace_id.to_string()
    } else {
        format!("{}/{}", key.route, key.trace_id)
    }
}

/// The route of a trace with that name.
pub(in crate::sources) fn route_of_key(name: &str) -> Route {
    let route = name.rsplit_once('/').map(|(route, _)| Route::new(route));
    route.unwrap_or_else(Route::main)
}

/// The trace with that name; `None` when it is the name of none.
pub(in crate::sources) fn trace_of_key(name: &str) -> Option<TraceKey> {
    let id = name.rsplit_once('/').map_or(name, |(_, id)| id);
    Some(TraceKey {
        route: route_of_key(name),
        trace_id: id.parse().ok()?,
    })
}

/// The inbox and the trace that a path names; `None` for any other path.
pub(super) fn at(path: &Path) -> Option<(&Path, TraceKey)> {
    let trace_id = path.file_name()?.to_str()?.parse().ok()?;
    let above = path.parent()?;
    let (database, route) = if is_inbox(above) {
        (above, Route::main())
    } else {
        let database = above.parent().filter(|it| is_inbox(it))?;
        (database, Route::new(above.file_name()?.to_str()?))
    };
    Some((database, TraceKey { route, trace_id }))
}

/// Calls of a coding agent's session that OpenRouter delivered to the inbox by a route: in
/// deliveries that name the session, or with one of these response ids.
pub(in crate::sources) fn delivered(
    database: &Path,
    route: &Route,
    session: &str,
    responses: &[&str],
) -> io::Result<Vec<Generation>> {
    let open = open(database)?;
    let mut summaries = open.reader.of_session(route, session).map_err(failed)?;
    for response in responses {
        let reports = open.reader.of_request(route, response).map_err(failed)?;
        summaries.extend(reports);
    }
    let mut calls = Vec::new();
    let mut known = HashSet::new();
    for summary in summaries {
        let key = summary.revision.key.clone();
        let Some(received) = open.reader.read(&key).map_err(failed)? else {
            continue;
        };
        let is_delivery = received.spans.iter().any(is_delivery);
        if !is_delivery || !known.insert(key.trace_id) {
            continue;
        }
        let archive = Archive::received(vec![(open.member(&summary), telemetry(received))]);
        let trace = archive.trace(key.trace_id);
        let session = trace.and_then(|it| read_trace(&it, Wanted::Outputs));
        let turns = session.into_iter().flat_map(|it| it.turns);
        calls.extend(turns.flat_map(|it| it.generations));
    }
    Ok(calls)
}

/// A trace of an inbox, with the others of its session.
pub(super) fn read(database: &Path, key: &TraceKey) -> io::Result<Arc<Archive>> {
    let open = open(database)?;
    let summary = open.one(key)?;
    open.around(&summary)
}

impl Open {
    fn one(&self, key: &TraceKey) -> io::Result<Summary> {
        let found = self.reader.summary(key).map_err(failed)?;
        found.ok_or(ErrorKind::NotFound.into())
    }

    fn member(&self, summary: &Summary) -> Member {
        Member {
            path: self.database.join(name(&summary.revision.key)),
            bytes: summary.bytes,
            modified: summary.last_received,
        }
    }

    /// A trace with the others of its session, and those that report the same calls.
    fn around(&self, summary: &Summary) -> io::Result<Arc<Archive>> {
        let key = &summary.revision.key;
        let mut mates: Vec<Summary> = Vec::new();
        for session in self.reader.sessions(key).map_err(failed)? {
            let all = self
                .reader
                .of_session(&key.route, &session)
                .map_err(failed)?;
            let new = all.into_iter().filter(|it| {
                mates
                    .iter()
                    .all(|mate| mate.revision.key != it.revision.key)
            });
            mates.extend(new.collect::<Vec<_>>());
        }
        if mates.iter().all(|it| it.revision.key != *key) {
            mates.push(summary.clone());
        }
        mates.sort_by_key(|it| it.first_received);
        let own = mates.iter().position(|it| it.revision.key == *key);
        let own = own.unwrap_or_default();
        let is_near = |place: usize, mate: &Summary| {
            mate.is_loose || summary.is_loose || place + EARLIER >= own && place <= own + LATER
        };
        let near = mates.into_iter().enumerate();
        let near = near.filter(|(place, mate)| is_near(*place, mate));
        let mut near: Vec<Summary> = near.map(|(_, mate)| mate).collect();
        let mut reports = self.reader.of_same_requests(key).map_err(failed)?;
        reports.extend(self.reader.reports_with(key).map_err(failed)?);
        for report in reports {
            if near
                .iter()
                .all(|mate| mate.revision.key != report.revision.key)
            {
                near.push(report);
            }
        }
        let revisions: Vec<Revision> = near.iter().map(|it| it.revision.clone()).collect();
        let last = self.last.borrow().clone();
        if let Some(last) = last.filter(|it| it.revisions == revisions) {
            return Ok(last.archive);
        }
        let mut received = Vec::new();
        for mate in &near {
            let read = self.reader.read(&mate.revision.key).map_err(failed)?;
            received.extend(read.map(|it| (self.member(mate), telemetry(it))));
        }
        let archive = Arc::new(Archive::received(received));
        *self.last.borrow_mut() = Some(Last {
            revisions,
            archive: Arc::clone(&archive),
        });
        Ok(archive)
    }
}

pub(super) fn reference(database: &Path, summary: &Summary) -> SessionRef {
    let key = &summary.revision.key;
    SessionRef {
        agent: Agent::Otlp,
        id: key.trace_id.to_string(),
        locator: Locator::Stored {
            store: database.to_owned(),
            id: name(key),
        },
        bytes: summary.bytes,
        modified: summary.last_received,
    }
}

fn telemetry(Received { spans, logs, .. }: Received) -> Telemetry {
    Telemetry {
        spans,
        logs,
        ..Telemetry::default()
    }
}

fn failed(error: InboxError) -> io::Error {
    io::Error::other(error)
}
