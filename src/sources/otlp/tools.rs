//! Executions of tools, and the calls of models that asked for them.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::asked::{self, Asked};
use super::content::Request;
use super::dialects::kinds::SpanKind;
use super::execution::Execution;
use super::messages;
use super::tree::Tree;
use crate::session::{Block, Generation, Message, Operation, ToolCall, ToolResult};

/// Adds each execution to the response that asked for it, and returns the others as operations.
/// `parents` are the spans around the nodes.
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

/// The tool calls in responses that have no result yet, by id. An id may repeat.
#[derive(Default)]
struct OpenCalls {
    /// Indices of the blocks of a response that are calls with an id.
    by_id: HashMap<usize, HashMap<String, VecDeque<usize>>>,
}

impl OpenCalls {
    /// The first tool call with this id and without a result, in the response at `place`.
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

/// Adds results that only a later request contains, for tools whose execution nobody reports. `own`
/// are the requests of these calls, by the span of the call; `later` are the requests after them.
pub(super) fn answer<'r>(
    generations: &mut [Generation],
    own: impl FnOnce() -> HashMap<String, &'r Request>,
    later: impl Iterator<Item = &'r Request>,
) {
    let mut open = Open::default();
    let mut unanswered = Open::default();
    let repeated = repeated(generations);
    let told = if repeated.is_empty() {
        HashSet::new()
    } else {
        answer_repeated(generations, &repeated, &own())
    };
    for place in 0..generations.len() {
        let messages = std::mem::take(&mut generations[place].input);
        resolve(&messages, &mut open, generations);
        generations[place].input = messages;
        // Ids of tool calls may repeat, so each result belongs to the last call before it.
        let mut calls = Open::default();
        for (index, call) in open_calls(&generations[place]) {
            let calls = if told.contains(&call.id) {
                &mut unanswered
            } else {
                &mut calls
            };
            let known = calls.entry(call.id.clone()).or_default();
            known.push((place, index));
        }
        open.extend(calls);
    }
    open.extend(unanswered);
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

/// Tool calls without a result, by id. Each place consists of the index of a generation and of a
/// block in its answer.
type Open = HashMap<String, Vec<(usize, usize)>>;

/// The tool calls in a response that have an id and no result, each with the index of its block.
fn open_calls(generation: &Generation) -> impl Iterator<Item = (usize, &ToolCall)> {
    let blocks = generation.output.iter().enumerate();
    let calls = blocks.filter_map(|(index, block)| match block {
        Block::ToolCall(call) => Some((index, call.as_ref())),
        _ => None,
    });
    calls.filter(|(_, call)| call.result.is_none() && !call.id.is_empty())
}

/// The ids under which several responses asked for tools.
fn repeated(generations: &[Generation]) -> HashSet<String> {
    let mut known: HashMap<&str, usize> = HashMap::new();
    let mut repeated = HashSet::new();
    for (place, generation) in generations.iter().enumerate() {
        for (_, call) in open_calls(generation) {
            if *known.entry(call.id.as_str()).or_insert(place) != place {
                repeated.insert(call.id.clone());
            }
        }
    }
    repeated
}

/// Adds results to tool calls whose ids repeat, from the first later request whose conversation
/// contains the call itself. One trace may have several conversations at a time, and providers
/// count ids anew in each. Returns the ids of the calls that conversations contain; for them, a
/// result alone proves nothing.
fn answer_repeated(
    generations: &mut [Generation],
    repeated: &HashSet<String>,
    own: &HashMap<String, &Request>,
) -> HashSet<String> {
    let request_of = |generation: &Generation| {
        let traced = generation.traced.as_ref()?;
        own.get(&traced.span).copied()
    };
    let told: Vec<Option<Told<'_>>> = generations
        .iter()
        .map(|it| request_of(it).map(|request| Told::of(&request.messages)))
        .collect();
    for (place, generation) in generations.iter_mut().enumerate() {
        let returned_at = generation.ended_at;
        for block in &mut generation.output {
            let Block::ToolCall(call) = block else {
                continue;
            };
            if call.result.is_some() || !repeated.contains(&call.id) {
                continue;
            }
            let mut later = told[place + 1..].iter().flatten();
            let result = later.find_map(|it| it.result_after(&call.id, call));
            call.result = result.map(|it| answered(it, returned_at));
        }
    }
    let holds = |id: &&String| told.iter().flatten().any(|it| it.holds(id));
    repeated.iter().filter(holds).cloned().collect()
}

/// The tool calls and results in a conversation, by id, in order.
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

    /// The result of a tool call. Ids may repeat, so results before the call belong to earlier
    /// calls with the same id. In a conversation with results alone, the last one counts.
    fn result_of(&self, id: &str, call: &ToolCall) -> Option<&'a ToolResult> {
        let said = self.0.get(id)?;
        if self.holds(id) {
            self.result_after(id, call)
        } else {
            said.iter().rev().find_map(Said::result)
        }
    }

    /// Whether the conversation contains a call with this id, and not only its result.
    fn holds(&self, id: &str) -> bool {
        let said = self.0.get(id).into_iter().flatten();
        said.into_iter().any(|it| matches!(it, Said::Asked(_)))
    }

    /// The result of a call that the conversation itself contains.
    fn result_after(&self, id: &str, call: &ToolCall) -> Option<&'a ToolResult> {
        let said = self.0.get(id)?;
        let is_call = |it: &Said<'_>| matches!(it, Said::Asked(asked) if is_same(asked, call));
        let place = said.iter().rposition(is_call)?;
        said[place..].iter().find_map(Said::result)
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

fn resolve(messages: &[Message], open: &mut Open, generations: &mut [Generation]) {
    for block in messages.iter().flat_map(|it| &it.content) {
        let Block::ToolResult { call_id, result } = block else {
            continue;
        };
        for (place, index) in open.remove(call_id).unwrap_or_default() {
            let generation = &mut generations[place];
            let returned_at = generation.ended_at;
            if let Block::ToolCall(call) = &mut generation.output[index]
                && call.result.is_none()
            {
                call.result = Some(answered(result, returned_at));
            }
        }
    }
}

/// The nodes that report the execution of a tool, each with its parts.
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
