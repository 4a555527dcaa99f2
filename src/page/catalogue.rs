//! The list of sessions: finds them, glances at them, reads each whole for its numbers, and keeps
//! all up to date.
//!
//! ```text
//! lister:  find ─► glance at the new ones ─► states of delivery ─► wait ─┐
//!            ▲                                                          │
//!            └──── every 2 to 10 s while a client asks for it ◄──────────┘
//! readers: take the newest unread session ─► its numbers
//! ```
//!
//! Each change has a number; a client names the last one it knows. Nothing is kept on disk.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use chrono::{DateTime, Utc};

use super::contract::{DeliveryState, SessionRow, Unreadable};
use super::glanced::Glanced;
use super::here::Here;
use super::numbers::{NoNumbers, Numbers, read};
use super::owners::{Owners, Rank};
use crate::sources::SessionRef;
use crate::usage::SessionUsage;

/// Number of rows to add at a time, so that the first are shown early.
pub(super) const CHUNK: usize = 64;
/// Shortest and longest time between two listings of the disk.
pub(super) const PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// Time for which the list is kept up to date after the last request for it.
const INTEREST: Duration = Duration::from_secs(10);
/// Pause before a growing session is read again, or the disk is listed again, as a multiple of the
/// time that it took.
const REST: u32 = 10;

/// A session in the list.
#[derive(Clone, Debug)]
pub(super) struct Listed {
    /// Its transcripts, the largest last.
    pub(super) transcripts: Vec<SessionRef>,
    pub(super) glanced: Arc<Glanced>,
    /// Sums over its events; `None` until it was read.
    pub(super) numbers: Option<Arc<Numbers>>,
    /// Why it has no numbers.
    pub(super) refused: Option<String>,
    pub(super) unreadable: Option<Unreadable>,
    pub(super) delivery: DeliveryState,
    /// Why none of its events are sent, if so.
    pub(super) left_alone: Option<String>,
    pub(super) is_running: bool,
    /// Number of the last change of its row.
    pub(super) changed: u64,
    /// Earliest time to read it again.
    not_before: Option<Instant>,
}

/// The content of the list.
#[derive(Default)]
pub(super) struct State {
    pub(super) sessions: HashMap<String, Listed>,
    /// Number of the last change.
    pub(super) change: u64,
    /// Number of vanished sessions. Rows cannot be taken back, so all are sent again after each.
    pub(super) vanished: u64,
    pub(super) unreadable: Vec<Unreadable>,
    /// Whether every session found was glanced at.
    pub(super) is_listed: bool,
    /// Sessions to read, the newest first.
    queue: VecDeque<String>,
    reading: usize,
    asked_at: Option<Instant>,
    is_over: bool,
}

/// The list, shared by the threads that fill it and those that answer.
pub(super) struct Catalogue {
    owners: Owners,
    state: Mutex<State>,
    changed: Condvar,
}

impl Listed {
    pub(super) fn new(transcripts: Vec<SessionRef>, glanced: Arc<Glanced>) -> Self {
        Self {
            transcripts,
            glanced,
            numbers: None,
            refused: None,
            unreadable: None,
            delivery: DeliveryState::Never,
            left_alone: None,
            is_running: false,
            changed: 0,
            not_before: None,
        }
    }

    /// When one of its transcripts was last written to.
    pub(super) fn modified(&self) -> SystemTime {
        let times = self.transcripts.iter().map(|it| it.modified);
        times.max().unwrap_or(SystemTime::UNIX_EPOCH)
    }

    /// Its rank among the sessions that claim calls.
    fn rank(&self) -> Option<Rank> {
        let paths = self.transcripts.iter().map(|it| it.locator.path());
        let (agent, started_at) = (self.found()?.agent, self.glanced.started_at);
        Some(Rank::of(agent, started_at, self.modified(), paths.min()))
    }

    /// The largest transcript.
    pub(super) fn found(&self) -> Option<&SessionRef> {
        self.transcripts.last()
    }

