//! Traces that were received: each is read with the others of its session.
//!
//! An inbox may hold a million traces, so that it is never read as a whole.

use std::io::{self, ErrorKind};
use std::path::Path;

use super::archive::{Archive, Part};
use crate::inbox::{self, InboxError, Reader, Received, Route, Summary, TraceKey};
use crate::otlp::Batch;

/// Traces of the session before one that are read with it. Their conversations are known then.
const BEFORE: usize = 32;
/// Traces of the session after one that are read with it. The next holds what tools answered.
const AFTER: usize = 1;
/// Traces of an inbox that are listed, the newest ones.
const LISTED: usize = 1_000_000;

/// Whether a path is that of an inbox.
pub(super) fn is_inbox(path: &Path) -> bool {
    inbox::folder_of(path).is_some() && path.is_file()
}

fn open(database: &Path) -> io::Result<Reader> {
    let folder = inbox::folder_of(database).ok_or(ErrorKind::NotFound)?;
    let reader = Reader::open(folder).map_err(failed)?;
    reader.ok_or_else(|| ErrorKind::NotFound.into())
}

/// The traces of an inbox, without records that have none.
pub(super) fn all(database: &Path) -> io::Result<Vec<Summary>> {
    let mut all = open(database)?.traces(LISTED).map_err(failed)?;
    all.retain(|it| !it.is_loose);
    Ok(all)
}

/// What is known of a trace without reading it.
pub(super) fn summary(database: &Path, key: &TraceKey) -> io::Result<Summary> {
    one(&open(database)?, key)
}

fn one(reader: &Reader, key: &TraceKey) -> io::Result<Summary> {
    let found = reader.summary(key).map_err(failed)?;
    found.ok_or(ErrorKind::NotFound.into())
}

/// The name of a trace in an inbox, below its path and in the outbox. What came by the route of the
/// settings has its id alone.
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

/// The inbox and the trace that a path names; `None` when it names none.
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

/// A trace of an inbox, with the others of its session.
pub(super) fn read(database: &Path, key: &TraceKey) -> io::Result<Archive> {
    let reader = open(database)?;
    let summary = one(&reader, key)?;
    around(&reader, database, &summary)
}

/// The traces that change with a part of an inbox: itself, or those to which the records belong
/// that name none.
pub(super) fn changed(database: &Path, key: &TraceKey) -> io::Result<Vec<TraceKey>> {
    let reader = open(database)?;
    let own = one(&reader, key)?;
    if !own.is_loose {
        return Ok(vec![key.clone()]);
    }
    let archive = around(&reader, database, &own)?;
    let part = part(database, &own);
    let changed = archive
        .traces_in(&part.path)
        .into_iter()
        .map(|it| TraceKey {
            route: key.route.clone(),
            trace_id: it.id,
        });
    Ok(changed.collect())
}

fn around(reader: &Reader, database: &Path, summary: &Summary) -> io::Result<Archive> {
    let key = &summary.revision.key;
    let mut mates: Vec<Summary> = Vec::new();
    for session in reader.sessions(key).map_err(failed)? {
        let all = reader.of_session(&key.route, &session).map_err(failed)?;
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
        mate.is_loose || summary.is_loose || place + BEFORE >= own && place <= own + AFTER
    };
    let near = mates.iter().enumerate();
    let near = near.filter(|(place, mate)| is_near(*place, mate));
    let mut received = Vec::new();
    for (_, mate) in near {
        let read = reader.read(&mate.revision.key).map_err(failed)?;
        received.extend(read.map(|it| (part(database, mate), batch(it))));
    }
    Ok(Archive::received(received))
}

fn part(database: &Path, summary: &Summary) -> Part {
    Part {
        path: database.join(name(&summary.revision.key)),
        bytes: summary.bytes,
        modified: summary.last_received,
    }
}

fn batch(Received { spans, logs, .. }: Received) -> Batch {
    Batch {
        spans,
        logs,
        ..Batch::default()
    }
}

fn failed(error: InboxError) -> io::Error {
    io::Error::other(error)
}
