//! Spans for the tests of this folder.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::otlp::{Attributes, Resource, Scope, Span, SpanId, SpanKind, Status, TraceId};

/// Nanoseconds before which no span begins: 2026-03-01T12:00:00Z.
const BEGIN: u64 = 1_772_366_400_000_000_000;

/// A span of one second with an id of its own. All are in the same trace.
pub(super) fn span(name: &str, attributes: Attributes) -> Span {
    static LAST: AtomicU64 = AtomicU64::new(0);
    let number = LAST.fetch_add(1, Ordering::Relaxed) + 1;
    Span {
        resource: Arc::new(Resource::default()),
        scope: Arc::new(Scope::default()),
        trace_id: TraceId::from_bytes([7; 16]).unwrap(),
        span_id: SpanId::from_bytes(number.to_be_bytes()).unwrap(),
        parent_span_id: None,
        name: name.to_owned(),
        kind: SpanKind::Internal,
        start: BEGIN + number * 1_000_000_000,
        end: BEGIN + (number + 1) * 1_000_000_000,
        attributes,
        events: Vec::new(),
        links: Vec::new(),
        status: Status::default(),
        flags: 0,
        dropped_attributes: 0,
        dropped_events: 0,
    }
}

/// A span within another one.
pub(super) fn child(name: &str, parent: &Span, attributes: Attributes) -> Span {
    Span {
        parent_span_id: Some(parent.span_id),
        ..span(name, attributes)
    }
}
