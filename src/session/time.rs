//! The working time of tools, and the time spent waiting for a person.
//!
//! Up to three things happen between a call and its result: calls of the same response that run
//! before it, a question to a person whether it may run, and the work of the tool itself. Agents
//! rarely record them separately. A tool gets a time only if nothing else can have happened in it;
//! times that cannot be separated are reported as such.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::intervals::{Calls, Interval, Stretch, TOLERANCE};
use super::{Block, Generation, Permission, Subagent, ToolCall, ToolResult, Turn};

/// The longest time attributed to a tool although a person may have been asked during it. Of 11,400
/// calls in public sessions, 64 % returned in less, after 0.2 s on average: at most 0.3 % of the
/// time of all calls can be attributed wrongly.
pub(super) const NEGLIGIBLE: TimeDelta = TimeDelta::seconds(2);

/// Whether work started by a call continues after its result.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Background {
    /// The result ends the call.
    #[default]
    No,
    /// The work continues as the task with this id, whose end was not reported yet.
    Running(String),
    /// The work continued and its end was reported; the result is that of the task.
    Ended,
}

/// Whether a person may be asked before a tool runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Asks {
    /// Depends on settings that are not recorded.
    #[default]
    Perhaps,
    /// The agent runs it without asking.
    Never,
    /// The tool is itself a question to a person: all of its time is waiting.
    Always,
}

/// How a tool runs relative to other calls of the same response.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// Unknown.
    #[default]
    Unknown,
    /// After earlier calls and before later ones.
    Alone,
    /// In parallel with others of this kind.
    Together,
    /// In parallel with all others of the response; their results arrive together.
    Jointly,
}

/// The known parts of the time between a call and its result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ToolTime {
    /// The tool's own time.
    pub own: OwnTime,
    /// Time spent waiting for a person, if known.
    pub waited: Option<TimeDelta>,
    /// Whether later lines may tell more.
    pub is_open: bool,
}

/// The working time of a tool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OwnTime {
    /// There is no result, or it came before the work was done.
    #[default]
    Unknown,
    /// The agent measured it.
    Measured(TimeDelta),
    /// From its beginning to its result, without any waiting.
    Interval(TimeDelta),
    /// Time of work and waiting together, which cannot be separated.
    Mixed(TimeDelta),
}

/// The agent's record of its working time from one prompt to the end of its work, without waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Worked {
    /// When the work began.
    pub since: DateTime<Utc>,
    /// When the work ended.
    pub until: DateTime<Utc>,
    /// The working time.
    pub worked: TimeDelta,
}

/// Information from lines between a call and its result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sighting {
    /// A time at which the tool had not begun.
    pub waiting_at: Option<DateTime<Utc>>,
    /// When the tool began.
    pub began_at: Option<DateTime<Utc>>,
}

/// The report of a finished background task.
#[derive(Clone, Debug)]
pub struct TaskReport {
    /// The task's id.
    pub task: String,
    /// When the agent received the report.
    pub at: DateTime<Utc>,
    /// Whether the task failed or was stopped.
    pub is_error: bool,
    /// Running time in milliseconds, if measured.
    pub duration_ms: Option<u64>,
    /// Content of the report.
    pub content: Vec<Block>,
}

/// All recorded times other than those of calls and results.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    pub(crate) worked: Vec<Worked>,
    /// Beginning of the work whose record may still follow.
    pub(crate) working_since: Option<DateTime<Utc>>,
    /// Sightings by the id of the call.
    pub(crate) sightings: HashMap<String, Sighting>,
    /// The first report of each task. An agent that is woken again reports again.
    pub(crate) reports: HashMap<String, TaskReport>,
}

/// Sets the time of every call, from the calls and results alone.
pub fn settle_times(turns: &mut [Turn]) {
    Clock::default().settle(turns);
}

impl ToolTime {
    /// Running time of the tool, if known.
    #[must_use]
    pub const fn latency(&self) -> Option<TimeDelta> {
        match self.own {
            OwnTime::Measured(time) | OwnTime::Interval(time) => Some(time),
            OwnTime::Unknown | OwnTime::Mixed(_) => None,
        }
    }

    /// Time of work and waiting together, if they cannot be separated.
    #[must_use]
    pub const fn mixed(&self) -> Option<TimeDelta> {
        match self.own {
            OwnTime::Mixed(time) => Some(time),
            OwnTime::Unknown | OwnTime::Measured(_) | OwnTime::Interval(_) => None,
        }
    }
}

impl ToolCall {
    /// Whether no later line can tell more about the call.
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
    /// Whether no work started by the call continues.
    #[must_use]
    pub const fn has_ended(&self) -> bool {
        !matches!(self.background, Background::Running(_))
    }
}

