//! Answers about the list of sessions, their prompts, and the events of one session.

use std::cmp::Reverse;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use hyper::StatusCode;
use uuid::Uuid;

use super::answer::{self, Answer, Failure, Gone, Lines};
use super::catalogue::Listed;
use super::contract::{End, SearchHit};
use super::line::{Line, View};
use super::numbers::Numbers;
use super::question::Question;
use super::record::{Kind, Place, Record};
use super::service::Service;
use crate::session::Agent;

/// Longest wait before checking whether the client still reads.
const NAP: Duration = Duration::from_millis(200);
/// Characters of the text around a match, and of the part before it.
const PLACE: usize = 160;
const BEFORE: usize = 40;

impl Service {
    /// Rows of the list: all, or those that changed since `after`.
    pub(super) fn sessions(
        self: &Arc<Self>,
        question: &Question,
        mut lines: Lines,
    ) -> Result<(), Gone> {
        self.catalogue.asked();
        let filter = question.filter(&self.here.host).map_err(|_| Gone)?;
        let after = question.get("after");
        let mut state = self.catalogue.lock();
        let run = format!("{}-{}", self.run, state.vanished);
        let known = after.and_then(|it| it.strip_prefix(&run)?.strip_prefix('.')?.parse().ok());
        let mut sent: u64 = known.unwrap_or(0);
        loop {
            // The first answer is complete when every session was glanced at.
            let is_last = known.is_some() || state.is_listed;
            let changed = state.changed_since(sent);
            sent = state.change;
            drop(state);
            for (key, listed) in changed {
                if filter.passes(&listed) {
                    lines.line(&listed.row(&key))?;
                }
            }
            lines.flush()?;
            state = self.catalogue.lock();
            if is_last {
                break;
            }
            if state.change == sent && !state.is_listed {
                state = self.catalogue.wait(state, NAP);
            }
        }
        let passing = state.sessions.values().filter(|it| filter.passes(it));
        let unread = state.sessions.values();
        let unread = unread.filter_map(|it| it.unreadable.clone());
        let end = End {
            cursor: format!("{run}.{sent}"),
            reset: after.is_some() && known.is_none(),
            total: passing.count(),
            running: state.is_reading() || state.change > sent,
            unreadable: state.unreadable.iter().cloned().chain(unread).collect(),
        };
        drop(state);
        lines.end(end)
    }

    /// Sessions with a prompt that contains the text, the newest first; waits for unread ones.
    pub(super) fn search(
        self: &Arc<Self>,
        question: &Question,
        mut lines: Lines,
    ) -> Result<(), Gone> {
        self.catalogue.asked();
        let filter = question.filter(&self.here.host).map_err(|_| Gone)?;
        let wanted = question.get("text").unwrap_or_default().to_lowercase();
        let mut state = self.catalogue.lock();
        while !state.is_listed {
            lines.check()?;
            state = self.catalogue.wait(state, NAP);
        }
        let mut keys: Vec<_> = state
            .sessions
            .iter()
            .map(|(key, it)| (Reverse(it.modified()), key.clone()))
            .collect();
        drop(state);
        keys.sort();
        for (_, key) in keys {
            let Some((session, numbers)) = self.numbers(&key, &lines)? else {
                continue;
            };
            if filter.passes(&session)
                && let Some(hit) = hit(&key, &numbers, &wanted)
            {
                lines.line(&hit)?;
                lines.flush()?;
            }
            lines.check()?;
        }
        lines.end(End::default())
    }

    /// A session and its numbers once it was read; `None` if it cannot be.
    fn numbers(&self, key: &str, lines: &Lines) -> Result<Option<(Listed, Arc<Numbers>)>, Gone> {
        loop {
            let state = self.catalogue.lock();
            let Some(listed) = state.sessions.get(key) else {
                return Ok(None);
            };
            if let Some(numbers) = &listed.numbers {
                return Ok(Some((listed.clone(), Arc::clone(numbers))));
            }
            if !state.is_reading() || listed.refused.is_some() || listed.unreadable.is_some() {
                return Ok(None);
            }
            drop(self.catalogue.wait(state, NAP));
            lines.check()?;
        }
    }

    /// Begins to build the events of a session, if it exists.
    pub(super) fn opened(self: &Arc<Self>, question: &Question) -> Result<(), Failure> {
        let transcripts = self.transcripts(question)?;
        let key = question.need("session")?;
        let record = self.record(key);
        if record.begin(&transcripts, &self.here) {
            let (service, record) = (Arc::clone(self), Arc::clone(&record));
            // A separate thread: the client may leave and come back.
            thread::spawn(move || record.build(&transcripts, &service.here));
        }
        question.parsed::<usize>("from")?;
        question.parsed::<usize>("to")?;
        Ok(())
    }

