//! The execution of a tool, from its span.

use std::sync::Arc;

use chrono::TimeDelta;
use serde_json::{Map, Value as Json};

use super::calls::circumstances;
use super::dialects::candidates as names;
use super::facts::{Facts, parsed};
use super::logs;
use super::messages::{self, without_data};
use super::outcome::{self, Times};
use super::tree::{Node, Tree};
use crate::session::{
    CallError, Operation, OperationKind, OwnTime, Permission, ToolCall, ToolResult, ToolTime,
    Traced,
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
    /// Time in which the tool waited for a person.
    waited: Option<TimeDelta>,
    /// Time in which the tool worked, if its span has a part for it.
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
            // The error of a part is more precise.
            error: of_details().or(own),
            times: node.times,
            waited: part("tool.blocked_on_user").map(|it| it.times.length()),
            worked: part("tool.execution").map(|it| it.times.length()),
        }
    }

    /// Adds the execution to the tool call in the response that asked for it.
    pub(super) fn complete(self, call: &mut ToolCall, node: &Node<'_>, parent: String) {
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

    /// The execution as an operation of its own, if the call that asked for it is not known.
    pub(super) fn alone(self, node: &Node<'_>, parent: Option<String>) -> Operation {
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

/// The arguments, taken out of the object that LangChain passes to its callbacks.
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
