//! Refused requests: the reason, and the message to the client.
//!
//! Clients of the protocol repeat a request only after 429, 502, 503 and 504, and drop it
//! otherwise. So 503 is the answer when a repetition may succeed, and other statuses when it
//! cannot. 429 is not used: exporters of Python before 2026 treat it as final
//! (opentelemetry-python#5460).

use std::borrow::Cow;
use std::sync::Arc;

use hyper::StatusCode;

use crate::inbox::InboxError;
use crate::otlp::answer::Failure;

/// A refused request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) reason: Reason,
    /// For the operators of the client: the fault and its remedy.
    pub(super) message: Cow<'static, str>,
}

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    BadHead,
    BadBody,
    NoToken,
    WrongToken,
    Host,
    Origin,
    Path,
    Method,
    SlowBody,
    GaveWay,
    CutBody,
    NoLength,
    TooLarge,
    ContentType,
    ContentEncoding,
    Memory,
    Connections,
    Storing,
    Internal,
}

impl Refusal {
    pub(super) fn new(reason: Reason, message: impl Into<Cow<'static, str>>) -> Self {
        let message = message.into();
        Self { reason, message }
    }

    /// The refusal of a body above the limit of bytes.
    pub(super) fn too_large(limit: usize) -> Self {
        let message = format!("the body has more than {limit} bytes; send smaller batches");
        Self::new(Reason::TooLarge, message)
    }

    /// The refusal of a delivery that could not be stored.
    pub(super) fn not_stored(error: &Arc<InboxError>) -> Self {
        let reason = match **error {
            InboxError::Queue => Reason::Memory,
            _ => Reason::Storing,
        };
        // Paths of this machine are not shown to clients.
        let message = match **error {
            InboxError::Queue => "too many requests wait to be stored; try again",
            InboxError::Full { .. } => "the disk is full; try again later",
            InboxError::Refusing { .. } => "the disk cannot be written; try again later",
            InboxError::Limit { .. } => "too much waits to be sent already; try again later",
            InboxError::Closed => "the receiver stops; try again",
            _ => "it cannot be stored now; try again later",
        };
        Self::new(reason, message)
    }
}

impl Reason {
    pub(super) const fn status(self) -> StatusCode {
        match self {
            Self::BadHead | Self::BadBody | Self::CutBody => StatusCode::BAD_REQUEST,
            Self::NoToken | Self::WrongToken => StatusCode::UNAUTHORIZED,
            Self::Host | Self::Origin => StatusCode::FORBIDDEN,
            Self::Path => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::NoLength => StatusCode::LENGTH_REQUIRED,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::ContentType | Self::ContentEncoding => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::SlowBody
            | Self::GaveWay
            | Self::Memory
            | Self::Connections
            | Self::Storing
            | Self::Internal => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// Seconds after which the client should try again.
    pub(super) const fn retry_after(self) -> Option<&'static str> {
        match self {
            Self::SlowBody | Self::GaveWay | Self::Memory | Self::Connections => Some("1"),
            // For example a full disk, or a database that another process has locked.
            Self::Storing | Self::Internal => Some("10"),
            _ => None,
        }
    }

    pub(super) const fn failure(self) -> Failure {
        match self {
            Self::NoToken | Self::WrongToken => Failure::Unauthenticated,
            Self::Path | Self::Method | Self::ContentType | Self::ContentEncoding => {
                Failure::Unimplemented
            }
            Self::TooLarge => Failure::ResourceExhausted,
            Self::SlowBody
            | Self::GaveWay
            | Self::Memory
            | Self::Connections
            | Self::Storing
            | Self::Internal => Failure::Unavailable,
            Self::BadHead
            | Self::BadBody
            | Self::CutBody
            | Self::Host
            | Self::Origin
            | Self::NoLength => Failure::InvalidArgument,
        }
    }

    /// Name in counts, for people.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::BadHead => "not a valid HTTP request",
            Self::BadBody => "the body cannot be decoded",
            Self::CutBody => "the body broke off",
            Self::NoToken => "no token",
            Self::WrongToken => "wrong token",
            Self::Host => "a Host that is not this machine",
            Self::Origin => "sent by a web page",
            Self::Path => "unknown path",
            Self::Method => "wrong method",
            Self::SlowBody => "the body came too slowly",
            Self::GaveWay => "the body came too slowly while others waited",
            Self::NoLength => "no body",
            Self::TooLarge => "too large",
            Self::ContentType => "unknown content type",
            Self::ContentEncoding => "unknown compression",
            Self::Memory => "too much at a time",
            Self::Connections => "too many connections",
            Self::Storing => "could not be stored",
            Self::Internal => "internal error",
        }
    }
}
