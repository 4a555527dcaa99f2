//! Executions of tools, and the calls of models that asked for them.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use chrono::TimeDelta;
use serde_json::{Map, Value as Json};

use super::asked::{self, Asked};
use super::calls::circumstances;
use super::content::Request;
use super::dialects::candidates as names;
use super::dialects::kinds::SpanKind;
use super::facts::{Facts, parsed};
use super::logs;
use super::messages::{self, without_data};
use super::outcome::{self, Times};
use super::tree::{Node, Tree};
use crate::session::{
    Block, CallError, Generation, Message, Operation, OperationKind, OwnTime, Permission, ToolCall,
    ToolResult, ToolTime, Traced,
};

/// One execution of a tool.
#[derive(Debug)]
pub(super) struct Execution {
    /// Index of its span.
    pub(super) node: usize,
    pub(super) call_id: Option<String>,
    pub(super) name: String,
    pub(super) input: Json,
    output: Json,
    error: Option<CallError>,
    pub(super) times: Times,
    /// The part of the time in which a person was asked.
    waited: Option<TimeDelta>,
    /// The tool's own part of the time, if it is reported apart.
    worked: Option<TimeDelta>,
}

impl Execution {
    /// The execution that a node reports; `details` are the spans of its parts.
    pub(super) fn of(index: usize, tree: &Tree<'_>, details: &[usize]) -> Self {
        let node = &tree.nodes[index];
        let facts = node.facts();
        let details: Vec<&Node<'_>> = details.iter().map(|it| &tree.nodes[*it]).collect();
        let part = |name: &str| {
            let mut details = details.iter();
            details.find(|it| outcome::says(it.span, "span.type", name))
        };
        let own = outcome::error(node.span, &facts);
        let of_details = || {
            let mut details = details.iter();
            details.find_map(|it| outcome::error(it.span, &it.facts()))
        };
        let (input, output) = (input(node, &facts), output(node, &facts));
        Self {
            node: index,
            call_id: facts.text(names::TOOL_CALL_ID),
            name: name(node, &facts),
            input,
            output,
            // The part that failed knows more.
            error: of_details().or(own),
            times: node.times,
            waited: part("tool.blocked_on_user").map(|it| it.times.length()),
            worked: part("tool.execution").map(|it| it.times.length()),
        }
    }

    /// The call of the tool as a part of the response that asked for it.
    fn complete(self, call: &mut ToolCall, node: &Node<'_>, parent: String) {
        if call.input.is_null() {
            call.input = self.input.clone();
        }
        let own = self.worked.unwrap_or_else(|| self.times.length());
        call.traced = Some(Traced {
            span: node.span.span_id.to_string(),
            parent: Some(parent),
            ..Traced::default()
        });
        call.called_at = self.times.start;
        call.is_untimed = false;
        call.time = ToolTime {
            own: OwnTime::Measured(own),
            waited: self.waited,
            is_open: false,
        };
        call.circumstances = circumstances(node);
        call.result = Some(Arc::new(self.result()));
    }

    fn result(self) -> ToolResult {
        let value = match (&self.error, self.output) {
            (Some(error), Json::Null) => Json::String(error.message.clone()),
            (_, output) => output,
        };
        ToolResult {
            returned_at: self.times.end,
            is_untimed: false,
            permission: self.waited.map(|_| Permission::Rule),
            ..messages::result(value, self.error.is_some())
        }
    }

    /// The execution on its own, if the call that asked for it is not known.
    fn alone(self, node: &Node<'_>, parent: Option<String>) -> Operation {
        Operation {
            traced: Traced {
                span: node.span.span_id.to_string(),
                parent,
                name: Some(self.name),
                ..Traced::default()
            },
            kind: OperationKind::Tool,
            call_id: self.call_id,
            input: self.input,
            output: self.output,
            started_at: self.times.start,
            ended_at: self.times.end,
            timing: self.times.timing,
            error: self.error,
            circumstances: circumstances(node),
        }
    }
}

fn name(node: &Node<'_>, facts: &Facts<'_>) -> String {
    let named = facts.text(names::TOOL_NAME);
    named.unwrap_or_else(|| {
        let name = node.span.name.as_str();
        let name = name.strip_prefix("execute_tool ").unwrap_or(name);
        name.to_owned()
    })
}

fn input(node: &Node<'_>, facts: &Facts<'_>) -> Json {
    let stated = facts.value(names::TOOL_INPUT).map(parsed);
    let in_parts = || {
        let parts = [("full_command", "command"), ("file_path", "file_path")];
        let known = parts
            .into_iter()
            .filter_map(|(name, key)| Some((key.to_owned(), Json::String(facts.text(&[name])?))));
        let known: Map<String, Json> = known.collect();
        (!known.is_empty()).then_some(Json::Object(known))
    };
    let in_event = || in_event(node, "gen_ai.tool.message", "content").map(parsed);
    without_data(
        stated
            .map(of_langchain)
            .or_else(in_parts)
            .or_else(in_event)
            .unwrap_or_default(),
    )
}

/// The arguments within what LangChain passes to its callbacks.
fn of_langchain(value: Json) -> Json {
    match value {
        Json::Object(mut fields) if fields.contains_key("input_str") => fields
            .swap_remove("input_str")
            .map(parsed)
            .unwrap_or_default(),
        other => other,
    }
}

/// The value of an attribute of an event of the span.
fn in_event(node: &Node<'_>, event: &str, attribute: &str) -> Option<Json> {
    let mut events = node.span.events.iter();
    let event = events.find(|it| it.name == event)?;
    Facts::of(&event.attributes).value(&[attribute])
}

fn output(node: &Node<'_>, facts: &Facts<'_>) -> Json {
    let stated = facts.value(names::TOOL_OUTPUT).map(parsed);
    let in_output = || {
        let names = ["output", "content", "result"];
        names
            .iter()
            .find_map(|it| in_event(node, "tool.output", it))
    };
    let of_strands = || in_event(node, "gen_ai.choice", "message").map(logs::in_parts);
    without_data(
        stated
            .map(|it| message_content(it, 0))
            .or_else(in_output)
            .or_else(of_strands)
            .unwrap_or_default(),
    )
}

/// The content of the message into which LangChain wraps a result.
fn message_content(value: Json, depth: usize) -> Json {
    const WRAPPERS: [&str; 3] = ["output", "kwargs", "data"];
    let Json::Object(fields) = &value else {
        return value;
    };
    let is_message = fields.contains_key("tool_call_id") && fields.contains_key("content");
    if is_message {
        return parsed(fields["content"].clone());
    }
    let mut inner = WRAPPERS.iter().filter_map(|name| fields.get(*name));
    let inner = inner
        .find(|it| it.is_object())
        .filter(|_| depth < 4)
        .cloned();
    match inner.map(|inner| message_content(inner, depth + 1)) {
        Some(content) if holds_message(&value, 0) => content,
        _ => value,
    }
}

fn holds_message(value: &Json, depth: usize) -> bool {
    let Json::Object(fields) = value else {
        return false;
    };
    fields.contains_key("tool_call_id")
        || depth < 4 && fields.values().any(|inner| holds_message(inner, depth + 1))
}

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
pub(super) fn answer(generations: &mut [Generation], later: &[Request]) {
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
    for request in later {
        resolve(&request.messages, &mut open, generations);
    }
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
                call.result = Some(Arc::new(ToolResult {
                    returned_at,
                    ..ToolResult::clone(result)
                }));
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
