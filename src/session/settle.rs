//! Sets the times of tool calls, from the calls, their results and other recorded times.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::intervals::{Calls, Interval, Stretch};
use super::time::{Background, Order, Sighting, Worked};
use super::tree::{Block, Generation, Subagent, ToolCall, ToolResult};
use super::turn::Turn;

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
pub(crate) struct RecordedTimes {
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
    RecordedTimes::default().settle(turns);
}

impl RecordedTimes {
    /// Sets the time of every call of these turns.
    pub(crate) fn settle(&self, turns: &mut [Turn]) {
        let mut calls = Vec::new();
        for turn in turns.iter_mut() {
            each_response(turn, &mut |generation, is_background| {
                self.report(generation);
                self.intervals(generation, is_background, &mut calls);
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

    fn intervals(&self, generation: &Generation, is_background: bool, into: &mut Vec<Interval>) {
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

/// Calls `each` with every response of a turn at any depth, in tree order, and whether a background
/// agent made it, which no person waits for.
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
    use serde_json::Value;

    use super::*;
    use crate::session::{Asks, Circumstances, Permission, ToolTime, Work};

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::default() + TimeDelta::seconds(seconds)
    }

    fn call(order: Order, asks: Asks, times: (i64, i64), background: Background) -> ToolCall {
        ToolCall {
            id: String::new(),
            traced: None,
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
    fn the_time_of_a_tool_excludes_waiting_for_another_one() {
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
    fn a_call_is_settled_when_later_lines_cannot_change_it() {
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
