//! Finds sessions, and keeps the list up to date with the disk and the outbox.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::catalogue::{CHUNK, Catalogue, Listed, State};
use super::contract::{DeliveryState, Unreadable};
use super::glanced::{Glanced, Projects};
use super::here::{Here, key};
use crate::ahead;
use crate::outbox::{Exclusion, Exclusions, Outbox, Receipt};
use crate::pipeline;
use crate::sources::SessionRef;

/// Number of sessions that one thread glances at.
const AT_ONCE: usize = 8;

/// Age up to which a session may run again.
const RECENT: Duration = Duration::from_hours(24);

/// Finds sessions repeatedly.
pub(super) struct Lister<'a> {
    here: &'a Here,
    catalogue: &'a Catalogue,
    projects: Projects,
    /// Keys of sessions by the paths of their transcripts.
    keys: HashMap<PathBuf, (SessionRef, String)>,
}

/// A session and its transcripts.
type Found = (String, Vec<SessionRef>);

impl<'a> Lister<'a> {
    pub(super) fn new(here: &'a Here, catalogue: &'a Catalogue) -> Self {
        Self {
            here,
            catalogue,
            projects: Projects::default(),
            keys: HashMap::new(),
        }
    }

    /// Keeps the list up to date until the program ends.
    pub(super) fn run(mut self) {
        loop {
            let since = Instant::now();
            self.look();
            if !self.catalogue.rest(since.elapsed()) {
                return;
            }
        }
    }

    /// Lists the disk once.
    fn look(&mut self) {
        let listing = self.here.sessions();
        let unreadable = listing.unreadable.iter();
        let unreadable = unreadable.map(|it| self.here.unreadable(it.path.display(), &it.reason));
        let unreadable: Vec<Unreadable> = unreadable.collect();
        let sessions = self.by_session(listing.found);
        let new = self.news(&sessions, unreadable);
        // Exclusions and receipts are read for all sessions at once; a row without them would be
        // wrong.
        for chunk in new.chunks(CHUNK) {
            self.glance(chunk);
        }
        let mut state = self.catalogue.lock();
        self.update(&mut state);
        state.enqueue(new.into_iter().map(|(key, _)| key));
        state.is_listed = true;
        drop(state);
        self.catalogue.notify();
    }

    /// The transcripts by session, the most recently written session first.
    fn by_session(&mut self, found: Vec<SessionRef>) -> Vec<Found> {
        let mut places: HashMap<String, usize> = HashMap::new();
        let mut sessions: Vec<Found> = Vec::with_capacity(found.len());
        let mut keys = HashMap::with_capacity(found.len());
        for found in found {
            let path = found.locator.path();
            let key = match self.keys.remove(&path) {
                Some((known, key)) if known.agent == found.agent => key,
                _ => key(&found, &found.session_key()),
            };
            keys.insert(path, (found.clone(), key.clone()));
            let place = *places.entry(key.clone()).or_insert(sessions.len());
            match sessions.get_mut(place) {
                Some((_, transcripts)) => transcripts.push(found),
                None => sessions.push((key, vec![found])),
            }
        }
        self.keys = keys;
        for (_, transcripts) in &mut sessions {
            // The transcript that is read last determines the sums of the session.
            transcripts.sort_by_key(|it| it.bytes);
        }
        sessions
    }

    /// Removes vanished sessions, and returns those that are new or were written to.
    fn news(&self, sessions: &[Found], unreadable: Vec<Unreadable>) -> Vec<Found> {
        let mut state = self.catalogue.lock();
        state.unreadable = unreadable;
        let there: HashSet<&str> = sessions.iter().map(|(key, _)| key.as_str()).collect();
        let before = state.sessions.len();
        state.sessions.retain(|key, _| there.contains(key.as_str()));
        if state.sessions.len() < before {
            state.vanished += 1;
        }
        let is_new = |(key, transcripts): &&Found| {
            let known = state.sessions.get(key.as_str());
            known.is_none_or(|known| known.transcripts != *transcripts)
        };
        sessions.iter().filter(is_new).cloned().collect()
    }