    /// Events of a session while they are built: all, or those that changed since `after`.
    pub(super) fn events(
        self: &Arc<Self>,
        question: &Question,
        mut lines: Lines,
    ) -> Result<(), Gone> {
        let key = question.need("session").map_err(|_| Gone)?;
        let record = self.record(key);
        let of = Wanted::of(question).map_err(|_| Gone)?;
        let agent = key.split_once('/').and_then(|(agent, _)| agent_of(agent));
        let mut built = record.lock();
        let generation = built.generation;
        let run = format!("{}-{generation}", self.run);
        let after = question.get("after");
        let known: Option<usize> =
            after.and_then(|it| it.strip_prefix(&run)?.strip_prefix('.')?.parse().ok());
        let mut next = of.from.max(known.unwrap_or(0));
        // A cursor of an earlier generation tells the page that all its events are void.
        while built.generation == generation {
            if let Some(place) = built.places.get(next).filter(|_| next <= of.to).copied() {
                let event = of.takes(&place).then(|| built.event(next)).transpose();
                let folder = built.folder.clone();
                drop(built);
                if let Some((place, event)) = event.map_err(|_| Gone)?.flatten() {
                    let line = Line {
                        n: next,
                        kind: place.kind,
                        agent,
                        folder: folder.as_deref(),
                        view: of.view,
                    };
                    lines.raw(|out| line.write(&event, out))?;
                }
                next += 1;
                built = record.lock();
                continue;
            }
            if !built.is_building || next > of.to {
                break;
            }
            drop(built);
            lines.flush()?;
            built = record.wait(record.lock(), NAP);
        }
        let end = End {
            cursor: format!("{run}.{}", built.places.len()),
            reset: after.is_some() && known.is_none(),
            total: built.total(),
            running: built.is_running || built.is_building,
            unreadable: built.unreadable.clone(),
        };
        drop(built);
        lines.end(end)
    }

    /// One event, exactly as it would be sent.
    pub(super) fn event(&self, question: &Question) -> Result<Answer, Failure> {
        let key = question.need("session")?;
        let gone = || {
            let error = "this event is not in the session";
            Failure::new(StatusCode::NOT_FOUND, error, "reload the page")
        };
        let uuid: Uuid = question.parsed("uuid")?.ok_or_else(gone)?;
        let transcripts = self.transcripts(question)?;
        let record = self.record(key);
        if record.begin(&transcripts, &self.here) {
            record.build(&transcripts, &self.here);
        }
        let (_, event) = find(&record, uuid)?.ok_or_else(gone)?;
        Ok(answer::whole(StatusCode::OK, answer::JSON, event))
    }
}

/// An event of a record, once it is built.
fn find(record: &Record, uuid: Uuid) -> anyhow::Result<Option<(Place, Vec<u8>)>> {
    let mut built = record.lock();
    loop {
        if let Some(position) = built.position(uuid) {
            return Ok(built.event(position)?);
        }
        if !built.is_building {
            return Ok(None);
        }
        built = record.wait(built, NAP);
    }
}

/// The choice of events.
struct Wanted {
    view: View,
    kinds: Option<&'static [Kind]>,
    from: usize,
    to: usize,
}

impl Wanted {
    fn of(question: &Question) -> Result<Self, Failure> {
        Ok(Self {
            view: match question.get("view") {
                Some("full") => View::Full,
                _ => View::Outline,
            },
            kinds: match question.get("kind") {
                Some("conversation") => Some(&[Kind::Turn, Kind::Call]),
                Some("changes") => Some(&[Kind::Change]),
                _ => None,
            },
            from: question.parsed("from")?.unwrap_or(0),
            to: question.parsed("to")?.unwrap_or(usize::MAX),
        })
    }

    fn takes(&self, place: &Place) -> bool {
        self.kinds.is_none_or(|kinds| kinds.contains(&place.kind))
    }
}

fn agent_of(name: &str) -> Option<Agent> {
    Agent::ALL.into_iter().find(|it| it.as_str() == name)
}

/// The first prompt that contains a text, with its surroundings.
fn hit<'a>(key: &'a str, numbers: &'a Numbers, wanted: &str) -> Option<SearchHit<'a>> {
    let mut prompts = numbers.prompts.iter();
    prompts.find_map(|prompt| {
        let text: Vec<&str> = prompt.text.split_whitespace().collect();
        let text = text.join(" ");
        let lower = text.to_lowercase();
        let at = lower[..lower.find(wanted)?].chars().count();
        let around = text.chars().skip(at.saturating_sub(BEFORE)).take(PLACE);
        Some(SearchHit {
            key,
            span: &prompt.span,
            text: around.collect(),
        })
    })
}
