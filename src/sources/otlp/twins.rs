//! One call, one generation: finds the spans that report the same call.
//!
//! Several instrumentations may be active at once: the provider's own library, OpenLLMetry, a
//! framework. Their spans are nested or beside each other, even in traces of their own. Two spans
//! are the same call only if everything agrees: their reporters differ, their times are the same,
//! and so is the id of the response or the token counts. An id alone is no proof, since gateways
//! give one id to many.

use std::collections::HashMap;

use chrono::TimeDelta;

use super::dialects::candidates as names;
use super::dialects::counts;
use super::dialects::kinds::{SpanKind, is_guessed};
use super::facts::Facts;
use super::identity::Identity;
use super::outcome::{self, Times};
use super::tree::{Node, Tree};
use crate::otlp::openrouter::is_delivery;
use crate::otlp::responses::{is_drawn, is_like_openrouters, is_of_openrouter, is_unique};
use crate::otlp::{Span, SpanId};
use crate::session::{CallKind, OperationKind};

/// Largest difference between two reports of the same time.
const AT_ONCE: TimeDelta = TimeDelta::milliseconds(50);

/// The facts about a span that identify its call.
#[derive(Clone, Debug)]
pub(super) struct Print {
    times: Times,
    scope: String,
    model: Option<String>,
    response: Option<String>,
    tokens: Option<(u64, u64)>,
    has_content: bool,
    /// Whether OpenRouter delivered it.
    is_delivery: bool,
}

impl Print {
    pub(super) fn of(span: &Span) -> Self {
        let facts = Facts::of(&span.attributes);
        let count = |candidates| facts.count(candidates);
        Self {
            times: Times::of(span),
            scope: span.scope.name.clone(),
            model: facts.text(names::MODEL),
            response: facts.text(names::RESPONSE_ID),
            tokens: count(counts::INPUT_TOKENS)
                .map(|it| (it, count(counts::OUTPUT_TOKENS).unwrap_or(0))),
            has_content: has_content(&facts),
            is_delivery: is_delivery(span),
        }
    }

    /// Whether both report the same call. The count of a streamed answer may differ by one token.
    fn is_same_call(&self, other: &Self) -> bool {
        if self.scope == other.scope {
            return false;
        }
        let is_model = match (&self.model, &other.model) {
            (Some(one), Some(other)) => one == other,
            _ => true,
        };
        let is_count = match (self.tokens, other.tokens) {
            (Some(one), Some(other)) => Some(one.0 == other.0 && one.1.abs_diff(other.1) <= 1),
            _ => None,
        };
        let is_response = match (&self.response, &other.response) {
            (Some(one), Some(other)) => Some(one == other),
            _ => None,
        };
        let agrees = match (is_response, is_count) {
            (Some(is_response), Some(is_count)) => is_response && is_count,
            (one, other) => one.or(other).unwrap_or(false),
        };
        is_model && agrees && self.is_at_the_time_of(other) || self.is_delivery_of(other)
    }

    /// Whether both have the same id of OpenRouter, which is unique per request. Its times are
    /// measured on its servers, and its counts are those it charges for.
    fn is_delivery_of(&self, other: &Self) -> bool {
        let id = self.response.as_deref();
        let is_drawn = id.is_some_and(is_of_openrouter);
        is_drawn && self.response == other.response
    }

    /// Whether one is OpenRouter's report of a call, and the other a call without OpenRouter's id:
    /// they are the same if both asked for the same tool.
    fn may_be_delivered_as(&self, other: &Self) -> bool {
        let [application, _] = if self.is_delivery {
            [other, self]
        } else {
            [self, other]
        };
        let has_own_id = application
            .response
            .as_deref()
            .is_some_and(is_like_openrouters);
        self.is_delivery != other.is_delivery && !has_own_id
    }

    /// Whether starts and ends agree, within 50 ms or 2 % of the longer one.
    fn is_at_the_time_of(&self, other: &Self) -> bool {
        let (one, two) = (self.times, other.times);
        let tolerance = AT_ONCE.max(one.length().max(two.length()) / 50);
        let is_near = |difference: TimeDelta| difference.abs() <= tolerance;
        is_near(one.start - two.start) && is_near(one.end - two.end)
    }

