//! The events of one session: built once, and added to while it runs.
//!
//! Events are kept as they would be sent: those of small sessions in memory, those of large ones in
//! a temporary file without a name, which vanishes with the process. So a session of a gigabyte
//! takes no more memory than the list of its events' places.

use std::collections::{HashMap, HashSet};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tempfile::SpooledTempFile;
use uuid::Uuid;

use super::contract::Unreadable;
use super::here::Here;
use super::walk::{Taker, Walk, Walked};
use crate::pipeline::{self, Collected, Pipeline};
use crate::posthog::limits::Limits;
use crate::posthog::{Event, EventName, names};
use crate::redact::Redacted;
use crate::session::SessionState;
use crate::sources::{Checkpoint, Look, SessionRef};

/// Bytes of events to keep in memory.
const IN_MEMORY: usize = 16 << 20;
/// Time between two checks of a session's files.
const PAUSE: Duration = Duration::from_millis(500);

/// The kind of work that an event describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Trace,
    Turn,
    Call,
    Tool,
    /// A tool that changes files.
    Change,
}

/// The place of an event.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) kind: Kind,
    at: u64,
    pub(super) bytes: u32,
    /// Whether a newer version replaced it.
    is_old: bool,
}

/// The events of a session, as far as they are built.
pub(super) struct Built {
    spool: SpooledTempFile,
    end: u64,
    pub(super) places: Vec<Place>,
    by_uuid: HashMap<Uuid, usize>,
    /// Changes when everything was built anew: old positions are then void.
    pub(super) generation: u64,
    pub(super) is_building: bool,
    pub(super) is_running: bool,
    /// The folder the session was started in.
    pub(super) folder: Option<String>,
    pub(super) left_alone: Option<String>,
    /// Why the session is not read.
    pub(super) refused: Option<String>,
    pub(super) failure: Option<String>,
    pub(super) unreadable: Vec<Unreadable>,
    /// Numbers of secrets replaced: in all parts but the last, and in the last.
    secrets: [u64; 2],
    /// Start of the last part: everything before it is final.
    last_part: Option<Checkpoint>,
    /// Events since the start of the last part, which is read again.
    last_events: HashSet<Uuid>,
    /// Size and time of the files when they were read.
    looks: Vec<Look>,
    looked_at: Option<Instant>,
    ended: Option<Ended>,
}

/// Facts that decide whether a session still runs.
struct Ended {
    id: String,
    written_at: Option<chrono::DateTime<chrono::Utc>>,
}

/// An opened session.
pub(super) struct Record {
    built: Mutex<Built>,
    changed: Condvar,
}

impl Built {
    fn new() -> Self {
        Self {
            spool: SpooledTempFile::new(IN_MEMORY),
            end: 0,
            places: Vec::new(),
            by_uuid: HashMap::new(),
            generation: 0,
            is_building: false,
            is_running: false,
            folder: None,
            left_alone: None,
            refused: None,
            failure: None,
            unreadable: Vec::new(),
            secrets: [0; 2],
            last_part: None,
            last_events: HashSet::new(),
            looks: Vec::new(),
            looked_at: None,
            ended: None,
        }
    }

    /// Number of events, counting only the newest version of each.
    pub(super) fn total(&self) -> usize {
        self.by_uuid.len()
    }

    /// Number of secrets replaced.
    pub(super) const fn secrets(&self) -> u64 {
        self.secrets[0] + self.secrets[1]
    }

    /// The position of an event's newest version.
    pub(super) fn position(&self, uuid: Uuid) -> Option<usize> {
        self.by_uuid.get(&uuid).copied()
    }

    /// The event at a position, as it would be sent; `None` if a newer version replaced it.
    pub(super) fn event(&mut self, position: usize) -> io::Result<Option<(Place, Vec<u8>)>> {
        match self.places.get(position).copied() {
            Some(place) if !place.is_old => Ok(Some((place, self.read(place)?))),
            _ => Ok(None),
        }
    }

