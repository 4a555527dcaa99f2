//! How long tools worked, and how long a person was waited for.
//!
//! Between a call and its result lie up to three things: calls of the same response that run
//! before it, a question to a person whether it may run, and the work of the tool itself. Agents
//! seldom record them apart. A time is given to a tool only where nothing else can have happened
//! in it; what cannot be told apart is said to be so.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::intervals::{Calls, Interval, Stretch};
use super::{Block, Generation, Permission, Subagent, ToolCall, ToolResult, Turn};

/// The longest time that is given to a tool though a person may have been asked in it. Of 11,400
/// calls in public sessions, 64 % returned in less, after 0.2 s on average: at most 0.3 % of the
/// time of all calls can be wrong by it.
pub(super) const NEGLIGIBLE: TimeDelta = TimeDelta::seconds(2);

/// Whether what a call started goes on after its result.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Background {
    /// The result is the end of it.
    #[default]
    No,
    /// It goes on as the task with this id, whose end was not reported yet.
    Running(String),
    /// It went on, and its end was reported: the result is that of the task.
    Ended,
}

/// Whether a person may be asked before a tool runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Asks {
    /// It depends on settings that are not recorded.
    #[default]
    Perhaps,
    /// The agent runs it without asking.
    Never,
    /// The tool is a question to a person: all of its time is waiting.
    Always,
}

/// How a tool runs beside other calls of the same response.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// Either way.
    #[default]
    Unknown,
    /// After those that were called before it, and before those that were called after it.
    Alone,
    /// At the same time as others of its kind.
    Together,
}

/// What is known of the time between a call and its result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ToolTime {
    /// The tool's own part.
    pub own: OwnTime,
    /// How long a person was waited for, where that is known.
    pub waited: Option<TimeDelta>,
    /// Whether lines that are still to come may tell more.
    pub is_open: bool,
}

/// How long a tool worked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OwnTime {
    /// There is no result, or it came before the work was done.
    #[default]
    Unknown,
    /// The agent measured it.
    Measured(TimeDelta),
    /// From its beginning to its result, in which nothing can have waited.
    Interval(TimeDelta),
    /// Working and waiting cannot be told apart: both together took so long.
    Mixed(TimeDelta),
}

/// What an agent recorded of its time from one prompt to the end of its work, waiting left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Worked {
    /// When it began.
    pub since: DateTime<Utc>,
    /// When it ended.
    pub until: DateTime<Utc>,
    /// How long it worked.
    pub worked: TimeDelta,
}

/// What lines between a call and its result tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sighting {
    /// A time at which the tool had not begun.
    pub waiting_at: Option<DateTime<Utc>>,
    /// When the tool began.
    pub began_at: Option<DateTime<Utc>>,
}

/// A background task came to its end.
#[derive(Clone, Debug)]
pub struct TaskReport {
    /// The task's id.
    pub task: String,
    /// When the agent was told.
    pub at: DateTime<Utc>,
    /// Whether it failed or was stopped.
    pub is_error: bool,
    /// How long it took in milliseconds, where that was measured.
    pub duration_ms: Option<u64>,
    /// What it reports.
    pub content: Vec<Block>,
}

/// Everything that lines tell of time besides calls and results.
#[derive(Debug, Default)]
pub(super) struct Clock {
    pub(super) worked: Vec<Worked>,
    /// By the id of the call.
    pub(super) sightings: HashMap<String, Sighting>,
    /// The first report of each task: an agent that is woken again reports again.
    pub(super) reports: HashMap<String, TaskReport>,
}

/// Gives every call its time, of which nothing is recorded but the calls and results themselves.
pub fn settle_times(turns: &mut [Turn]) {
    Clock::default().settle(turns);
}

impl ToolTime {
    /// How long the tool itself took, where that is known.
    #[must_use]
    pub const fn latency(&self) -> Option<TimeDelta> {
        match self.own {
            OwnTime::Measured(time) | OwnTime::Interval(time) => Some(time),
            OwnTime::Unknown | OwnTime::Mixed(_) => None,
        }
    }

    /// How long tool and waiting took together, where they cannot be told apart.
    #[must_use]
    pub const fn mixed(&self) -> Option<TimeDelta> {
        match self.own {
            OwnTime::Mixed(time) => Some(time),
            OwnTime::Unknown | OwnTime::Measured(_) | OwnTime::Interval(_) => None,
        }
    }
}

impl ToolCall {
    /// Whether nothing more can become known of the call.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        let result = self.result.as_ref();
        result.is_some_and(|result| result.has_ended()) && !self.time.is_open
    }

    /// Whether a person may have been asked before it ran.
    fn asks(&self) -> Asks {
        match self.asks {
            Asks::Perhaps if self.circumstances.asks_nobody => Asks::Never,
            asks => asks,
        }
    }
}

impl ToolResult {
    /// Whether nothing goes on of what the call started.
    #[must_use]
    pub const fn has_ended(&self) -> bool {
        !matches!(self.background, Background::Running(_))
    }
}

