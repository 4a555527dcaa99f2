//! The spans of one trace as a tree: which have an event, and which contains which.
//!
//! Spans come in any order, parents may be missing (the exporter filtered a web request) or name
//! each other in a circle, and two instrumentations may report one call.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::dialects::kinds::{SpanKind, kind_of};
use super::facts::Facts;
use super::identity::Identity;
use super::logs::at;
use super::outcome::{Times, error};
use crate::otlp::openrouter::is_delivery;
use crate::otlp::{LogRecord, Span, SpanId};
use crate::session::{CallKind, OperationKind};

/// A span in its trace.
#[derive(Debug)]
pub(super) struct Node<'a> {
    pub(super) span: &'a Span,
    pub(super) kind: SpanKind,
    pub(super) times: Times,
    pub(super) identity: Identity,
    /// Index of the span that contains it, if known.
    pub(super) parent: Option<usize>,
    /// The log records about the span.
    pub(super) logs: Vec<&'a LogRecord>,
    /// Reports of the same work by other instrumentations.
    pub(super) twins: Vec<&'a Span>,
    /// Spans that report the same call, alone or with others. If one of them had arrived alone, it
    /// would be the call.
    pub(super) reports: Vec<&'a Span>,
    /// Index of the node that reports the same work and is kept instead.
    pub(super) kept: Option<usize>,
}

/// The spans of a trace, by start.
#[derive(Debug, Default)]
pub(super) struct Tree<'a> {
    pub(super) nodes: Vec<Node<'a>>,
    /// Indices of the nodes, each after the one that contains it.
    pub(super) order: Vec<usize>,
}

impl<'a> Tree<'a> {
    /// The tree of the spans of one trace.
    pub(super) fn new(spans: &'a [Span]) -> Self {
        let mut sorted: Vec<&Span> = spans.iter().collect();
        sorted.sort_by_key(|span| (span.start, span.span_id));
        let places: HashMap<SpanId, usize> = sorted.iter().map(|it| it.span_id).zip(0..).collect();
        let mut parents: Vec<Option<usize>> = sorted
            .iter()
            .map(|span| places.get(&span.parent_span_id?).copied())
            .collect();
        let order = order(&mut parents);
        let mut nodes: Vec<Node<'a>> = sorted
            .into_iter()
            .zip(parents)
            .map(|(span, parent)| Node {
                span,
                kind: kind_of(span),
                times: Times::of(span),
                identity: Identity::default(),
                parent,
                logs: Vec::new(),
                twins: Vec::new(),
                reports: Vec::new(),
                kept: None,
            })
            .collect();
        identify(&mut nodes, &order);
        fold_attempts(&mut nodes);
        Self { nodes, order }
    }

    /// Discards times that were impossible when the trace was `received`.
    pub(super) fn bound_times(&mut self, received: DateTime<Utc>) {
        for node in &mut self.nodes {
            node.times = node.times.before(received);
        }
    }

    /// Adds log records to their spans.
    pub(super) fn join(&mut self, logs: &'a [LogRecord]) {
        let places: HashMap<SpanId, usize> = self
            .nodes
            .iter()
            .map(|it| it.span.span_id)
            .zip(0..)
            .collect();
        let mut by_key: HashMap<String, usize> = HashMap::new();
        for (index, node) in self.nodes.iter().enumerate() {
            let key = match node.kind {
                SpanKind::Call(_) => Facts::of(&node.span.attributes).text(&["request_id"]),
                SpanKind::Tool => Facts::of(&node.span.attributes).text(TOOL_KEYS),
                _ => None,
            };
            by_key.extend(key.map(|key| (key, index)));
        }
        // Messages arrive in any order; their times give the right one.
        let mut logs: Vec<&LogRecord> = logs.iter().collect();
        logs.sort_by_key(|it| at(it));
        for log in logs {
            let facts = Facts::of(&log.attributes);
            let key = facts
                .text(TOOL_KEYS)
                .or_else(|| facts.text(&["request_id"]));
            let named = key.and_then(|key| by_key.get(&key));
            let span = || places.get(&log.span_id?);
            if let Some(index) = named.or_else(span) {
                self.nodes[*index].logs.push(log);
            }
        }
    }

