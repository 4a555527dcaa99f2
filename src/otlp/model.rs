//! Spans and log records as this program keeps them.
//!
//! Trace state, schema addresses, entity references, and the bytes of byte values are not kept,
//! since no event needs them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::ids::{SpanId, TraceId};
use super::losses::Losses;
use super::value::{Attributes, Value};

/// The decoded content of a request.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Telemetry {
    /// Spans, in the order of the request.
    pub spans: Vec<Span>,
    /// Log records, in the order of the request.
    pub logs: Vec<LogRecord>,
    /// The parts of the request that could not be read.
    pub losses: Losses,
}

/// A unit of work: a call of a model, of a tool, or anything else that an application measures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Span {
    /// The service that emitted it; one value shared by its spans.
    #[serde(skip)]
    pub resource: Arc<Resource>,
    /// The instrumentation that made it; one value shared by its spans.
    #[serde(skip)]
    pub scope: Arc<Scope>,
    /// The trace it belongs to.
    #[serde(rename = "trace")]
    pub trace_id: TraceId,
    /// Identity within the trace.
    #[serde(rename = "span")]
    pub span_id: SpanId,
    /// The span that caused it; `None` for the root of a trace.
    #[serde(rename = "parent", default, skip_serializing_if = "Option::is_none")]
    pub parent_span_id: Option<SpanId>,
    /// Name of the operation.
    #[serde(default, skip_serializing_if = "is_default")]
    pub name: String,
    /// Its role in a call between two parties.
    #[serde(default, skip_serializing_if = "is_default")]
    pub kind: SpanKind,
    /// Start, in nanoseconds since 1970 (UTC); 0 when unknown.
    #[serde(default, skip_serializing_if = "is_default")]
    pub start: u64,
    /// End, in nanoseconds since 1970 (UTC); 0 when unknown.
    #[serde(default, skip_serializing_if = "is_default")]
    pub end: u64,
    /// Named values.
    #[serde(default, skip_serializing_if = "is_default")]
    pub attributes: Attributes,
    /// Events during the span, such as exceptions.
    #[serde(default, skip_serializing_if = "is_default")]
    pub events: Vec<SpanEvent>,
    /// Related spans of this or another trace.
    #[serde(default, skip_serializing_if = "is_default")]
    pub links: Vec<SpanLink>,
    /// Success or failure.
    #[serde(default, skip_serializing_if = "is_default")]
    pub status: Status,
    /// Flags of the trace in bits 0 to 7. Bit 8: whether the place of the parent is known; bit 9:
    /// whether that is another process.
    #[serde(default, skip_serializing_if = "is_default")]
    pub flags: u32,
    /// Number of attributes that the emitter itself dropped, usually beyond 128.
    #[serde(default, skip_serializing_if = "is_default")]
    pub dropped_attributes: u32,
    /// Number of events that the emitter itself dropped, usually beyond 128.
    #[serde(default, skip_serializing_if = "is_default")]
    pub dropped_events: u32,
}

/// Role of a span in a call between two parties.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SpanKind {
    /// Not stated, or unknown to this program.
    #[default]
    Unspecified,
    /// Work within an application.
    Internal,
    /// The answering side of a call.
    Server,
    /// The asking side of a call.
    Client,
    /// The sender of a message.
    Producer,
    /// The receiver of a message.
    Consumer,
}

/// The outcome of a span.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Status {
    /// Success or failure, if stated.
    #[serde(default, skip_serializing_if = "is_default")]
    pub code: StatusCode,
    /// Why the span failed.
    #[serde(default, skip_serializing_if = "is_default")]
    pub message: String,
}

/// Success or failure of a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StatusCode {
    /// Not stated; usually a success.
    #[default]
    Unset,
    /// A success.
    Ok,
    /// A failure.
    Error,
}

