//! Executions of tools, and the calls of models that asked for them.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::asked::{self, Asked};
use super::content::Request;
use super::dialects::kinds::SpanKind;
use super::execution::Execution;
use super::messages;
use super::tree::Tree;
use crate::session::{Block, Generation, Message, Operation, ToolCall, ToolResult};

/// Puts each execution under the response that asked for it. Those of which that is not known are
/// returned as operations. `parents` are the spans around the nodes.
pub(super) fn attach(
    executions: Vec<Execution>,
    generations: &mut [(usize, Generation)],
    tree: &Tree<'_>,
    containers: &[Option<usize>],
    parents: &dyn Fn(usize) -> Option<String>,
) -> Vec<Operation> {
    let mut asked = Asked::of(generations, tree, containers);
    let mut open = OpenCalls::default();
    let mut alone = Vec::new();
    for execution in executions {
        let node = &tree.nodes[execution.node];
        let container = containers[execution.node];
        let Some(place) = asked.place(&execution, node, container, generations) else {
            let parent = parents(execution.node);
            alone.push(execution.alone(node, parent));
            continue;
        };
        let (_, generation) = &mut generations[place];
        let parent = generation.traced.as_ref().map(|it| it.span.clone());
        let parent = parent.unwrap_or_default();
        let call = match &execution.call_id {
            Some(id) => open.next(place, generation, id),
            None => asked::call_in(generation, &execution),
        };
        if let Some(call) = call {
            execution.complete(call, node, parent);
        } else {
            // Its response is not recorded.
            let id = execution.call_id.clone().unwrap_or_default();
            let mut call = messages::tool_call(id, execution.name.clone());
            execution.complete(&mut call, node, parent);
            generation.output.push(Block::ToolCall(Box::new(call)));
        }
    }
    alone
}

/// The calls of tools in responses that have no result yet, by their ids. An id may repeat.
#[derive(Default)]
struct OpenCalls {
    /// Indices of the blocks of a response that are calls with an id.
    by_id: HashMap<usize, HashMap<String, VecDeque<usize>>>,
}

impl OpenCalls {
    /// The first call with this id in the response at a place that has no result.
    fn next<'g>(
        &mut self,
        place: usize,
        generation: &'g mut Generation,
        id: &str,
    ) -> Option<&'g mut ToolCall> {
        let by_id = self.by_id.entry(place).or_insert_with(|| {
            let mut by_id: HashMap<String, VecDeque<usize>> = HashMap::new();
            for (index, block) in generation.output.iter().enumerate() {
                if let Block::ToolCall(call) = block {
                    by_id.entry(call.id.clone()).or_default().push_back(index);
                }
            }
            by_id
        });
        let indices = by_id.get_mut(id)?;
        while let Some(index) = indices.pop_front() {
            let is_open =
                matches!(&generation.output[index], Block::ToolCall(call) if call.result.is_none());
            if is_open {
                return match &mut generation.output[index] {
                    Block::ToolCall(call) => Some(call),
                    _ => None,
                };
            }
        }
        None
    }
}

/// Adds results that only a later request tells, for tools whose execution nobody reports. `later`
/// are requests after these calls.
pub(super) fn answer<'r>(generations: &mut [Generation], later: impl Iterator<Item = &'r Request>) {
    // Ids of calls may repeat, so that each result belongs to the last call before it. A place is
    // that of a call of a model, and of a block in its answer.
    let mut open: HashMap<String, Vec<(usize, usize)>> = HashMap::new();
    for place in 0..generations.len() {
        let messages = std::mem::take(&mut generations[place].input);
        resolve(&messages, &mut open, generations);
        generations[place].input = messages;
        let mut calls: HashMap<String, Vec<(usize, usize)>> = HashMap::new();
        for (index, block) in generations[place].output.iter().enumerate() {
            if let Block::ToolCall(call) = block
                && call.result.is_none()
                && !call.id.is_empty()
            {
                let known = calls.entry(call.id.clone()).or_default();
                known.push((place, index));
            }
        }
        open.extend(calls);
    }
    let mut later = later;
    while !open.is_empty() {
        let Some(request) = later.next() else {
            break;
        };
        let told = Told::of(&request.messages);
        open.retain(|id, places| {
            places.retain(|(place, index)| {
                let generation = &mut generations[*place];
                let returned_at = generation.ended_at;
                let Block::ToolCall(call) = &mut generation.output[*index] else {
                    return false;
                };
                let result = told.result_of(id, call);
                call.result = result.map(|it| answered(it, returned_at));
                result.is_none()
            });
            !places.is_empty()
        });
    }
}

