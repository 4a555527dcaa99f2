//! Bodies of the answers to a request, in the encoding of the request.
//!
//! Emitters repeat a request only after the HTTP statuses 429, 502, 503 and 504. After every other
//! failure they drop it.

use serde_json::json;

use super::{DecodeError, Encoding, Losses, Signal, protobuf};
use crate::protobuf::Message;

/// Why a request failed, as the code of `google.rpc.Status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// The body cannot be decoded.
    InvalidArgument = 3,
    /// The request is too large, or there is no room for it.
    ResourceExhausted = 8,
    /// The encoding or the path is not supported.
    Unimplemented = 12,
    /// The request cannot be stored now.
    Unavailable = 14,
    /// The token is missing or wrong.
    Unauthenticated = 16,
}

/// The body of an answer with status 200, which names the rejected spans or records, if any.
#[must_use]
pub fn taken(encoding: Encoding, signal: Signal, losses: &Losses) -> Vec<u8> {
    let (rejected, what) = match signal {
        Signal::Traces => (&losses.spans, "spans"),
        Signal::Logs => (&losses.logs, "log records"),
        Signal::Metrics => return success(encoding),
    };
    match rejected.total() {
        0 => success(encoding),
        count => partial_success(
            encoding,
            signal,
            count,
            &format!("{what} left out: {rejected}"),
        ),
    }
}

/// The body of an answer with status 200 to a request without losses.
#[must_use]
pub fn success(encoding: Encoding) -> Vec<u8> {
    match encoding {
        Encoding::Json => b"{}".to_vec(),
        Encoding::Protobuf => Vec::new(),
    }
}

/// The body of an answer with status 200 to a request with `rejected` spans or records. If the
/// number is 0, the message is a warning, which emitters print.
#[must_use]
pub fn partial_success(
    encoding: Encoding,
    signal: Signal,
    rejected: u64,
    message: &str,
) -> Vec<u8> {
    match encoding {
        Encoding::Json => {
            let field = match signal {
                Signal::Traces => "rejectedSpans",
                Signal::Logs => "rejectedLogRecords",
                Signal::Metrics => "rejectedDataPoints",
            };
            let partial = json!({ field: rejected.to_string(), "errorMessage": message });
            json!({ "partialSuccess": partial })
                .to_string()
                .into_bytes()
        }
        Encoding::Protobuf => {
            let partial = number_and_text(rejected, message);
            Message::new().message(1, &partial).into_bytes()
        }
    }
}

/// The body of an answer to a failed request: a `google.rpc.Status`.
#[must_use]
pub fn failure(encoding: Encoding, failure: Failure, message: &str) -> Vec<u8> {
    let code = failure as u8;
    match encoding {
        Encoding::Json => json!({ "code": code, "message": message })
            .to_string()
            .into_bytes(),
        Encoding::Protobuf => number_and_text(u64::from(code), message).into_bytes(),
    }
}

/// A message of a number and a text, such as `ExportTracePartialSuccess` or `google.rpc.Status`.
fn number_and_text(number: u64, text: &str) -> Message {
    // Fields that are 0 or empty are omitted, as protobuf does with defaults.
    let message = match number {
        0 => Message::new(),
        number => Message::new().number(1, number),
    };
    if text.is_empty() {
        message
    } else {
        message.text(2, text)
    }
}

/// The number of spans that a collector rejected, and the reason, from its answer with status 200;
/// `None` when it accepted all. Some collectors answer in another encoding than that of the
/// request.
///
/// # Errors
/// When the body is not an answer of the protocol.
pub fn rejected(body: &[u8]) -> Result<Option<(u64, String)>, DecodeError> {
    if body.first() != Some(&b'{') {
        return protobuf::rejected(body).map_err(DecodeError::Protobuf);
    }
    let answer: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let partial = &answer["partialSuccess"];
    let count = &partial["rejectedSpans"];
    let count = count
        .as_str()
        .and_then(|it| it.parse().ok())
        .or(count.as_u64());
    let message = partial["errorMessage"].as_str().unwrap_or_default();
    let (count, message) = (count.unwrap_or(0), message.to_owned());
    Ok((count > 0 || !message.is_empty()).then_some((count, message)))
}
