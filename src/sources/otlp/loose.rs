//! Log records that name no trace, and the traces that they belong to.

use std::collections::HashMap;

use super::dialects::candidates as names;
use super::dialects::codex;
use super::dialects::counts;
use super::dialects::kinds::{SpanKind, kind_of};
use super::facts::Facts;
use super::logs::at;
use crate::otlp::{LogRecord, Resource, Span, TraceId};
use crate::session::CallKind;

/// Nanoseconds after its end in which a record about a call may be made.
const AFTER: u64 = 1_000_000_000;

/// A record with the trace it belongs to.
pub(super) struct Placed {
    pub(super) trace: TraceId,
    /// Index of the file that holds the record.
    pub(super) file: usize,
    pub(super) log: LogRecord,
}

/// A trace with the spans to compare records with.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) id: TraceId,
    pub(super) spans: &'a [Span],
    pub(super) logs: &'a [LogRecord],
}

/// Finds the trace of each record. Records that belong to none are dropped.
pub(super) fn place(traces: &[Known<'_>], mut loose: Vec<(usize, LogRecord)>) -> Vec<Placed> {
    loose.sort_by_key(|(_, log)| at(log));
    let turns = turns_of_codex(traces);
    let calls = if loose.iter().any(|(_, log)| tells_tokens(log)) {
        Calls::of(traces)
    } else {
        Calls::default()
    };
    let placed = loose.into_iter().filter_map(|(file, mut log)| {
        let trace = if let Some(conversation) = codex::conversation(&log) {
            // The last record before it shows the turn.
            let turns = turns.get(conversation)?;
            let before = turns.partition_point(|(made, _)| *made <= at(&log));
            turns.get(before.checked_sub(1)?)?.1
        } else {
            let call = calls.of_record(&log)?;
            log.span_id = Some(call.span_id);
            call.trace_id
        };
        Some(Placed { trace, file, log })
    });
    placed.collect()
}

/// Times of Codex's records in nanoseconds since 1970, with their traces, by conversation.
fn turns_of_codex(traces: &[Known<'_>]) -> HashMap<String, Vec<(u64, TraceId)>> {
    let mut turns: HashMap<String, Vec<(u64, TraceId)>> = HashMap::new();
    for trace in traces {
        for log in trace.logs {
            if let Some(conversation) = codex::conversation(log) {
                let turns = turns.entry(conversation.to_owned()).or_default();
                turns.push((at(log), trace.id));
            }
        }
    }
    for turns in turns.values_mut() {
        turns.sort_unstable();
    }
    turns
}

/// Calls of models by session. For a streamed call, Gemini CLI writes tokens and answer in records
/// that have only its session and its time (observed with 0.61).
#[derive(Default)]
struct Calls<'a>(HashMap<String, Vec<&'a Span>>);

impl<'a> Calls<'a> {
    fn of(traces: &[Known<'a>]) -> Self {
        let mut calls: HashMap<String, Vec<&Span>> = HashMap::new();
        let spans = traces.iter().flat_map(|it| it.spans);
        for span in spans.filter(|it| kind_of(it) == SpanKind::Call(CallKind::Chat)) {
            if let Some(session) = session(&Facts::of(&span.attributes), &span.resource) {
                calls.entry(session).or_default().push(span);
            }
        }
        Self(calls)
    }

    /// The call of the same model that ended nearest to a record.
    fn of_record(&self, log: &LogRecord) -> Option<&'a Span> {
        if !tells_tokens(log) {
            return None;
        }
        let facts = Facts::of(&log.attributes);
        let calls = self.0.get(&session(&facts, &log.resource)?)?;
        let (made, model) = (at(log), facts.text(names::MODEL));
        let is_of = |span: &&&Span| {
            let of_span = Facts::of(&span.attributes).text(names::MODEL);
            let is_model = model.is_none() || of_span.is_none() || of_span == model;
            is_model && (span.start..=span.end.saturating_add(AFTER)).contains(&made)
        };
        let near = calls.iter().filter(is_of);
        near.min_by_key(|span| span.end.abs_diff(made)).copied()
    }
}

fn tells_tokens(log: &LogRecord) -> bool {
    let facts = Facts::of(&log.attributes);
    let counts = [counts::INPUT_TOKENS, counts::OUTPUT_TOKENS];
    counts.into_iter().any(|it| facts.count(it).is_some())
}

fn session(facts: &Facts<'_>, resource: &Resource) -> Option<String> {
    let own = facts.text(names::SESSION);
    own.or_else(|| Facts::of(&resource.attributes).text(names::SESSION))
}
