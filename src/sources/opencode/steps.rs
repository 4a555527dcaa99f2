//! The calls inside an answer. A message of the model is one call or several: each begins with a
//! `step-start` and ends with a `step-finish`, which holds its tokens. A call that was tried again
//! begins once more without having ended.

use chrono::{DateTime, Utc};

use super::content::{self, moment};
use super::record::PartRecord;
use super::wire::{Message, Part, PartKind, Tokens};
use crate::session::{CallError, Retries, StopReason, Usage, UsageReport};

/// One call of a model.
#[derive(Debug)]
pub(super) struct Step<'r, 'p> {
    /// What the model wrote.
    pub(super) parts: Vec<(&'r PartRecord, &'p Part<'r>)>,
    pub(super) tokens: Tokens,
    /// Whether these are what it used: OpenCode writes that when a call is over.
    pub(super) usage_report: UsageReport,
    /// Dollars.
    pub(super) cost: Option<f64>,
    pub(super) stop_reason: Option<StopReason>,
    pub(super) error: Option<CallError>,
    pub(super) is_complete: bool,
    pub(super) retries: Retries,
    pub(super) started_at: DateTime<Utc>,
    pub(super) ended_at: DateTime<Utc>,
}

/// A call whose end was not seen yet.
#[derive(Default)]
struct Open<'r, 'p> {
    /// Whether the answer to a call began with it.
    is_call: bool,
    /// When it began, where that is told.
    begun_at: Option<DateTime<Utc>>,
    parts: Vec<(&'r PartRecord, &'p Part<'r>)>,
}

/// Attempts that failed. Some are told, some show by a further beginning, and some in both ways.
#[derive(Default)]
struct Failures {
    begun: u64,
    told: u64,
    status: Option<u16>,
}

impl Failures {
    fn take(&mut self) -> Retries {
        let Self {
            begun,
            told,
            status,
        } = std::mem::take(self);
        Retries {
            count: begun.max(told),
            status,
        }
    }
}

/// The calls of an answer that was begun at `at`, in their order. There is none in the answer to a
/// command that the user ran, and in one that was only just begun.
pub(super) fn steps<'r, 'p>(
    message: &Message,
    parts: &'p [(&'r PartRecord, Part<'r>)],
    at: DateTime<Utc>,
) -> Vec<Step<'r, 'p>> {
    let mut steps = Vec::new();
    let mut open: Option<Open<'r, 'p>> = None;
    let mut failures = Failures::default();
    // The next call begins, at the earliest, when the one before it and its tools were done.
    let mut earliest = at;
    for (row, part) in parts {
        match part.kind {
            Some(PartKind::StepStart) => {
                if let Some(unfinished) = open.take() {
                    if unfinished.has_tools() {
                        let step = unfinished.into_step(earliest, failures.take());
                        earliest = step.done_at();
                        steps.push(step);
                    } else {
                        // It was asked for again after that.
                        earliest = unfinished.seen_until().unwrap_or(earliest).max(earliest);
                        failures.begun += 1;
                    }
                }
                open = Some(Open {
                    is_call: true,
                    begun_at: moment(row.created),
                    parts: Vec::new(),
                });
            }
            Some(PartKind::Text | PartKind::Reasoning | PartKind::Tool) => {
                open.get_or_insert_default().parts.push((row, part));
            }
            Some(PartKind::StepFinish) => {
                let finished = open.take().unwrap_or_default();
                let mut step = finished.into_step(earliest, failures.take());
                step.tokens = part.tokens.unwrap_or_default();
                step.usage_report = UsageReport::Present;
                step.cost = part.cost;
                step.stop_reason = part.reason.as_deref().map(content::stop_reason);
                step.is_complete = true;
                if let Some(end) = moment(part.time.end) {
                    step.ended_at = end.max(step.started_at);
                }
                earliest = step.done_at();
                steps.push(step);
            }
            Some(PartKind::Retry) => {
                failures.told += 1;
                let data = part.error.as_ref().and_then(|error| error.data.as_ref());
                failures.status = data.and_then(|data| data.status_code);
            }
            _ => {}
        }
    }
    last(message, open, failures.take(), earliest, &mut steps);
    steps
}

/// What became of the last call: it failed, was stopped, or still goes on.
fn last<'r, 'p>(
    message: &Message,
    open: Option<Open<'r, 'p>>,
    retries: Retries,
    earliest: DateTime<Utc>,
    steps: &mut Vec<Step<'r, 'p>>,
) {
    let tokens = message.tokens.unwrap_or_default();
    let is_paid = steps.is_empty() && content::usage(tokens) != Usage::default();
    let is_of_user = open.as_ref().is_some_and(|open| {
        // The command of a user is a tool without a call around it.
        !open.is_call && open.parts.iter().all(|(_, part)| part.tool.is_some())
    });
    let is_running = open.is_some() && !(is_of_user && message.error.is_none());
    if is_running || is_paid || (steps.is_empty() && message.error.is_some()) {
        let mut step = open.unwrap_or_default().into_step(earliest, retries);
        if steps.is_empty() {
            step.tokens = tokens;
            step.cost = message.cost;
            step.stop_reason = message.finish.as_deref().map(content::stop_reason);
        }
        let has_failed = (message.error.as_ref()).is_some_and(|it| !content::is_abort(it));
        if is_paid || has_failed {
            step.usage_report = UsageReport::Present;
        }
        let completed = moment(message.time.completed);
        if let Some(completed) = completed.filter(|_| !step.tells_time()) {
            step.ended_at = completed.max(step.started_at);
        }
        step.is_complete = completed.is_some() || message.error.is_some();
        steps.push(step);
    }
    if let (Some(failure), Some(step)) = (&message.error, steps.last_mut()) {
        if content::is_abort(failure) {
            step.stop_reason = Some(StopReason::Aborted);
        } else {
            step.error = Some(content::call_error(failure));
        }
    }
}

impl<'r, 'p> Open<'r, 'p> {
    fn has_tools(&self) -> bool {
        self.parts.iter().any(|(_, part)| part.tool.is_some())
    }

