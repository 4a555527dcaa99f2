//! The OpenTelemetry protocol (OTLP): requests of spans and log records, and their decoding.
//!
//! Bytes become [`Span`]s and [`LogRecord`]s here, and these become bytes again for the disk.
//! Nothing here knows HTTP, secrets, or the meaning of spans, except for the deliveries of one
//! service ([`openrouter`]), of which a part is never kept.
//!
//! ```text
//! body ──► decode ──────────┐                ┌─► Telemetry::visit (redaction)
//!                           ├──► Telemetry ──┤
//! file ──► files::Requests ─┘                └─► stored::write ─► disk ─► stored::read
//! ```
//!
//! # Promises
//!
//! - The same data give the same spans in either encoding: times in whole nanoseconds, doubles to
//!   the last bit, ids in lower case.
//! - One bad span costs no other one. Rejected spans are counted in [`Losses`], with the reason.
//!   Only a body that cannot be decoded at all is an error.
//! - Decoding takes a bounded amount of stack ([`MAX_DEPTH`]) and memory ([`Limits::memory`]
//!   besides the texts), whatever the body contains.
//! - A span without valid ids gets ids derived from its content, so that it is the same span when
//!   it arrives again.
//!
//! # Facts about the protocol
//!
//! From `opentelemetry-proto`, version 1 (`docs/specification.md` at commit ac2c4b5 of August 2026
//! and the `.proto` files), unless another source is named:
//!
//! | subject | fact |
//! |---|---|
//! | encodings | `application/x-protobuf` and `application/json`; the answer has that of the request |
//! | JSON | proto3 JSON in lower camel case, but ids are hexadecimal in any case and enumerations are numbers; unknown fields are ignored |
//! | ids | 16 bytes for a trace, 8 for a span; of all zeros they are invalid |
//! | times | unsigned 64-bit nanoseconds since 1970 (UTC); 0 is unknown |
//! | attributes | "Attribute keys MUST be unique. The behavior of software that receives duplicated keys can be unpredictable." Here the last one wins ([`Attributes`]) |
//! | flags of a span | bits 0 to 7 of the trace, bit 8 whether it is known if the parent is remote, bit 9 whether it is |
//! | before 0.15 | scopes were called `instrumentationLibrary`, their groups had number 1000 |
//! | size | limits are needed and answered with 413; 64 MiB are recommended |
//!
//! Observed from emitters: numbers of 64 bits as JSON numbers (SDK for JavaScript) and as digits
//! (SDK for Rust, generic converters); `status.code` 0; `flags` 257; empty `traceState`. Halves of
//! characters occur where the SDK for JavaScript cuts a text to its length limit. GitHub Copilot's
//! file exporter writes spans as that SDK has them in memory, with kinds counted from 0 (internal)
//! and times as pairs of seconds and nanoseconds.
//!
//! # Why not `prost`
//!
//! `prost` builds all messages before anybody can count them. A body of 64 MiB with 33 million
//! empty spans took 8.5 GB with it, and takes 0.2 GB here, including the body. It also refuses a
//! whole body for one invalid text or one deep value. This reader takes about as long, stops at
//! [`Limits::memory`], and keeps the spans around a bad one. In tests, `prost` is the reference.

pub mod answer;
mod content;
pub mod files;
mod ids;
mod intake;
pub mod json;
mod losses;
mod model;
pub mod openrouter;
pub mod protobuf;
mod raw_request;
pub(crate) mod responses;
pub(crate) mod sessions;
pub mod stored;
mod texts;
mod value;

use thiserror::Error;

pub use ids::{Id, InvalidId, SpanId, TraceId};
pub use losses::{Losses, Rejected, Rejection};
pub use model::{
    LogRecord, Resource, Scope, Span, SpanEvent, SpanKind, SpanLink, Status, StatusCode, Telemetry,
};
pub use texts::{Place, Visitor};
pub use value::{Attribute, Attributes, Value};

/// A body that cannot be decoded.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// It is not a JSON request.
    #[error("the body is no request in JSON: {0}")]
    Json(json::InvalidJson),
    /// It is not a protobuf request.
    #[error("the body is no request in protobuf: {0}")]
    Protobuf(protobuf::Malformed),
}

/// Decodes the body of a request. JSON names its signal itself; protobuf does not.
///
/// # Errors
/// When the body as a whole is malformed. Faults within it are counted in [`Telemetry::losses`].
pub fn decode(
    body: &[u8],
    encoding: Encoding,
    signal: Signal,
    limits: &Limits,
) -> Result<Telemetry, DecodeError> {
    match encoding {
        Encoding::Json => json::decode(body, limits).map_err(DecodeError::Json),
        Encoding::Protobuf => protobuf::decode(body, signal, limits).map_err(DecodeError::Protobuf),
    }
}

/// Levels of nested values. Deeper values are dropped and counted.
pub const MAX_DEPTH: usize = 32;

/// Limits for decoding a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of memory for the spans of a request besides their texts. The texts are at most as
    /// large as the body, or three times as large if all of its characters are invalid.
    pub memory: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { memory: 256 << 20 }
    }
}

/// The signal of a request: the kind of data in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// Spans.
    Traces,
    /// Log records.
    Logs,
    /// Metrics, which are not kept.
    Metrics,
}

/// The encoding of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// JSON.
    Json,
    /// Protobuf.
    Protobuf,
}

impl Encoding {
    /// The encoding that a `Content-Type` names, whatever its parameters; `None` for any other
    /// type. A web page may send `text/plain` to a server on its visitor's machine without
    /// permission.
    #[must_use]
    pub fn of_content_type(content_type: &str) -> Option<Self> {
        let media_type = content_type.split(';').next().unwrap_or_default().trim();
        let all = [Self::Json, Self::Protobuf];
        all.into_iter()
            .find(|it| it.content_type().eq_ignore_ascii_case(media_type))
    }

    /// The `Content-Type` of a request and of its answer.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Protobuf => "application/x-protobuf",
        }
    }
}