    /// Whether a node has an event.
    pub(super) fn is_shown(&self, index: usize) -> bool {
        let node = &self.nodes[index];
        let is_work = matches!(
            node.kind,
            SpanKind::Call(_) | SpanKind::Tool | SpanKind::Operation(_)
        );
        is_work && node.kept.is_none()
    }

    /// For each node, the nearest one with an event that contains it.
    pub(super) fn containers(&self) -> Vec<Option<usize>> {
        let mut containers = vec![None; self.nodes.len()];
        for index in &self.order {
            containers[*index] = self.nodes[*index].parent.and_then(|parent| {
                let kept = self.nodes[parent].kept.unwrap_or(parent);
                let is_around = self.is_shown(kept) && kept != *index;
                if is_around {
                    Some(kept)
                } else {
                    containers[parent]
                }
            });
        }
        containers
    }

    /// For each node, the nearest call around it, unless a tool or an agent is between them.
    pub(super) fn calls_around(&self) -> Vec<Option<usize>> {
        let mut calls = vec![None; self.nodes.len()];
        for index in &self.order {
            calls[*index] =
                self.nodes[*index]
                    .parent
                    .and_then(|parent| match &self.nodes[parent].kind {
                        SpanKind::Call(_) => Some(parent),
                        SpanKind::Tool
                        | SpanKind::Operation(OperationKind::Agent | OperationKind::Workflow) => {
                            None
                        }
                        _ => calls[parent],
                    });
        }
        calls
    }

    /// Indices of the nodes of this kind.
    pub(super) fn calls(&self, kind: CallKind) -> Vec<usize> {
        let is_call = |index: &usize| {
            let node = &self.nodes[*index];
            node.kind == SpanKind::Call(kind) && node.kept.is_none()
        };
        (0..self.nodes.len()).filter(is_call).collect()
    }

    /// Indices of the nodes directly below each node.
    pub(super) fn children(&self) -> Vec<Vec<usize>> {
        let mut children = vec![Vec::new(); self.nodes.len()];
        for (index, node) in self.nodes.iter().enumerate() {
            if let Some(parent) = node.parent {
                children[parent].push(index);
            }
        }
        children
    }
}

/// Removes attempts at a provider that were the only one and succeeded: they add nothing to their
/// request.
fn fold_attempts(nodes: &mut [Node<'_>]) {
    const ATTEMPT: SpanKind = SpanKind::Operation(OperationKind::Attempt);
    let mut attempts: HashMap<Option<SpanId>, Vec<usize>> = HashMap::new();
    for (index, node) in nodes.iter().enumerate() {
        if node.kind == ATTEMPT {
            let of_request = attempts.entry(node.span.parent_span_id).or_default();
            of_request.push(index);
        }
    }
    for of_request in attempts.into_values() {
        if let [only] = of_request[..] {
            let span = nodes[only].span;
            if error(span, &Facts::of(&span.attributes)).is_none() {
                nodes[only].kind = SpanKind::Other;
            }
        }
    }
}

impl<'a> Node<'a> {
    /// All attributes about the node's work.
    pub(super) fn facts(&self) -> Facts<'a> {
        self.facts_of(|_| true)
    }

    /// Attributes about the node's work, from the reports that meet a condition.
    pub(super) fn facts_of(&self, condition: impl Fn(&Span) -> bool) -> Facts<'a> {
        let spans = self.reports_of_work().filter(|it| condition(it));
        let spans = spans.map(|span| &span.attributes);
        let logs = self.logs.iter().map(|log| &log.attributes);
        Facts(spans.chain(logs).collect())
    }

    /// OpenRouter's report of the node's work, if delivered.
    pub(super) fn delivered(&self) -> Option<&'a Span> {
        self.reports_of_work().find(|it| is_delivery(it))
    }

    /// The spans that report the node's work, the kept one first.
    fn reports_of_work(&self) -> impl Iterator<Item = &'a Span> {
        [self.span].into_iter().chain(self.twins.iter().copied())
    }
}

