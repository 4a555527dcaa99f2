//! Executions of tools, and the calls of models that asked for them.

use std::collections::HashMap;
use std::sync::Arc;

use super::asked::{self, Asked};
use super::content::Request;
use super::dialects::kinds::SpanKind;
use super::execution::Execution;
use super::messages;
use super::tree::Tree;
use crate::session::{Block, Generation, Message, Operation, ToolResult};
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
        if let Some(call) = asked::call_in(generation, &execution) {
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
