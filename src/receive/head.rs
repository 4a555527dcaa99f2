//! Decisions about a request from its head, before its body is read.

use hyper::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, TRANSFER_ENCODING};
use hyper::http::request::Parts;

use super::endpoint::Endpoint;
use super::entry::Entry;
use super::expand::Compression;
use super::guard;
use super::limits::Limits;
use super::refusal::{Reason, Refusal};
use super::routes::Routes;
use crate::otlp::{Encoding, Signal};

/// The purpose of a request.
#[derive(Debug)]
pub(super) enum Asked {
    /// A check whether the receiver works.
    Health,
    /// A request with data to store.
    Take(Head),
}

/// The head of a request with data.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) entry: Entry,
    pub(super) signal: Signal,
    /// The encoding; `None` when it is not stated.
    pub(super) encoding: Option<Encoding>,
    pub(super) compression: Compression,
    /// Bytes of the body, if stated.
    pub(super) length: Option<usize>,
    /// Whether `OpenRouter` tests the connection.
    pub(super) is_test: bool,
}

/// Header of a request with an empty body by which `OpenRouter` tests a destination.
const TEST: &str = "x-test-connection";

/// Media types other than the protocol's own that mean protobuf.
const ALSO_PROTOBUF: [&str; 3] = [
    "application/protobuf",
    "application/vnd.google.protobuf",
    "application/x-google-protobuf",
];

/// The purpose of a request, or the reason to refuse it.
pub(super) fn judge(parts: &Parts, routes: &Routes, limits: &Limits) -> Result<Asked, Refusal> {
    if !routes.need_token() {
        guard::check(&parts.uri, &parts.headers)?;
    }
    let Some(endpoint) = Endpoint::of_path(parts.uri.path()) else {
        let message = "unknown path; send to /v1/traces, /v1/logs or /v1/metrics";
        return Err(Refusal::new(Reason::Path, message));
    };
    if !endpoint.takes(parts.method.as_str()) {
        let message = format!("this path takes {}", endpoint.methods());
        return Err(Refusal::new(Reason::Method, message));
    }
    match endpoint {
        Endpoint::Health => Ok(Asked::Health),
        Endpoint::Take(signal) => {
            let entry = routes.of(&parts.headers)?;
            take(&parts.headers, entry, signal, limits).map(Asked::Take)
        }
    }
}

fn take(
    headers: &HeaderMap,
    entry: Entry,
    signal: Signal,
    limits: &Limits,
) -> Result<Head, Refusal> {
    let is_test = headers
        .get(TEST)
        .is_some_and(|it| it.as_bytes().trim_ascii().eq_ignore_ascii_case(b"true"));
    let length = length(headers);
    if length.is_some_and(|it| it > limits.body) {
        return Err(Refusal::too_large(limits.body));
    }
    if length.is_none() && !headers.contains_key(TRANSFER_ENCODING) && !is_test {
        let message = "there is no body: neither Content-Length nor Transfer-Encoding is given";
        return Err(Refusal::new(Reason::NoLength, message));
    }
    Ok(Head {
        entry,
        signal,
        encoding: encoding(headers)?,
        compression: compression(headers)?,
        length,
        is_test,
    })
}

/// The stated length in bytes. The server has checked that it is a number.
fn length(headers: &HeaderMap) -> Option<usize> {
    let text = headers.get(CONTENT_LENGTH)?.to_str().ok()?;
    Some(text.trim().parse().unwrap_or(usize::MAX))
}

/// The stated encoding; `None` when there is none.
pub(super) fn encoding(headers: &HeaderMap) -> Result<Option<Encoding>, Refusal> {
    let Some(named) = headers.get(CONTENT_TYPE) else {
        return Ok(None);
    };
    let named = named.to_str().unwrap_or_default();
    let media_type = named.split(';').next().unwrap_or_default().trim();
    if ALSO_PROTOBUF
        .iter()
        .any(|it| it.eq_ignore_ascii_case(media_type))
    {
        return Ok(Some(Encoding::Protobuf));
    }
    let unknown = || {
        let message = "the content type is neither application/x-protobuf nor application/json";
        Refusal::new(Reason::ContentType, message)
    };
    Encoding::of_content_type(named)
        .map(Some)
        .ok_or_else(unknown)
}

fn compression(headers: &HeaderMap) -> Result<Compression, Refusal> {
    let mut all = headers.get_all(CONTENT_ENCODING).iter();
    let (named, more) = (all.next(), all.next());
    let named = named.map_or(Some(""), |it| it.to_str().ok());
    let compression = match (named, more) {
        (Some(named), None) => Compression::of_name(named.trim()),
        _ => None,
    };
    let unknown = || {
        let message = "the compression is not known; send gzip, deflate or none";
        Refusal::new(Reason::ContentEncoding, message)
    };
    compression.ok_or_else(unknown)
}
