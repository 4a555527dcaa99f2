//! Files of OTLP requests, taken apart into traces.
//!
//! A file holds many traces, and a trace may be spread over files: the Collector writes spans and log
//! records into files of their own and begins a new one from time to time. A conversation may be
//! spread over folders: OpenRouter writes one file per request into one folder per day. So all
//! files below the folder that the user names are read together; a single file is read with the
//! rest of its folder.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::SystemTime;

use super::calls::{Exchange, exchanges};
use super::dialects::codex;
use super::dialects::kinds::{SpanKind, kind_of};
use super::loose::{self, Known, Placed};
use super::members::{Member, begins_as_archive, bytes_of, folder_of, folders, member};
use super::tree::Tree;
use super::twins::Print;
use crate::fingerprint;
use crate::otlp::files::{Damage, Requests};
use crate::otlp::openrouter::{self, is_delivery};
use crate::otlp::responses::is_like_openrouters;
use crate::otlp::{LogRecord, Span, SpanId, Telemetry, TraceId};
use crate::session::CallKind;
use crate::sources::{regular, walk};

/// Bytes of files to read together at most. A larger set is read folder by folder, and a larger
/// folder file by file.
const TOGETHER: u64 = 512 << 20;

/// Largest number of archives to keep in memory.
const KEPT: usize = 4;

/// The spans and log records of one trace, from all files.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    pub(super) spans: Vec<Span>,
    pub(super) logs: Vec<LogRecord>,
    /// Number of spans and log records that could not be read, in the files of the trace.
    pub(super) malformed: u64,
    known: HashSet<SpanId>,
    /// Fingerprints of the log records, which recognise one that was exported twice.
    known_logs: HashSet<u64>,
    /// Indices of the files that hold a part of the trace.
    pub(super) files: Vec<usize>,
    /// The session that the trace names, if it names one.
    pub(super) session: Option<String>,
    /// Requests and answers of its calls, computed on first use and kept: other traces of the
    /// session need them too.
    exchanges: OnceLock<Vec<(SpanId, Exchange)>>,
}

impl Pieces {
    /// Requests and answers of its calls, each with the id of its span.
    pub(super) fn exchanges(&self) -> &[(SpanId, Exchange)] {
        let read = || exchanges(&self.spans, &self.logs);
        self.exchanges.get_or_init(read)
    }
}

/// The traces of a set of files.
#[derive(Debug, Default)]
pub(super) struct Archive {
    members: Vec<Member>,
    /// The folders of the files, each with its modification time when the files were read.
    folders: HashMap<PathBuf, SystemTime>,
    pub(super) traces: BTreeMap<TraceId, Pieces>,
    /// Damage of files, by their indices.
    damage: BTreeMap<usize, Damage>,
    /// Number of spans and log records.
    size: u64,
    /// Whether the traces come from an inbox, whose part is always read together.
    pub(super) is_received: bool,
    /// Spans by the id of the response that they report.
    responses: HashMap<String, Vec<(TraceId, SpanId)>>,
    /// Calls by the first tool that they asked for, if OpenRouter delivered some of the calls.
    askers: HashMap<String, Vec<(TraceId, SpanId)>>,
    /// The first tool that each of these calls asked for.
    asked: HashMap<(TraceId, SpanId), String>,
    /// Traces by session, the earliest first.
    pub(super) sessions: HashMap<String, Vec<TraceId>>,
}

/// A trace of an archive.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trace<'a> {
    pub(super) id: TraceId,
    pub(super) pieces: &'a Pieces,
    pub(super) archive: &'a Archive,
}

/// Whether a file holds OTLP requests, according to its first bytes.
pub(super) fn is_archive(path: &Path) -> bool {
    let begins = || begins_as_archive(path).unwrap_or(false);
    path.is_file() && (Archive::latest(path).is_some() || begins())
}

/// The archives read most recently, the latest at the end. Several stay, because traces are read in
/// the order of time, and files that are read alone may hold traces of the same time, such as one
/// of spans and one of log records.
static LATEST: Mutex<Vec<Arc<Archive>>> = Mutex::new(Vec::new());