    /// Which of two reports to keep: the application's own, among the steps and tools of its work;
    /// else the one with content; else the first.
    const fn is_better_than(&self, other: &Self) -> bool {
        if self.is_delivery == other.is_delivery {
            self.has_content && !other.has_content
        } else {
            other.is_delivery
        }
    }

    /// The id of the response, if it is unique: it may join spans of different traces.
    pub(super) fn unique_response(&self) -> Option<&str> {
        let id = self.response.as_deref()?;
        is_unique(id).then_some(id)
    }
}

/// The id of a call's response, if it identifies the call by itself.
pub(super) fn drawn_response(node: &Node<'_>) -> Option<String> {
    let reports = [node.span].into_iter().chain(node.twins.iter().copied());
    let mut ids = reports.filter_map(|span| Print::of(span).response);
    ids.find(|id| is_drawn(id))
}

/// Whether a span contains messages, which only some instrumentations record.
pub(super) fn has_content(facts: &Facts<'_>) -> bool {
    let lists = [
        names::INPUT,
        names::OUTPUT,
        names::OUTPUT_TEXT,
        names::OUTPUT_CALLS,
    ];
    let others = [names::OTHER_INPUT, names::OTHER_OUTPUT];
    let listed = lists.into_iter().chain(others).flatten();
    let mut spread = names::SPREAD_INPUT.iter().chain(names::SPREAD_OUTPUT);
    listed.copied().any(|name| facts.get(name).is_some())
        || spread.any(|prefix| facts.below(prefix).next().is_some())
}

/// Keeps one span of each call of a trace.
pub(super) fn merge(tree: &mut Tree<'_>) {
    let prints: Vec<Option<Print>> = tree
        .nodes
        .iter()
        .map(|node| matches!(node.kind, SpanKind::Call(_)).then(|| Print::of(node.span)))
        .collect();
    around_calls(tree);
    nested(tree, &prints);
    of_one_response(tree, &prints);
    beside(tree, &prints);
    without_calls(tree);
    around_counted(tree, &prints);
}

/// Unmarks as calls the spans of unknown emitters that have token counts and contain calls: they
/// repeat the sum of the tokens, or the last count.
fn around_calls(tree: &mut Tree<'_>) {
    let mut contains_call = vec![false; tree.nodes.len()];
    for index in tree.order.iter().rev() {
        let node = &mut tree.nodes[*index];
        let is_call = matches!(node.kind, SpanKind::Call(_));
        if is_call && contains_call[*index] && is_guessed(node.span) {
            node.kind = SpanKind::Operation(OperationKind::Chain);
        }
        if let Some(parent) = node.parent.filter(|_| is_call || contains_call[*index]) {
            contains_call[parent] = true;
        }
    }
}

/// Merges nested calls that are the same. A call around several others is no call itself.
fn nested(tree: &mut Tree<'_>, prints: &[Option<Print>]) {
    let mut inner: Vec<Vec<usize>> = vec![Vec::new(); tree.nodes.len()];
    for (index, around) in tree.calls_around().into_iter().enumerate() {
        let is_call = matches!(tree.nodes[index].kind, SpanKind::Call(_));
        if let Some(around) = around.filter(|_| is_call) {
            inner[around].push(index);
        }
    }
    for (outer, inner) in inner.iter().enumerate().rev() {
        let (Some(print), false) = (&prints[outer], inner.is_empty()) else {
            continue;
        };
        let same = inner.iter().find(|it| {
            prints[**it]
                .as_ref()
                .is_some_and(|it| it.is_same_call(print))
        });
        match same {
            Some(same) if inner.len() == 1 => keep_one(tree, prints, outer, *same),
            _ if is_around(print, inner, prints) => {
                let kind = match tree.nodes[outer].kind {
                    SpanKind::Call(CallKind::Embedding) => "embeddings",
                    _ => "chat",
                };
                tree.nodes[outer].kind = SpanKind::Operation(OperationKind::Other(kind.to_owned()));
            }
            _ => {}
        }
    }
}

