//! The events that the program would send of all sessions below a folder, beside an independent
//! count.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, ensure};
use chrono::{DateTime, TimeDelta, Utc};
use posthog_llma::config::Config;
use posthog_llma::consent::{Caller, Environment};
use posthog_llma::host::Host;
use posthog_llma::pipeline::{self, Collected, Pipeline, Redactors};
use posthog_llma::posthog::limits::AI_LANE_EVENT;
use posthog_llma::posthog::{self, Event, EventName, Json, ids};
use posthog_llma::redact::{Counts, RedactionKey};
use posthog_llma::session::Agent;
use posthog_llma::session::SessionState;
use posthog_llma::sources::{self, SessionRef};
use serde_json::Value;
use uuid::Uuid;

use super::independent::{self, Count, Tally, by_number};

/// Both counts, by the version of Claude Code that wrote the lines.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) versions: HashMap<String, Row>,
    pub(crate) sessions: u64,
    /// Responses whose figures differ between both sides, each compared on its own.
    pub(crate) differing: u64,
    /// Files of subagents whose session is missing, and the responses that only they contain.
    pub(crate) strays: (u64, u64),
}

/// Figures of one version.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Row {
    pub(crate) sessions: u64,
    pub(crate) sent: Tally,
    pub(crate) counted: Tally,
    pub(crate) starts: Starts,
    pub(crate) books: Books,
    pub(crate) time: ToolTimes,
}

/// Numbers of calls by the origin of their start time.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Starts {
    /// Start from the record of the request.
    pub(crate) record: u64,
    /// Start from the line that the response follows.
    pub(crate) parent: u64,
    /// Start unknown.
    pub(crate) unknown: u64,
}

/// Known parts of the time of tools, in milliseconds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ToolTimes {
    /// Number of calls with a result.
    pub(crate) calls: u64,
    /// Number of these with a known time of the tool.
    pub(crate) known: u64,
    /// Milliseconds of work in these.
    pub(crate) worked: u64,
    /// Milliseconds of waiting for a person.
    pub(crate) waited: u64,
    /// Milliseconds that are not known to be either.
    pub(crate) unattributed: u64,
}

/// Numbers of sessions with Claude Code's own books, by the result of the comparison.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Books {
    /// The lines show the same usage.
    pub(crate) agree: u64,
    /// Lines and background calls together show the same usage.
    pub(crate) completed: u64,
    /// The lines show more usage.
    pub(crate) exceeded: u64,
    /// Any other difference.
    pub(crate) differ: u64,
}

/// Compares the sessions at or below a folder.
///
/// # Errors
/// When a session cannot be read, or there is none.
pub(crate) fn of(folder: &Path) -> anyhow::Result<Report> {
    let mut report = Report::default();
    let mut program = Program::default();
    for transcript in oldest_first(folder) {
        let session = program
            .session(&transcript)
            .with_context(|| format!("cannot read {}", transcript.display()))?;
        if let Some(session) = session {
            report.sent(&session, independent::by_claude_code(&transcript));
        }
    }
    ensure!(report.sessions > 0, "no session in {}", folder.display());
    let (files, strays) = independent::of_sessions(folder);
    let count = Count::of(&files);
    report.strays = (strays.len() as u64, count.unknown(&Count::of(&strays)));
    report.counted(&count, &program.sent);
    Ok(report)
}

/// The transcripts, the oldest first: the original of a copied session began before the copy.
fn oldest_first(folder: &Path) -> Vec<PathBuf> {
    let mut found = sources::below(folder).found;
    found.sort_by_cached_key(|found| (found.started_at(), found.locator.path()));
    found.iter().map(|found| found.locator.path()).collect()
}

/// The program, sending one session after the other.
struct Program {
    config: Config,
    redactors: Redactors,
    host: Host,
    claimed: HashSet<Uuid>,
    /// The responses that were sent: their usage, and the start of their call.
    sent: HashMap<Uuid, (Tally, DateTime<Utc>)>,
}

/// The figures of a session that was sent.
#[derive(Default)]
struct SentSession {
    by_version: HashMap<String, Tally>,
    times: HashMap<String, ToolTimes>,
    /// Tokens in its lines, including copies of other sessions' responses.
    in_lines: [u64; 4],
    background: [u64; 4],
}

impl Default for Program {
    fn default() -> Self {
        // The count must not depend on this machine.
        let host = Host::bare(Utc::now).with("POSTHOG_LLMA_DISTINCT_ID", "accuracy");
        Self {
            config: Config::read(&Environment::of(&host, Caller::Shell)).0,
            redactors: Redactors::open(&[], RedactionKey::new([0; 32]))
                .expect("there are no files"),
            host,
            claimed: HashSet::new(),
            sent: HashMap::new(),
        }
    }
}