impl Archive {
    /// The archive that a file belongs to.
    pub(super) fn of(file: &Path) -> io::Result<Arc<Self>> {
        if let Some(known) = Self::latest(file) {
            return Ok(known);
        }
        let folders = folders([file]);
        Self::of_members(members(file)?, folders)
    }

    /// Reads these files together, unless they exceed [`TOGETHER`]. From then on each of them
    /// belongs to the archive of all.
    pub(super) fn gather<'f>(files: impl IntoIterator<Item = &'f PathBuf>) -> io::Result<()> {
        let files: Vec<&Path> = files.into_iter().map(PathBuf::as_path).collect();
        let folders = folders(files.iter().copied());
        let mut members = Vec::new();
        for file in files {
            if is_archive(file) {
                members.push(member(file)?);
            }
        }
        if folders.len() > 1 && bytes_of(&members) <= TOGETHER {
            members.sort_by(|a, b| a.path.cmp(&b.path));
            Self::of_members(members, folders)?;
        }
        Ok(())
    }

    fn of_members(
        members: Vec<Member>,
        folders: HashMap<PathBuf, SystemTime>,
    ) -> io::Result<Arc<Self>> {
        let mut latest = LATEST.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = latest.iter().find(|it| it.members == members) {
            return Ok(Arc::clone(known));
        }
        make_room(&mut latest, bytes_of(&members));
        let archive = Arc::new(Self {
            folders,
            ..Self::read(members)?
        });
        latest.push(Arc::clone(&archive));
        Ok(archive)
    }

    /// The latest archive that has the file, if neither the file nor the list of files in its
    /// folder has changed since. Reading one trace asks for its archive several times, and a folder
    /// may hold many files, so the other files are not checked.
    fn latest(file: &Path) -> Option<Arc<Self>> {
        let latest = LATEST.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = folder_of(file);
        let is_current = |known: &&Arc<Self>| {
            let member = known.members.iter().find(|member| member.path == file);
            member.is_some_and(|member| self::member(file).is_ok_and(|it| it == *member))
                && known.folders.get(folder).copied().is_some_and(|known| {
                    let modified = folder.metadata().and_then(|it| it.modified());
                    modified.is_ok_and(|it| it == known)
                })
        };
        latest.iter().rev().find(is_current).cloned()
    }

    /// The archive of traces from an inbox.
    pub(super) fn received(received: Vec<(Member, Telemetry)>) -> Self {
        let mut archive = Self {
            is_received: true,
            ..Self::default()
        };
        let mut loose = Vec::new();
        for (index, (member, telemetry)) in received.into_iter().enumerate() {
            archive.members.push(member);
            archive.add(index, telemetry, &mut loose);
        }
        archive.place(loose);
        archive.index();
        archive
    }

    fn read(members: Vec<Member>) -> io::Result<Self> {
        let mut archive = Self::default();
        let mut loose = Vec::new();
        for (index, member) in members.iter().enumerate() {
            let (file, _) = regular::open(&member.path)?;
            let Some(mut requests) = Requests::new(file)? else {
                continue;
            };
            while let Some(mut telemetry) = requests.next_request()? {
                prepare(&mut telemetry);
                archive.add(index, telemetry, &mut loose);
            }
            if !requests.damage().is_none() {
                archive.damage.insert(index, requests.damage());
            }
        }
        archive.members = members;
        archive.place(loose);
        archive.index();
        Ok(archive)
    }

    /// Adds a request. A span that the trace has already was exported twice.
    fn add(&mut self, file: usize, telemetry: Telemetry, loose: &mut Vec<(usize, LogRecord)>) {
        let malformed = telemetry.losses.spans.total() + telemetry.losses.logs.total();
        for span in telemetry.spans {
            let pieces = self.pieces(span.trace_id, file);
            pieces.malformed = pieces.malformed.max(malformed);
            if pieces.known.insert(span.span_id) {
                pieces.spans.push(span);
            }
        }
        for log in telemetry.logs {
            match log.trace_id {
                Some(trace) => {
                    let print = fingerprint::of(&[format!("{log:?}").as_bytes()]);
                    let pieces = self.pieces(trace, file);
                    if pieces.known_logs.insert(print) {
                        pieces.logs.push(log);
                    }
                }
                None => loose.push((file, log)),
            }
        }
    }

    fn pieces(&mut self, trace: TraceId, file: usize) -> &mut Pieces {
        let pieces = self.traces.entry(trace).or_default();
        if pieces.files.last() != Some(&file) {
            pieces.files.push(file);
        }
        pieces
    }

    /// Adds each log record that names no trace to the trace that it is about, and makes spans of
    /// the log records of Codex.
    fn place(&mut self, loose: Vec<(usize, LogRecord)>) {
        let traces = self.traces.iter();
        let known: Vec<Known<'_>> = traces
            .map(|(id, pieces)| Known {
                id: *id,
                spans: &pieces.spans,
                logs: &pieces.logs,
            })
            .collect();
        for Placed { trace, file, log } in loose::place(&known, loose) {
            self.pieces(trace, file).logs.push(log);
        }
        for (id, pieces) in &mut self.traces {
            if let Some(spans) = codex::spans(*id, &pieces.spans, &pieces.logs) {
                pieces.spans = spans;
            }
        }
    }

    fn index(&mut self) {
        let mut starts: Vec<(u64, TraceId)> = Vec::new();
        for (id, pieces) in &mut self.traces {
            let tree = Tree::new(&pieces.spans);
            for node in &tree.nodes {
                if let Some(response) = Print::of(node.span).unique_response() {
                    let spans = self.responses.entry(response.to_owned()).or_default();
                    spans.push((*id, node.span.span_id));
                }
            }
            let mut sessions = tree.nodes.iter().filter_map(|it| it.identity.session());
            let session = sessions.next().map(str::to_owned);
            starts.push((
                pieces.spans.iter().map(|it| it.start).min().unwrap_or(0),
                *id,
            ));
            pieces.session = session;
        }
        let spans = || self.traces.values().flat_map(|it| &it.spans);
        // Calls of one emitter alone all have the same id, or none in common.
        if spans().any(is_delivery) && spans().any(is_unknown_to_openrouter) {
            for (id, pieces) in &self.traces {
                for (span, exchange) in pieces.exchanges() {
                    let first = exchange.tools().next();
                    if let Some(tool) = first.filter(|call| call.has_drawn_id()) {
                        let askers = self.askers.entry(tool.id.clone()).or_default();
                        askers.push((*id, *span));
                        self.asked.insert((*id, *span), tool.id.clone());
                    }
                }
            }
        }
        let sizes = self
            .traces
            .values()
            .map(|it| it.spans.len() + it.logs.len());
        self.size = sizes.map(|it| it as u64).sum();
        starts.sort_unstable();
        for (_, id) in starts {
            if let Some(session) = &self.traces[&id].session {
                self.sessions.entry(session.clone()).or_default().push(id);
            }
        }
    }

    /// The trace with that id.
    pub(super) fn trace(&self, id: TraceId) -> Option<Trace<'_>> {
        let pieces = self.traces.get(&id)?;
        Some(Trace {
            id,
            pieces,
            archive: self,
        })
    }

    /// The damage of a file; `None` when all of it was read.
    pub(super) fn damage_of(&self, file: &Path) -> Option<Damage> {
        let file = self.members.iter().position(|member| member.path == file)?;
        self.damage.get(&file).copied()
    }

    /// The traces of which a file holds a part.
    pub(super) fn traces_in(&self, file: &Path) -> Vec<Trace<'_>> {
        let file = self.members.iter().position(|member| member.path == file);
        let ids = self
            .traces
            .iter()
            .filter(|(_, pieces)| file.is_some_and(|it| pieces.files.contains(&it)));
        ids.filter_map(|(id, _)| self.trace(*id)).collect()
    }
}

