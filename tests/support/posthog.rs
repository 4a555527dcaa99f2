//! A double of PostHog's ingestion: it refuses what the real one refuses, records what it accepts,
//! and fails on request.
//!
//! [`PostHog::then`] scripts failures, each for one request, in order; [`PostHog::set`] sets a
//! failure until [`PostHog::heal`]. Scripted failures come first.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::ops::AddAssign;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;

use super::capture::{self, Lane, Refusal};
use super::http::{Connection, Head, Next, Server};

/// Longer than any test runs.
const FOREVER: Duration = Duration::from_hours(1);
const JSON: (&str, &str) = ("content-type", "application/json");

/// A way for the double to fail.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// Answers with this status, these headers and this body; accepts nothing.
    Status(u16, Vec<(&'static str, String)>, String),
    /// Resets the connection before the whole body was read.
    ResetMidBody,
    /// Accepts the events, then resets the connection: the answer is lost.
    ResetAfterAccepting,
    /// Reads the request and never answers, until it is dropped.
    NoAnswer,
    /// Works, but answers late.
    Slow(Duration),
    /// Accepts the events at once and answers late.
    LateAnswer(Duration),
    /// Answers 200 with a page of HTML, as a captive portal does; accepts nothing.
    LoginPage,
    /// The AI lane answers 404, as an older self-hosted PostHog does; the other lane works.
    NoAiLane,
    /// Answers 400 to every batch that contains this uuid.
    RefuseUuid(String),
    /// Answers 302 to this address.
    Redirect(String),
}

impl Fault {
    /// An answer of this status and nothing else.
    pub(crate) fn status(status: u16) -> Self {
        Self::Status(status, Vec::new(), String::new())
    }

    /// An answer of this status that names the seconds to wait.
    pub(crate) fn retry_after(status: u16, seconds: u64) -> Self {
        let header = ("retry-after", seconds.to_string());
        Self::Status(status, vec![header], String::new())
    }

    fn concerns(&self, path: &str, body: Option<&Value>) -> bool {
        match self {
            Self::NoAiLane => Lane::of_path(path) == Some(Lane::Ai),
            Self::RefuseUuid(uuid) => body
                .and_then(|body| body["batch"].as_array())
                .is_some_and(|batch| batch.iter().any(|event| event["uuid"] == uuid.as_str())),
            _ => true,
        }
    }
}

/// The result of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Accepted and answered with 200.
    Accepted,
    /// Accepted, and the answer was lost.
    AnswerLost,
    /// Answered, not accepted: status and reason.
    Refused(u16, String),
    /// Neither answered nor accepted.
    Unanswered,
}

/// One request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    /// As it came over the wire; empty when the connection was reset before.
    pub(crate) raw: Vec<u8>,
    /// Decompressed and parsed, where that was possible.
    pub(crate) body: Option<Value>,
    pub(crate) verdict: Verdict,
}

impl Request {
    /// The value of a header, whatever the case of its name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        super::http::header(&self.headers, name)
    }
}

/// Sums of the four token counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tokens {
    pub(crate) input: u64,
    pub(crate) output: u64,
    pub(crate) cache_read: u64,
    pub(crate) cache_creation: u64,
}

impl AddAssign for Tokens {
    fn add_assign(&mut self, other: Self) {
        self.input += other.input;
        self.output += other.output;
        self.cache_read += other.cache_read;
        self.cache_creation += other.cache_creation;
    }
}

/// The running double.
pub(crate) struct PostHog {
    server: Server,
    shared: Arc<Shared>,
    prefix: String,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    arrived: Condvar,
}

#[derive(Default)]
struct State {
    requests: Vec<Request>,
    events: Vec<Value>,
    scripted: VecDeque<Fault>,
    standing: Vec<Fault>,
}

impl PostHog {
    pub(crate) fn start() -> Self {
        Self::start_under("")
    }

    /// A double behind a reverse proxy that serves it under a path such as `/ingest`.
    pub(crate) fn start_under(prefix: &str) -> Self {
        let shared = Arc::new(Shared::default());
        let door = Arc::clone(&shared);
        let expected = prefix.to_owned();
        let server = Server::start(move |head, connection| {
            let path = head.path.strip_prefix(&expected).unwrap_or_default();
            door.answer(head, path, connection)
        });
        let prefix = prefix.to_owned();
        Self {
            server,
            shared,
            prefix,
        }
    }

    pub(crate) fn url(&self) -> String {
        self.server.url() + &self.prefix
    }

    /// Sets a failure until [`PostHog::heal`].
    pub(crate) fn set(&self, fault: Fault) {
        self.shared.lock().standing.push(fault);
    }