/// Whether a call only sums up the calls in it. A call with other token counts than the sum was
/// paid for itself, and so was every call that OpenRouter delivered.
fn is_around(outer: &Print, inner: &[usize], prints: &[Option<Print>]) -> bool {
    if outer.is_delivery {
        return false;
    }
    let Some(used) = outer.tokens else {
        return true;
    };
    let tokens = inner.iter().filter_map(|it| prints[*it].as_ref()?.tokens);
    let sum = tokens.fold((0_u64, 0_u64), |sum, it| {
        (sum.0.saturating_add(it.0), sum.1.saturating_add(it.1))
    });
    used == sum || used == (0, 0)
}

/// Merges calls with the same response id, whatever their times: an application measures from its
/// request, a gateway from the arrival of the request.
fn of_one_response(tree: &mut Tree<'_>, prints: &[Option<Print>]) {
    let mut first: HashMap<&str, usize> = HashMap::new();
    for call in tree.calls(CallKind::Chat) {
        let response = prints[call].as_ref().and_then(|it| it.response.as_deref());
        let Some(response) = response.filter(|id| is_drawn(id)) else {
            continue;
        };
        match first.get(response) {
            Some(one) => {
                keep_one(tree, prints, *one, call);
                if tree.nodes[*one].kept.is_some() {
                    first.insert(response, call);
                }
            }
            None => {
                first.insert(response, call);
            }
        }
    }
}

/// Merges calls beside each other that are the same.
fn beside(tree: &mut Tree<'_>, prints: &[Option<Print>]) {
    let calls = tree.calls(CallKind::Chat);
    // No instrumentation reports a call twice, so reports of one scope need no comparison.
    let mut numbers: HashMap<&str, usize> = HashMap::new();
    let scopes: Vec<usize> = prints
        .iter()
        .map(|print| {
            let count = numbers.len();
            let scope = print.as_ref().map_or("", |it| it.scope.as_str());
            *numbers.entry(scope).or_insert(count)
        })
        .collect();
    if calls.iter().all(|it| scopes[*it] == scopes[calls[0]]) {
        return;
    }
    for (at, one) in calls.iter().enumerate() {
        let Some(print) = &prints[*one] else { continue };
        let longest = print.times.start + AT_ONCE.max(print.times.length() / 50 * 2);
        for other in &calls[at + 1..] {
            if tree.nodes[*one].kept.is_some() {
                break;
            }
            let Some(second) = &prints[*other] else {
                continue;
            };
            if second.times.start > longest {
                break;
            }
            let may_be = scopes[*one] != scopes[*other] && tree.nodes[*other].kept.is_none();
            if may_be && print.is_same_call(second) {
                keep_one(tree, prints, *one, *other);
            }
        }
    }
}

fn keep_one(tree: &mut Tree<'_>, prints: &[Option<Print>], one: usize, other: usize) {
    let is_other_better = match (&prints[one], &prints[other]) {
        (Some(one), Some(other)) => other.is_better_than(one),
        _ => false,
    };
    let (kept, dropped) = if is_other_better {
        (other, one)
    } else {
        (one, other)
    };
    let covers = covers(prints, dropped, kept);
    let twins = std::mem::take(&mut tree.nodes[dropped].twins);
    let reports = std::mem::take(&mut tree.nodes[dropped].reports);
    let logs = std::mem::take(&mut tree.nodes[dropped].logs);
    let identity = std::mem::take(&mut tree.nodes[dropped].identity);
    let span = tree.nodes[dropped].span;
    tree.nodes[dropped].kept = Some(kept);
    let kept = &mut tree.nodes[kept];
    kept.twins.push(span);
    kept.twins.extend(twins);
    kept.reports.extend(covers.then_some(span));
    kept.reports.extend(reports);
    kept.logs.extend(logs);
    kept.identity.complete(&identity);
}

/// Whether a report of a call has token counts if another report has.
fn covers(prints: &[Option<Print>], report: usize, call: usize) -> bool {
    let counts = |index: usize| prints[index].as_ref().and_then(|it| it.tokens);
    let counted = |index: usize| counts(index).is_some_and(|it| it != (0, 0));
    counted(report) || !counted(call)
}

