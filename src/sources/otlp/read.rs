//! One trace as a session.

use std::collections::HashSet;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value as Json;

use super::agents;
use super::archive::Trace;
use super::calls::{self, Exchange};
use super::dialects::kinds::SpanKind;
use super::facts::Facts;
use super::history::History;
use super::messages;
use super::outcome;
use super::tools;
use super::tree::{Node, Tree};
use super::twins;
use crate::otlp::openrouter::is_delivery;
use crate::session::{
    Agent, Block, Circumstances, Earlier, Generation, Incidents, InputScope, Lineage, Message,
    Oddities, Operation, OperationKind, Origin, Role, Session, Timing, Traced, Trigger, Turn,
    Wanted,
};

/// OpenRouter's name for a trace to which the user gave none.
const UNNAMED: &str = "OpenRouter Request";

/// Names of spans that are the same for every prompt. The prompt says more, and is used instead.
const PLAIN: [&str; 2] = ["claude_code.interaction", "codex turn"];

/// Reads a trace; `None` if nothing in it has an event. `wanted` says which content to keep.
pub(super) fn read(trace: &Trace<'_>, wanted: Wanted) -> Option<Session> {
    let mut tree = Tree::new(&trace.pieces.spans);
    tree.bound_times(trace.modified().into());
    tree.join(&trace.pieces.logs);
    twins::merge(&mut tree);
    twins::merge_across(
        &mut tree,
        |response| trace.reporting(response),
        |span| trace.asking(span),
    );
    let work = Work::of(&tree, trace, wanted);
    let mut session = work.session(&tree, trace)?;
    strip(&mut session, wanted);
    Some(session)
}

/// The pieces of work in a trace.
struct Work {
    generations: Vec<Generation>,
    operations: Vec<Operation>,
    whole: Operation,
}

impl Work {
    fn of(tree: &Tree<'_>, trace: &Trace<'_>, wanted: Wanted) -> Self {
        let containers = tree.containers();
        let whole = whole(tree, &containers);
        let parent = |index: usize| {
            let container = containers[index].filter(|it| Some(*it) != whole);
            container.map(|it| tree.nodes[it].span.span_id.to_string())
        };
        let mut generations = generations(tree, trace, wanted, &parent);
        let executions = tools::executions(tree);
        let mut operations =
            tools::attach(executions, &mut generations, tree, &containers, &parent);
        let mut generations: Vec<Generation> = generations.into_iter().map(|(_, it)| it).collect();
        let own = || trace.own_requests();
        tools::answer(&mut generations, own, trace.later_requests());
        let is_operation = |index: &usize| {
            let is_kind = matches!(tree.nodes[*index].kind, SpanKind::Operation(_));
            is_kind && tree.is_shown(*index) && Some(*index) != whole
        };
        operations.extend((0..tree.nodes.len()).filter(is_operation).map(|index| {
            let node = &tree.nodes[index];
            calls::operation(
                node,
                Traced {
                    span: node.span.span_id.to_string(),
                    parent: parent(index),
                    name: calls::name_of_operation(node),
                    ..Traced::default()
                },
            )
        }));
        operations
            .sort_by(|a, b| (a.started_at, &a.traced.span).cmp(&(b.started_at, &b.traced.span)));
        Self {
            whole: whole_of(tree, whole, &generations, &operations),
            generations,
            operations,
        }
    }

    /// The session of the trace: one turn that contains everything.
    fn session(self, tree: &Tree<'_>, trace: &Trace<'_>) -> Option<Session> {
        let Self {
            generations,
            operations,
            whole,
        } = self;
        let shown = (0..tree.nodes.len()).filter(|it| tree.is_shown(*it));
        let times: Vec<_> = shown.map(|index| tree.nodes[index].times).collect();
        let started_at = times.iter().map(|it| it.start).min()?;
        let ended_at = times.iter().map(|it| it.end).max()?;
        let is_timed = times.iter().any(|it| it.timing == Timing::Known);
        let id = trace.id.to_string();
        let prompt = prompt(&whole, &generations);
        let turn = Turn {
            id: id.clone(),
            trigger: Trigger::Prompt,
            prompt,
            started_at,
            ended_at,
            circumstances: Arc::clone(&whole.circumstances),
            generations,
            operations,
            stray_subagents: Vec::new(),
            shared_wait: TimeDelta::zero(),
            incidents: Incidents::default(),
        };
        Some(Session {
            agent: Agent::Otlp,
            key: id.clone(),
            id,
            started_at,
            ended_at,
            timing: if is_timed {
                Timing::Known
            } else {
                Timing::Unknown
            },
            is_closed: true,
            is_cut_off: false,
            title: None,
            turns: vec![turn],
            whole: Some(whole),
            lineage: Lineage::default(),
            statements: Vec::new(),
            earlier: Earlier::default(),
            is_part: false,
            oddities: Oddities {
                malformed_lines: trace.pieces.malformed,
                ..Oddities::default()
            },
        })
    }
}