    /// Name of the agent.
    pub(super) fn agent(&self) -> &'static str {
        self.found().map_or("", |it| it.agent.as_str())
    }

    /// Name of the project.
    pub(super) fn project(&self) -> Option<&str> {
        let usage = self.numbers.as_deref().map(|it| &it.usage);
        let known = usage.and_then(SessionUsage::project);
        known.or(self.glanced.project.as_deref())
    }

    pub(super) fn started_at(&self) -> DateTime<Utc> {
        let known = self.numbers.as_deref().map(|it| it.started_at);
        let known = known.or(self.glanced.started_at);
        known.unwrap_or_else(|| self.modified().into())
    }

    pub(super) fn ended_at(&self) -> DateTime<Utc> {
        let known = self.numbers.as_deref().map(|it| it.ended_at);
        known.unwrap_or_else(|| self.modified().into())
    }

    pub(super) fn row(&self, key: &str) -> SessionRow {
        let usage = self.numbers.as_deref().map(|it| &it.usage);
        let of_glance = &self.glanced;
        // Events are redacted, and so are the facts taken from them.
        let text = |text: Option<&str>| text.map(str::to_owned);
        SessionRow {
            key: key.to_owned(),
            agent: self.agent(),
            id: of_glance.id.clone(),
            title: of_glance.title.clone(),
            project: text(self.project()),
            worktree: text(usage.and_then(|it| it.work_tree())),
            branch: text(usage.and_then(|it| it.branch())),
            models: usage.map_or_else(Vec::new, |it| {
                it.models().into_iter().map(str::to_owned).collect()
            }),
            started_at: self.started_at(),
            ended_at: self.ended_at(),
            bytes: self.transcripts.iter().map(|it| it.bytes).sum(),
            running: self.is_running,
            waiting: false,
            delivery: self.delivery,
            facts: usage.map(SessionUsage::facts),
        }
    }
}

impl State {
    /// The rows that changed since a change, the most recently written session first.
    pub(super) fn changed_since(&self, change: u64) -> Vec<(String, Listed)> {
        let changed = self.sessions.iter().filter(|(_, it)| it.changed > change);
        let mut changed: Vec<_> = changed.map(|(key, it)| (key.clone(), it.clone())).collect();
        changed.sort_by_key(|(_, listed)| std::cmp::Reverse(listed.modified()));
        changed
    }

    /// Records a change of a row.
    pub(super) fn touch(&mut self, key: &str) {
        self.change += 1;
        if let Some(listed) = self.sessions.get_mut(key) {
            listed.changed = self.change;
        }
    }

    /// Whether sessions are still being read.
    pub(super) fn is_reading(&self) -> bool {
        !self.is_listed || self.reading > 0 || !self.queue.is_empty()
    }

    /// Adds a session that is new or was written to.
    pub(super) fn add(&mut self, key: &str, transcripts: Vec<SessionRef>, glanced: Arc<Glanced>) {
        let listed = self.sessions.entry(key.to_owned());
        let listed = listed.or_insert_with(|| Listed::new(Vec::new(), Arc::clone(&glanced)));
        listed.transcripts = transcripts;
        listed.glanced = glanced;
        self.touch(key);
    }

    /// Queues sessions that changed since they were read, the newest first.
    pub(super) fn enqueue(&mut self, keys: impl IntoIterator<Item = String>) {
        for key in keys {
            if !self.queue.contains(&key) {
                self.queue.push_back(key);
            }
        }
        let sessions = &self.sessions;
        let modified = |key: &String| sessions.get(key).map(Listed::modified);
        self.queue
            .make_contiguous()
            .sort_by_cached_key(|key| std::cmp::Reverse(modified(key)));
    }

    /// Queues sessions that lost calls to another session, without a pause.
    fn enqueue_now(&mut self, keys: BTreeSet<String>) {
        for key in &keys {
            if let Some(listed) = self.sessions.get_mut(key) {
                listed.not_before = None;
            }
        }
        self.enqueue(keys);
    }

    /// The next session to read.
    fn take(&mut self) -> Option<(String, Vec<SessionRef>, Rank)> {
        let now = Instant::now();
        let is_due = |key: &String| {
            let listed = self.sessions.get(key);
            listed.is_none_or(|it| it.not_before.is_none_or(|at| at <= now))
        };
        let at = self.queue.iter().position(is_due)?;
        let key = self.queue.remove(at)?;
        let listed = self.sessions.get(&key)?;
        let transcripts = listed.transcripts.clone();
        let rank = listed.rank()?;
        Some((key, transcripts, rank))
    }
}