impl Clock {
    /// Sets the time of every call of these turns.
    pub(crate) fn settle(&self, turns: &mut [Turn]) {
        let mut calls = Vec::new();
        for turn in turns.iter_mut() {
            each_response(turn, &mut |generation, is_background| {
                self.report(generation);
                self.look_at(generation, is_background, &mut calls);
            });
        }
        let mut calls = Calls::of(calls);
        calls.narrow(self.worked.iter().map(Stretch::of).collect());
        let mut times = calls.times(self.working_since).into_iter();
        for turn in turns {
            let mut shared_wait = TimeDelta::zero();
            each_response(turn, &mut |generation, _| {
                for call in calls_of(generation) {
                    let time = times.next().unwrap_or_default();
                    shared_wait += time.shared_wait;
                    call.time = time.of_call;
                }
            });
            turn.shared_wait = shared_wait;
        }
    }

    /// Gives a call that started a background task the result in the task's report.
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
            if call.order == Order::Jointly && calls.len() > 1 {
                // The work may have ended long before its result arrived.
                interval.begins_by = interval.end.unwrap_or(call.called_at);
            }
            interval.is_background = is_background;
            if let Some(sighting) = self.sightings.get(&call.id) {
                interval.see(sighting);
            }
            into.push(interval);
        }
    }
}

impl Interval {
    /// The interval of a call; `before` are the earlier calls of the same response.
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
            // Tools that need permission are not run in parallel with others.
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
        let is_backwards = result.returned_at + TOLERANCE < call.called_at;
        interval.is_untimed = call.is_untimed || result.is_untimed || is_backwards;
        let measured = result.duration_ms.map(i64::try_from);
        interval.measured = measured
            .and_then(Result::ok)
            .and_then(TimeDelta::try_milliseconds)
            .filter(|measured| *measured <= interval.longest());
        interval
    }
}

/// Sums over the calls of a turn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waits {
    /// Known time of waiting for a person.
    pub waited: TimeDelta,
    /// Time that is not known to be either waiting or tool work.
    pub unattributed: TimeDelta,
}

impl Turn {
    /// The waits of the turn, for the calls of the responses that `ours` accepts.
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

/// Calls `each` with every response of a turn at any depth, in tree order, and whether a background
/// agent made it, for which nobody waits.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::{Circumstances, Work};
    use serde_json::Value;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::default() + TimeDelta::seconds(seconds)
    }

    fn call(order: Order, asks: Asks, times: (i64, i64), background: Background) -> ToolCall {
        ToolCall {
            id: String::new(),
            name: String::new(),
            input: Value::Null,
            called_at: at(times.0),
            is_untimed: false,
            asks,
            order,
            time: ToolTime::default(),
            result: Some(Arc::new(ToolResult {
                content: Vec::new(),
                is_error: false,
                returned_at: at(times.1),
                is_untimed: false,
                duration_ms: None,
                permission: None,
                background,
                web_searches: 0,
                work: Work::NONE,
            })),
            subagents: Vec::new(),
            circumstances: Arc::new(Circumstances::default()),
        }
    }

    fn granted(mut call: ToolCall) -> ToolCall {
        if let Some(result) = &mut call.result {
            Arc::make_mut(result).permission = Some(Permission::Granted);
        }
        call
    }

    #[test]
    fn a_tool_does_not_take_the_time_in_which_it_waits_for_another_one() {
        use Order::{Alone, Together, Unknown};
        let first = |order| call(order, Asks::Never, (0, 60), Background::No);
        let launch = call(
            Together,
            Asks::Never,
            (0, 60),
            Background::Running("a".into()),
        );
        let later = call(Alone, Asks::Never, (0, 90), Background::No);
        for (name, before, order, expected) in [
            (
                "behind one that runs alone",
                first(Alone),
                Together,
                [Some(1), None],
            ),
            (
                "alone behind another",
                first(Together),
                Alone,
                [Some(1), None],
            ),
            (
                "beside another",
                first(Together),
                Together,
                [Some(60), None],
            ),
            (
                "behind or beside another",
                first(Unknown),
                Together,
                [None, Some(60)],
            ),
            (
                "behind one that a person was asked for",
                granted(first(Unknown)),
                Together,
                [Some(1), None],
            ),
            (
                "behind what goes on in the background",
                launch,
                Alone,
                [Some(60), None],
            ),
            (
                "before one that is not done yet",
                later,
                Alone,
                [Some(60), None],
            ),
        ] {
            let call = call(order, Asks::Never, (1, 61), Background::No);
            let intervals = vec![Interval::of(&call, &[&before])];
            let time = Calls::of(intervals).times(None)[0].of_call;
            let shown = [time.latency(), time.mixed()];
            let shown = shown.map(|time| time.map(|time| time.num_seconds()));
            assert_eq!(shown, expected, "{name}");
        }
    }

    #[test]
    fn a_call_is_settled_when_nothing_more_can_become_known_of_it() {
        let settled = call(Order::Unknown, Asks::Perhaps, (0, 9), Background::No);
        let mut open = settled.clone();
        open.time.is_open = true;
        let mut without_result = settled.clone();
        without_result.result = None;
        let of = |background| call(Order::Unknown, Asks::Perhaps, (0, 9), background);
        for (name, call, expected) in [
            ("a result", settled, true),
            ("its time may be recorded yet", open, false),
            ("no result", without_result, false),
            ("it goes on", of(Background::Running("a".into())), false),
            ("it went on", of(Background::Ended), true),
        ] {
            assert_eq!(call.is_settled(), expected, "{name}");
        }
    }
}