/// The calls of a trace, each with the index of its span.
fn generations(
    tree: &Tree<'_>,
    trace: &Trace<'_>,
    wanted: Wanted,
    parent: &dyn Fn(usize) -> Option<String>,
) -> Vec<(usize, Generation)> {
    let mut history = match wanted.inputs() {
        Some(InputScope::New) => trace.history(),
        Some(InputScope::Full) | None => History::default(),
    };
    let mut generations: Vec<(usize, Generation)> = Vec::new();
    let mut requests = HashSet::new();
    let children = tree.children();
    for (index, node) in tree.nodes.iter().enumerate() {
        let SpanKind::Call(kind) = node.kind else {
            continue;
        };
        if node.kept.is_some() {
            continue;
        }
        let exchange = Exchange::of(node, kind);
        let traced = calls::traced(node, parent(index));
        let mut generation = calls::generation(node, kind, exchange, &mut history, traced);
        if let Some(error) = generation.error.as_mut().filter(|it| it.status.is_none()) {
            let attempts = children[index].iter().map(|it| tree.nodes[*it].span);
            error.status = outcome::status_of_attempts(attempts);
        }
        generation.request = agents::request(node.span).filter(|id| requests.insert(id.clone()));
        for block in &mut generation.output {
            if let Block::ToolCall(call) = block {
                call.called_at = generation.ended_at;
                call.circumstances = Arc::clone(&generation.circumstances);
            }
        }
        generations.push((index, generation));
    }
    generations
}

/// The node whose work is the whole trace: the only one that no other contains, unless it is a call
/// or a tool.
fn whole(tree: &Tree<'_>, containers: &[Option<usize>]) -> Option<usize> {
    let tops = (0..tree.nodes.len()).filter(|it| tree.is_shown(*it) && containers[*it].is_none());
    let mut tops = tops.filter(|it| tree.nodes[*it].kind != SpanKind::Tool);
    let (Some(top), None) = (tops.next(), tops.next()) else {
        return None;
    };
    matches!(tree.nodes[top].kind, SpanKind::Operation(_)).then_some(top)
}

/// The operation of the trace as a whole. Without a span for it, name and facts are those of the
/// first piece of work.
fn whole_of(
    tree: &Tree<'_>,
    whole: Option<usize>,
    generations: &[Generation],
    operations: &[Operation],
) -> Operation {
    if let Some(index) = whole {
        let node = &tree.nodes[index];
        let is_plain = PLAIN.contains(&node.span.name.as_str());
        let name = calls::name_of_operation(node).filter(|_| !is_plain);
        let traced = Traced {
            name,
            ..Traced::default()
        };
        let mut identity = node.identity.clone();
        let calls = tree
            .nodes
            .iter()
            .filter(|it| matches!(it.kind, SpanKind::Call(_)));
        identity.agree_with(calls.map(|it| &it.identity));
        return Operation {
            circumstances: calls::circumstances_of(node, &identity),
            ..calls::operation(node, traced)
        };
    }
    let first = (0..tree.nodes.len()).find(|it| tree.is_shown(*it));
    let circumstances = first.map(|it| circumstances_of_several(tree, &tree.nodes[it]));
    let first_call = generations.first();
    let named = first.map(|it| &tree.nodes[it]);
    let name = named.and_then(|node| {
        if is_delivery(node.span) {
            let name = Facts::of(&node.span.attributes).text(&["trace.name"]);
            return name.filter(|name| name != UNNAMED);
        }
        let of_operation = operations.first().and_then(|it| it.traced.name.clone());
        of_operation.or_else(|| calls::name_of_operation(node))
    });
    let (error, at) = (
        first_call.and_then(|it| it.error.clone()),
        DateTime::<Utc>::UNIX_EPOCH,
    );
    Operation {
        traced: Traced {
            name,
            ..Traced::default()
        },
        kind: OperationKind::Agent,
        call_id: None,
        input: Json::Null,
        output: Json::Null,
        started_at: at,
        ended_at: at,
        timing: Timing::Unknown,
        error: error.filter(|_| generations.len() == 1),
        circumstances: circumstances.unwrap_or_default(),
    }
}

/// The circumstances of work that no span contains: those of its first piece. Work for several
/// users belongs to none of them.
fn circumstances_of_several(tree: &Tree<'_>, first: &Node<'_>) -> Arc<Circumstances> {
    let shown = (0..tree.nodes.len()).filter(|it| tree.is_shown(*it));
    let mut users = shown.filter_map(|it| {
        let node = &tree.nodes[it];
        node.identity.user(node.span)
    });
    let user = users.next();
    if user.is_none() || users.all(|it| Some(it) == user) {
        return calls::circumstances(first);
    }
    let circumstances = calls::circumstances_of(first, &first.identity.of_several());
    let mut circumstances = Arc::unwrap_or_clone(circumstances);
    // Its resource may name one of the users.
    let origin = circumstances.origin.take().map(|origin| Origin {
        person: None,
        ..Arc::unwrap_or_clone(origin)
    });
    circumstances.origin = origin.map(Arc::new);
    Arc::new(circumstances)
}

/// The user's prompt: the input of the whole, or else the user's last message before the first
/// call.
fn prompt(whole: &Operation, generations: &[Generation]) -> String {
    if let Json::String(text) = &whole.input {
        return text.clone();
    }
    let first = generations.first().and_then(|it| it.whole_input.as_ref());
    let messages: Vec<Message> = first
        .into_iter()
        .flatten()
        .map(|it| Message::clone(it))
        .collect();
    messages::last_text(&messages, Role::User).unwrap_or_default()
}

/// Removes content that is not wanted.
fn strip(session: &mut Session, wanted: Wanted) {
    for generation in session
        .turns
        .iter_mut()
        .flat_map(|turn| &mut turn.generations)
    {
        if wanted.inputs() != Some(InputScope::Full) {
            generation.whole_input = None;
        }
        if wanted.inputs().is_none() {
            generation.input.clear();
            generation.setup = None;
        }
    }
}