impl Program {
    fn session(&mut self, transcript: &Path) -> anyhow::Result<Option<SentSession>> {
        let (progress, wanted) = (Some(SessionState::Ended), self.config.wanted());
        let found = SessionRef::at(transcript);
        let found = found.with_context(|| format!("{} is gone", transcript.display()))?;
        let collected = pipeline::collect(&found, None, progress, wanted, &self.host)?;
        let Some(mut collected) = collected else {
            return Ok(None);
        };
        let claims = posthog::claims(&collected.session);
        collected.foreign = claims
            .iter()
            .copied()
            .filter(|claim| self.claimed.contains(claim))
            .collect();
        self.claimed.extend(claims);
        let mut session = SentSession {
            in_lines: in_lines(&collected),
            ..SentSession::default()
        };
        let pipeline = Pipeline::new(&self.config, &self.redactors, AI_LANE_EVENT);
        let frozen = pipeline.freeze(&collected)?.into_inner();
        let mut replaced = Counts::default();
        pipeline.events(&collected, frozen, &mut replaced, &mut |event| {
            let event = event.get();
            let tally = tally(event);
            let is_of_books = event.properties.get("from_agent_books");
            if is_of_books.and_then(Json::as_value) == Some(&Value::Bool(true)) {
                session.background = plus(session.background, tokens(tally));
                return Ok(());
            }
            if event.name == EventName::Generation {
                self.sent.insert(event.uuid, (tally, started_at(event)));
            }
            if event.name == EventName::Span {
                session.times.entry(version(event)).or_default().add(event);
            }
            if tally != Tally::default() {
                *session.by_version.entry(version(event)).or_default() += tally;
            }
            Ok(())
        })?;
        Ok(Some(session))
    }
}

impl Report {
    fn sent(&mut self, session: &SentSession, books: Option<[u64; 4]>) {
        self.sessions += 1;
        for (version, tally) in &session.by_version {
            let row = self.versions.entry(version.clone()).or_default();
            row.sessions += 1;
            row.sent += *tally;
        }
        for (version, times) in &session.times {
            let row = self.versions.entry(version.clone()).or_default();
            row.time.plus(*times);
        }
        let versions = session.by_version.keys();
        let last = versions.max_by_key(|version| by_number(version));
        if let (Some(books), Some(last)) = (books, last) {
            let row = self.versions.entry(last.clone()).or_default();
            row.books.add(session, books);
        }
    }

    fn counted(&mut self, count: &Count, sent: &HashMap<Uuid, (Tally, DateTime<Utc>)>) {
        let mut known = HashSet::new();
        // Responses that only their lines distinguish are compared together.
        let mut unnamed = Vec::new();
        for response in count.responses.values() {
            let row = self.versions.entry(response.version.clone()).or_default();
            let tally = response.tally();
            row.counted += tally;
            for advisor in response.advisors() {
                row.counted += advisor;
                unnamed.push(advisor);
            }
            let message = response.message.as_ref();
            let uuid = message.map(|id| ids::generation(Agent::ClaudeCode, id));
            let Some((sent, started_at)) = uuid.and_then(|uuid| sent.get(&uuid)) else {
                unnamed.push(tally);
                continue;
            };
            known.extend(uuid);
            self.differing += u64::from(*sent != tally);
            if !response.is_error && *sent == tally {
                let is_start = |time| is_time(time, *started_at);
                let is_recorded = count.requested_at(response).is_some_and(is_start);
                let is_of_parent = count.follows(response).is_some_and(is_start);
                row.starts.add(is_recorded, is_of_parent);
            }
        }
        let others = sent.iter().filter(|(uuid, _)| !known.contains(*uuid));
        for (_, (tally, _)) in others {
            match unnamed.iter().position(|it| it == tally) {
                Some(same) => drop(unnamed.swap_remove(same)),
                None => self.differing += 1,
            }
        }
        self.differing += unnamed.len() as u64;
        for version in count.tools.values() {
            let row = self.versions.entry(version.clone()).or_default();
            row.counted.tools += 1;
        }
    }

    /// The versions, the oldest first.
    pub(crate) fn rows(&self) -> Vec<(&str, Row)> {
        let mut rows: Vec<_> = self
            .versions
            .iter()
            .map(|(version, row)| (version.as_str(), *row))
            .collect();
        rows.sort_by_key(|(version, _)| by_number(version));
        rows
    }
}

impl Starts {
    fn add(&mut self, is_recorded: bool, is_of_parent: bool) {
        match (is_recorded, is_of_parent) {
            (true, _) => self.record += 1,
            (false, true) => self.parent += 1,
            (false, false) => self.unknown += 1,
        }
    }
}

