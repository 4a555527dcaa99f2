//! Builds trees from events as PostHog's trace page does: by parent, siblings by their start.

use std::collections::{HashMap, HashSet};

use super::node::{Kind, Node};
use crate::usage::Tokens;

/// The traces in the order in which they began. An event without its parent is directly below its
/// trace; a trace without an event gets a node of its own.
pub(super) fn grow(events: Vec<Node>) -> Vec<Node> {
    let ids: HashSet<String> = events.iter().map(|node| node.id.clone()).collect();
    let mut traces: Vec<Node> = Vec::new();
    let mut children: HashMap<String, Vec<Node>> = HashMap::new();
    for node in events {
        match &node.parent {
            None => traces.push(node),
            Some(parent) if ids.contains(parent) => {
                children.entry(parent.clone()).or_default().push(node);
            }
            Some(_) => children.entry(node.trace.clone()).or_default().push(node),
        }
    }
    let mut homeless: Vec<Node> = Vec::new();
    for node in children.values().flatten() {
        let trace = &node.trace;
        if !ids.contains(trace) {
            match homeless.iter_mut().find(|known| known.id == *trace) {
                Some(known) => known.started_at = known.started_at.min(node.started_at),
                None => homeless.push(Node::trace(trace, node.started_at)),
            }
        }
    }
    traces.extend(homeless);
    for trace in &mut traces {
        let _ = adopt(trace, &mut children);
    }
    traces.sort_by_key(|trace| trace.started_at);
    traces
}

/// Moves the children of a node below it, recursively. Returns the sum of their tokens.
fn adopt(node: &mut Node, children: &mut HashMap<String, Vec<Node>>) -> Tokens {
    let mut own = children.remove(&node.id).unwrap_or_default();
    // The sort is stable: siblings with the same start stay in the order of sending.
    own.sort_by_key(|child| child.started_at);
    let mut tokens = node.tokens;
    for child in &mut own {
        tokens += adopt(child, children);
    }
    if node.kind != Kind::Call {
        node.tokens = tokens;
    }
    if node.kind == Kind::Tool && !own.is_empty() {
        node.kind = Kind::Agent;
        node.subagent = own.iter().find_map(|call| call.subagent.clone());
    }
    node.children = own;
    tokens
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn node(kind: Kind, id: &str, parent: Option<&str>, second: i64) -> Node {
        let at = DateTime::from_timestamp(second, 0).unwrap();
        let mut node = Node::trace(id, at);
        node.kind = kind;
        "t".clone_into(&mut node.trace);
        node.parent = parent.map(str::to_owned);
        node.tokens.output = u64::from(kind == Kind::Call);
        node
    }

    fn shape(node: &Node) -> String {
        let below: Vec<String> = node.children.iter().map(shape).collect();
        let tokens = node.tokens.output;
        format!("{:?} {}:{tokens}({})", node.kind, node.id, below.join(" "))
    }

    #[test]
    fn siblings_stand_by_their_start_and_calls_below_a_tool_make_it_an_agent() {
        let traces = grow(vec![
            node(Kind::Trace, "t", None, 1),
            node(Kind::Call, "late", Some("t"), 9),
            node(Kind::Call, "early", Some("t"), 2),
            node(Kind::Tool, "tool", Some("early"), 3),
            node(Kind::Call, "sub", Some("tool"), 4),
        ]);
        let shapes: Vec<String> = traces.iter().map(shape).collect();
        assert_eq!(
            shapes,
            ["Trace t:3(Call early:1(Agent tool:1(Call sub:1())) Call late:1())"]
        );
    }

    #[test]
    fn no_event_is_lost_for_want_of_a_parent() {
        let traces = grow(vec![
            node(Kind::Call, "orphan", Some("elsewhere"), 3),
            node(Kind::Call, "child", Some("t"), 2),
        ]);
        let shapes: Vec<String> = traces.iter().map(shape).collect();
        assert_eq!(shapes, ["Trace t:2(Call child:1() Call orphan:1())"]);
        assert_eq!(traces[0].started_at.timestamp(), 2);
        assert_eq!(traces[0].uuid, None);
    }
}
