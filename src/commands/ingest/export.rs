//! `ingest --output`: the events as one JSON object a line.

use std::collections::HashSet;
use std::mem;
use std::path::Path;

use anyhow::Context;
use uuid::Uuid;

use crate::commands::output::{ExistingFile, Output};
use crate::commands::read::{Audience, Build, Emit, Own, read_all};
use crate::commands::{self, Exit};
use crate::config::Config;
use crate::host::Host;
use crate::interrupt::Interrupt;
use crate::pipeline::{KnownEvents, Pipeline, Step};
use crate::posthog::{EventName, Frozen, Written};
use crate::redact::Counts;
use crate::sources::SessionRef;
use crate::ui;
use crate::views::Prospect;

/// Bytes of lines to pass on at a time. Bounds the memory for sessions that wait for their turn.
const PIECE_BYTES: usize = 256 << 10;

/// Lines of a session.
#[derive(Default)]
struct Piece {
    lines: Vec<u8>,
    events: u64,
    /// Whether it is the first of its session.
    is_first: bool,
}

pub(super) fn run(
    target: &Path,
    existing_file: ExistingFile,
    sessions: &[SessionRef],
    config: &Config,
    host: &Host,
) -> anyhow::Result<Exit> {
    let prospect = commands::prospect(config)?;
    let pipeline = prospect.pipeline();
    // Before reading, so that a missing --force is reported at once.
    let mut output = Output::open(target, existing_file)?;
    let interrupt = Interrupt::watch().context("cannot take note of Ctrl-C")?;
    let (mut events, mut written) = (0, 0);
    let read = read_all(
        sessions,
        Audience::PostHog,
        config,
        host,
        || Lines::of(&prospect, &pipeline),
        |piece| {
            if interrupt.is_set() {
                return Err(Stopped.into());
            }
            events += piece.events;
            written += u64::from(piece.is_first);
            output.write(&piece.lines)
        },
    );
    let exit = match read {
        Err(error) if error.is::<Stopped>() => {
            ui::say("stopped: not all of it was written");
            return Ok(Exit::Stopped);
        }
        exit => exit?,
    };
    if let Some((path, bytes)) = output.finish()? {
        ui::say(format_args!(
            "wrote {}: {} of {}, {}",
            path.display(),
            ui::count(events, "event"),
            ui::count(written, "session"),
            ui::count(bytes, "byte"),
        ));
    }
    Ok(exit)
}

/// Ctrl-C stopped the export.
#[derive(Debug, thiserror::Error)]
#[error("stopped")]
struct Stopped;

/// The state of a session that is being written.
struct Lines<'a> {
    prospect: &'a Prospect,
    pipeline: &'a Pipeline<'a>,
    frozen: Option<Frozen>,
    known: KnownEvents,
    piece: Piece,
    /// The events that were written. A session with a rewritten transcript is read again.
    seen: HashSet<Uuid>,
    /// Traces of a transcript that another one follows. They hold sums over the session, so the
    /// last transcript's are written.
    traces: Vec<Written>,
}

impl<'a> Lines<'a> {
    fn of(prospect: &'a Prospect, pipeline: &'a Pipeline<'a>) -> Self {
        Self {
            prospect,
            pipeline,
            frozen: None,
            known: KnownEvents::default(),
            piece: Piece::default(),
            seen: HashSet::new(),
            traces: Vec::new(),
        }
    }
}

impl Lines<'_> {
    /// Writes an event, unless it was written already. Emits a full piece.
    fn write(&mut self, event: &Written, emit: &mut Emit<'_, Piece>) -> anyhow::Result<()> {
        self.piece.is_first |= self.seen.is_empty();
        if !self.seen.insert(event.uuid) {
            return Ok(());
        }
        self.piece.lines.extend_from_slice(&event.json);
        self.piece.lines.push(b'\n');
        self.piece.events += 1;
        if self.piece.lines.len() < PIECE_BYTES {
            return Ok(());
        }
        emit(mem::take(&mut self.piece))
    }
}

impl Build<Piece> for Lines<'_> {
    fn add(&mut self, own: &mut Own<'_>, emit: &mut Emit<'_, Piece>) -> anyhow::Result<()> {
        let counts = &mut Counts::default();
        loop {
            let part = match own.next() {
                Step::Part(part) => part,
                // `seen` prevents that events are written twice.
                Step::Restart => continue,
                Step::OptedOut(_) | Step::End => break,
            };
            let limits = self.pipeline.limits(part.session.agent);
            let frozen = match &self.frozen {
                Some(frozen) => frozen.clone(),
                None => self.frozen.insert(self.prospect.frozen(&part)?).clone(),
            };
            let mut known = mem::take(&mut self.known);
            let pipeline = self.pipeline;
            pipeline.new_events(&part, frozen, &mut known, counts, &mut |event| {
                let event = event.written(&limits);
                let event = event.get();
                if event.name == EventName::Trace {
                    self.traces.retain(|trace| trace.uuid != event.uuid);
                    if own.is_followed {
                        self.traces.push(event.clone());
                        return Ok(());
                    }
                }
                self.write(event, emit)
            })?;
            self.known = known;
        }
        self.known.next_transcript();
        Ok(())
    }

    fn finish(mut self, emit: &mut Emit<'_, Piece>) -> anyhow::Result<()> {
        for trace in mem::take(&mut self.traces) {
            self.write(&trace, emit)?;
        }
        emit(self.piece)
    }
}