    fn read(&mut self, place: Place) -> io::Result<Vec<u8>> {
        let mut event = vec![0; place.bytes as usize];
        self.spool.seek(SeekFrom::Start(place.at))?;
        self.spool.read_exact(&mut event)?;
        Ok(event)
    }

    /// Adds an event, unless the same version is there.
    fn add(&mut self, uuid: Uuid, kind: Kind, json: &[u8]) -> io::Result<()> {
        let known = self.by_uuid.get(&uuid).copied();
        if let Some(known) = known {
            let place = self.places[known];
            if place.bytes as usize == json.len() && self.read(place)? == json {
                return Ok(());
            }
            self.places[known].is_old = true;
        }
        self.spool.seek(SeekFrom::Start(self.end))?;
        self.spool.write_all(json)?;
        self.by_uuid.insert(uuid, self.places.len());
        self.places.push(Place {
            kind,
            at: self.end,
            bytes: u32::try_from(json.len()).unwrap_or(u32::MAX),
            is_old: false,
        });
        self.end += json.len() as u64;
        Ok(())
    }

    /// Discards everything.
    fn restart(&mut self) {
        *self = Self {
            generation: self.generation + 1,
            is_building: self.is_building,
            looks: std::mem::take(&mut self.looks),
            looked_at: self.looked_at,
            ..Self::new()
        };
    }
}

impl Record {
    pub(super) fn new() -> Self {
        Self {
            built: Mutex::new(Built::new()),
            changed: Condvar::new(),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Built> {
        // A panic leaves the record consistent.
        self.built.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for more events, at most for `time`.
    pub(super) fn wait<'b>(
        &self,
        built: MutexGuard<'b, Built>,
        time: Duration,
    ) -> MutexGuard<'b, Built> {
        let waited = self.changed.wait_timeout(built, time);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// Whether the session has to be built: it never was, its files changed, or it ended. If so,
    /// the caller has to call [`Record::build`].
    pub(super) fn begin(&self, transcripts: &[SessionRef], here: &Here) -> bool {
        let mut built = self.lock();
        let is_recent = built.looked_at.is_some_and(|it| it.elapsed() < PAUSE);
        if built.is_building || is_recent {
            return false;
        }
        built.looked_at = Some(Instant::now());
        let files = transcripts
            .iter()
            .filter_map(|it| it.files(&here.host).ok());
        let looks: Vec<Look> = files.flat_map(|files| files.looks()).collect();
        let has_ended = built.is_running && !built.runs(transcripts, here);
        if looks == built.looks && !has_ended && built.generation > 0 {
            return false;
        }
        built.looks = looks;
        built.is_building = true;
        if built.generation == 0 {
            built.restart();
        }
        true
    }

    /// Builds new events, and wakes the threads that wait for them.
    pub(super) fn build(&self, transcripts: &[SessionRef], here: &Here) {
        let result = self.read(transcripts, here);
        let mut built = self.lock();
        match result {
            Ok(walked) => {
                built.failure = None;
                built.refused = walked.refused;
                built.unreadable.extend(walked.unreadable);
                built.unreadable.sort();
                built.unreadable.dedup();
            }
            Err(error) => built.failure = Some(here.redacted(format!("{error:#}"))),
        }
        built.is_building = false;
        drop(built);
        self.changed.notify_all();
    }

    fn read(&self, transcripts: &[SessionRef], here: &Here) -> anyhow::Result<Walked> {
        let (from, missing) = {
            let built = self.lock();
            (built.last_part.clone(), built.last_events.clone())
        };
        let pipeline = here.prospect.pipeline().for_owner();
        let walk = Walk {
            here,
            prospect: &here.prospect,
            pipeline: &pipeline,
            wanted: here.config.wanted(),
            claimant: None,
        };
        let mut writer = Writer {
            record: self,
            pipeline: &pipeline,
            limits: None,
            here,
            missing,
        };
        let walked = walk.read(transcripts, from, &mut writer)?;
        if writer.missing.is_empty() {
            return Ok(walked);
        }
        // The transcript was rewritten, and some of its events are gone.
        writer.restart()?;
        walk.read(transcripts, None, &mut writer)
    }
}

impl Built {
    fn runs(&self, transcripts: &[SessionRef], here: &Here) -> bool {
        let Some((ended, found)) = self.ended.as_ref().zip(transcripts.last()) else {
            return false;
        };
        pipeline::is_running(&ended.id, ended.written_at, found, &here.host)
    }
}

/// Writes the events of a walk into a record.
struct Writer<'a> {
    record: &'a Record,
    pipeline: &'a Pipeline<'a>,
    limits: Option<Limits>,
    here: &'a Here,
    /// Events of the earlier build that were not read again yet.
    missing: HashSet<Uuid>,
}

impl Taker for Writer<'_> {
    fn part(&mut self, part: &Collected, from: Option<&Checkpoint>) -> anyhow::Result<()> {
        let session = &part.session;
        let left_alone = part.opted_out().map(str::to_owned);
        let left_alone = left_alone.map(|reason| self.here.redacted(reason));
        self.limits = Some(self.pipeline.limits(session.agent));
        let mut built = self.record.lock();
        if part.is_first() && from.is_some() {
            // The transcript has been replaced by another.
            built.restart();
            self.missing.clear();
        }
        // The last part of the earlier build may be read again.
        let has_part = from.is_some() || !built.places.is_empty();
        let is_again = has_part && built.last_part.as_ref() == from;
        let before = if is_again {
            built.secrets[0]
        } else {
            built.secrets()
        };
        built.secrets = [before, 0];
        if built.last_part.as_ref() != from {
            built.last_part = from.cloned();
            built.last_events.clear();
        }
        built.is_running = part.state == SessionState::Running;
        built.left_alone = left_alone;
        let mut turns = session.turns.iter();
        let folder = || turns.find_map(|turn| turn.circumstances.cwd.clone());
        built.folder = built.folder.take().or_else(folder);
        built.ended = Some(Ended {
            id: session.id.clone(),
            written_at: (!session.is_closed).then_some(part.ended_at),
        });
        Ok(())
    }

