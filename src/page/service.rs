//! Dispatch of requests.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use hyper::body::{Bytes, Incoming};
use hyper::{Request, StatusCode};
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use super::answer::{self, Answer, Content, Failure, Gone, Lines};
use super::catalogue::Catalogue;
use super::contract::{Machine, PriceTable};
use super::delivery;
use super::door::{Door, Entry};
use super::files;
use super::here::{Here, key};
use super::question::Question;
use super::record::Record;
use crate::models::prices;
use crate::server;
use crate::session::Agent;
use crate::sources::SessionRef;
use crate::usage::{By, Query, Usage};

/// Number of sessions to keep open.
const OPEN: usize = 4;
/// Number of pieces of an answer to prepare before the client reads them.
const AHEAD: usize = 4;

/// State shared by all requests.
pub(super) struct Service {
    door: Door,
    pub(super) here: Here,
    pub(super) catalogue: Catalogue,
    /// The sessions opened last, the newest at the end.
    records: Mutex<VecDeque<(String, Arc<Record>)>>,
    /// Name of this run, which marks its cursors.
    pub(super) run: String,
}

/// A function that streams an answer in lines.
type Streamed = fn(&Arc<Service>, &Question, Lines) -> Result<(), Gone>;

impl server::Service for Service {
    type Body = Content;

    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Answer {
        let (parts, _) = request.into_parts();
        let path = parts.uri.path();
        match self.door.judge(&parts) {
            Err(refused) => return answer::refused(refused, !path.starts_with("/api/")),
            Ok(Entry::Cookie(cookie)) => return answer::let_in(&cookie),
            Ok(Entry::Open) => {}
        }
        if let Some((file, content_type)) = files::of(path) {
            return answer::whole(StatusCode::OK, content_type, file);
        }
        let question = Question::of(parts.uri.query());
        let streamed: Streamed = match path {
            "/api/sessions" => Self::sessions,
            "/api/search" => Self::search,
            "/api/events" => {
                // Errors are checked before the answer begins: a stream cannot report them.
                return match self.opened(&question) {
                    Ok(()) => stream(self, question, Self::events),
                    Err(failure) => answer::failed(&failure),
                };
            }
            _ => {
                let path = path.to_owned();
                let asked = spawn_blocking(move || self.json(&path, &question));
                return asked.await.unwrap_or_else(|_| internal());
            }
        };
        match question.filter(&self.here.host) {
            Ok(_) => stream(self, question, streamed),
            Err(failure) => answer::failed(&failure),
        }
    }
}

/// Streams an answer from a thread of its own.
fn stream(service: Arc<Service>, question: Question, streamed: Streamed) -> Answer {
    let (sender, pieces) = mpsc::channel::<Bytes>(AHEAD);
    // The answer stops when the client has stopped reading.
    drop(spawn_blocking(move || {
        let _ = streamed(&service, &question, Lines::to(sender));
    }));
    answer::pieces(pieces)
}

fn internal() -> Answer {
    let (error, fix) = (
        "internal error",
        "reload the page; its terminal may say why",
    );
    answer::failed(&Failure::new(StatusCode::INTERNAL_SERVER_ERROR, error, fix))
}

impl Service {
    pub(super) fn new(door: Door, here: Here) -> Self {
        let run = door.run().to_owned();
        Self {
            door,
            here,
            catalogue: Catalogue::new(),
            records: Mutex::default(),
            run,
        }
    }

    /// The address that opens the page, at the session that the user named.
    pub(super) fn address(&self) -> String {
        self.door.address() + &self.fragment()
    }

    /// The address that opens the page once, at the session that the user named.
    pub(super) fn address_for_once(&self) -> String {
        self.door.address_for_once() + &self.fragment()
    }

    /// The view that the page shows first.
    fn fragment(&self) -> String {
        let named = self.named().map(|key| encoded(&key));
        named.map_or_else(String::new, |key| format!("#/session/{key}/trace"))
    }

