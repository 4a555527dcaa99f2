//! Reading: which traces wait, and the contents of one.

use std::collections::HashMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use flate2::read::ZlibDecoder;
use rusqlite::{Connection, Params, Row, params};

use super::Revision;
use super::error::{ChunkError, InboxError};
use super::facts::Fact;
use super::key::{Route, TraceKey};
use super::open;
use super::sessions::{NAMED, REQUEST, RESPONSE};
use super::time::{from_millis, span_millis, to_millis};
use crate::otlp::{LogRecord, Span, TraceId, stored};

/// Number of traces before and after one to search for further reports of its responses: as many as
/// an exporter sends at once.
const NEAR: i64 = 512;
/// Maximum number of traces that may report the same response as one: the nearest.
const REPORTS: i64 = 8;
/// Maximum number of traces that report the same requests to OpenRouter as one. Each delivery is a
/// trace.
const REQUESTS: i64 = 1024;
/// Time for which an application that reported requests to OpenRouter is expected to report more.
const LATELY: Duration = Duration::from_hours(24);

/// Read access to the inbox, beside the writing thread or in another process.
#[derive(Debug)]
pub struct Reader {
    pub(super) connection: Connection,
    pub(super) path: PathBuf,
}

/// Facts about a trace, without its contents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// The trace and its revision, for [`Inbox::mark_mapped`](super::Inbox::mark_mapped).
    pub revision: Revision,
    /// Whether it is a group of log records without a trace: of a session, or of a service and
    /// hour.
    pub is_loose: bool,
    /// Service of the root span, or of the first item; empty when it has no name.
    pub service: String,
    /// Name of the root span, or of the first item.
    pub name: String,
    /// Whether the root span arrived.
    pub has_root: bool,
    /// When the first part arrived.
    pub first_received: SystemTime,
    /// When something new arrived last.
    pub last_received: SystemTime,
    /// Number of spans.
    pub spans: u64,
    /// Number of log records.
    pub logs: u64,
    /// Bytes on disk.
    pub bytes: u64,
    /// Whether it waits to be mapped.
    pub is_waiting: bool,
    /// When it was mapped last. If it waits again, something arrived late.
    pub mapped_at: Option<SystemTime>,
}

/// The contents of a trace, redacted: each span and each record once, in its newest form, in order
/// of arrival.
#[derive(Debug, Clone, PartialEq)]
pub struct Received {
    /// The trace and its state when it was read.
    pub summary: Summary,
    /// Its spans.
    pub spans: Vec<Span>,
    /// Its log records.
    pub logs: Vec<LogRecord>,
}

/// Time without anything new after which a trace counts as complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quiet {
    /// Time after the root span arrived. Emitters send children before their parents, and an SDK
    /// sends every 5 s, so little follows.
    pub with_root: Duration,
    /// Time without the root span, which may never arrive.
    pub without_root: Duration,
}

impl Default for Quiet {
    fn default() -> Self {
        Self {
            with_root: Duration::from_secs(5),
            without_root: Duration::from_mins(1),
        }
    }
}

/// The columns of [`summary_of`].
const SUMMARY: &str = "trace_id, route, revision, is_loose, service, name, has_root,
    first_received, last_received, spans, logs, bytes, is_waiting, mapped_at";

