//! Telemetry while it is decoded, for both encodings.
//!
//! Counts losses and bounds memory. A body of 64 MiB can contain 30 million spans or values of two
//! bytes each, which would take gigabytes.

use std::sync::Arc;

use super::Limits;
use super::content;
use super::ids::{Given, Id, SpanId, TraceId};
use super::losses::Rejection;
use super::model::{LogRecord, Resource, Scope, Span, SpanKind, SpanLink, Status, Telemetry};
use super::value::{Attribute, Attributes, Value};

/// Telemetry to which spans and log records are added.
#[derive(Debug)]
pub(super) struct Intake {
    pub(super) telemetry: Telemetry,
    /// Bytes of memory that may still be used.
    memory_left: usize,
    /// Whether anything was dropped for lack of memory since the last [`Intake::begin`].
    is_exhausted: bool,
    resource: Arc<Resource>,
    scope: Arc<Scope>,
}

/// A position in telemetry: the items after it belong to one group.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark {
    spans: usize,
    logs: usize,
}

/// Bytes of memory that were left when a span or a record began.
#[derive(Debug, Clone, Copy)]
pub(super) struct Begun(usize);

/// A span with its ids as the emitter wrote them.
#[derive(Debug)]
pub(super) struct SpanDraft {
    pub(super) trace_id: Given<16>,
    pub(super) span_id: Given<8>,
    pub(super) parent_span_id: Given<8>,
    /// The other fields; the ids in it are placeholders.
    pub(super) span: Span,
}

/// Approximate bytes of an allocation besides its content.
const ALLOCATION: usize = 32;

impl Intake {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            telemetry: Telemetry::default(),
            memory_left: limits.memory,
            is_exhausted: false,
            resource: Arc::default(),
            scope: Arc::default(),
        }
    }

    /// Reserves memory for one more `T`; `false` when it ran out.
    fn has_room<T>(&mut self) -> bool {
        match self.memory_left.checked_sub(size_of::<T>() + ALLOCATION) {
            Some(left) => self.memory_left = left,
            None => self.is_exhausted = true,
        }
        !self.is_exhausted
    }

    /// Adds an item to a list, unless memory ran out.
    pub(super) fn push<T>(&mut self, items: &mut Vec<T>, item: T) {
        if self.has_room::<T>() {
            items.push(item);
        }
    }

    /// Adds a named value, unless memory ran out.
    pub(super) fn push_attribute(&mut self, to: &mut Attributes, key: String, value: Value) {
        self.push(&mut to.0, Attribute { key, value });
    }

    pub(super) const fn unreadable_field(&mut self) {
        self.telemetry.losses.unreadable_fields += 1;
    }

    pub(super) const fn cut_value(&mut self) {
        self.telemetry.losses.cut_values += 1;
    }

    pub(super) const fn metrics(&mut self) {
        self.telemetry.losses.metrics += 1;
    }

    pub(super) const fn mark(&self) -> Mark {
        Mark {
            spans: self.telemetry.spans.len(),
            logs: self.telemetry.logs.len(),
        }
    }

    /// Sets the resource of everything since `mark`: it may come after its spans.
    pub(super) fn set_resource(&mut self, mark: Mark, resource: Resource) {
        self.count_exhaustion();
        if resource != *self.resource {
            self.resource = Arc::new(resource);
        }
        let spans = self.telemetry.spans[mark.spans..]
            .iter_mut()
            .map(|it| &mut it.resource);
        let logs = self.telemetry.logs[mark.logs..]
            .iter_mut()
            .map(|it| &mut it.resource);
        spans
            .chain(logs)
            .for_each(|it| it.clone_from(&self.resource));
    }

    /// Sets the scope of everything since `mark`: it may come after its spans.
    pub(super) fn set_scope(&mut self, mark: Mark, scope: Scope) {
        self.count_exhaustion();
        if scope != *self.scope {
            self.scope = Arc::new(scope);
        }
        let spans = self.telemetry.spans[mark.spans..]
            .iter_mut()
            .map(|it| &mut it.scope);
        let logs = self.telemetry.logs[mark.logs..]
            .iter_mut()
            .map(|it| &mut it.scope);
        spans.chain(logs).for_each(|it| it.clone_from(&self.scope));
    }

    /// A resource or scope that lost some attributes is kept.
    const fn count_exhaustion(&mut self) {
        if self.is_exhausted {
            self.is_exhausted = false;
            self.unreadable_field();
        }
    }

    /// Begins a span or a log record.
    pub(super) const fn begin(&mut self) -> Begun {
        self.count_exhaustion();
        Begun(self.memory_left)
    }

    /// The reason to reject a span or log record, whose memory is then free again; `None` to keep
    /// it.
    fn judge<T>(&mut self, begun: Begun, is_empty: bool) -> Option<Rejection> {
        let has_room = self.has_room::<T>();
        let rejection = match (has_room, is_empty) {
            (false, _) => Rejection::TooLarge,
            (true, true) => Rejection::Empty,
            (true, false) => return None,
        };
        self.memory_left = begun.0;
        self.is_exhausted = false;
        Some(rejection)
    }

    /// Ends a span that could not be read.
    pub(super) fn malformed_span(&mut self, begun: Begun) {
        self.memory_left = begun.0;
        self.is_exhausted = false;
        self.telemetry.losses.spans.add(Rejection::Malformed);
    }

    /// Ends a log record that could not be read.
    pub(super) fn malformed_log(&mut self, begun: Begun) {
        self.memory_left = begun.0;
        self.is_exhausted = false;
        self.telemetry.losses.logs.add(Rejection::Malformed);
    }

    /// Ends a span, and adds it to the telemetry.
    pub(super) fn add_span(&mut self, begun: Begun, draft: SpanDraft) {
        if let Some(reason) = self.judge::<Span>(begun, draft.is_empty()) {
            return self.telemetry.losses.spans.add(reason);
        }
        let is_replaced = !(draft.trace_id.is_valid() && draft.span_id.is_valid());
        self.telemetry.losses.replaced_ids += u64::from(is_replaced);
        self.telemetry.spans.push(draft.finish());
    }

    /// Ends a log record, and adds it to the telemetry.
    pub(super) fn add_log(&mut self, begun: Begun, log: LogRecord) {
        match self.judge::<LogRecord>(begun, is_empty(&log)) {
            Some(reason) => self.telemetry.losses.logs.add(reason),
            None => self.telemetry.logs.push(log),
        }
    }

    /// Adds a link to a span, if it has a target.
    pub(super) fn add_link(&mut self, to: &mut Span, link: LinkDraft) {
        match (link.trace_id.id(), link.span_id.id()) {
            (Some(trace_id), Some(span_id)) => {
                let attributes = link.attributes;
                self.push(
                    &mut to.links,
                    SpanLink {
                        trace_id,
                        span_id,
                        attributes,
                    },
                );
            }
            _ => self.unreadable_field(),
        }
    }
}