impl<'a> Trace<'a> {
    /// The first file that holds a part of the trace, for the trace's address.
    pub(super) fn first_file(&self) -> &'a Path {
        &self.archive.members[self.pieces.files[0]].path
    }

    /// The files that hold a part of the trace.
    pub(super) fn members(&self) -> impl Iterator<Item = &'a Member> {
        let archive = self.archive;
        self.pieces
            .files
            .iter()
            .map(move |file| &archive.members[*file])
    }

    /// Time when the last part of the trace was received, or its file was written.
    pub(super) fn modified(&self) -> SystemTime {
        let times = self.members().map(|member| member.modified);
        times.max().unwrap_or(SystemTime::UNIX_EPOCH)
    }

    /// Bytes that the trace takes in its files, by its share of their spans and log records.
    pub(super) fn bytes(&self) -> u64 {
        let own = self.pieces.spans.len() + self.pieces.logs.len();
        bytes_of(&self.archive.members) / self.archive.size.max(1) * own as u64
    }

    /// Spans of other traces that report this response.
    pub(super) fn reporting(&self, response: &str) -> Vec<&'a Span> {
        self.of_others(self.archive.responses.get(response))
    }

    /// Calls of other traces that asked for the same first tool as this span, where OpenRouter
    /// delivered some of these calls.
    pub(super) fn asking(&self, span: SpanId) -> Vec<&'a Span> {
        let tool = self.archive.asked.get(&(self.id, span));
        self.of_others(tool.and_then(|tool| self.archive.askers.get(tool)))
    }

    fn of_others(&self, spans: Option<&Vec<(TraceId, SpanId)>>) -> Vec<&'a Span> {
        let spans = spans.into_iter().flatten();
        let others = spans.filter(|(trace, _)| *trace != self.id);
        others
            .filter_map(|(trace, span)| {
                let mut spans = self.archive.traces.get(trace)?.spans.iter();
                spans.find(|it| it.span_id == *span)
            })
            .collect()
    }
}