    /// The last sign of it.
    fn seen_until(&self) -> Option<DateTime<Utc>> {
        let parts = self.parts.iter();
        let parts = parts.filter_map(|(_, part)| moment(part.time.end.or(part.time.start)));
        parts.max().max(self.begun_at)
    }

    fn into_step(self, earliest: DateTime<Utc>, retries: Retries) -> Step<'r, 'p> {
        let spoken = self.parts.iter().filter(|(_, part)| part.tool.is_none());
        let first_token_at = spoken.clone().find_map(|(_, part)| moment(part.time.start));
        let spoken_until = spoken
            .filter_map(|(_, part)| moment(part.time.end.or(part.time.start)))
            .max();
        let first_tool = self.parts.iter().find_map(|(row, part)| {
            let state = part.state.as_ref()?;
            moment(state.time.start).or_else(|| moment(row.created))
        });
        // It was asked for before the answer began: with its message, or when the step before it
        // was done.
        let started_at = first_token_at.map_or(earliest, |first| first.min(earliest));
        let ended_at = spoken_until.max(first_tool).unwrap_or(started_at);
        Step {
            parts: self.parts,
            tokens: Tokens::default(),
            usage_report: UsageReport::Missing,
            cost: None,
            stop_reason: None,
            error: None,
            is_complete: false,
            retries,
            started_at,
            ended_at: ended_at.max(started_at),
        }
    }
}

impl Step<'_, '_> {
    /// Whether anything in it says when it was written.
    fn tells_time(&self) -> bool {
        self.parts.iter().any(|(_, part)| {
            let of_tool = part.state.as_ref().and_then(|state| state.time.start);
            part.time.start.or(part.time.end).or(of_tool).is_some()
        })
    }

    /// When the call and its tools were done.
    fn done_at(&self) -> DateTime<Utc> {
        let tools = self.parts.iter().filter_map(|(_, part)| {
            let state = part.state.as_ref()?;
            moment(state.time.end)
        });
        tools.fold(self.ended_at, DateTime::max)
    }
}
