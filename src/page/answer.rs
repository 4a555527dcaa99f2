//! Answers: files, JSON, and lines of JSON that are sent as they are made.

use std::convert::Infallible;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame};
use hyper::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION,
    REFERRER_POLICY, SET_COOKIE, X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Response, StatusCode};
use serde::Serialize;
use serde_json::json;
use tokio::sync::mpsc;

use super::contract::{End, EndLine};
use super::door::Refused;

/// Bytes of lines to collect before sending. Clients read a stream in the pieces that arrive.
const PIECE: usize = 64 << 10;

/// Headers of every answer. They allow only the page's own scripts, styles and frames, and no
/// requests to other hosts.
const HEADERS: [(HeaderName, &str); 4] = [
    (
        CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src \
         'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
         require-trusted-types-for 'script'; trusted-types 'none'",
    ),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "no-referrer"),
    (CACHE_CONTROL, "no-store"),
];

pub(super) const JSON: &str = "application/json";
pub(super) const LINES: &str = "application/x-ndjson";

/// A complete body, or one that is sent in pieces.
pub(super) enum Content {
    Whole(Option<Bytes>),
    Pieces(mpsc::Receiver<Bytes>),
}

pub(super) type Answer = Response<Content>;

impl Body for Content {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.get_mut() {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|it| Ok(Frame::data(it)))),
            Self::Pieces(pieces) => {
                let piece = pieces.poll_recv(context);
                piece.map(|it| it.map(|piece| Ok(Frame::data(piece))))
            }
        }
    }
}

/// An error in place of an answer.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) status: StatusCode,
    pub(super) error: String,
    /// The next step for the user.
    pub(super) fix: Option<String>,
}

impl Failure {
    pub(super) fn new(status: StatusCode, error: &str, fix: &str) -> Self {
        Self {
            status,
            error: error.to_owned(),
            fix: Some(fix.to_owned()),
        }
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        let trouble = crate::views::Trouble::of(&error);
        Self {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            error: trouble
                .as_ref()
                .map_or_else(|| format!("{error:#}"), |it| it.found.clone()),
            fix: trouble.map(|it| it.fix),
        }
    }
}

pub(super) fn whole(
    status: StatusCode,
    content_type: &'static str,
    body: impl Into<Bytes>,
) -> Answer {
    answer(status, content_type, Content::Whole(Some(body.into())))
}

pub(super) fn pieces(pieces: mpsc::Receiver<Bytes>) -> Answer {
    answer(StatusCode::OK, LINES, Content::Pieces(pieces))
}

pub(super) fn json(value: &impl Serialize) -> Answer {
    match serde_json::to_vec(value) {
        Ok(body) => whole(StatusCode::OK, JSON, body),
        Err(error) => failed(&anyhow::Error::from(error).into()),
    }
}

pub(super) fn failed(failure: &Failure) -> Answer {
    let body = json!({ "error": failure.error, "fix": failure.fix });
    whole(failure.status, JSON, body.to_string())
}

pub(super) fn refused(refused: Refused, wants_page: bool) -> Answer {
    let [error, fix] = refused.words();
    let mut answer = if wants_page {
        let text = format!("{error}; {fix}\n");
        whole(refused.status(), "text/plain; charset=utf-8", text)
    } else {
        failed(&Failure::new(refused.status(), error, fix))
    };
    if refused == Refused::Method {
        answer
            .headers_mut()
            .insert(ALLOW, HeaderValue::from_static("GET"));
    }
    answer
}

/// Sets the browser's cookie, and redirects to the address without the token.
pub(super) fn let_in(cookie: &str) -> Answer {
    let mut answer = whole(StatusCode::SEE_OTHER, "text/plain; charset=utf-8", "");
    let headers = answer.headers_mut();
    headers.insert(LOCATION, HeaderValue::from_static("/"));
    if let Ok(cookie) = HeaderValue::from_str(cookie) {
        headers.insert(SET_COOKIE, cookie);
    }
    answer
}

fn answer(status: StatusCode, content_type: &'static str, content: Content) -> Answer {
    let mut answer = Response::new(content);
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    answer
}

/// The client has stopped reading.
#[derive(Debug)]
pub(super) struct Gone;

/// A stream of JSON lines, sent in pieces.
pub(super) struct Lines {
    pieces: mpsc::Sender<Bytes>,
    piece: Vec<u8>,
}

impl Lines {
    pub(super) const fn to(pieces: mpsc::Sender<Bytes>) -> Self {
        Self {
            pieces,
            piece: Vec::new(),
        }
    }

    /// Sends a line.
    pub(super) fn line(&mut self, value: &impl Serialize) -> Result<(), Gone> {
        serde_json::to_writer(&mut self.piece, value).map_err(|_| Gone)?;
        self.after_line()
    }

    /// Sends a line that `write` produces.
    pub(super) fn raw(
        &mut self,
        write: impl FnOnce(&mut Vec<u8>) -> serde_json::Result<()>,
    ) -> Result<(), Gone> {
        write(&mut self.piece).map_err(|_| Gone)?;
        self.after_line()
    }

    fn after_line(&mut self) -> Result<(), Gone> {
        self.piece.push(b'\n');
        if self.piece.len() < PIECE {
            return Ok(());
        }
        self.flush()
    }

    /// Sends the lines collected so far.
    pub(super) fn flush(&mut self) -> Result<(), Gone> {
        if self.piece.is_empty() {
            return self.check();
        }
        let piece = Bytes::from(mem::take(&mut self.piece));
        self.pieces.blocking_send(piece).map_err(|_| Gone)
    }

    /// Checks that the client still wants the rest.
    pub(super) fn check(&self) -> Result<(), Gone> {
        if self.pieces.is_closed() {
            Err(Gone)
        } else {
            Ok(())
        }
    }

    /// Sends the last line.
    pub(super) fn end(mut self, end: End) -> Result<(), Gone> {
        self.line(&EndLine { end })?;
        self.flush()
    }
}
