//! The identities under which parts of a trace were sent before the rest arrived.
//!
//! Several spans may report one call, and one of them is kept, or the calls in it; which one
//! depends on the spans that have arrived. A call that was sent keeps its identity, so that it is
//! not sent again under that of a better report.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::ids;
use crate::session::{Agent, Block, Generation, Report, Session, Traced, Turn};

/// The identities of the events of a trace, and those that they would have if fewer spans had
/// arrived.
#[must_use]
pub fn identities(session: &Session) -> Vec<Uuid> {
    let (agent, key) = (session.agent, session.key.as_str());
    let mut all = vec![ids::session_trace(agent, key)];
    for turn in &session.turns {
        all.push(ids::turn(agent, key, &turn.id));
        all.push(ids::turn_trace(agent, key, &turn.id));
        let operations = turn.operations.iter();
        all.extend(operations.map(|it| ids::operation(agent, key, &it.traced.span)));
        for generation in &turn.generations {
            let names: Vec<&str> = names(generation).collect();
            all.push(ids::call(agent, generation));
            all.extend(names.iter().map(|id| ids::generation(agent, id)));
            for call in generation.tool_calls() {
                all.push(ids::tool_of(agent, key, generation, call));
                all.extend(names.iter().map(|id| ids::tool(agent, id, &call.id)));
            }
        }
    }
    all
}

/// The ids of a generation: its own, and those from other reports.
fn names(generation: &Generation) -> impl Iterator<Item = &str> {
    let own = [generation.id.as_str()].into_iter();
    own.chain(reports(generation).map(|it| it.id.as_str()))
}

fn reports(generation: &Generation) -> impl Iterator<Item = &Report> {
    let traced = generation.traced.iter();
    traced.flat_map(|it| &it.others)
}

/// Gives calls and tools the identities under which they were sent; `sent` recognises these.
pub fn keep_identities(session: &mut Session, sent: &dyn Fn(Uuid) -> bool) {
    let agent = session.agent;
    let mut spans: HashMap<String, String> = HashMap::new();
    for turn in &mut session.turns {
        for generation in &mut turn.generations {
            if let Some(report) = sent_as(generation, agent, sent) {
                generation.id = report.id;
                generation.request = None;
                if let Some(traced) = &mut generation.traced {
                    spans.insert(traced.span.clone(), report.span.clone());
                    traced.span = report.span;
                }
            }
            let id = generation.id.clone();
            for block in &mut generation.output {
                // Before its execution was reported, a tool call was identified by its response.
                if let Block::ToolCall(call) = block
                    && sent(ids::tool(agent, &id, &call.id))
                {
                    call.traced = None;
                }
            }
        }
        // Work around calls that was sent as a call stays one.
        let sent_spans: HashSet<&String> = spans.values().collect();
        turn.operations
            .retain(|it| !sent_spans.contains(&it.traced.span));
        for traced in traced(turn) {
            let parent = traced.parent.as_ref().and_then(|it| spans.get(it));
            if let Some(parent) = parent {
                traced.parent = Some(parent.clone());
            }
        }
    }
}

/// All ids of spans in a turn.
fn traced(turn: &mut Turn) -> impl Iterator<Item = &mut Traced> {
    let operations = turn.operations.iter_mut().map(|it| &mut it.traced);
    let generations = turn.generations.iter_mut().flat_map(|generation| {
        let calls = generation.output.iter_mut();
        let calls = calls.filter_map(|block| match block {
            Block::ToolCall(call) => call.traced.as_mut(),
            _ => None,
        });
        generation.traced.iter_mut().chain(calls)
    });
    operations.chain(generations)
}

/// The report under which a generation was sent, if another one is kept now.
fn sent_as(generation: &Generation, agent: Agent, sent: &dyn Fn(Uuid) -> bool) -> Option<Report> {
    if sent(ids::call(agent, generation)) {
        return None;
    }
    let is_sent = |id: &str| sent(ids::generation(agent, id));
    reports(generation).find(|it| is_sent(&it.id)).cloned()
}
