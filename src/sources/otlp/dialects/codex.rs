//! Codex: its log records contain what its spans omit.
//!
//! In one turn Codex makes hundreds of spans of its own work, and none states which model was
//! called. Its log records do (observed with 0.171): `codex.user_prompt`, `codex.api_request` and
//! `codex.tool_result` name the trace of the turn; `codex.sse_event` of the kind
//! `response.completed`, with the tokens of a call, names a conversation and no trace. This module
//! makes spans of the records, with ids derived from their contents.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::otlp::{Attribute, Attributes, LogRecord, Scope, Span, SpanId, TraceId, Value};
use crate::sources::otlp::logs::at;

/// Prefix of the names of Codex's scopes and services.
const NAME: &str = "codex";

const NANOSECONDS: u64 = 1_000_000;

fn event(log: &LogRecord) -> Option<&str> {
    let name = log.attributes.text("event.name")?;
    name.strip_prefix("codex.")
}

/// The conversation that a record of Codex is about.
pub(crate) fn conversation(log: &LogRecord) -> Option<&str> {
    event(log)?;
    log.attributes.text("conversation.id")
}

/// The spans of a trace of Codex, made of its log records; `None` for a trace of another emitter.
pub(crate) fn spans(trace: TraceId, spans: &[Span], logs: &[LogRecord]) -> Option<Vec<Span>> {
    let mut own: Vec<&LogRecord> = logs.iter().filter(|it| event(it).is_some()).collect();
    own.sort_by_key(|it| at(it));
    let is_telling = |log: &&&LogRecord| {
        is_response(log) || matches!(event(log), Some("tool_result" | "user_prompt"))
    };
    let telling: Vec<&LogRecord> = own.iter().filter(is_telling).copied().collect();
    let first = telling.first()?;
    let turn = turn(trace, first, &telling);
    let mut made = Vec::new();
    let mut requested_at = turn.start;
    // Tools run for the response before them.
    let mut asked_by = turn.span_id;
    for log in own {
        match event(log) {
            Some("api_request") => requested_at = before(log).max(requested_at),
            _ if is_response(log) => {
                let call = call(log, &turn, requested_at.min(at(log)));
                asked_by = call.span_id;
                requested_at = at(log);
                made.push(call);
            }
            Some("tool_result") => made.push(tool(log, &turn, asked_by)),
            _ => {}
        }
    }
    let others = spans
        .iter()
        .filter(|it| !it.scope.name.starts_with(NAME) && !is_of_codex(it));
    made.extend(others.cloned());
    made.push(turn);
    Some(made)
}

fn is_of_codex(span: &Span) -> bool {
    let service = span.resource.attributes.text("service.name");
    service.is_some_and(|name| name.starts_with(NAME))
}

/// Whether a record has the tokens of a response. A second record of the same kind only states the
/// end of the stream.
fn is_response(log: &LogRecord) -> bool {
    event(log) == Some("sse_event")
        && log.attributes.text("event.kind") == Some("response.completed")
        && log.attributes.get("input_token_count").is_some()
}

/// Start of the work whose end a record states, in nanoseconds since 1970.
fn before(log: &LogRecord) -> u64 {
    let lasted = match log.attributes.get("duration_ms") {
        Some(Value::Int(lasted)) => u64::try_from(*lasted).unwrap_or(0),
        Some(Value::Text(lasted)) => lasted.parse().unwrap_or(0),
        _ => 0,
    };
    at(log).saturating_sub(lasted.saturating_mul(NANOSECONDS))
}

fn turn(trace: TraceId, first: &LogRecord, logs: &[&LogRecord]) -> Span {
    let prompt = logs.iter().find(|it| event(it) == Some("user_prompt"));
    let prompt = prompt.and_then(|it| it.attributes.text("prompt"));
    let mut span = span(trace, first, "invoke_agent", "turn");
    span.start = logs.iter().map(|it| before(it)).min().unwrap_or(0);
    span.end = logs.iter().map(|it| at(it)).max().unwrap_or(0);
    span.parent_span_id = None;
    add(&mut span, "user_prompt", prompt.map(Value::from));
    span
}

fn call(log: &LogRecord, turn: &Span, start: u64) -> Span {
    let mut span = span(turn.trace_id, log, "chat", "call");
    span.start = start;
    span.end = at(log);
    span.parent_span_id = Some(turn.span_id);
    let provider = log.attributes.get("provider_name").cloned();
    add(
        &mut span,
        "gen_ai.provider.name",
        Some(provider.unwrap_or_else(|| "openai".into())),
    );
    span
}

fn tool(log: &LogRecord, turn: &Span, asked_by: SpanId) -> Span {
    let mut span = span(turn.trace_id, log, "execute_tool", "tool");
    span.start = before(log);
    span.end = at(log);
    span.parent_span_id = Some(asked_by);
    span
}

fn add(span: &mut Span, key: &str, value: Option<Value>) {
    let own = span.attributes.iter().cloned();
    let new = value.map(|value| Attribute {
        key: key.to_owned(),
        value,
    });
    span.attributes = own.chain(new).collect();
}

/// A span made of the contents of a record.
fn span(trace: TraceId, log: &LogRecord, operation: &str, purpose: &str) -> Span {
    const LEFT_OUT: [&str; 4] = ["auth.", "event.", "mcp_", "output_truncated"];
    let kept = log.attributes.iter().filter(|it| {
        let is_left_out = LEFT_OUT.iter().any(|prefix| it.key.starts_with(prefix));
        !is_left_out && it.key != "agent_name"
    });
    let operation = Attribute {
        key: "gen_ai.operation.name".to_owned(),
        value: operation.into(),
    };
    let attributes: Attributes = kept.cloned().chain([operation]).collect();
    Span {
        resource: Arc::clone(&log.resource),
        scope: Arc::new(Scope {
            name: NAME.to_owned(),
            ..Scope::default()
        }),
        trace_id: trace,
        span_id: span_id(log, purpose),
        parent_span_id: None,
        name: format!("codex {purpose}"),
        kind: crate::otlp::SpanKind::default(),
        start: 0,
        end: 0,
        attributes,
        events: Vec::new(),
        links: Vec::new(),
        status: crate::otlp::Status::default(),
        flags: 0,
        dropped_attributes: 0,
        dropped_events: 0,
    }
}

fn span_id(log: &LogRecord, purpose: &str) -> SpanId {
    let mut digest = Sha256::new();
    digest.update(purpose);
    digest.update(conversation(log).unwrap_or_default());
    digest.update(at(log).to_be_bytes());
    digest.update(log.attributes.text("call_id").unwrap_or_default());
    SpanId::from_digest(digest)
}
