//! The one way from files to what may leave: read, map, redact, shorten, store.
//!
//! The only place that knows sources, sessions, events, redaction and the outbox.

mod collect;
mod redactors;
mod store;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};

use crate::config::{Attribution, Config};
use crate::events::limits::Limits;
use crate::events::{self, DistinctId, Event, Frozen, Recording, Settings, retention};
use crate::git;
use crate::redact::{Counts, Redacted, Redactor};
use crate::session::{Agent, Session, Turn};
pub use collect::{Collected, PART_BYTES, Parts, collect};
pub use redactors::Redactors;
pub use store::{Read, Stored, Unstored, is_overtaken, unread_bytes};

/// Builds the events of sessions under one configuration.
#[derive(Debug)]
pub struct Pipeline<'a> {
    config: &'a Config,
    redactors: &'a Redactors,
    largest_event: usize,
    content_since: Option<DateTime<Utc>>,
    repositories: Mutex<HashMap<String, Option<String>>>,
}

impl<'a> Pipeline<'a> {
    /// `largest_event` is what the destination takes, in bytes of JSON.
    #[must_use]
    pub fn new(config: &'a Config, redactors: &'a Redactors, largest_event: usize) -> Self {
        Self {
            config,
            redactors,
            largest_event,
            content_since: None,
            repositories: Mutex::default(),
        }
    }

    /// Leaves out the content of sessions that ended before that time.
    #[must_use]
    pub const fn with_content_since(mut self, since: Option<DateTime<Utc>>) -> Self {
        self.content_since = since;
        self
    }

    fn leaves_out_content(&self, collected: &Collected) -> bool {
        self.content_since
            .is_some_and(|since| collected.ended_at < since)
    }

    /// The decisions that hold for a session from its first send on.
    ///
    /// # Errors
    /// When the rules of its project cannot be used.
    pub fn freeze(&self, collected: &Collected) -> anyhow::Result<Frozen> {
        let session = &collected.session;
        let cwd = session
            .turns
            .iter()
            .find_map(|turn| turn.circumstances.cwd.as_deref());
        let config = self.config.of(session.agent);
        let person = match &config.attribution {
            Attribution::Named(id) => Some(id.clone()),
            Attribution::GitEmail => cwd
                .and_then(|cwd| git::user_email(Path::new(cwd)))
                .and_then(|email| DistinctId::parse(&email).ok()),
            Attribution::Session => None,
        };
        let folder = cwd.and_then(|cwd| Path::new(cwd).file_name());
        let folder = folder.map(|name| name.to_string_lossy().into_owned());
        let name = config.project_name.clone().or(folder);
        let redactor = self.redactor(collected)?;
        Ok(Frozen {
            is_person: person.is_some(),
            distinct_id: person
                .unwrap_or_else(|| DistinctId::of_session(session.agent, &session.id)),
            grouping: config.grouping,
            session_window: config.session_window,
            turn_spans: config.turn_spans,
            project_name: name.map(|name| without_secrets(name, &redactor)),
        })
    }

    /// What of a session is sent: the stricter of what the user and its project want.
    #[must_use]
    pub fn recording(&self, collected: &Collected) -> Recording {
        let recording = self.config.of(collected.session.agent).recording;
        let privacy = collected.privacy();
        Recording::of(
            recording.inputs() && !privacy.no_inputs,
            recording.outputs() && !privacy.no_outputs,
        )
    }

    /// With the rules of the user and of the session's project.
    fn redactor(&self, collected: &Collected) -> anyhow::Result<Arc<Redactor>> {
        self.redactors.with(&collected.privacy().rules)
    }

    /// Hands every event of a session, redacted, to `sink`, but for those that another one owns.
    ///
    /// # Errors
    /// The first error of `sink`, after which nothing is handed to it, and rules of the session's
    /// project that cannot be used.
    pub fn events(
        &self,
        collected: &Collected,
        frozen: Frozen,
        counts: &mut Counts,
        sink: &mut dyn FnMut(Redacted<Event>) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let session = &collected.session;
        let config = self.config.of(session.agent);
        let redactor = self.redactor(collected)?;
        let settings = Settings {
            frozen,
            recording: self.recording(collected),
            input_scope: config.input_scope,
            agent_name: config.agent_name.clone(),
            purpose: config.purpose.clone(),
            custom: config.custom.clone(),
            repositories: self.repositories_of(session),
        };
        let without_content = self.leaves_out_content(collected);
        let mut result = Ok(());
        events::map(
            session,
            &settings,
            collected.progress,
            &collected.foreign,
            &mut |mut event| {
                if result.is_ok() {
                    if without_content {
                        retention::without_content(&mut event);
                    }
                    result = sink(redactor.event(event, counts));
                }
            },
        );
        result
    }

    /// How large the events of an agent's sessions may be.
    #[must_use]
    pub fn limits(&self, agent: Agent) -> Limits {
        let config = self.config.of(agent);
        Limits {
            attribute: config.max_attribute_bytes,
            event: self.largest_event,
            input_scope: config.input_scope,
        }
    }

    fn repositories_of(&self, session: &Session) -> BTreeMap<String, String> {
        let cwds: BTreeSet<&str> = session.turns.iter().flat_map(Turn::folders).collect();
        let mut repositories = self
            .repositories
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mut known = BTreeMap::new();
        for cwd in cwds {
            let repository = repositories
                .entry(cwd.to_owned())
                .or_insert_with(|| git::repository(Path::new(cwd)));
            if let Some(repository) = repository {
                known.insert(cwd.to_owned(), repository.clone());
            }
        }
        known
    }
}

/// For what is kept beside the events: nothing unredacted is written anywhere.
fn without_secrets(text: String, redactor: &Redactor) -> String {
    let redacted = redactor.text(&text, &mut Counts::default());
    redacted.unwrap_or(text)
}