    /// Scripts the failure of one more request.
    pub(crate) fn then(&self, fault: Fault) -> &Self {
        self.shared.lock().scripted.push_back(fault);
        self
    }

    /// Works normally from the next request on. Clients that wait for an answer keep waiting.
    pub(crate) fn heal(&self) {
        let mut state = self.shared.lock();
        state.scripted.clear();
        state.standing.clear();
    }

    /// Goes down: connections are cut, new ones refused. Accepted events are kept.
    pub(crate) fn stop(&mut self) {
        self.server.stop();
    }

    /// Comes back on the same port.
    pub(crate) fn restart(&mut self) {
        self.server.restart();
    }

    /// Every accepted event, in the order of arrival, copies included.
    pub(crate) fn events(&self) -> Vec<Value> {
        self.shared.lock().events.clone()
    }

    /// Every event once, as in PostHog's `events` table: of copies, the last.
    pub(crate) fn merged(&self) -> Vec<Value> {
        let mut merged: Vec<Value> = Vec::new();
        let mut places = HashMap::new();
        for event in self.events() {
            let place = *places
                .entry(event["uuid"].to_string())
                .or_insert(merged.len());
            match merged.get_mut(place) {
                Some(earlier) => *earlier = event,
                None => merged.push(event),
            }
        }
        merged
    }

    /// Every request, in the order in which they were judged.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.shared.lock().requests.clone()
    }

    pub(crate) fn named(&self, name: &str) -> Vec<Value> {
        self.select(|event| event["event"] == name)
    }

    pub(crate) fn of_session(&self, session: &str) -> Vec<Value> {
        self.select(|event| event["properties"]["$ai_session_id"] == session)
    }

    /// The uuids that were accepted more than once.
    pub(crate) fn duplicates(&self) -> Vec<String> {
        let mut counts: HashMap<String, usize> = HashMap::new();
        let mut duplicates = Vec::new();
        for event in self.events() {
            let uuid = event["uuid"].as_str().unwrap_or_default().to_owned();
            let count = counts.entry(uuid.clone()).or_default();
            *count += 1;
            if *count == 2 {
                duplicates.push(uuid);
            }
        }
        duplicates
    }

    /// The tokens of all generations, each counted once.
    pub(crate) fn tokens(&self) -> Tokens {
        let mut sum = Tokens::default();
        for event in self.merged() {
            if event["event"] == "$ai_generation" {
                sum += tokens_of(&event);
            }
        }
        sum
    }

    /// Waits until the accepted events satisfy a condition; panics after `patience`.
    #[track_caller]
    pub(crate) fn wait_until(&self, patience: Duration, condition: impl Fn(&[Value]) -> bool) {
        let (state, waited) = self
            .shared
            .arrived
            .wait_timeout_while(self.shared.lock(), patience, |state| {
                !condition(&state.events)
            })
            .unwrap_or_else(PoisonError::into_inner);
        let verdicts: Vec<_> = state.requests.iter().map(|one| &one.verdict).collect();
        assert!(
            !waited.timed_out(),
            "after {patience:?} the double holds {} events; its verdicts: {verdicts:#?}",
            state.events.len(),
        );
    }

    /// Number of requests.
    pub(crate) fn count(&self) -> usize {
        self.shared.lock().requests.len()
    }

    /// Waits until more than `known` requests have arrived, at most for `patience`.
    pub(crate) fn wait_for_more_than(&self, known: usize, patience: Duration) {
        let state = self.shared.lock();
        drop(
            self.shared
                .arrived
                .wait_timeout_while(state, patience, |state| state.requests.len() <= known),
        );
    }

    fn select(&self, condition: impl Fn(&Value) -> bool) -> Vec<Value> {
        let mut events = self.events();
        events.retain(condition);
        events
    }
}

