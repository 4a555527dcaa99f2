//! Spans and log records as this program keeps them.
//!
//! Not kept, since no event needs them: trace state, schema addresses, entity references, and the
//! bytes of byte values.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::ids::{SpanId, TraceId};
use super::losses::Losses;
use super::value::{Attributes, Value};

/// What a request held.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Batch {
    /// Spans, in the order in which they were given.
    pub spans: Vec<Span>,
    /// Log records, in the order in which they were given.
    pub logs: Vec<LogRecord>,
    /// What of the request could not be taken.
    pub losses: Losses,
}

/// A unit of work: a call of a model, of a tool, or anything else that an application measures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Span {
    /// What emitted it. Shared by the spans that came with it.
    #[serde(skip)]
    pub resource: Arc<Resource>,
    /// The instrumentation that made it. Shared by the spans that came with it.
    #[serde(skip)]
    pub scope: Arc<Scope>,
    /// The trace it belongs to.
    #[serde(rename = "trace")]
    pub trace_id: TraceId,
    /// Identifies it within the trace.
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
    /// Start, in nanoseconds since 1970 (UTC); 0 when it is not known.
    #[serde(default, skip_serializing_if = "is_default")]
    pub start: u64,
    /// End, in nanoseconds since 1970 (UTC); 0 when it is not known.
    #[serde(default, skip_serializing_if = "is_default")]
    pub end: u64,
    /// Named values.
    #[serde(default, skip_serializing_if = "is_default")]
    pub attributes: Attributes,
    /// What happened meanwhile, such as exceptions.
    #[serde(default, skip_serializing_if = "is_default")]
    pub events: Vec<SpanEvent>,
    /// Spans of this or another trace that it has to do with.
    #[serde(default, skip_serializing_if = "is_default")]
    pub links: Vec<SpanLink>,
    /// How it ended.
    #[serde(default, skip_serializing_if = "is_default")]
    pub status: Status,
    /// Flags of the trace in bits 0 to 7. Bit 8: whether it is known if the parent is in another
    /// process; bit 9: whether it is.
    #[serde(default, skip_serializing_if = "is_default")]
    pub flags: u32,
    /// Attributes that the emitter itself left out, usually beyond 128.
    #[serde(default, skip_serializing_if = "is_default")]
    pub dropped_attributes: u32,
    /// Events that the emitter itself left out, usually beyond 128.
    #[serde(default, skip_serializing_if = "is_default")]
    pub dropped_events: u32,
}

/// Role of a span in a call between two parties.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SpanKind {
    /// Not given, or one that this program does not know.
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

/// How a span ended.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Status {
    /// Success or failure, if it is known.
    #[serde(default, skip_serializing_if = "is_default")]
    pub code: StatusCode,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "is_default")]
    pub message: String,
}

/// Success or failure of a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StatusCode {
    /// Not given; usually a success.
    #[default]
    Unset,
    /// A success.
    Ok,
    /// A failure.
    Error,
}

/// Something that happened during a span.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct SpanEvent {
    /// When it happened, in nanoseconds since 1970 (UTC); 0 when it is not known.
    #[serde(default, skip_serializing_if = "is_default")]
    pub time: u64,
    /// What happened, such as `exception`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub name: String,
    /// Named values.
    #[serde(default, skip_serializing_if = "is_default")]
    pub attributes: Attributes,
}

/// Another span that a span has to do with.
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
    /// What emitted it. Shared by the records that came with it.
    #[serde(skip)]
    pub resource: Arc<Resource>,
    /// The instrumentation that made it. Shared by the records that came with it.
    #[serde(skip)]
    pub scope: Arc<Scope>,
    /// The trace it belongs to, if any.
    #[serde(rename = "trace", default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<TraceId>,
    /// The span it belongs to, if any.
    #[serde(rename = "span", default, skip_serializing_if = "Option::is_none")]
    pub span_id: Option<SpanId>,
    /// When it happened, in nanoseconds since 1970 (UTC); 0 when it is not known.
    #[serde(default, skip_serializing_if = "is_default")]
    pub time: u64,
    /// When it was noticed, in nanoseconds since 1970 (UTC); 0 when it is not known.
    #[serde(default, skip_serializing_if = "is_default")]
    pub observed: u64,
    /// Severity: 1 to 4 trace, to 8 debug, to 12 information, to 16 warning, to 20 error, to 24
    /// fatal; 0 when it was not given.
    #[serde(default, skip_serializing_if = "is_default")]
    pub severity: i32,
    /// Severity in the emitter's words.
    #[serde(default, skip_serializing_if = "is_default")]
    pub severity_text: String,
    /// Kind of the event that it describes. Empty for plain log lines; older emitters name it in
    /// the attribute `event.name`.
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
    /// Attributes that the emitter itself left out, usually beyond 128.
    #[serde(default, skip_serializing_if = "is_default")]
    pub dropped_attributes: u32,
}

/// What emits spans and log records: a service, its version, its host.
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