/// What a conversation tells about calls of tools, by their ids, in order.
struct Told<'a>(HashMap<&'a str, Vec<Said<'a>>>);

enum Said<'a> {
    Asked(&'a ToolCall),
    Answered(&'a ToolResult),
}

impl<'a> Told<'a> {
    fn of(messages: &'a [Message]) -> Self {
        let mut told: HashMap<&str, Vec<Said<'_>>> = HashMap::new();
        for block in messages.iter().flat_map(|it| &it.content) {
            let (id, said) = match block {
                Block::ToolCall(call) => (call.id.as_str(), Said::Asked(call)),
                Block::ToolResult { call_id, result } => (call_id.as_str(), Said::Answered(result)),
                _ => continue,
            };
            told.entry(id).or_default().push(said);
        }
        Self(told)
    }

    /// The result of a call. Ids may repeat, so that a conversation may have results of earlier calls
    /// with the same id: they stand before the call. Where a conversation holds results alone, the last
    /// one is meant.
    fn result_of(&self, id: &str, call: &ToolCall) -> Option<&'a ToolResult> {
        let said = self.0.get(id)?;
        let is_asked = |it: &&Said<'_>| matches!(it, Said::Asked(_));
        let is_call = |it: &Said<'_>| matches!(it, Said::Asked(asked) if is_same(asked, call));
        let after = match (said.iter().rposition(is_call), said.iter().find(is_asked)) {
            (Some(place), _) => &said[place..],
            (None, None) => return said.iter().rev().find_map(Said::result),
            (None, Some(_)) => return None,
        };
        after.iter().find_map(Said::result)
    }
}

impl<'a> Said<'a> {
    const fn result(&self) -> Option<&'a ToolResult> {
        match self {
            Self::Answered(result) => Some(*result),
            Self::Asked(_) => None,
        }
    }
}

fn is_same(one: &ToolCall, other: &ToolCall) -> bool {
    one.name == other.name && one.input == other.input
}

fn answered(result: &ToolResult, returned_at: DateTime<Utc>) -> Arc<ToolResult> {
    Arc::new(ToolResult {
        returned_at,
        ..ToolResult::clone(result)
    })
}

fn resolve(
    messages: &[Message],
    open: &mut HashMap<String, Vec<(usize, usize)>>,
    generations: &mut [Generation],
) {
    for block in messages.iter().flat_map(|it| &it.content) {
        let Block::ToolResult { call_id, result } = block else {
            continue;
        };
        for (place, index) in open.remove(call_id).unwrap_or_default() {
            let generation = &mut generations[place];
            let returned_at = generation.ended_at;
            if let Block::ToolCall(call) = &mut generation.output[index] {
                call.result = Some(answered(result, returned_at));
            }
        }
    }
}

/// The nodes that report an execution of a tool, each with the parts of it.
pub(super) fn executions(tree: &Tree<'_>) -> Vec<Execution> {
    let children = tree.children();
    let tools = (0..tree.nodes.len())
        .filter(|it| tree.nodes[*it].kind == SpanKind::Tool && tree.is_shown(*it));
    let executions = tools.map(|index| {
        let is_detail = |it: &&usize| tree.nodes[**it].kind == SpanKind::Detail;
        let details: Vec<usize> = children[index].iter().filter(is_detail).copied().collect();
        Execution::of(index, tree, &details)
    });
    executions.collect()
}