/// The four counts of a generation.
pub(crate) fn tokens_of(event: &Value) -> Tokens {
    let count = |name: &str| event["properties"][name].as_u64().unwrap_or(0);
    Tokens {
        input: count("$ai_input_tokens"),
        output: count("$ai_output_tokens"),
        cache_read: count("$ai_cache_read_input_tokens"),
        cache_creation: count("$ai_cache_creation_input_tokens"),
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, head: &Head, path: &str, connection: &mut Connection) -> io::Result<Next> {
        let mut request = Request {
            method: head.method.clone(),
            path: head.path.clone(),
            headers: head.headers.clone(),
            raw: Vec::new(),
            body: None,
            verdict: Verdict::Unanswered,
        };
        if self.lock().resets_mid_body() {
            self.record(request, Verdict::Unanswered);
            return Ok(Next::Reset);
        }
        match connection.read_body(capture::MAX_BODY) {
            Ok(raw) => request.raw = raw,
            Err(error) if error.kind() == io::ErrorKind::FileTooLarge => {
                let refusal = Refusal::new(413, "maximum payload size exceeded");
                self.refuse(request, &refusal, connection)?;
                return Ok(Next::Close);
            }
            Err(error) => {
                self.record(request, Verdict::Unanswered);
                return Err(error);
            }
        }
        let decoded = capture::decode(&head.headers, &request.raw);
        request.body = decoded.as_ref().ok().cloned();
        let fault = self.lock().next_fault(path, request.body.as_ref());
        let judged = match (Lane::of_path(path), head.method.as_str()) {
            (None, _) => Err(Refusal::new(404, "")),
            (Some(_), method) if method != "POST" => Err(Refusal::new(405, "")),
            (Some(lane), _) => decoded.and_then(|body| capture::judge(lane, &body)),
        };
        self.act(fault, request, judged, connection)
    }

    fn act(
        &self,
        fault: Option<Fault>,
        request: Request,
        judged: Result<Vec<Value>, Refusal>,
        connection: &mut Connection,
    ) -> io::Result<Next> {
        let mut answers_after = Duration::ZERO;
        match fault {
            Some(Fault::Status(status, headers, body)) => {
                self.record(request, Verdict::Refused(status, body.clone()));
                let headers: Vec<_> = headers
                    .iter()
                    .map(|(name, value)| (*name, value.as_str()))
                    .collect();
                return connection.respond(status, &headers, body.as_bytes());
            }
            Some(Fault::NoAiLane) => {
                return self.refuse(request, &Refusal::new(404, ""), connection);
            }
            Some(Fault::RefuseUuid(uuid)) => {
                let refusal = Refusal::new(400, format!("event {uuid} could not be processed"));
                return self.refuse(request, &refusal, connection);
            }
            Some(Fault::LoginPage) => {
                self.record(request, Verdict::Refused(200, "a login page".into()));
                let page = b"<!doctype html><title>Log in</title><form method=post></form>";
                return connection.respond(200, &[("content-type", "text/html")], page);
            }
            Some(Fault::Redirect(location)) => {
                self.record(request, Verdict::Refused(302, location.clone()));
                return connection.respond(302, &[("location", &location)], b"");
            }
            Some(Fault::NoAnswer) => {
                self.record(request, Verdict::Unanswered);
                connection.stall(FOREVER);
                return Ok(Next::Close);
            }
            Some(Fault::ResetMidBody) => {
                self.record(request, Verdict::Unanswered);
                return Ok(Next::Reset);
            }
            Some(Fault::ResetAfterAccepting) if judged.is_ok() => {
                self.accept(request, judged.unwrap_or_default(), Verdict::AnswerLost);
                return Ok(Next::Reset);
            }
            Some(Fault::Slow(delay)) => connection.stall(delay),
            Some(Fault::LateAnswer(delay)) => answers_after = delay,
            Some(Fault::ResetAfterAccepting) | None => {}
        }
        match judged {
            Ok(events) => {
                self.accept(request, events, Verdict::Accepted);
                connection.stall(answers_after);
                connection.respond(200, &[JSON], br#"{"status":"Ok"}"#)
            }
            Err(refusal) => self.refuse(request, &refusal, connection),
        }
    }

    fn refuse(
        &self,
        request: Request,
        refusal: &Refusal,
        connection: &mut Connection,
    ) -> io::Result<Next> {
        let verdict = Verdict::Refused(refusal.status, refusal.reason.clone());
        self.record(request, verdict);
        connection.respond(refusal.status, &[], refusal.reason.as_bytes())
    }

    fn accept(&self, request: Request, events: Vec<Value>, verdict: Verdict) {
        self.lock().events.extend(events);
        self.record(request, verdict);
    }

    fn record(&self, request: Request, verdict: Verdict) {
        self.lock().requests.push(Request { verdict, ..request });
        self.arrived.notify_all();
    }
}

impl State {
    /// The one failure that must be known before the body is read.
    fn resets_mid_body(&mut self) -> bool {
        match self.scripted.front() {
            Some(Fault::ResetMidBody) => self.scripted.pop_front().is_some(),
            Some(_) => false,
            None => matches!(self.standing.first(), Some(Fault::ResetMidBody)),
        }
    }

    fn next_fault(&mut self, path: &str, body: Option<&Value>) -> Option<Fault> {
        if let Some(fault) = self.scripted.pop_front() {
            return fault.concerns(path, body).then_some(fault);
        }
        let mut standing = self.standing.iter();
        standing.find(|fault| fault.concerns(path, body)).cloned()
    }
}
