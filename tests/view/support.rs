//! A page in a separate process, started as a user starts it, and a client that sends any request.

use std::cell::RefCell;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Child;
use std::time::Duration;

use serde_json::Value;

use crate::support::env::{Run, TestEnv};
use crate::support::http::header;
use crate::support::process::wait_for;
use crate::support::stop::Stop;

/// Time limit of reading all fixtures on a busy machine.
const SOON: Duration = Duration::from_mins(1);

/// A page, ended when it is dropped.
pub(super) struct Page {
    child: Child,
    /// The address that it printed.
    pub(super) url: String,
    pub(super) host: String,
    pub(super) token: String,
    cookie: String,
}

/// An answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    headers: Vec<(String, String)>,
    pub(super) body: String,
}

impl Page {
    #[track_caller]
    pub(super) fn open(env: &TestEnv, arguments: &[&str]) -> Self {
        let run = env.command(["view", "--no-open"]);
        let run = arguments.iter().fold(run, Run::argument);
        let (child, line) = run.spawn_until_ready();
        let url = line.trim().to_owned();
        let rest = url.strip_prefix("http://");
        let parts = rest.and_then(|rest| rest.split_once("/?token="));
        let (host, rest) = parts.unwrap_or_else(|| panic!("it says {line:?}"));
        let token = rest.split('#').next().unwrap_or_default();
        let (host, token) = (host.to_owned(), token.to_owned());
        let mut page = Self {
            child,
            url,
            host,
            token,
            cookie: String::new(),
        };
        let answer = page.send(
            "GET",
            &format!("/?token={}", page.token),
            &[("Host", &page.host)],
        );
        assert_eq!(answer.status, 303, "{answer:?}");
        assert_eq!(answer.header("location"), Some("/"));
        let cookie = answer.header("set-cookie").expect("it gives a cookie");
        cookie
            .split(';')
            .next()
            .unwrap_or_default()
            .clone_into(&mut page.cookie);
        page
    }

    /// The cookie that the page gave.
    pub(super) fn cookie(&self) -> &str {
        &self.cookie
    }

    /// Sends a request with exactly these headers.
    pub(super) fn send(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut stream = TcpStream::connect(&self.host).expect("it listens");
        stream
            .set_read_timeout(Some(SOON))
            .expect("a socket has a timeout");
        let mut head = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
        for (name, value) in headers {
            head.extend([name, ": ", value, "\r\n"]);
        }
        head += "\r\n";
        stream.write_all(head.as_bytes()).expect("it reads");
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).expect("it answers");
        Answer::parse(&bytes)
    }

    /// Sends a request like the page in the browser.
    pub(super) fn get(&self, path: &str) -> Answer {
        self.send(
            "GET",
            path,
            &[("Host", &self.host), ("Cookie", &self.cookie)],
        )
    }

    #[track_caller]
    pub(super) fn json(&self, path: &str) -> Value {
        let answer = self.get(path);
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        assert_eq!(answer.header("content-type"), Some("application/json"));
        serde_json::from_str(&answer.body).expect("it is JSON")
    }

    /// The lines of an answer, and its end.
    #[track_caller]
    pub(super) fn lines(&self, path: &str) -> (Vec<Value>, Value) {
        let answer = self.get(path);
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        assert_eq!(answer.header("content-type"), Some("application/x-ndjson"));
        let lines = answer.body.lines();
        let mut lines: Vec<Value> = lines
            .map(|line| serde_json::from_str(line).expect("it is JSON"))
            .collect();
        let end = lines.pop().expect("there is an end");
        assert!(end["end"].is_object(), "{path}: it was cut off: {end}");
        (lines, end["end"].clone())
    }

    /// The rows of the list, once all sessions were read.
    #[track_caller]
    pub(super) fn rows(&self) -> Vec<Value> {
        let mut rows = Vec::new();
        until("all sessions are read", || {
            let (found, end) = self.lines("/api/sessions");
            rows = found;
            end["running"] == false
        });
        // A session may occur repeatedly in one answer: the last row counts.
        let keys: Vec<Value> = rows.iter().map(|row| row["key"].clone()).collect();
        let mut index = 0;
        rows.retain(|row| {
            index += 1;
            !keys[index..].contains(&row["key"])
        });
        rows
    }

    /// The row of a session.
    #[track_caller]
    pub(super) fn row(&self, id: &str) -> Value {
        let mut rows = self.rows().into_iter();
        rows.find(|row| row["id"] == id).expect("it is in the list")
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        Stop::Interrupt.end(&mut self.child);
    }
}

impl Answer {
    fn parse(bytes: &[u8]) -> Self {
        let mut headers = [httparse::EMPTY_HEADER; 32];
        let mut head = httparse::Response::new(&mut headers);
        let parsed = head.parse(bytes).expect("it is HTTP");
        let body = &bytes[parsed.unwrap()..];
        let headers = head.headers.iter().map(|it| {
            let value = String::from_utf8_lossy(it.value).into_owned();
            (it.name.to_owned(), value)
        });
        let headers: Vec<_> = headers.collect();
        let body = match header(&headers, "transfer-encoding") {
            Some(_) => unchunked(body),
            None => body.to_vec(),
        };
        Self {
            status: head.code.unwrap_or_default(),
            headers,
            body: String::from_utf8(body).expect("it is text"),
        }
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }
}

fn unchunked(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Ok(httparse::Status::Complete((begin, size))) = httparse::parse_chunk_size(rest) {
        let end = begin + usize::try_from(size).expect("it fits");
        body.extend_from_slice(&rest[begin..end]);
        rest = &rest[end + 2..];
        if size == 0 {
            break;
        }
    }
    body
}

/// Calls `ask` until it returns true.
#[track_caller]
pub(super) fn until(what: &str, ask: impl FnMut() -> bool) {
    let ask = RefCell::new(ask);
    wait_for(what, SOON, || (ask.borrow_mut())().then_some(()));
}

/// A key as a parameter.
pub(super) fn parameter(key: &Value) -> String {
    key.as_str()
        .unwrap_or_default()
        .replace('/', "%2F")
        .replace('+', "%2B")
}

/// The folder of fixtures.
pub(super) const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/sessions");