    fn event(&mut self, event: Redacted<Event<'_>>) -> anyhow::Result<()> {
        let kind = kind(event.get());
        let Some(limits) = &self.limits else {
            return Ok(());
        };
        let written = event.written(limits);
        let written = written.get();
        self.missing.remove(&written.uuid);
        let mut built = self.record.lock();
        built.last_events.insert(written.uuid);
        built.add(written.uuid, kind, &written.json)?;
        Ok(())
    }

    fn end_of_part(&mut self, secrets: u64) -> anyhow::Result<()> {
        self.record.lock().secrets[1] = secrets;
        self.record.changed.notify_all();
        Ok(())
    }

    fn restart(&mut self) -> anyhow::Result<()> {
        self.record.lock().restart();
        self.missing.clear();
        Ok(())
    }
}

/// Names of agents' tools that change files.
const CHANGING: [&str; 6] = [
    "edit",
    "multiedit",
    "write",
    "notebookedit",
    "patch",
    "apply_patch",
];

fn kind(event: &Event<'_>) -> Kind {
    let property = |name: &str| event.properties.get(name);
    match event.name {
        EventName::Trace => Kind::Trace,
        EventName::Generation | EventName::Embedding => Kind::Call,
        EventName::Span if event.is_turn() => Kind::Turn,
        EventName::Span => {
            let name = property(names::SPAN_NAME).and_then(|it| it.as_str());
            let is_changing = |name: &str| CHANGING.iter().any(|it| it.eq_ignore_ascii_case(name));
            let lines = [names::LINES_ADDED, names::LINES_REMOVED];
            let has_lines = lines.iter().any(|name| property(name).is_some());
            if has_lines || name.is_some_and(is_changing) {
                Kind::Change
            } else {
                Kind::Tool
            }
        }
    }
}