/// Whether a span is a call of an application without OpenRouter's id of the request.
fn is_unknown_to_openrouter(span: &Span) -> bool {
    let is_call = || kind_of(span) == SpanKind::Call(CallKind::Chat);
    let has_id = || {
        Print::of(span)
            .unique_response()
            .is_some_and(is_like_openrouters)
    };
    !is_delivery(span) && is_call() && !has_id()
}

/// Removes from a file the requests with which a user tries OpenRouter out, and OpenRouter's
/// internal attributes. The receiver removes both before it stores a span.
fn prepare(telemetry: &mut Telemetry) {
    for span in telemetry.spans.iter_mut().filter(|it| is_delivery(it)) {
        openrouter::clean(span);
    }
    let is_trial = |span: &Span| openrouter::trial(span).is_some();
    let trials = openrouter::with_course(&telemetry.spans, is_trial);
    telemetry
        .spans
        .retain(|it| !trials.contains(&(it.trace_id, it.span_id)));
}

/// Drops the archives read longest ago, so that the rest and the next one have at most [`TOGETHER`]
/// bytes.
fn make_room(latest: &mut Vec<Arc<Archive>>, next: u64) {
    let mut bytes = next;
    let recent = latest.iter().rev().take(KEPT - 1);
    let kept = recent.take_while(|archive| {
        bytes = bytes.saturating_add(bytes_of(&archive.members));
        bytes <= TOGETHER
    });
    let dropped = latest.len() - kept.count();
    latest.drain(..dropped);
}

/// The files to read together with a file: all of its folder, or the file alone if they are too
/// large.
fn members(file: &Path) -> io::Result<Vec<Member>> {
    let own = member(file)?;
    let listing = walk::entries(folder_of(file));
    let is_bare = file.parent().is_some_and(|it| it.as_os_str().is_empty());
    let mut members = vec![own];
    for path in listing.found {
        let bare = path.file_name().filter(|_| is_bare).map(PathBuf::from);
        let path = bare.unwrap_or(path);
        if path != file && is_archive(&path) {
            members.extend(member(&path));
        }
    }
    if bytes_of(&members) > TOGETHER {
        members.truncate(1);
    }
    members.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(members)
}
