//! Executions of tools, and the calls of models that asked for them.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::TimeDelta;
use serde_json::{Map, Value as Json};

use super::calls::circumstances;
use super::content::Request;
use super::dialects::candidates as names;
use super::dialects::kinds::SpanKind;
use super::facts::{Facts, parsed};
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
    name: String,
    input: Json,
    output: Json,
    error: Option<CallError>,
    times: Times,
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
        let (input, output) = (input(&facts), output(node, &facts));
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
            name: None,
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

fn input(facts: &Facts<'_>) -> Json {
    let stated = facts.value(names::TOOL_INPUT).map(parsed);
    let in_parts = || {
        let parts = [("full_command", "command"), ("file_path", "file_path")];
        let known = parts
            .into_iter()
            .filter_map(|(name, key)| Some((key.to_owned(), Json::String(facts.text(&[name])?))));
        let known: Map<String, Json> = known.collect();
        (!known.is_empty()).then_some(Json::Object(known))
    };
    without_data(
        stated
            .map(of_langchain)
            .or_else(in_parts)
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

fn output(node: &Node<'_>, facts: &Facts<'_>) -> Json {
    let stated = facts.value(names::TOOL_OUTPUT).map(parsed);
    let in_event = || {
        let event = node
            .span
            .events
            .iter()
            .find(|it| it.name == "tool.output")?;
        Facts::of(&event.attributes).value(&["output", "content", "result"])
    };
    without_data(
        stated
            .map(|it| message_content(it, 0))
            .or_else(in_event)
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
    let mut asked: HashMap<String, Vec<usize>> = HashMap::new();
    for (place, (_, generation)) in generations.iter().enumerate() {
        for call in generation.tool_calls().filter(|it| !it.id.is_empty()) {
            asked.entry(call.id.clone()).or_default().push(place);
        }
    }
    let mut alone = Vec::new();
    for execution in executions {
        let node = &tree.nodes[execution.node];
        let named = named_in_logs(node, generations, tree);
        let by_id = || {
            let places = asked.get(execution.call_id.as_deref()?)?;
            let is_before =
                |place: &&usize| generations[**place].1.started_at <= execution.times.start;
            places
                .iter()
                .rev()
                .find(is_before)
                .or_else(|| places.first())
                .copied()
        };
        // A tool within a call was asked for by it.
        let within = || {
            let call = containers[execution.node]?;
            generations.iter().position(|(index, _)| *index == call)
        };
        let Some(place) = named.or_else(by_id).or_else(within) else {
            let parent = parents(execution.node);
            alone.push(execution.alone(node, parent));
            continue;
        };
        let (_, generation) = &mut generations[place];
        let parent = generation.traced.as_ref().map(|it| it.span.clone());
        let parent = parent.unwrap_or_default();
        let id = execution.call_id.clone().unwrap_or_default();
        if let Some(call) = call_in(generation, &id) {
            execution.complete(call, node, parent);
        } else {
            // Its response is not recorded.
            let mut call = messages::tool_call(id, execution.name.clone());
            execution.complete(&mut call, node, parent);
            generation.output.push(Block::ToolCall(Box::new(call)));
        }
    }
    alone
}

/// The call whose id a log record about the execution states.
fn named_in_logs(
    node: &Node<'_>,
    generations: &[(usize, Generation)],
    tree: &Tree<'_>,
) -> Option<usize> {
    let request = |facts: &Facts<'_>| facts.text(&["request_id"]);
    let mut logs = node.logs.iter();
    let wanted = logs.find_map(|log| request(&Facts::of(&log.attributes)))?;
    let of_call = |index: usize| request(&Facts::of(&tree.nodes[index].span.attributes));
    let mut calls = generations.iter();
    calls.position(|(index, _)| of_call(*index).as_ref() == Some(&wanted))
}

/// The call in a response that an execution belongs to.
fn call_in<'g>(generation: &'g mut Generation, id: &str) -> Option<&'g mut ToolCall> {
    generation.output.iter_mut().find_map(|block| match block {
        Block::ToolCall(call) if call.id == id && call.result.is_none() => Some(&mut **call),
        _ => None,
    })
}

/// Adds results that only a later request tells, for tools whose execution nobody reports. `later`
/// are requests after these calls.
pub(super) fn answer(generations: &mut [Generation], later: &[Request]) {
    // Ids of calls may repeat, so that each result belongs to the last call before it.
    let mut open: HashMap<String, usize> = HashMap::new();
    for place in 0..generations.len() {
        let messages = std::mem::take(&mut generations[place].input);
        resolve(&messages, &mut open, generations);
        generations[place].input = messages;
        let calls = generations[place].tool_calls();
        let unanswered = calls.filter(|it| it.result.is_none() && !it.id.is_empty());
        open.extend(unanswered.map(|call| (call.id.clone(), place)));
    }
    for request in later {
        resolve(&request.messages, &mut open, generations);
    }
}

fn resolve(
    messages: &[Message],
    open: &mut HashMap<String, usize>,
    generations: &mut [Generation],
) {
    for block in messages.iter().flat_map(|it| &it.content) {
        let Block::ToolResult { call_id, result } = block else {
            continue;
        };
        let Some(place) = open.remove(call_id) else {
            continue;
        };
        let generation = &mut generations[place];
        let ended_at = generation.ended_at;
        let calls = generation
            .output
            .iter_mut()
            .filter_map(|block| match block {
                Block::ToolCall(call) if call.id == *call_id => Some(call),
                _ => None,
            });
        for call in calls {
            call.result = Some(Arc::new(ToolResult {
                returned_at: ended_at,
                ..ToolResult::clone(result)
            }));
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