impl ToolTimes {
    /// Adds the span of a tool, or that of a turn, which has the sums of its waits.
    fn add(&mut self, event: &Event<'_>) {
        let milliseconds = |name: &str| {
            let seconds = event.properties.get(name).and_then(Json::as_value);
            let seconds = seconds.and_then(Value::as_f64);
            seconds.map(|seconds| u64::try_from(Duration::from_secs_f64(seconds).as_millis()))
        };
        let sum = |name: &str| milliseconds(name).and_then(Result::ok).unwrap_or(0);
        let is_finished = event.properties.get("unfinished").is_none();
        if event.is_turn() {
            self.waited += sum("waited_seconds");
            self.unattributed += sum("unattributed_seconds");
        } else if is_finished {
            self.calls += 1;
            self.known += u64::from(event.properties.get("$ai_latency").is_some());
            self.worked += sum("$ai_latency");
        }
    }

    pub(crate) const fn plus(&mut self, other: Self) {
        self.calls += other.calls;
        self.known += other.known;
        self.worked += other.worked;
        self.waited += other.waited;
        self.unattributed += other.unattributed;
    }
}

impl Books {
    fn add(&mut self, session: &SentSession, books: [u64; 4]) {
        let in_lines = session.in_lines;
        let exceeds = in_lines
            .iter()
            .zip(books)
            .any(|(lines, books)| *lines > books);
        if exceeds {
            self.exceeded += 1;
        } else if in_lines == books {
            self.agree += 1;
        } else if plus(in_lines, session.background) == books {
            self.completed += 1;
        } else {
            self.differ += 1;
        }
    }

    pub(crate) const fn sessions(self) -> u64 {
        self.agree + self.completed + self.exceeded + self.differ
    }
}

fn in_lines(collected: &Collected) -> [u64; 4] {
    let mut sums = [0; 4];
    for generation in collected.session.all_generations() {
        if generation.error.is_none() {
            let used = generation.usage;
            let used = [used.input, used.output, used.cache_read, used.cache_write];
            sums = plus(sums, used);
        }
    }
    sums
}

fn tally(event: &Event<'_>) -> Tally {
    let property = |name: &str| event.properties.get(name).and_then(Json::as_value);
    let count = |name: &str| property(name).and_then(Value::as_u64).unwrap_or(0);
    let mut tally = Tally::default();
    match event.name {
        EventName::Generation if property("$ai_is_error") == Some(&Value::Bool(true)) => {
            tally.errors = 1;
        }
        EventName::Generation => {
            tally.generations = 1;
            tally.input = count("$ai_input_tokens");
            tally.output = count("$ai_output_tokens");
            tally.cache_read = count("$ai_cache_read_input_tokens");
            tally.cache_write = count("$ai_cache_creation_input_tokens");
            tally.cache_write_5m = count("$ai_cache_creation_5m_input_tokens");
            tally.cache_write_1h = count("$ai_cache_creation_1h_input_tokens");
            let is_placeholder = property("output_tokens_reliable") == Some(&Value::Bool(false));
            tally.placeholders = u64::from(is_placeholder);
        }
        EventName::Span => {
            let is_tool =
                event.properties.get("$ai_span_type").and_then(Json::as_str) == Some("tool");
            tally.tools = u64::from(is_tool);
        }
        // Transcripts of Claude Code contain none.
        EventName::Embedding | EventName::Trace => {}
    }
    tally
}

fn tokens(tally: Tally) -> [u64; 4] {
    [
        tally.input,
        tally.output,
        tally.cache_read,
        tally.cache_write,
    ]
}

fn plus(one: [u64; 4], other: [u64; 4]) -> [u64; 4] {
    std::array::from_fn(|index| one[index] + other[index])
}

fn version(event: &Event<'_>) -> String {
    let version = event.properties.get("claude_code_version");
    let version = version.and_then(Json::as_str);
    version.unwrap_or("unknown").to_owned()
}

/// The end of the call less its latency.
fn started_at(event: &Event<'_>) -> DateTime<Utc> {
    let latency = event.properties.get("$ai_latency").and_then(Json::as_value);
    let latency = latency.and_then(Value::as_f64);
    let latency = Duration::from_secs_f64(latency.unwrap_or(0.0));
    event.timestamp - TimeDelta::from_std(latency).unwrap_or_default()
}

/// Whether a transcript's time is this one, to the millisecond.
fn is_time(text: &str, time: DateTime<Utc>) -> bool {
    DateTime::parse_from_rfc3339(text)
        .is_ok_and(|written| (written.to_utc() - time).num_milliseconds() == 0)
}
