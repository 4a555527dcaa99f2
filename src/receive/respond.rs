//! Answers to clients.

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{
    ACCEPT_ENCODING, ALLOW, CONNECTION, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER,
    WWW_AUTHENTICATE,
};
use hyper::http::request::Parts;
use hyper::{Response, StatusCode};

use super::endpoint::Endpoint;
use super::head;
use super::refusal::{Reason, Refusal};
use crate::otlp::{Encoding, answer};

pub(super) type Answer = Response<Full<Bytes>>;

/// The answer to a request that was stored, or that contained nothing to store.
pub(super) fn taken(encoding: Encoding, body: Vec<u8>) -> Answer {
    answer(StatusCode::OK, encoding.content_type(), body)
}

/// The answer to a health check.
pub(super) fn health(failing: bool) -> Answer {
    let (status, body) = if failing {
        (
            StatusCode::SERVICE_UNAVAILABLE,
            r#"{"status":"cannot store"}"#,
        )
    } else {
        (StatusCode::OK, r#"{"status":"ok"}"#)
    };
    answer(status, Encoding::Json.content_type(), body.into())
}

/// The answer to a refused request, in its own encoding if known.
pub(super) fn refused(parts: &Parts, refusal: &Refusal) -> Answer {
    let encoding = head::encoding(&parts.headers).ok().flatten();
    let encoding = encoding.unwrap_or(Encoding::Json);
    let reason = refusal.reason;
    let body = answer::failure(encoding, reason.failure(), &refusal.message);
    let mut refused = answer(reason.status(), encoding.content_type(), body);
    let mut add = |name: HeaderName, value: &'static str| {
        refused
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    };
    if let Some(seconds) = reason.retry_after() {
        add(RETRY_AFTER, seconds);
    }
    match reason {
        Reason::NoToken | Reason::WrongToken => add(WWW_AUTHENTICATE, "Bearer"),
        Reason::ContentEncoding => add(ACCEPT_ENCODING, "gzip, deflate"),
        Reason::Method => {
            let endpoint = Endpoint::of_path(parts.uri.path());
            add(ALLOW, endpoint.map_or("", Endpoint::methods));
        }
        _ => {}
    }
    refused
}

/// An answer after which the connection is closed.
pub(super) fn last(mut answer: Answer) -> Answer {
    let close = HeaderValue::from_static("close");
    answer.headers_mut().insert(CONNECTION, close);
    answer
}

fn answer(status: StatusCode, content_type: &'static str, body: Vec<u8>) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(body)));
    *answer.status_mut() = status;
    let content_type = HeaderValue::from_static(content_type);
    answer.headers_mut().insert(CONTENT_TYPE, content_type);
    answer
}