/// Whether a log record has no content.
fn is_empty(log: &LogRecord) -> bool {
    log.trace_id.is_none()
        && log.span_id.is_none()
        && (log.time, log.observed) == (0, 0)
        && log.event_name.is_empty()
        && log.body == Value::Null
        && log.attributes.is_empty()
}

/// A link with its ids as the emitter wrote them.
#[derive(Debug, Default)]
pub(super) struct LinkDraft {
    pub(super) trace_id: Given<16>,
    pub(super) span_id: Given<8>,
    pub(super) attributes: Attributes,
}

impl SpanDraft {
    /// An empty span, with placeholders for its resource and scope.
    pub(super) fn new(intake: &Intake) -> Self {
        Self {
            trace_id: Given::Missing,
            span_id: Given::Missing,
            parent_span_id: Given::Missing,
            span: Span {
                resource: Arc::clone(&intake.resource),
                scope: Arc::clone(&intake.scope),
                trace_id: Id::UNKNOWN,
                span_id: Id::UNKNOWN,
                parent_span_id: None,
                name: String::new(),
                kind: SpanKind::Unspecified,
                start: 0,
                end: 0,
                attributes: Attributes::default(),
                events: Vec::new(),
                links: Vec::new(),
                status: Status::default(),
                flags: 0,
                dropped_attributes: 0,
                dropped_events: 0,
            },
        }
    }

    fn is_empty(&self) -> bool {
        let span = &self.span;
        self.trace_id == Given::Missing
            && self.span_id == Given::Missing
            && span.name.is_empty()
            && (span.start, span.end) == (0, 0)
            && span.attributes.is_empty()
            && span.events.is_empty()
    }

    /// The span; missing ids are derived from its content.
    fn finish(self) -> Span {
        let Self {
            trace_id,
            span_id,
            parent_span_id,
            mut span,
        } = self;
        span.parent_span_id = parent_span_id.id();
        if let (Some(trace_id), Some(span_id)) = (trace_id.id(), span_id.id()) {
            return Span {
                trace_id,
                span_id,
                ..span
            };
        }
        let trace_id: TraceId = trace_id
            .id()
            .unwrap_or_else(|| content::id_of("trace", &span));
        span.trace_id = trace_id;
        let span_id: SpanId = span_id
            .id()
            .unwrap_or_else(|| content::id_of("span", &span));
        Span { span_id, ..span }
    }
}
