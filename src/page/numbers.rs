//! The numbers and prompts of a session, from its transcripts.

use chrono::{DateTime, Utc};

use super::contract::Unreadable;
use super::here::Here;
use super::owners::Claimant;
use super::walk::{Taker, Walk};
use crate::pipeline::{self, Collected, Pipeline};
use crate::posthog::{Event, Recording, Wanted, turn_span};
use crate::redact::Redacted;
use crate::session::{Agent, SessionState};
use crate::sources::{Checkpoint, SessionRef};
use crate::usage::SessionUsage;

/// Characters of a prompt that a search covers.
const LONGEST_PROMPT: usize = 4_000;

/// Sums and prompts of a session that was read whole.
#[derive(Clone, Debug)]
pub(super) struct Numbers {
    pub(super) usage: SessionUsage,
    /// Number of its events.
    pub(super) events: u64,
    pub(super) id: String,
    pub(super) started_at: DateTime<Utc>,
    pub(super) ended_at: DateTime<Utc>,
    pub(super) is_closed: bool,
    pub(super) is_running: bool,
    /// The folder it was started in.
    pub(super) folder: Option<String>,
    /// Why the project's sessions are not sent.
    pub(super) left_alone: Option<String>,
    /// Prompts, redacted, with a copy in lower case.
    pub(super) prompts: Vec<Prompt>,
    pub(super) unreadable: Vec<Unreadable>,
}

/// A prompt that a search can find.
#[derive(Clone, Debug)]
pub(super) struct Prompt {
    /// `$ai_span_id` of its turn.
    pub(super) span: String,
    pub(super) text: String,
}

/// Why a session has no numbers.
#[derive(Debug)]
pub(super) enum NoNumbers {
    /// The files contain no session.
    Nothing,
    /// The session is not read, for this reason.
    Refused(String),
    Failed(String),
}

/// Reads the numbers of a session, for the calls that it owns, and its prompts. `pipeline` builds
/// events without content.
pub(super) fn read(
    here: &Here,
    pipeline: &Pipeline<'_>,
    transcripts: &[SessionRef],
    claimant: Option<&Claimant<'_>>,
) -> Result<Numbers, NoNumbers> {
    let recording = here.config.events.recording;
    let wanted = match recording {
        Recording::Full => Wanted::Outputs,
        _ => here.config.wanted(),
    };
    let walk = Walk {
        here,
        prospect: &here.numbers,
        pipeline,
        wanted,
        claimant,
    };
    let mut adder = Adder {
        here,
        reals: here.prospect.pipeline().for_owner(),
        numbers: None,
        before: None,
    };
    let walked = walk.read(transcripts, None, &mut adder);
    let walked = walked.map_err(|error| NoNumbers::Failed(here.redacted(format!("{error:#}"))))?;
    if let Some(reason) = walked.refused {
        return Err(NoNumbers::Refused(reason));
    }
    let mut numbers = adder.numbers.ok_or(NoNumbers::Nothing)?;
    numbers.unreadable = walked.unreadable;
    // The reason to leave a trace alone: its calls are sent with the session of the agent that made
    // them.
    let reported = |found| {
        pipeline::reported(found, &here.config, &here.host)
            .ok()
            .flatten()
            .map(|reason| here.redacted(reason))
    };
    numbers.left_alone = numbers
        .left_alone
        .or_else(|| transcripts.iter().find_map(reported));
    Ok(numbers)
}

struct Adder<'a> {
    here: &'a Here,
    /// Pipeline that decides which content is recorded.
    reals: Pipeline<'a>,
    numbers: Option<Numbers>,
    /// Numbers before the current transcript.
    before: Option<Numbers>,
}

impl Numbers {
    fn of(agent: Agent, part: &Collected) -> Self {
        let session = &part.session;
        let cwds = session.turns.iter();
        let mut cwds = cwds.filter_map(|turn| turn.circumstances.cwd.clone());
        Self {
            usage: SessionUsage::new(agent),
            events: 0,
            id: session.id.clone(),
            started_at: session.started_at,
            ended_at: part.ended_at,
            is_closed: false,
            is_running: false,
            folder: cwds.next(),
            left_alone: None,
            prompts: Vec::new(),
            unreadable: Vec::new(),
        }
    }
}

impl Adder<'_> {
    /// The prompts of a part, if they are recorded.
    fn prompts(&self, part: &Collected) -> Vec<Prompt> {
        if !self.reals.recording(part).inputs() {
            return Vec::new();
        }
        let Ok(redactor) = self.reals.redactor(part) else {
            // Without usable redaction rules, no prompt is shown.
            return Vec::new();
        };
        let Ok(frozen) = self.here.numbers.frozen(part) else {
            return Vec::new();
        };
        let turns = part.session.turns.iter();
        let turns = turns.filter(|turn| !turn.prompt.is_empty());
        let prompts = turns.map(|turn| Prompt {
            span: turn_span(&part.session, turn, &frozen),
            text: {
                let text = turn.prompt.clone();
                let text = redactor.written(|replace| replace(text)).into_inner();
                text.chars().take(LONGEST_PROMPT).collect()
            },
        });
        prompts.collect()
    }
}

impl Taker for Adder<'_> {
    fn part(&mut self, part: &Collected, _: Option<&Checkpoint>) -> anyhow::Result<()> {
        let prompts = self.prompts(part);
        let agent = part.session.agent;
        let numbers = self.numbers.get_or_insert_with(|| Numbers::of(agent, part));
        numbers.started_at = numbers.started_at.min(part.session.started_at);
        numbers.ended_at = numbers.ended_at.max(part.ended_at);
        numbers.is_closed = part.session.is_closed;
        numbers.is_running |= part.state == SessionState::Running;
        let left_alone = part.opted_out().map(str::to_owned);
        numbers.left_alone = left_alone.map(|reason| self.here.redacted(reason));
        let known: std::collections::HashSet<String> =
            numbers.prompts.iter().map(|it| it.span.clone()).collect();
        let new = prompts.into_iter().filter(|it| !known.contains(&it.span));
        numbers.prompts.extend(new);
        Ok(())
    }

    fn event(&mut self, event: Redacted<Event<'_>>) -> anyhow::Result<()> {
        if let Some(numbers) = &mut self.numbers {
            let event = event.get();
            // Each part and each copy of a session has its trace, as of then.
            let is_again = numbers.usage.has_trace(event.uuid);
            numbers.events += u64::from(!is_again);
            numbers.usage.add(event);
        }
        Ok(())
    }

    fn end_of_part(&mut self, _: u64) -> anyhow::Result<()> {
        Ok(())
    }

    fn restart(&mut self) -> anyhow::Result<()> {
        self.numbers = self.before.clone();
        Ok(())
    }

    fn end_of_transcript(&mut self) {
        self.before = self.numbers.clone();
    }
}