impl Reader {
    /// Opens the inbox in this folder for reading; `None` if there is none yet.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(directory: &Path) -> Result<Option<Self>, InboxError> {
        let connection = open::open_read_only(directory)?;
        let path = open::file(directory);
        Ok(connection.map(|connection| Self { connection, path }))
    }

    /// The waiting traces of a route that are quiet, the oldest first. A clock that was set back
    /// makes none of them wait for ever.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn quiet(
        &self,
        route: &Route,
        quiet: &Quiet,
        now: SystemTime,
        limit: usize,
    ) -> Result<Vec<Summary>, InboxError> {
        let now = to_millis(now);
        let (with, without) = (
            span_millis(quiet.with_root),
            span_millis(quiet.without_root),
        );
        // If OpenRouter and the application both report a request, each report waits for the other,
        // as a trace waits for its root: events that were sent are never changed.
        let condition = "is_waiting = 1 AND route = ?5 AND (last_received <= ?1
              OR (has_root = 1 AND last_received <= ?2 AND NOT (
                (is_delivery = 0 OR ?6) AND EXISTS (
                  SELECT 1 FROM sessions AS own WHERE own.trace = traces.id
                    AND substr(own.session, 1, length(?7)) = ?7
                    AND NOT EXISTS (
                      SELECT 1 FROM sessions AS others JOIN traces AS other ON other.id = others.trace
                      WHERE others.session = own.session AND other.route = ?5
                        AND other.is_delivery <> traces.is_delivery))))
              OR last_received > ?3)
            ORDER BY last_received LIMIT ?4";
        let times = [now - without, now - with, now + without];
        let has_reports = self.has_own_reports(route, now)?;
        let route = route.name();
        self.list(
            condition,
            params![
                times[0],
                times[1],
                times[2],
                limit,
                route,
                has_reports,
                REQUEST
            ],
        )
    }

    /// Whether an application has lately reported its own requests to OpenRouter.
    fn has_own_reports(&self, route: &Route, now: i64) -> Result<bool, InboxError> {
        let known = "SELECT 1 FROM tallies WHERE fact = ?1 AND name = ?2 AND last_at > ?3";
        let since = now - span_millis(LATELY);
        let find = || {
            let mut find = self.connection.prepare_cached(known)?;
            find.exists(params![Fact::OwnReport.name(), route.name(), since])
        };
        find().map_err(|error| self.located(error))
    }

    /// The waiting traces of a route, quiet or not, the oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn waiting(&self, route: &Route, limit: usize) -> Result<Vec<Summary>, InboxError> {
        let condition = "is_waiting = 1 AND route = ?2 ORDER BY last_received LIMIT ?1";
        self.list(condition, params![limit, route.name()])
    }

    /// All traces, the newest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn traces(&self, limit: usize) -> Result<Vec<Summary>, InboxError> {
        // Each list comes sorted from the index; a single query would have to sort everything.
        let newest = "is_waiting = ?1 ORDER BY last_received DESC LIMIT ?2";
        let mut traces = self.list(newest, params![true, limit])?;
        traces.extend(self.list(newest, params![false, limit])?);
        traces.sort_by_key(|it| std::cmp::Reverse(it.last_received));
        traces.truncate(limit);
        Ok(traces)
    }

    /// The traces whose ids begin with these hexadecimal digits, on all routes, since traces of two
    /// routes may have the same id.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn find(&self, digits: &str, limit: usize) -> Result<Vec<Summary>, InboxError> {
        let bound = |filler: char| {
            let digits = digits.chars().chain(std::iter::repeat(filler)).take(32);
            let number = u128::from_str_radix(&digits.collect::<String>(), 16);
            number.ok().map(u128::to_be_bytes)
        };
        match (bound('0'), bound('f')) {
            (Some(first), Some(last)) if digits.len() <= 32 => self.list(
                "trace_id BETWEEN ?1 AND ?2 ORDER BY trace_id, route LIMIT ?3",
                params![first, last, limit],
            ),
            _ => Ok(Vec::new()),
        }
    }

    /// Facts about a trace; `None` if it does not exist.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn summary(&self, key: &TraceKey) -> Result<Option<Summary>, InboxError> {
        let condition = "trace_id = ?1 AND route = ?2";
        let named = params![key.trace_id.bytes(), key.route.name()];
        Ok(self.list(condition, named)?.pop())
    }

    /// The traces of a session, the oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn of_session(&self, route: &Route, session: &str) -> Result<Vec<Summary>, InboxError> {
        let condition = "route = ?1 AND id IN (SELECT trace FROM sessions WHERE session = ?2)
            ORDER BY first_received, id";
        self.list(condition, params![route.name(), session])
    }

    /// The traces of all routes that name a session, in any spelling.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn naming(&self, session: &str) -> Result<Vec<Summary>, InboxError> {
        let condition = "id IN (SELECT trace FROM sessions WHERE session IN (?1, ?2))
            ORDER BY first_received, id";
        let named = format!("{NAMED}{}", session.to_lowercase());
        self.list(condition, params![session, named])
    }

    /// The traces that report a request to OpenRouter, by OpenRouter's id of the response.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn of_request(&self, route: &Route, response: &str) -> Result<Vec<Summary>, InboxError> {
        self.of_session(route, &format!("{REQUEST}{response}"))
    }

    /// Other traces that may report a response of this one. Only traces that arrived at about the
    /// same time count, since a gateway may give all responses the same id.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn reports_with(&self, key: &TraceKey) -> Result<Vec<Summary>, InboxError> {
        let condition = "route = ?2 AND trace_id <> ?1 AND id IN (
            SELECT other.trace FROM sessions AS own JOIN sessions AS other
            ON other.session = own.session
                AND other.trace BETWEEN own.trace - ?4 AND own.trace + ?4
            WHERE own.trace = (SELECT id FROM traces WHERE trace_id = ?1 AND route = ?2)
                AND substr(own.session, 1, length(?3)) = ?3)
            ORDER BY abs(id - (SELECT id FROM traces WHERE trace_id = ?1 AND route = ?2))
            LIMIT ?5";
        let (id, route) = (key.trace_id.bytes(), key.route.name());
        let named = params![id, route, RESPONSE, NEAR, REPORTS];
        self.list(condition, named)
    }

    /// Other traces that report a request of this one to OpenRouter: OpenRouter's report and the
    /// application's.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn of_same_requests(&self, key: &TraceKey) -> Result<Vec<Summary>, InboxError> {
        let condition = "route = ?2 AND trace_id <> ?1 AND id IN (
            SELECT other.trace FROM sessions AS own JOIN sessions AS other
            ON other.session = own.session
            WHERE own.trace = (SELECT id FROM traces WHERE trace_id = ?1 AND route = ?2)
                AND substr(own.session, 1, length(?3)) = ?3)
            ORDER BY first_received, id LIMIT ?4";
        let (id, route) = (key.trace_id.bytes(), key.route.name());
        self.list(condition, params![id, route, REQUEST, REQUESTS])
    }

    /// The sessions that a trace names.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn sessions(&self, key: &TraceKey) -> Result<Vec<String>, InboxError> {
        let list = || {
            let mut select = self.connection.prepare_cached(
                "SELECT session FROM sessions
                 WHERE trace = (SELECT id FROM traces WHERE trace_id = ?1 AND route = ?2)
                     AND substr(session, 1, length(?3)) <> ?3
                     AND substr(session, 1, length(?4)) <> ?4
                     AND substr(session, 1, length(?5)) <> ?5",
            )?;
            let (id, route) = (key.trace_id.bytes(), key.route.name());
            let named = params![id, route, RESPONSE, REQUEST, NAMED];
            let sessions = select.query_map(named, |row| row.get(0))?;
            sessions.collect::<rusqlite::Result<_>>()
        };
        list().map_err(|error| self.located(error))
    }

    /// The contents of a trace; `None` if it does not exist.
    ///
    /// # Errors
    /// When the database or a stored chunk cannot be read.
    pub fn read(&self, key: &TraceKey) -> Result<Option<Received>, InboxError> {
        // One view of the database, so that the revision matches the contents.
        let view = self.connection.unchecked_transaction();
        let _view = view.map_err(|error| self.located(error))?;
        let Some(summary) = self.summary(key)? else {
            return Ok(None);
        };
        let places = self.places(key).map_err(|error| self.located(error))?;
        let chunks = self.chunks(key).map_err(|error| self.located(error))?;
        let (mut spans, mut logs) = (Vec::new(), Vec::new());
        for chunk in chunks {
            let Some(places) = places.get(&chunk.id) else {
                continue;
            };
            let damaged = |cause| InboxError::Chunk {
                path: self.path.clone(),
                cause,
            };
            let (chunk_spans, chunk_logs) = chunk.read().map_err(damaged)?;
            spans.extend(at(chunk_spans, &places.spans));
            logs.extend(at(chunk_logs, &places.logs));
        }
        Ok(Some(Received {
            summary,
            spans,
            logs,
        }))
    }

    /// The places of the newest forms, by chunk.
    fn places(&self, key: &TraceKey) -> rusqlite::Result<HashMap<i64, Places>> {
        let mut select = self.connection.prepare_cached(
            "SELECT chunk, length(item) = 8, place FROM items
             WHERE trace = (SELECT id FROM traces WHERE trace_id = ?1 AND route = ?2)",
        )?;
        let mut rows = select.query(params![key.trace_id.bytes(), key.route.name()])?;
        let mut chunks: HashMap<i64, Places> = HashMap::new();
        while let Some(row) = rows.next()? {
            let places = chunks.entry(row.get(0)?).or_default();
            let kind = if row.get(1)? {
                &mut places.spans
            } else {
                &mut places.logs
            };
            kind.push(row.get(2)?);
        }
        for places in chunks.values_mut() {
            places.spans.sort_unstable();
            places.logs.sort_unstable();
        }
        Ok(chunks)
    }

    fn chunks(&self, key: &TraceKey) -> rusqlite::Result<Vec<Chunk>> {
        let mut select = self.connection.prepare_cached(
            "SELECT id, expanded, content FROM chunks
             WHERE trace = (SELECT id FROM traces WHERE trace_id = ?1 AND route = ?2)
             ORDER BY id",
        )?;
        let chunks = select.query_map(params![key.trace_id.bytes(), key.route.name()], |row| {
            Ok(Chunk {
                id: row.get(0)?,
                expanded: row.get(1)?,
                content: row.get(2)?,
            })
        })?;
        chunks.collect()
    }

    fn list(&self, condition: &str, values: impl Params) -> Result<Vec<Summary>, InboxError> {
        let select = format!("SELECT {SUMMARY} FROM traces WHERE {condition}");
        let list = || {
            let mut select = self.connection.prepare_cached(&select)?;
            let summaries = select.query_map(values, summary_of)?;
            summaries.collect::<rusqlite::Result<_>>()
        };
        list().map_err(|error| self.located(error))
    }

    pub(super) fn located(&self, error: rusqlite::Error) -> InboxError {
        open::noted(&self.path, error)
    }
}

