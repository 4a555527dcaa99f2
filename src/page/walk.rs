//! Reads the transcripts of a session and passes on its events.

use super::contract::Unreadable;
use crate::pipeline::{Collected, KnownEvents, Parts, Pipeline, Step};
use crate::posthog::{Event, Foreign, Frozen, Wanted};
use crate::redact::{Counts, Redacted};
use crate::sources::{Checkpoint, SessionRef};
use crate::views::Prospect;

use super::here::Here;
use super::owners::Claimant;

/// The choice of a session's events to build, and their pipeline.
pub(super) struct Walk<'a> {
    pub(super) here: &'a Here,
    pub(super) prospect: &'a Prospect,
    pub(super) pipeline: &'a Pipeline<'a>,
    pub(super) wanted: Wanted,
    /// Claims the events among all sessions; without it, the owners in the outbox decide.
    pub(super) claimant: Option<&'a Claimant<'a>>,
}

/// The receiver of a walk's results.
pub(super) trait Taker {
    /// Begins a transcript, or a part of it from a checkpoint on.
    fn part(&mut self, part: &Collected, from: Option<&Checkpoint>) -> anyhow::Result<()>;

    /// Takes an event of the part.
    fn event(&mut self, event: Redacted<Event<'_>>) -> anyhow::Result<()>;

    /// Ends a part; `secrets` is the number of secrets replaced in it.
    fn end_of_part(&mut self, secrets: u64) -> anyhow::Result<()>;

    /// The transcript was rewritten: everything passed since its start is void.
    fn restart(&mut self) -> anyhow::Result<()>;

    /// Ends a transcript.
    fn end_of_transcript(&mut self) {}
}

/// The result of a walk.
#[derive(Debug, Default)]
pub(super) struct Walked {
    /// Why the session is not read.
    pub(super) refused: Option<String>,
    pub(super) unreadable: Vec<Unreadable>,
}

impl Walk<'_> {
    /// Reads the transcripts of one session, the last of them from `from` on.
    pub(super) fn read(
        &self,
        transcripts: &[SessionRef],
        from: Option<Checkpoint>,
        taker: &mut dyn Taker,
    ) -> anyhow::Result<Walked> {
        let mut walked = Walked::default();
        let mut known = KnownEvents::default();
        let mut frozen = None;
        let skipped = if from.is_some() {
            transcripts.len().saturating_sub(1)
        } else {
            0
        };
        let mut from = from;
        for found in transcripts.iter().skip(skipped) {
            let parts = Parts::of(found, None, self.wanted, &self.here.host)?;
            let mut parts = parts.for_owner().after(from.take());
            loop {
                let begin = parts.position().cloned();
                let step = parts.next(&mut |part| self.foreign(part))?;
                let part = match step {
                    Step::Part(part) => part,
                    Step::Restart => {
                        taker.restart()?;
                        continue;
                    }
                    Step::OptedOut(reason) => {
                        walked.refused = Some(self.here.redacted(reason));
                        return Ok(walked);
                    }
                    Step::End => break,
                };
                let unreadable = part.unreadable().iter();
                let unreadable =
                    unreadable.map(|(path, reason)| self.here.unreadable(path.display(), reason));
                walked.unreadable.extend(unreadable);
                taker.part(&part, begin.as_ref())?;
                self.events(&part, &mut frozen, &mut known, taker)?;
            }
            known.next_transcript();
            taker.end_of_transcript();
        }
        Ok(walked)
    }

    /// The events of a part that another session owns.
    fn foreign(&self, part: &Collected) -> anyhow::Result<Foreign> {
        let foreign = self.prospect.foreign(part)?;
        Ok(match self.claimant {
            Some(claimant) => claimant.claim(&part.session, foreign),
            None => foreign,
        })
    }

    fn events(
        &self,
        part: &Collected,
        frozen: &mut Option<Frozen>,
        known: &mut KnownEvents,
        taker: &mut dyn Taker,
    ) -> anyhow::Result<()> {
        let frozen = match frozen {
            Some(frozen) => frozen.clone(),
            None => frozen.insert(self.prospect.frozen(part)?).clone(),
        };
        let mut counts = Counts::default();
        let take = &mut |event: Redacted<Event<'_>>| taker.event(event);
        self.pipeline
            .new_events(part, frozen, known, &mut counts, take)?;
        taker.end_of_part(counts.total())
    }
}
