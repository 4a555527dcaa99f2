//! The one way from files to what may leave: read, map, redact, shorten.
//!
//! The only place that knows sources, sessions, events and redaction. Where the events go (the
//! outbox, a file, nowhere) is the caller's.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::config::Config;
use crate::events::limits::Limits;
use crate::events::{self, DistinctId, Event, Frozen, Progress, Settings};
use crate::git;
use crate::redact::{Counts, Redacted, Redactor};
use crate::session::{Session, Turn};
use crate::sources::claude_code::{self, Checkpoint, Reading, SessionFiles};

/// A session that says nothing for so long is taken to have ended.
const QUIET: Duration = Duration::from_mins(10);

/// A session as it was read from its files.
#[derive(Debug)]
pub struct Collected {
    /// The session.
    pub session: Session,
    /// Whether it may still be written to.
    pub progress: Progress,
    /// The files it came from.
    pub files: SessionFiles,
    reading: Reading,
}

impl Collected {
    /// What the next reading needs in order to cost only what is new.
    #[must_use]
    pub fn checkpoint(&self, is_foreign: &dyn Fn(Uuid) -> bool) -> Option<Checkpoint> {
        let agent = self.session.agent;
        self.reading.checkpoint(&self.session, &|generation| {
            !is_foreign(events::ids::generation(agent, &generation.id))
        })
    }

    /// Subagent transcripts that could not be read, with the reason.
    #[must_use]
    pub fn unreadable(&self) -> &[(PathBuf, String)] {
        &self.reading.unreadable
    }
}

/// Reads the session at `transcript`; `None` when there is nothing in it. `progress` is known to
/// whoever saw the session end, else the files tell.
///
/// # Errors
/// When the transcript cannot be read.
pub fn collect(
    transcript: &Path,
    checkpoint: Option<Checkpoint>,
    progress: Option<Progress>,
    now: DateTime<Utc>,
) -> anyhow::Result<Option<Collected>> {
    let files = claude_code::session_files(transcript)
        .with_context(|| format!("cannot read {}", transcript.display()))?;
    let (session, reading) = claude_code::read(&files, checkpoint)?;
    Ok(session.map(|session| {
        let progress = progress.unwrap_or_else(|| progress_of(&session, transcript, now));
        Collected {
            session,
            progress,
            files,
            reading,
        }
    }))
}

/// A session has ended when its agent wrote so, or when nothing was written for a while.
fn progress_of(session: &Session, transcript: &Path, now: DateTime<Utc>) -> Progress {
    let modified = transcript.metadata().and_then(|meta| meta.modified());
    let quiet = modified.map(|modified| now - DateTime::<Utc>::from(modified));
    let is_quiet = quiet.is_ok_and(|quiet| quiet.to_std().is_ok_and(|quiet| quiet > QUIET));
    if session.is_closed || is_quiet {
        Progress::Ended
    } else {
        Progress::Running
    }
}

/// Builds the events of sessions under one configuration.
#[derive(Debug)]
pub struct Pipeline<'a> {
    config: &'a Config,
    redactor: &'a Redactor,
    largest_event: usize,
    repositories: HashMap<String, Option<String>>,
}

impl<'a> Pipeline<'a> {
    /// `largest_event` is what the destination takes, in bytes of JSON.
    #[must_use]
    pub fn new(config: &'a Config, redactor: &'a Redactor, largest_event: usize) -> Self {
        Self {
            config,
            redactor,
            largest_event,
            repositories: HashMap::new(),
        }
    }

    /// The decisions that hold for a session from its first send on.
    #[must_use]
    pub fn freeze(&self, session: &Session) -> Frozen {
        let cwd = session
            .turns
            .iter()
            .find_map(|turn| turn.circumstances.cwd.as_deref());
        let email = || git::user_email(Path::new(cwd?)).and_then(|id| DistinctId::parse(&id).ok());
        let person = self.config.distinct_id.clone().or_else(email);
        let folder = cwd.and_then(|cwd| Path::new(cwd).file_name());
        let folder = folder.map(|name| name.to_string_lossy().into_owned());
        Frozen {
            is_person: person.is_some(),
            distinct_id: person
                .unwrap_or_else(|| DistinctId::of_session(session.agent, &session.id)),
            grouping: self.config.grouping,
            turn_spans: self.config.turn_spans,
            project_name: self.config.project_name.clone().or(folder),
        }
    }

    /// Hands every event of a session, redacted and within the limits, to `sink`. `is_foreign`
    /// tells the events that another session owns.
    ///
    /// # Errors
    /// The first error of `sink`; nothing is handed to it afterwards.
    pub fn events(
        &mut self,
        collected: &Collected,
        frozen: Frozen,
        is_foreign: &dyn Fn(Uuid) -> bool,
        counts: &mut Counts,
        sink: &mut dyn FnMut(Redacted<Event>) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let session = &collected.session;
        let settings = Settings {
            frozen,
            privacy: self.config.privacy,
            agent_name: self.config.agent_name.clone(),
            purpose: self.config.purpose.clone(),
            custom: self.config.custom.clone(),
            repositories: self.repositories_of(session),
        };
        let limits = Limits {
            attribute: self.config.max_attribute_bytes,
            event: self.largest_event,
        };
        let mut result = Ok(());
        events::map(
            session,
            &settings,
            collected.progress,
            is_foreign,
            &mut |event| {
                if result.is_ok() {
                    result = sink(self.redactor.event(event, counts).within(&limits));
                }
            },
        );
        result
    }

    fn repositories_of(&mut self, session: &Session) -> BTreeMap<String, String> {
        let cwds: BTreeSet<&str> = session.turns.iter().flat_map(cwds_of).collect();
        let mut known = BTreeMap::new();
        for cwd in cwds {
            let repository = self
                .repositories
                .entry(cwd.to_owned())
                .or_insert_with(|| git::repository(Path::new(cwd)));
            if let Some(repository) = repository {
                known.insert(cwd.to_owned(), repository.clone());
            }
        }
        known
    }
}

fn cwds_of(turn: &Turn) -> Vec<&str> {
    let generations = turn.all_generations();
    let of_calls = generations
        .iter()
        .map(|generation| generation.circumstances.as_ref());
    let all = of_calls.chain([turn.circumstances.as_ref()]);
    all.filter_map(|circumstances| circumstances.cwd.as_deref())
        .collect()
}