/// An event during a span.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct SpanEvent {
    /// Time in nanoseconds since 1970 (UTC); 0 when unknown.
    #[serde(default, skip_serializing_if = "is_default")]
    pub time: u64,
    /// Kind of event, such as `exception`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub name: String,
    /// Named values.
    #[serde(default, skip_serializing_if = "is_default")]
    pub attributes: Attributes,
}

/// A reference to a related span.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SpanLink {
    /// The trace of that span.
    #[serde(rename = "trace")]
    pub trace_id: TraceId,
    /// The span.
    #[serde(rename = "span")]
    pub span_id: SpanId,
    /// Named values.
    #[serde(default, skip_serializing_if = "is_default")]
    pub attributes: Attributes,
}

/// A log record. Some instrumentations send the messages of a model call as log records.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct LogRecord {
    /// The service that emitted it; one value shared by its records.
    #[serde(skip)]
    pub resource: Arc<Resource>,
    /// The instrumentation that made it; one value shared by its records.
    #[serde(skip)]
    pub scope: Arc<Scope>,
    /// The trace it belongs to, if any.
    #[serde(rename = "trace", default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<TraceId>,
    /// The span it belongs to, if any.
    #[serde(rename = "span", default, skip_serializing_if = "Option::is_none")]
    pub span_id: Option<SpanId>,
    /// Time of the event, in nanoseconds since 1970 (UTC); 0 when unknown.
    #[serde(default, skip_serializing_if = "is_default")]
    pub time: u64,
    /// Time when the event was noticed, in nanoseconds since 1970 (UTC); 0 when unknown.
    #[serde(default, skip_serializing_if = "is_default")]
    pub observed: u64,
    /// Severity: 1 to 4 trace, to 8 debug, to 12 information, to 16 warning, to 20 error, to 24
    /// fatal; 0 when not stated.
    #[serde(default, skip_serializing_if = "is_default")]
    pub severity: i32,
    /// Severity in the emitter's words.
    #[serde(default, skip_serializing_if = "is_default")]
    pub severity_text: String,
    /// Kind of the event that the record describes. Empty for plain log lines; older emitters state
    /// it in the attribute `event.name`.
    #[serde(rename = "event", default, skip_serializing_if = "is_default")]
    pub event_name: String,
    /// Content: a text or named values.
    #[serde(default, skip_serializing_if = "is_default")]
    pub body: Value,
    /// Named values.
    #[serde(default, skip_serializing_if = "is_default")]
    pub attributes: Attributes,
    /// Flags of the trace in bits 0 to 7.
    #[serde(default, skip_serializing_if = "is_default")]
    pub flags: u32,
    /// Number of attributes that the emitter itself dropped, usually beyond 128.
    #[serde(default, skip_serializing_if = "is_default")]
    pub dropped_attributes: u32,
}

/// The emitter of spans and log records: a service, its version, its host.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Resource {
    /// Named values.
    #[serde(default, skip_serializing_if = "is_default")]
    pub attributes: Attributes,
}

/// The instrumentation library that makes spans and log records.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Scope {
    /// Its name.
    #[serde(default, skip_serializing_if = "is_default")]
    pub name: String,
    /// Its version.
    #[serde(default, skip_serializing_if = "is_default")]
    pub version: String,
    /// Named values.
    #[serde(default, skip_serializing_if = "is_default")]
    pub attributes: Attributes,
}

impl SpanKind {
    /// The kind with this number in the protocol.
    pub(super) const fn of_number(number: i32) -> Self {
        match number {
            1 => Self::Internal,
            2 => Self::Server,
            3 => Self::Client,
            4 => Self::Producer,
            5 => Self::Consumer,
            _ => Self::Unspecified,
        }
    }
}

impl StatusCode {
    /// The code with this number in the protocol.
    pub(super) const fn of_number(number: i32) -> Self {
        match number {
            1 => Self::Ok,
            2 => Self::Error,
            _ => Self::Unset,
        }
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
