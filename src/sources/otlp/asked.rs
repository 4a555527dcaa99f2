//! Which call of a model asked for the execution of a tool.
//!
//! Most emitters give the execution the id of the tool call, which the response of the model
//! contains too. Others nest the execution in the call, or name the request in a log record.
//! Without any of these, name and time decide, if they leave no doubt.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::execution::Execution;
use super::facts::Facts;
use super::tree::{Node, Tree};
use crate::session::{Block, Generation, StopReason, Timing, ToolCall};

/// The calls of a trace, each with the index of its span, by start.
pub(super) type Calls = [(usize, Generation)];

/// The calls that may have asked for a tool. A place is an index into [`Calls`].
#[derive(Default)]
pub(super) struct Asked {
    /// Places by the index of the span.
    by_node: HashMap<usize, usize>,
    /// Places by the id of the request.
    by_request: HashMap<String, usize>,
    /// Places by the id of a call of a tool.
    by_id: HashMap<String, Vec<usize>>,
    /// Places by the name of a tool whose execution is not known yet.
    by_name: HashMap<String, Vec<usize>>,
    /// Calls in the same operation, by the index of its span.
    beside: HashMap<Option<usize>, Vec<Beside>>,
}

/// A call among others of the same operation.
struct Beside {
    started_at: DateTime<Utc>,
    place: usize,
    /// Whether it asked for tools that its response does not name, because the application does not
    /// record answers, and all earlier calls of the operation had ended before it began.
    is_certain: bool,
}

impl Asked {
    pub(super) fn of(calls: &Calls, tree: &Tree<'_>, containers: &[Option<usize>]) -> Self {
        let mut asked = Self::default();
        for (place, (index, generation)) in calls.iter().enumerate() {
            asked.by_node.insert(*index, place);
            if let Some(request) = request(&Facts::of(&tree.nodes[*index].span.attributes)) {
                asked.by_request.entry(request).or_insert(place);
            }
            for call in generation.tool_calls() {
                if !call.id.is_empty() {
                    asked.by_id.entry(call.id.clone()).or_default().push(place);
                }
                let places = asked.by_name.entry(call.name.clone()).or_default();
                if places.last() != Some(&place) {
                    places.push(place);
                }
            }
        }
        asked.beside = beside(calls, containers);
        asked
    }

    /// The place of the call that asked for an execution in this operation.
    pub(super) fn place(
        &mut self,
        execution: &Execution,
        node: &Node<'_>,
        container: Option<usize>,
        calls: &Calls,
    ) -> Option<usize> {
        let named = self.named(node);
        let by_id = || {
            let places = self.by_id.get(execution.call_id.as_deref()?)?;
            let is_before = |place: &&usize| calls[**place].1.started_at <= execution.times.start;
            let latest = places.iter().rev().find(is_before);
            latest.or_else(|| places.first()).copied()
        };
        // A tool nested in a call was asked for by that call.
        let within = || self.by_node.get(&container?).copied();
        let known = named.or_else(by_id).or_else(within);
        let known = known.or_else(|| self.by_name(execution, calls));
        known.or_else(|| self.just_before(execution, container))
    }

    /// The call whose request a log record about the execution names.
    fn named(&self, node: &Node<'_>) -> Option<usize> {
        let mut logs = node.logs.iter();
        let request = logs.find_map(|log| request(&Facts::of(&log.attributes)))?;
        self.by_request.get(&request).copied()
    }

    /// For executions without an id: the only earlier call that asked for a tool of this name and
    /// has no known execution. Among several, the only one with the same input.
    fn by_name(&mut self, execution: &Execution, calls: &Calls) -> Option<usize> {
        if execution.call_id.is_some() {
            return None;
        }
        let places = self.by_name.get_mut(&execution.name)?;
        places.retain(|place| {
            open_call(&calls[*place].1, &execution.name)
                .next()
                .is_some()
        });
        let is_before = |place: &&usize| calls[**place].1.started_at <= execution.times.start;
        let earlier: Vec<usize> = places.iter().take_while(is_before).copied().collect();
        let is_same = |place: &usize| {
            let mut open = open_call(&calls[*place].1, &execution.name);
            open.any(|call| call.input == execution.input)
        };
        match earlier[..] {
            [place] => Some(place),
            _ => only(earlier.iter().copied().filter(is_same)),
        }
    }

    /// The latest call in the same operation, if there is no doubt.
    fn just_before(&self, execution: &Execution, container: Option<usize>) -> Option<usize> {
        let beside = self.beside.get(&container)?;
        let earlier = beside.partition_point(|it| it.started_at <= execution.times.start);
        let latest = beside.get(earlier.checked_sub(1)?)?;
        let is_timed = execution.times.timing == Timing::Known;
        (latest.is_certain && is_timed).then_some(latest.place)
    }
}

fn only<T>(mut all: impl Iterator<Item = T>) -> Option<T> {
    let first = all.next()?;
    all.next().is_none().then_some(first)
}

fn beside(calls: &Calls, containers: &[Option<usize>]) -> HashMap<Option<usize>, Vec<Beside>> {
    let mut beside: HashMap<Option<usize>, Vec<Beside>> = HashMap::new();
    let mut ends: HashMap<Option<usize>, DateTime<Utc>> = HashMap::new();
    for (place, (index, generation)) in calls.iter().enumerate() {
        let container = containers[*index];
        let end = ends.entry(container).or_default();
        let asks = generation.stop_reason == Some(StopReason::ToolCalls);
        let is_unrecorded = asks && generation.output.is_empty();
        let is_timed = generation.timing == Timing::Known;
        beside.entry(container).or_default().push(Beside {
            started_at: generation.started_at,
            place,
            is_certain: is_unrecorded && is_timed && *end <= generation.started_at,
        });
        *end = generation.ended_at.max(*end);
    }
    beside
}

fn request(facts: &Facts<'_>) -> Option<String> {
    facts.text(&["request_id"])
}

/// The tool calls of this name in a response that have no known execution.
fn open_call<'g>(
    generation: &'g Generation,
    name: &str,
) -> impl Iterator<Item = &'g ToolCall> + use<'g> {
    let name = name.to_owned();
    let calls = generation.tool_calls();
    calls.filter(move |call| call.name == name && call.traced.is_none())
}

/// The tool call in a response that an execution without an id belongs to: one of its name, with
/// the same input if there is one.
pub(super) fn call_in<'g>(
    generation: &'g mut Generation,
    execution: &Execution,
) -> Option<&'g mut ToolCall> {
    let mut open: Vec<&mut ToolCall> = generation
        .output
        .iter_mut()
        .filter_map(|block| match block {
            Block::ToolCall(call) if call.result.is_none() => Some(&mut **call),
            _ => None,
        })
        .collect();
    let is_named = |call: &&mut ToolCall| call.name == execution.name;
    let same = open
        .iter()
        .position(|call| is_named(call) && call.input == execution.input);
    let place = same.or_else(|| open.iter().position(is_named));
    place.map(|place| open.swap_remove(place))
}