impl Clock {
    /// Gives every call of these turns its time.
    pub(super) fn settle(&self, turns: &mut [Turn]) {
        let mut calls = Vec::new();
        for turn in turns.iter_mut() {
            each_response(turn, &mut |generation, is_background| {
                self.report(generation);
                self.look_at(generation, is_background, &mut calls);
            });
        }
        let mut calls = Calls::of(calls);
        for worked in &self.worked {
            calls.narrow(&Stretch::of(worked));
        }
        let recorded_until = self.worked.iter().map(|it| it.until).max();
        let mut times = calls.times().into_iter();
        let last = turns.len().saturating_sub(1);
        for (index, turn) in turns.iter_mut().enumerate() {
            let mut shared_wait = TimeDelta::zero();
            each_response(turn, &mut |generation, _| {
                for call in calls_of(generation) {
                    let time = times.next().unwrap_or_default();
                    shared_wait += time.shared_wait;
                    call.time = time.of_call;
                    let is_recorded = recorded_until.is_some_and(|it| call.called_at <= it);
                    call.time.is_open =
                        index == last && !is_recorded && call.time.mixed().is_some();
                }
            });
            turn.shared_wait = shared_wait;
        }
    }

    /// A call that left a task in the background ends with the report of that task.
    fn report(&self, generation: &mut Generation) {
        if self.reports.is_empty() {
            return;
        }
        for call in calls_of(generation) {
            let Some(result) = &call.result else { continue };
            let Background::Running(task) = &result.background else {
                continue;
            };
            let Some(report) = self.reports.get(task) else {
                continue;
            };
            call.result = Some(Arc::new(ToolResult {
                content: report.content.clone(),
                is_error: report.is_error,
                returned_at: report.at.max(call.called_at),
                duration_ms: report.duration_ms,
                background: Background::Ended,
                ..ToolResult::clone(result)
            }));
        }
    }

    fn look_at(&self, generation: &Generation, is_background: bool, into: &mut Vec<Interval>) {
        let calls: Vec<&ToolCall> = generation.tool_calls().collect();
        for (index, call) in calls.iter().enumerate() {
            let mut interval = Interval::of(call, &calls[..index]);
            interval.is_background = is_background;
            if let Some(sighting) = self.sightings.get(&call.id) {
                interval.see(sighting);
            }
            into.push(interval);
        }
    }
}

impl Interval {
    /// The interval of a call; `before` are those of the same response that were called before.
    fn of(call: &ToolCall, before: &[&ToolCall]) -> Self {
        let mut interval = Self::at(call.called_at);
        let Some(result) = call.result.as_ref().filter(|it| it.has_ended()) else {
            return interval;
        };
        let end = result.returned_at.max(call.called_at);
        interval.end = Some(end);
        for earlier in before {
            let Some(returned) = &earlier.result else {
                continue;
            };
            let returned_at = returned.returned_at;
            if returned_at > end || returned.background != Background::No {
                continue;
            }
            let latest = interval.begins_by.max(returned_at);
            // What has to be asked for is not harmless enough to run beside others.
            let was_asked = returned.permission.is_some_and(|it| it != Permission::Rule);
            let orders = [earlier.order, call.order];
            if orders.contains(&Order::Alone) || (earlier.order == Order::Unknown && was_asked) {
                interval.begins_after = interval.begins_after.max(returned_at);
                interval.begins_by = latest;
            } else if orders.contains(&Order::Unknown) {
                interval.begins_by = latest;
            }
        }
        interval.asks = call.asks();
        interval.permission = result.permission;
        let measured = result.duration_ms.map(i64::try_from);
        interval.measured = measured
            .and_then(Result::ok)
            .and_then(TimeDelta::try_milliseconds);
        interval
    }
}

/// Sums over the calls of a turn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waits {
    /// How long a person was waited for, as far as it is known.
    pub waited: TimeDelta,
    /// How much is not known to be that or the tools' work.
    pub unattributed: TimeDelta,
}

impl Turn {
    /// The waits of the turn, counting the calls of the responses that `ours` names.
    #[must_use]
    pub fn waits(&self, ours: &dyn Fn(&Generation) -> bool) -> Waits {
        let mut waits = Waits::default();
        let generations = self.all_generations().into_iter().filter(|it| ours(it));
        for call in generations.flat_map(Generation::tool_calls) {
            waits.waited += call.time.waited.unwrap_or_default();
            waits.unattributed += call.time.mixed().unwrap_or_default();
        }
        let shared = self.shared_wait.min(waits.unattributed);
        waits.waited += shared;
        waits.unattributed -= shared;
        waits
    }
}

/// Calls `each` with every response of a turn at any depth, in tree order, and whether it is that
/// of an agent in the background, which works while nobody waits for it.
fn each_response(turn: &mut Turn, each: &mut dyn FnMut(&mut Generation, bool)) {
    for generation in &mut turn.generations {
        response(generation, false, each);
    }
    for subagent in &mut turn.stray_subagents {
        of_subagent(subagent, true, each);
    }
}

fn response(
    generation: &mut Generation,
    is_background: bool,
    each: &mut dyn FnMut(&mut Generation, bool),
) {
    each(generation, is_background);
    for call in calls_of(generation) {
        let result = call.result.as_ref();
        let is_waited_for = result.is_some_and(|it| it.background == Background::No);
        for subagent in &mut call.subagents {
            of_subagent(subagent, is_background || !is_waited_for, each);
        }
    }
}

fn of_subagent(
    subagent: &mut Subagent,
    is_background: bool,
    each: &mut dyn FnMut(&mut Generation, bool),
) {
    for generation in &mut subagent.generations {
        response(generation, is_background, each);
    }
}

fn calls_of(generation: &mut Generation) -> impl Iterator<Item = &mut ToolCall> {
    generation
        .output
        .iter_mut()
        .filter_map(|block| match block {
            Block::ToolCall(call) => Some(call.as_mut()),
            _ => None,
        })
}
