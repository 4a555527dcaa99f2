//! The calls within an answer. A message of the model contains one call or several: each begins
//! with a `step-start` and ends with a `step-finish`, which contains its tokens. A repeated call
//! begins once more without having ended.

use chrono::{DateTime, Utc};

use super::content::{self, moment};
use super::record::PartRecord;
use super::wire::{Message, Part, PartKind, Tokens};
use crate::session::{CallError, Retries, StopReason, Usage, UsageReport};

/// One call of a model.
#[derive(Debug)]
pub(super) struct Step<'r, 'p> {
    /// The parts that the model wrote.
    pub(super) parts: Vec<(&'r PartRecord, &'p Part<'r>)>,
    pub(super) tokens: Tokens,
    /// Whether these are final: OpenCode writes them when a call ends.
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

/// A call that has not ended yet.
#[derive(Default)]
struct Open<'r, 'p> {
    /// Whether a `step-start` began it.
    is_call: bool,
    /// When it began, if recorded.
    begun_at: Option<DateTime<Utc>>,
    parts: Vec<(&'r PartRecord, &'p Part<'r>)>,
}

/// Failed attempts. Some are recorded as `retry`, some as another beginning, and some as both.
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

/// The calls of an answer that was begun at `at`, in order. There is none in the answer to a
/// command that the user ran, and in one that was only begun.
pub(super) fn steps<'r, 'p>(
    message: &Message,
    parts: &'p [(&'r PartRecord, Part<'r>)],
    at: DateTime<Utc>,
) -> Vec<Step<'r, 'p>> {
    let mut steps = Vec::new();
    let mut open: Option<Open<'r, 'p>> = None;
    let mut failures = Failures::default();
    // The next call begins, at the earliest, when the one before it and its tools have ended.
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
                        // The call was repeated after that.
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

/// Adds the last call, if it failed, was stopped, or still runs.
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
        // A command of the user is a tool without a call around it.
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
        if let Some(completed) = completed.filter(|_| !step.has_time()) {
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

    /// Time of its last part.
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
        // The request was sent before the answer began: with its message, or when the step before
        // it ended.
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
    /// Whether any of its parts has a time.
    fn has_time(&self) -> bool {
        self.parts.iter().any(|(_, part)| {
            let of_tool = part.state.as_ref().and_then(|state| state.time.start);
            part.time.start.or(part.time.end).or(of_tool).is_some()
        })
    }

    /// When the call and its tools ended.
    fn done_at(&self) -> DateTime<Utc> {
        let tools = self.parts.iter().filter_map(|(_, part)| {
            let state = part.state.as_ref()?;
            moment(state.time.end)
        });
        tools.fold(self.ended_at, DateTime::max)
    }
}