    /// Adds rows with the facts from the beginnings of these sessions.
    fn glance(&self, chunk: &[Found]) {
        let work = |some: &[Found]| {
            let one = |(_, transcripts): &Found| {
                let found = transcripts.last()?;
                Some(Arc::new(Glanced::of(found, &self.projects, self.here)))
            };
            some.iter().map(one).collect::<Vec<_>>()
        };
        let mut glanced = Vec::with_capacity(chunk.len());
        let sink = |some| {
            glanced.extend(some);
            Ok::<(), std::convert::Infallible>(())
        };
        let Ok(()) = ahead::in_order(chunk.chunks(AT_ONCE), |_| 1, CHUNK as u64, work, sink);
        let mut state = self.catalogue.lock();
        for ((key, transcripts), glanced) in chunk.iter().zip(glanced) {
            if let Some(glanced) = glanced {
                state.add(key, transcripts.clone(), glanced);
            }
        }
        drop(state);
        self.catalogue.notify();
    }

    /// Updates everything that changes without a line in a transcript: whether sessions run, and
    /// the delivery of their events.
    fn update(&self, state: &mut State) {
        let excluded = self.exclusions();
        let receipts = self.receipts();
        let mut changed = Vec::new();
        for (key, listed) in &mut state.sessions {
            let Some(found) = listed.found() else {
                continue;
            };
            let session = key.split_once('/').map_or("", |(_, session)| session);
            let session = (found.agent.as_str().to_owned(), session.to_owned());
            let left_alone = left_alone(listed, excluded.get(&session));
            let delivery = match receipts.get(&session) {
                _ if left_alone.is_some() => DeliveryState::LeftAlone,
                Some(receipt) => delivery(receipt),
                None => DeliveryState::Never,
            };
            let is_running = self.is_running(listed, found);
            if (listed.delivery, listed.is_running) != (delivery, is_running)
                || listed.left_alone != left_alone
            {
                (listed.delivery, listed.is_running) = (delivery, is_running);
                listed.left_alone = left_alone;
                changed.push(key.clone());
            }
        }
        for key in changed {
            state.touch(&key);
        }
    }

    fn is_running(&self, listed: &Listed, found: &SessionRef) -> bool {
        match &listed.numbers {
            Some(numbers) if listed.is_running || is_recent(found) => {
                let written_at = (!numbers.is_closed).then_some(numbers.ended_at);
                pipeline::is_running(&numbers.id, written_at, found, &self.here.host)
            }
            _ => false,
        }
    }

    fn exclusions(&self) -> HashMap<(String, String), Exclusion> {
        let directory = self.here.config.state_dir.as_deref();
        let all = directory.map(|it| Exclusions::of(it).all());
        let all = all.and_then(Result::ok).unwrap_or_default();
        let named = all.into_iter();
        named
            .map(|it| ((it.agent.clone(), it.session.clone()), it))
            .collect()
    }

    fn receipts(&self) -> HashMap<(String, String), Receipt> {
        let directory = self.here.config.state_dir.as_deref();
        let outbox = directory.and_then(|it| Outbox::open_read_only(it).ok().flatten());
        let receipts = outbox.and_then(|outbox| outbox.receipts().ok());
        receipts.unwrap_or_default()
    }
}

/// Whether a session was written to so recently that it may run again. Checking each of thousands
/// of sessions would take longer than everything else.
fn is_recent(found: &SessionRef) -> bool {
    found.modified.elapsed().is_ok_and(|age| age < RECENT)
}

/// Why none of a session's events are sent.
fn left_alone(listed: &Listed, exclusion: Option<&Exclusion>) -> Option<String> {
    let numbers = listed.numbers.as_deref();
    let of_project = match (numbers, &listed.refused) {
        (_, Some(reason)) => Some(reason),
        (Some(numbers), None) => numbers.left_alone.as_ref(),
        (None, None) => listed.glanced.left_alone.as_ref(),
    };
    let excluded = || exclusion.map(Exclusion::reason);
    of_project.cloned().or_else(excluded)
}

/// The delivery state of a session: the one that needs most attention.
pub(super) const fn delivery(receipt: &Receipt) -> DeliveryState {
    match receipt {
        Receipt { parked: 1.., .. } => DeliveryState::Refused,
        Receipt { waiting: 1.., .. } => DeliveryState::Waiting,
        Receipt { dropped: 1.., .. } => DeliveryState::Dropped,
        Receipt {
            acknowledged: 1.., ..
        } => DeliveryState::Acknowledged,
        _ => DeliveryState::Never,
    }
}