impl Catalogue {
    pub(super) fn new() -> Self {
        Self {
            owners: Owners::default(),
            state: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // A panic leaves the state consistent.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a change, at most for `time`.
    pub(super) fn wait<'s>(
        &self,
        state: MutexGuard<'s, State>,
        time: Duration,
    ) -> MutexGuard<'s, State> {
        let waited = self.changed.wait_timeout(state, time);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    pub(super) fn notify(&self) {
        self.changed.notify_all();
    }

    /// Records a request for the list.
    pub(super) fn asked(&self) {
        self.lock().asked_at = Some(Instant::now());
        self.notify();
    }

    /// Ends the threads.
    pub(super) fn end(&self) {
        self.lock().is_over = true;
        self.notify();
    }

    /// Waits until the list has to be updated, which took `cost` the last time; `false` when the
    /// program ends.
    pub(super) fn rest(&self, cost: Duration) -> bool {
        let pause = (cost * REST).clamp(PAUSE, LONGEST_PAUSE);
        let since = Instant::now();
        let mut state = self.lock();
        loop {
            if state.is_over {
                return false;
            }
            let is_wanted = state.asked_at.is_some_and(|it| it.elapsed() < INTEREST);
            let left = pause.saturating_sub(since.elapsed());
            if is_wanted && left.is_zero() {
                return true;
            }
            let time = if left.is_zero() { INTEREST } else { left };
            state = self.wait(state, time);
        }
    }

    /// Reads sessions until the program ends. Several threads may do so.
    pub(super) fn read_sessions(&self, here: &Here) {
        let pipeline = here.numbers.pipeline().for_owner();
        loop {
            let mut state = self.lock();
            let (key, transcripts, rank) = loop {
                if state.is_over {
                    return;
                }
                if let Some(next) = state.take() {
                    break next;
                }
                state = self.wait(state, PAUSE);
            };
            state.reading += 1;
            drop(state);
            let since = Instant::now();
            let claimant = self.owners.claimant(&key, rank);
            let result = read(here, &pipeline, &transcripts, Some(&claimant));
            let deprived = claimant.deprived();
            let mut state = self.lock();
            state.reading -= 1;
            state.enqueue_now(deprived);
            if let Some(listed) = state.sessions.get_mut(&key) {
                listed.not_before = Some(Instant::now() + since.elapsed() * REST);
                listed.settle(result, here);
                state.touch(&key);
            }
            drop(state);
            self.notify();
        }
    }

    /// Moves a session to the front of the queue.
    pub(super) fn hurry(&self, key: &str) {
        let mut state = self.lock();
        let queue = mem::take(&mut state.queue);
        let (mut first, others): (VecDeque<String>, VecDeque<String>) =
            queue.into_iter().partition(|it| it == key);
        first.extend(others);
        state.queue = first;
    }
}

impl Listed {
    fn settle(&mut self, result: Result<Numbers, NoNumbers>, here: &Here) {
        (self.refused, self.unreadable) = (None, None);
        match result {
            Ok(numbers) => {
                // Exclusions by the user are looked up separately, and stay until then.
                if numbers.left_alone.is_some() {
                    self.left_alone.clone_from(&numbers.left_alone);
                }
                self.is_running = numbers.is_running;
                self.numbers = Some(Arc::new(numbers));
            }
            Err(NoNumbers::Nothing) => self.numbers = None,
            Err(NoNumbers::Refused(reason)) => {
                self.numbers = None;
                self.left_alone = Some(reason.clone());
                self.refused = Some(reason);
            }
            Err(NoNumbers::Failed(reason)) => {
                self.numbers = None;
                let found = self.found();
                self.unreadable = found.map(|it| here.unreadable(&it.locator, reason));
            }
        }
        if self.left_alone.is_some() {
            self.delivery = DeliveryState::LeftAlone;
        }
    }
}
