//! Bodies of the answers to a request, in the encoding of the request.
//!
//! Emitters send a request again after the HTTP statuses 429, 502, 503 and 504 only. After every
//! other failure they drop it.

use serde_json::json;

use super::{Encoding, Losses, Signal};

/// Why a request failed, as the code of `google.rpc.Status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// The body cannot be decoded.
    InvalidArgument = 3,
    /// The request is too large, or there is no room for it.
    ResourceExhausted = 8,
    /// The encoding or the path is not supported.
    Unimplemented = 12,
    /// It cannot be stored now.
    Unavailable = 14,
    /// The token is missing or wrong.
    Unauthenticated = 16,
}

/// The body of an answer with status 200: that all was taken, or what was not.
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

/// The body of an answer with status 200 to a request of which all was taken.
#[must_use]
pub fn success(encoding: Encoding) -> Vec<u8> {
    match encoding {
        Encoding::Json => b"{}".to_vec(),
        Encoding::Protobuf => Vec::new(),
    }
}

/// The body of an answer with status 200 to a request of which `rejected` spans or records were
/// left out. With none of them, the message is a warning, which emitters print.
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
            let mut partial = Vec::new();
            put_number(&mut partial, 1, rejected);
            put_bytes(&mut partial, 2, message.as_bytes());
            let mut response = Vec::new();
            put_bytes(&mut response, 1, &partial);
            response
        }
    }
}

/// The body of an answer to a request that failed: a `google.rpc.Status`.
#[must_use]
pub fn failure(encoding: Encoding, failure: Failure, message: &str) -> Vec<u8> {
    let code = failure as u8;
    match encoding {
        Encoding::Json => json!({ "code": code, "message": message })
            .to_string()
            .into_bytes(),
        Encoding::Protobuf => {
            let mut status = Vec::new();
            put_number(&mut status, 1, u64::from(code));
            put_bytes(&mut status, 2, message.as_bytes());
            status
        }
    }
}

/// A field that is a number. 0 is the default and is left out.
fn put_number(to: &mut Vec<u8>, field: u8, number: u64) {
    if number > 0 {
        to.push(field << 3);
        put_varint(to, number);
    }
}

/// A field of bytes. None is the default and is left out.
fn put_bytes(to: &mut Vec<u8>, field: u8, bytes: &[u8]) {
    if !bytes.is_empty() {
        to.push((field << 3) | 2);
        put_varint(to, bytes.len() as u64);
        to.extend_from_slice(bytes);
    }
}

fn put_varint(to: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        to.extend(u8::try_from(number & 0x7f).map(|low| low | 0x80));
        number >>= 7;
    }
    to.extend(u8::try_from(number));
}
