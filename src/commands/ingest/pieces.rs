//! The events of sessions in another form than the outbox's: lines of a file, requests to a collector.

use std::collections::HashSet;
use std::mem;

use uuid::Uuid;

use crate::commands::read::{Build, Emit, Own};
use crate::pipeline::{KnownEvents, Pipeline, Step};
use crate::posthog::limits::Limits;
use crate::posthog::{Event, EventName, Frozen};
use crate::redact::{Counts, Redacted};
use crate::views::Prospect;

/// Bytes to pass on at a time. Bounds the memory for sessions that wait for their turn.
const PIECE_BYTES: usize = 256 << 10;

/// Serializes an event within limits. The bytes of several events can be joined.
pub(super) type Form = for<'e> fn(Redacted<Event<'e>>, &Limits) -> Vec<u8>;

/// Events of a session.
#[derive(Default)]
pub(super) struct Piece {
    pub(super) bytes: Vec<u8>,
    pub(super) events: u64,
    /// Whether it is the first of its session.
    pub(super) is_first: bool,
}

/// Ctrl-C stopped the command.
#[derive(Debug, thiserror::Error)]
#[error("stopped")]
pub(super) struct Stopped;

/// The state of a session that is being written.
pub(super) struct Pieces<'a> {
    prospect: &'a Prospect,
    pipeline: &'a Pipeline<'a>,
    form: Form,
    frozen: Option<Frozen>,
    known: KnownEvents,
    piece: Piece,
    /// The events that were written. A session with a rewritten transcript is read again.
    seen: HashSet<Uuid>,
    /// Traces of all transcripts but the last. They contain sums over the session, so only the last
    /// transcript's are written.
    traces: Vec<(Uuid, Vec<u8>)>,
}

impl<'a> Pieces<'a> {
    pub(super) fn of(prospect: &'a Prospect, pipeline: &'a Pipeline<'a>, form: Form) -> Self {
        Self {
            prospect,
            pipeline,
            form,
            frozen: None,
            known: KnownEvents::default(),
            piece: Piece::default(),
            seen: HashSet::new(),
            traces: Vec::new(),
        }
    }
}

impl Pieces<'_> {
    /// Writes an event, unless it was written already. Emits a full piece.
    fn write(
        &mut self,
        event: Uuid,
        written: &[u8],
        emit: &mut Emit<'_, Piece>,
    ) -> anyhow::Result<()> {
        self.piece.is_first |= self.seen.is_empty();
        if !self.seen.insert(event) {
            return Ok(());
        }
        self.piece.bytes.extend_from_slice(written);
        self.piece.events += 1;
        if self.piece.bytes.len() < PIECE_BYTES {
            return Ok(());
        }
        emit(mem::take(&mut self.piece))
    }
}

impl Build<Piece> for Pieces<'_> {
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
                let (name, uuid) = (event.get().name, event.get().uuid);
                let written = (self.form)(event, &limits);
                if name == EventName::Trace {
                    self.traces.retain(|(trace, _)| *trace != uuid);
                    if own.is_followed {
                        self.traces.push((uuid, written));
                        return Ok(());
                    }
                }
                self.write(uuid, &written, emit)
            })?;
            self.known = known;
        }
        self.known.next_transcript();
        Ok(())
    }

    fn finish(mut self, emit: &mut Emit<'_, Piece>) -> anyhow::Result<()> {
        for (trace, written) in mem::take(&mut self.traces) {
            self.write(trace, &written, emit)?;
        }
        emit(self.piece)
    }
}