/// Places of spans and of records in a chunk, in order.
#[derive(Default)]
struct Places {
    spans: Vec<usize>,
    logs: Vec<usize>,
}

struct Chunk {
    id: i64,
    expanded: u64,
    content: Vec<u8>,
}

impl Chunk {
    fn read(&self) -> Result<(Vec<Span>, Vec<LogRecord>), ChunkError> {
        if self.content.len() as u64 == self.expanded {
            return Ok(stored::read(&self.content)?);
        }
        let mut form = Vec::with_capacity(usize::try_from(self.expanded).unwrap_or(0));
        // Reading one byte more than expected shows whether the chunk is longer than when it was
        // written.
        let mut decoder = ZlibDecoder::new(&self.content[..]).take(self.expanded + 1);
        decoder.read_to_end(&mut form)?;
        Ok(stored::read(&form)?)
    }
}

/// The items at these places, which are sorted.
fn at<T>(items: Vec<T>, places: &[usize]) -> impl Iterator<Item = T> {
    let mut places = places.iter().peekable();
    let items = items.into_iter().enumerate();
    items.filter_map(move |(place, item)| places.next_if(|wanted| **wanted == place).map(|_| item))
}

fn summary_of(row: &Row<'_>) -> rusqlite::Result<Summary> {
    let id: [u8; 16] = row.get(0)?;
    let route: String = row.get(1)?;
    let trace_id = TraceId::from_bytes(id).ok_or_else(|| {
        let kind = rusqlite::types::Type::Blob;
        rusqlite::Error::FromSqlConversionFailure(0, kind, "an id of zeros".into())
    })?;
    Ok(Summary {
        revision: Revision {
            key: TraceKey {
                route: Route::new(&route),
                trace_id,
            },
            number: row.get(2)?,
        },
        is_loose: row.get(3)?,
        service: row.get(4)?,
        name: row.get(5)?,
        has_root: row.get(6)?,
        first_received: from_millis(row.get(7)?),
        last_received: from_millis(row.get(8)?),
        spans: row.get(9)?,
        logs: row.get(10)?,
        bytes: row.get(11)?,
        is_waiting: row.get(12)?,
        mapped_at: row.get::<_, Option<i64>>(13)?.map(from_millis),
    })
}
