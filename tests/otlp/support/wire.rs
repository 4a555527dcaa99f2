//! The messages of the protocol for prost, an independent implementation of protobuf.

use std::fmt::Debug;
use std::sync::Arc;

use posthog_llma::otlp::{
    Attribute, Attributes, LogRecord, Resource, Scope, Span, SpanEvent, SpanId, SpanKind, SpanLink,
    Status, StatusCode, Telemetry, TraceId, Value,
};
use prost::{Message, Oneof};

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Request<R: Message + Default + Debug> {
    #[prost(message, repeated, tag = "1")]
    pub groups: Vec<ResourceGroup<R>>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ResourceGroup<R: Message + Default + Debug> {
    #[prost(message, optional, tag = "1")]
    pub resource: Option<WireResource>,
    #[prost(message, repeated, tag = "2")]
    pub groups: Vec<ScopeGroup<R>>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ScopeGroup<R: Message + Default + Debug> {
    #[prost(message, optional, tag = "1")]
    pub scope: Option<WireScope>,
    #[prost(message, repeated, tag = "2")]
    pub records: Vec<R>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct WireResource {
    #[prost(message, repeated, tag = "1")]
    pub attributes: Vec<KeyValue>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct WireScope {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(string, tag = "2")]
    pub version: String,
    #[prost(message, repeated, tag = "3")]
    pub attributes: Vec<KeyValue>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct WireSpan {
    #[prost(bytes = "vec", tag = "1")]
    pub trace_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    pub span_id: Vec<u8>,
    #[prost(string, tag = "3")]
    pub trace_state: String,
    #[prost(bytes = "vec", tag = "4")]
    pub parent_span_id: Vec<u8>,
    #[prost(string, tag = "5")]
    pub name: String,
    #[prost(int32, tag = "6")]
    pub kind: i32,
    #[prost(fixed64, tag = "7")]
    pub start: u64,
    #[prost(fixed64, tag = "8")]
    pub end: u64,
    #[prost(message, repeated, tag = "9")]
    pub attributes: Vec<KeyValue>,
    #[prost(uint32, tag = "10")]
    pub dropped_attributes: u32,
    #[prost(message, repeated, tag = "11")]
    pub events: Vec<WireEvent>,
    #[prost(uint32, tag = "12")]
    pub dropped_events: u32,
    #[prost(message, repeated, tag = "13")]
    pub links: Vec<WireLink>,
    #[prost(message, optional, tag = "15")]
    pub status: Option<WireStatus>,
    #[prost(fixed32, tag = "16")]
    pub flags: u32,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct WireEvent {
    #[prost(fixed64, tag = "1")]
    pub time: u64,
    #[prost(string, tag = "2")]
    pub name: String,
    #[prost(message, repeated, tag = "3")]
    pub attributes: Vec<KeyValue>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct WireLink {
    #[prost(bytes = "vec", tag = "1")]
    pub trace_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    pub span_id: Vec<u8>,
    #[prost(message, repeated, tag = "4")]
    pub attributes: Vec<KeyValue>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct WireStatus {
    #[prost(string, tag = "2")]
    pub message: String,
    #[prost(int32, tag = "3")]
    pub code: i32,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct WireLog {
    #[prost(fixed64, tag = "1")]
    pub time: u64,
    #[prost(int32, tag = "2")]
    pub severity: i32,
    #[prost(string, tag = "3")]
    pub severity_text: String,
    #[prost(message, optional, tag = "5")]
    pub body: Option<AnyValue>,
    #[prost(message, repeated, tag = "6")]
    pub attributes: Vec<KeyValue>,
    #[prost(uint32, tag = "7")]
    pub dropped_attributes: u32,
    #[prost(fixed32, tag = "8")]
    pub flags: u32,
    #[prost(bytes = "vec", tag = "9")]
    pub trace_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "10")]
    pub span_id: Vec<u8>,
    #[prost(fixed64, tag = "11")]
    pub observed: u64,
    #[prost(string, tag = "12")]
    pub event_name: String,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct KeyValue {
    #[prost(string, tag = "1")]
    pub key: String,
    #[prost(message, optional, tag = "2")]
    pub value: Option<AnyValue>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct AnyValue {
    #[prost(oneof = "Kind", tags = "1, 2, 3, 4, 5, 6, 7")]
    pub kind: Option<Kind>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(crate) enum Kind {
    #[prost(string, tag = "1")]
    Text(String),
    #[prost(bool, tag = "2")]
    Bool(bool),
    #[prost(int64, tag = "3")]
    Int(i64),
    #[prost(double, tag = "4")]
    Double(f64),
    #[prost(message, tag = "5")]
    Array(ArrayValue),
    #[prost(message, tag = "6")]
    Map(KeyValueList),
    #[prost(bytes = "vec", tag = "7")]
    Bytes(Vec<u8>),
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ArrayValue {
    #[prost(message, repeated, tag = "1")]
    pub values: Vec<AnyValue>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct KeyValueList {
    #[prost(message, repeated, tag = "1")]
    pub values: Vec<KeyValue>,
}

/// Telemetry as the requests of its two signals, each record in a group of its own.
pub(crate) fn encode(telemetry: &Telemetry) -> [Vec<u8>; 2] {
    let group = |resource: &Resource, scope: &Scope| (resource_of(resource), scope_of(scope));
    let traces = telemetry
        .spans
        .iter()
        .map(|it| (group(&it.resource, &it.scope), span_of(it)));
    let logs = telemetry
        .logs
        .iter()
        .map(|it| (group(&it.resource, &it.scope), log_of(it)));
    [
        request(traces).encode_to_vec(),
        request(logs).encode_to_vec(),
    ]
}

fn request<R: Message + Default + Debug>(
    records: impl Iterator<Item = ((WireResource, WireScope), R)>,
) -> Request<R> {
    let groups = records.map(|((resource, scope), record)| ResourceGroup {
        resource: Some(resource),
        groups: vec![ScopeGroup {
            scope: Some(scope),
            records: vec![record],
        }],
    });
    Request {
        groups: groups.collect(),
    }
}

fn resource_of(resource: &Resource) -> WireResource {
    WireResource {
        attributes: attributes_of(&resource.attributes),
    }
}

fn scope_of(scope: &Scope) -> WireScope {
    WireScope {
        name: scope.name.clone(),
        version: scope.version.clone(),
        attributes: attributes_of(&scope.attributes),
    }
}

fn span_of(span: &Span) -> WireSpan {
    WireSpan {
        trace_id: span.trace_id.bytes().to_vec(),
        span_id: span.span_id.bytes().to_vec(),
        trace_state: "vendor=1".to_owned(),
        parent_span_id: span
            .parent_span_id
            .map(|id| id.bytes().to_vec())
            .unwrap_or_default(),
        name: span.name.clone(),
        kind: span.kind as i32,
        start: span.start,
        end: span.end,
        attributes: attributes_of(&span.attributes),
        dropped_attributes: span.dropped_attributes,
        events: span.events.iter().map(event_of).collect(),
        dropped_events: span.dropped_events,
        links: span.links.iter().map(link_of).collect(),
        status: Some(WireStatus {
            message: span.status.message.clone(),
            code: span.status.code as i32,
        }),
        flags: span.flags,
    }
}

fn event_of(event: &SpanEvent) -> WireEvent {
    WireEvent {
        time: event.time,
        name: event.name.clone(),
        attributes: attributes_of(&event.attributes),
    }
}

fn link_of(link: &SpanLink) -> WireLink {
    WireLink {
        trace_id: link.trace_id.bytes().to_vec(),
        span_id: link.span_id.bytes().to_vec(),
        attributes: attributes_of(&link.attributes),
    }
}

fn log_of(log: &LogRecord) -> WireLog {
    WireLog {
        time: log.time,
        severity: log.severity,
        severity_text: log.severity_text.clone(),
        body: Some(value_of(&log.body)),
        attributes: attributes_of(&log.attributes),
        dropped_attributes: log.dropped_attributes,
        flags: log.flags,
        trace_id: log
            .trace_id
            .map(|id| id.bytes().to_vec())
            .unwrap_or_default(),
        span_id: log
            .span_id
            .map(|id| id.bytes().to_vec())
            .unwrap_or_default(),
        observed: log.observed,
        event_name: log.event_name.clone(),
    }
}

fn attributes_of(attributes: &Attributes) -> Vec<KeyValue> {
    let pairs = attributes.iter();
    pairs
        .map(|it| KeyValue {
            key: it.key.clone(),
            value: Some(value_of(&it.value)),
        })
        .collect()
}

fn value_of(value: &Value) -> AnyValue {
    let kind = match value {
        Value::Null => None,
        Value::Text(text) => Some(Kind::Text(text.clone())),
        Value::Bool(bool) => Some(Kind::Bool(*bool)),
        Value::Int(int) => Some(Kind::Int(*int)),
        Value::Double(double) => Some(Kind::Double(*double)),
        Value::Array(items) => Some(Kind::Array(ArrayValue {
            values: items.iter().map(value_of).collect(),
        })),
        Value::Map(fields) => Some(Kind::Map(KeyValueList {
            values: attributes_of(fields),
        })),
        Value::Bytes(length) => Some(Kind::Bytes(vec![
            7;
            usize::try_from(*length)
                .expect("a short value")
        ])),
    };
    AnyValue { kind }
}

/// The spans of a request decoded by prost. `None` if it contains an id that is replaced, or values
/// that are cut.
pub(crate) fn spans(request: &Request<WireSpan>) -> Option<Vec<Span>> {
    let mut spans = Vec::new();
    for group in &request.groups {
        let resource = Arc::new(read_resource(group.resource.as_ref())?);
        for group in &group.groups {
            let scope = Arc::new(read_scope(group.scope.as_ref())?);
            for record in &group.records {
                spans.push(read_span(record, &resource, &scope)?);
            }
        }
    }
    Some(spans)
}

/// The log records of a request, like [`spans`].
pub(crate) fn logs(request: &Request<WireLog>) -> Option<Vec<LogRecord>> {
    let mut logs = Vec::new();
    for group in &request.groups {
        let resource = Arc::new(read_resource(group.resource.as_ref())?);
        for group in &group.groups {
            let scope = Arc::new(read_scope(group.scope.as_ref())?);
            for record in &group.records {
                logs.push(read_log(record, &resource, &scope)?);
            }
        }
    }
    Some(logs)
}

fn read_resource(resource: Option<&WireResource>) -> Option<Resource> {
    let resource = resource.cloned().unwrap_or_default();
    Some(Resource {
        attributes: read_attributes(&resource.attributes, DEPTH)?,
    })
}

fn read_scope(scope: Option<&WireScope>) -> Option<Scope> {
    let WireScope {
        name,
        version,
        attributes,
    } = scope.cloned().unwrap_or_default();
    Some(Scope {
        name,
        version,
        attributes: read_attributes(&attributes, DEPTH)?,
    })
}

const DEPTH: usize = posthog_llma::otlp::MAX_DEPTH;

fn read_span(span: &WireSpan, resource: &Arc<Resource>, scope: &Arc<Scope>) -> Option<Span> {
    let status = span.status.clone().unwrap_or_default();
    let parent_span_id = match span.parent_span_id.as_slice() {
        [] => None,
        bytes => Some(SpanId::from_bytes(bytes.try_into().ok()?)?),
    };
    let kinds = [
        SpanKind::Unspecified,
        SpanKind::Internal,
        SpanKind::Server,
        SpanKind::Client,
        SpanKind::Producer,
        SpanKind::Consumer,
    ];
    let codes = [StatusCode::Unset, StatusCode::Ok, StatusCode::Error];
    let events = span.events.iter().map(|event| {
        let attributes = read_attributes(&event.attributes, DEPTH)?;
        Some(SpanEvent {
            time: event.time,
            name: event.name.clone(),
            attributes,
        })
    });
    let links = span.links.iter().map(|link| {
        Some(SpanLink {
            trace_id: TraceId::from_bytes(link.trace_id.as_slice().try_into().ok()?)?,
            span_id: SpanId::from_bytes(link.span_id.as_slice().try_into().ok()?)?,
            attributes: read_attributes(&link.attributes, DEPTH)?,
        })
    });
    Some(Span {
        resource: Arc::clone(resource),
        scope: Arc::clone(scope),
        trace_id: TraceId::from_bytes(span.trace_id.as_slice().try_into().ok()?)?,
        span_id: SpanId::from_bytes(span.span_id.as_slice().try_into().ok()?)?,
        parent_span_id,
        name: span.name.clone(),
        kind: of_number(&kinds, span.kind),
        start: span.start,
        end: span.end,
        attributes: read_attributes(&span.attributes, DEPTH)?,
        events: events.collect::<Option<_>>()?,
        links: links.collect::<Option<_>>()?,
        status: Status {
            code: of_number(&codes, status.code),
            message: status.message,
        },
        flags: span.flags,
        dropped_attributes: span.dropped_attributes,
        dropped_events: span.dropped_events,
    })
}

fn of_number<T: Copy>(all: &[T], number: i32) -> T {
    let known = usize::try_from(number)
        .ok()
        .and_then(|number| all.get(number));
    *known.unwrap_or(&all[0])
}

fn read_log(log: &WireLog, resource: &Arc<Resource>, scope: &Arc<Scope>) -> Option<LogRecord> {
    let trace_id = match log.trace_id.as_slice() {
        [] => None,
        bytes => Some(TraceId::from_bytes(bytes.try_into().ok()?)?),
    };
    let span_id = match log.span_id.as_slice() {
        [] => None,
        bytes => Some(SpanId::from_bytes(bytes.try_into().ok()?)?),
    };
    Some(LogRecord {
        resource: Arc::clone(resource),
        scope: Arc::clone(scope),
        trace_id,
        span_id,
        time: log.time,
        observed: log.observed,
        severity: log.severity,
        severity_text: log.severity_text.clone(),
        event_name: log.event_name.clone(),
        body: log
            .body
            .as_ref()
            .map_or(Some(Value::Null), |body| read_value(body, DEPTH))?,
        attributes: read_attributes(&log.attributes, DEPTH)?,
        flags: log.flags,
        dropped_attributes: log.dropped_attributes,
    })
}

fn read_attributes(attributes: &[KeyValue], depth: usize) -> Option<Attributes> {
    let pairs = attributes.iter().map(|it| {
        let value = it
            .value
            .as_ref()
            .map_or(Some(Value::Null), |it| read_value(it, depth))?;
        Some(Attribute {
            key: it.key.clone(),
            value,
        })
    });
    pairs.collect()
}

fn read_value(value: &AnyValue, depth: usize) -> Option<Value> {
    let depth = depth.checked_sub(1)?;
    Some(match &value.kind {
        None => Value::Null,
        Some(Kind::Text(text)) => Value::Text(text.clone()),
        Some(Kind::Bool(bool)) => Value::Bool(*bool),
        Some(Kind::Int(int)) => Value::Int(*int),
        Some(Kind::Double(double)) => Value::Double(*double),
        Some(Kind::Array(array)) => {
            let items = array.values.iter().map(|item| read_value(item, depth));
            Value::Array(items.collect::<Option<_>>()?)
        }
        Some(Kind::Map(fields)) => Value::Map(read_attributes(&fields.values, depth)?),
        Some(Kind::Bytes(bytes)) => Value::Bytes(bytes.len() as u64),
    })
}