    fn named(&self) -> Option<String> {
        let named = self.here.scope.session.as_ref()?;
        Some(key(named, &named.session_key()))
    }

    fn json(&self, path: &str, question: &Question) -> Answer {
        let answered = match path {
            "/api/machine" => Ok(answer::json(&self.machine())),
            "/api/session" => self.session(question).map(|it| answer::json(&it)),
            "/api/event" => self.event(question),
            "/api/usage" => self.usage(question),
            "/api/delivery" => Ok(answer::json(&delivery::of(&self.here, &self.catalogue))),
            _ => Err(Failure::new(
                StatusCode::NOT_FOUND,
                "nothing is here",
                "reload the page",
            )),
        };
        answered.unwrap_or_else(|failure| answer::failed(&failure))
    }

    pub(super) fn machine(&self) -> Machine {
        let state = self.catalogue.lock();
        let rows = state.sessions.values();
        let mut projects: Vec<String> = rows.filter_map(|it| it.glanced.project.clone()).collect();
        drop(state);
        projects.sort();
        projects.dedup();
        let here = &self.here;
        Machine {
            version: env!("CARGO_PKG_VERSION"),
            now: here.host.now(),
            agents: Agent::ALL.map(Agent::as_str).to_vec(),
            projects,
            prices: PriceTable {
                date: prices::DATE,
                source: prices::SOURCE,
            },
            folder: (here.scope.folder.as_ref()).map(|it| here.redacted(here.host.short_path(it))),
            session: self.named(),
        }
    }

    fn usage(&self, question: &Question) -> Result<Answer, Failure> {
        let filter = question.filter(&self.here.host)?;
        let by: By = question.parsed("by")?.unwrap_or_default();
        self.catalogue.asked();
        let state = self.catalogue.lock();
        let sessions = state.sessions.values();
        let sessions = sessions.filter(|it| filter.passes(it));
        let sessions = sessions.filter_map(|it| it.numbers.clone());
        let sessions: Vec<_> = sessions.collect();
        let is_reading = state.is_reading();
        drop(state);
        let query = Query {
            by,
            since: filter.since,
            until: filter.until,
            now: self.here.host.now(),
        };
        let usage = Usage::of(sessions.iter().map(|it| &it.usage), query);
        let usage = usage.with_few_groups();
        let mut json = serde_json::to_value(&usage).map_err(anyhow::Error::from)?;
        json["running"] = is_reading.into();
        Ok(answer::json(&json))
    }

    /// The transcripts of the session in a request.
    pub(super) fn transcripts(&self, question: &Question) -> Result<Vec<SessionRef>, Failure> {
        let wanted = question.need("session")?;
        let state = self.catalogue.lock();
        if let Some(listed) = state.sessions.get(wanted) {
            return Ok(listed.transcripts.clone());
        }
        drop(state);
        // The session that the user named is known before the list is complete.
        let named = self.here.scope.session.as_ref();
        match named.filter(|_| self.named().as_deref() == Some(wanted)) {
            Some(named) => Ok(vec![named.clone()]),
            None => Err(Failure::new(
                StatusCode::NOT_FOUND,
                "this session is not on this machine",
                "the list has those that are: posthog-llma view",
            )),
        }
    }

    /// The record of a session. It is not built yet if the session was not open.
    pub(super) fn record(&self, key: &str) -> Arc<Record> {
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        let known = records.iter().position(|(known, _)| known == key);
        let record = known.and_then(|at| records.remove(at));
        let (_, record) = record.unwrap_or_else(|| (key.to_owned(), Arc::new(Record::new())));
        while records.len() >= OPEN {
            records.pop_front();
        }
        records.push_back((key.to_owned(), Arc::clone(&record)));
        record
    }
}

/// A text as part of an address.
fn encoded(text: &str) -> String {
    use std::fmt::Write as _;
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}