/// Adds to each call the span around it that was unmarked because of it. If that span had arrived
/// alone, it would be the call; its tokens are those of the calls in it.
fn around_counted(tree: &mut Tree<'_>, prints: &[Option<Print>]) {
    let is_around = |tree: &Tree<'_>, index: usize| {
        prints[index].is_some() && !matches!(tree.nodes[index].kind, SpanKind::Call(_))
    };
    let mut around: Vec<Option<usize>> = vec![None; tree.nodes.len()];
    for place in 0..tree.order.len() {
        let index = tree.order[place];
        let parent = tree.nodes[index].parent;
        around[index] = parent.and_then(|parent| {
            let is_nearest = is_around(tree, parent);
            is_nearest.then_some(parent).or(around[parent])
        });
        let is_call = matches!(tree.nodes[index].kind, SpanKind::Call(_));
        let outer = around[index].filter(|outer| is_call && covers(prints, *outer, index));
        if let Some(outer) = outer {
            let span = tree.nodes[outer].span;
            tree.nodes[index].reports.push(span);
        }
    }
}

/// Treats an agent of the AI SDK that was stopped before its call ended as the call, whose span is
/// never sent then. An agent with an outcome had calls that ended; if the application loses the
/// context of its spans, they are in other traces.
fn without_calls(tree: &mut Tree<'_>) {
    let mut has_call = vec![false; tree.nodes.len()];
    for index in tree.order.iter().rev() {
        let node = &tree.nodes[*index];
        if matches!(node.kind, SpanKind::Call(_)) {
            has_call[*index] = true;
        }
        if let Some(parent) = node.parent.filter(|_| has_call[*index]) {
            has_call[parent] = true;
        }
    }
    for (index, has_call) in has_call.into_iter().enumerate() {
        let node = &mut tree.nodes[index];
        let operation = Facts::of(&node.span.attributes).text(&["ai.operationId"]);
        let is_agent = node.kind == SpanKind::Operation(OperationKind::Agent);
        if operation.is_some() && is_agent && !has_call && !has_outcome(node) {
            node.kind = SpanKind::Call(CallKind::Chat);
        }
    }
}

/// Whether a span states an outcome of its work other than being stopped.
fn has_outcome(node: &Node<'_>) -> bool {
    let facts = node.facts();
    let error = outcome::error(node.span, &facts);
    let outputs = [
        names::OUTPUT_TEXT,
        names::OUTPUT_CALLS,
        names::OUTPUT_OBJECT,
    ];
    let counts = [counts::INPUT_TOKENS, counts::OUTPUT_TOKENS];
    let has = |candidates: &&[&str]| facts.value(candidates).is_some();
    let states = outputs.iter().chain(&counts).chain([&names::STOP_REASON]);
    error.is_some() && !outcome::is_cancelled(error.as_ref()) || states.into_iter().any(has)
}

/// Drops the calls of a trace that another trace reports better; if both are equally good, the
/// smaller trace id wins. Reports of a call that is kept here complete it.
///
/// `reporting` returns the spans of other traces that report a response, `asking` those that asked
/// for the same tool as a span.
pub(super) fn merge_across<'a>(
    tree: &mut Tree<'a>,
    reporting: impl Fn(&str) -> Vec<&'a Span>,
    asking: impl Fn(SpanId) -> Vec<&'a Span>,
) {
    for index in tree.calls(CallKind::Chat) {
        let own = Print::of(tree.nodes[index].span);
        let response = own.unique_response();
        let mut same = response.map_or_else(Vec::new, &reporting);
        same.retain(|span| own.is_same_call(&Print::of(span)));
        if same.is_empty() {
            same = asking(tree.nodes[index].span.span_id);
            same.retain(|span| own.may_be_delivered_as(&Print::of(span)));
        }
        for span in same {
            let other = Print::of(span);
            let is_first = tree.nodes[index].span.trace_id < span.trace_id;
            let is_kept = own.is_better_than(&other) || is_first && !other.is_better_than(&own);
            if is_kept {
                let node = &mut tree.nodes[index];
                node.twins.push(span);
                node.reports.push(span);
                node.identity.complete(&Identity::of(span, None));
            } else {
                tree.nodes[index].kind = SpanKind::Other;
                break;
            }
        }
    }
}