/// Names of the id of a tool call on log records.
const TOOL_KEYS: &[&str] = &["tool_use_id", "gen_ai.tool.call.id", "call_id"];

/// Indices in an order in which each follows its parent. A circle of parents is cut before its
/// earliest span.
fn order(parents: &mut [Option<usize>]) -> Vec<usize> {
    let mut children = vec![Vec::new(); parents.len()];
    for (index, parent) in parents.iter().enumerate() {
        if let Some(parent) = parent {
            children[*parent].push(index);
        }
    }
    let mut order = Vec::with_capacity(parents.len());
    let mut is_placed = vec![false; parents.len()];
    let roots: Vec<usize> = (0..parents.len())
        .filter(|it| parents[*it].is_none())
        .collect();
    let mut place = |root: usize, order: &mut Vec<usize>, parents: &mut [Option<usize>]| {
        if is_placed[root] {
            return;
        }
        parents[root] = None;
        let mut waiting = vec![root];
        while let Some(index) = waiting.pop() {
            is_placed[index] = true;
            order.push(index);
            waiting.extend(children[index].iter().rev().filter(|it| **it != root));
        }
    };
    for root in roots {
        place(root, &mut order, parents);
    }
    for index in 0..parents.len() {
        place(index, &mut order, parents);
    }
    order
}

/// Sets the identity of each span, completed by the spans around it and by the root.
fn identify(nodes: &mut [Node<'_>], order: &[usize]) {
    for index in order {
        let around = nodes[*index].parent.map(|parent| &nodes[parent].identity);
        let identity = Identity::of(nodes[*index].span, around);
        nodes[*index].identity = identity;
    }
    let roots = nodes.iter().filter(|it| it.span.parent_span_id.is_none());
    let mut roots = roots.map(|it| it.identity.clone());
    // Several roots are unrelated.
    let (Some(root), None) = (roots.next(), roots.next()) else {
        return;
    };
    for node in nodes {
        node.identity.complete(&root);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::otlp::tests::{child, span};

    #[test]
    fn parents_in_a_circle_are_cut_apart() {
        let mut first = span(
            "a",
            [("gen_ai.operation.name", "chat".into())]
                .into_iter()
                .collect(),
        );
        let second = child(
            "b",
            &first,
            [("gen_ai.operation.name", "chat".into())]
                .into_iter()
                .collect(),
        );
        first.parent_span_id = Some(second.span_id);
        let spans = [first, second];
        let tree = Tree::new(&spans);
        assert_eq!(tree.order.len(), 2);
        let parents: Vec<_> = tree.nodes.iter().map(|it| it.parent).collect();
        assert_eq!(
            parents.iter().filter(|it| it.is_none()).count(),
            1,
            "{parents:?}"
        );
    }

    #[test]
    fn a_span_without_an_event_is_skipped_upwards() {
        let agent = span(
            "agent",
            [("gen_ai.operation.name", "invoke_agent".into())]
                .into_iter()
                .collect(),
        );
        let step = child(
            "step",
            &agent,
            [("gen_ai.operation.name", "agent_step".into())]
                .into_iter()
                .collect(),
        );
        let chat = child(
            "chat",
            &step,
            [("gen_ai.operation.name", "chat".into())]
                .into_iter()
                .collect(),
        );
        let spans = [chat, step, agent];
        let tree = Tree::new(&spans);
        let place = |name: &str| tree.nodes.iter().position(|it| it.span.name == name);
        assert_eq!(tree.containers()[place("chat").unwrap()], place("agent"));
        assert!(!tree.is_shown(place("step").unwrap()));
    }
}
