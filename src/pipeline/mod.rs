//! From files to stored events: read, map, redact, shorten, store. The only module that knows
//! sources, sessions, events, redaction and the outbox.

mod claims;
mod collected;
mod delivered;
mod known_events;
mod parts;
mod projects;
mod redactors;
mod reported;
mod store;

use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::config::{Attribution, Config};
use crate::consent::{ProjectPrivacy, Verdict};
use crate::git;
use crate::inbox::Route;
use crate::posthog::limits::Limits;
use crate::posthog::{
    self, DistinctId, Event, EventName, Frozen, Recording, Settings, Tally, retention,
};
use crate::redact::{Counts, KnownTexts, Redacted, Redactor};
use crate::session::Agent;
pub use collected::Collected;
pub use known_events::KnownEvents;
pub(crate) use parts::SILENCE;
pub use parts::{Claim, PART_BYTES, Parts, Step, collect, is_running};
pub use projects::project_name;
use projects::{Folders, Projects};
pub use redactors::Redactors;
pub use reported::{reported, transcribed};
pub use store::{Read, Stored, Unstored, is_overtaken, unread_bytes};

/// Builds the events of sessions under one configuration.
#[derive(Debug)]
pub struct Pipeline<'a> {
    config: &'a Config,
    redactors: &'a Redactors,
    largest_event: usize,
    content_since: Option<DateTime<Utc>>,
    /// Whether sessions that are left alone keep their content.
    is_for_owner: bool,
    /// The routes by which OpenRouter's deliveries of this project come.
    routes: Vec<Route>,
    projects: Projects,
}

impl<'a> Pipeline<'a> {
    /// `largest_event` is the limit of the destination, in bytes of JSON.
    #[must_use]
    pub fn new(config: &'a Config, redactors: &'a Redactors, largest_event: usize) -> Self {
        Self {
            config,
            redactors,
            largest_event,
            content_since: None,
            is_for_owner: false,
            routes: vec![config.route.clone()],
            projects: Projects::default(),
        }
    }

    /// Leaves out the content of sessions that ended before `since`.
    #[must_use]
    pub const fn with_content_since(mut self, since: Option<DateTime<Utc>>) -> Self {
        self.content_since = since;
        self
    }

    /// Adds costs from deliveries that came by these routes, whose project is that of the settings.
    #[must_use]
    pub fn with_routes(mut self, routes: impl IntoIterator<Item = Route>) -> Self {
        self.routes.extend(routes);
        self
    }

    /// Builds the events of sessions that are left alone too, as they would be sent otherwise: for
    /// showing them to the user on this machine, never for sending.
    #[must_use]
    pub const fn for_owner(mut self) -> Self {
        self.is_for_owner = true;
        self
    }

    /// The privacy that the folders of a session ask for.
    fn privacy(&self, collected: &Collected) -> ProjectPrivacy {
        match &collected.verdict {
            Verdict::LeftAlone(_) if self.is_for_owner => ProjectPrivacy::default(),
            _ => collected.privacy(),
        }
    }

    fn leaves_out_content(&self, collected: &Collected) -> bool {
        self.content_since
            .is_some_and(|since| collected.ended_at < since)
    }

    /// The settings of a session that stay from its first send on.
    ///
    /// # Errors
    /// When the redaction rules of its project cannot be used.
    pub fn freeze(&self, collected: &Collected) -> anyhow::Result<Redacted<Frozen>> {
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
        let folder = || self.projects.name(cwd?, collected);
        let name = self.config.events.project_name.clone().or_else(folder);
        let redactor = self.redactor(collected)?;
        Ok(redactor.written(|replace| {
            let frozen = Frozen {
                is_person: person.is_some(),
                distinct_id: person
                    .unwrap_or_else(|| DistinctId::of_session(session.agent, &session.id)),
                grouping: config.grouping,
                session_window: config.session_window,
                turn_spans: self.config.events.turn_spans && session.agent != Agent::Otlp,
                project_name: name.map(&mut *replace),
                trace: None,
            };
            Frozen {
                trace: posthog::frozen_trace(session, &frozen, replace),
                ..frozen
            }
        }))
    }

    /// The content to send of a session: the stricter of the user's and its project's settings.
    #[must_use]
    pub fn recording(&self, collected: &Collected) -> Recording {
        let recording = self.config.events.recording;
        recording.and(self.privacy(collected).recording)
    }

    /// The redactor with the rules of the user and of the session's project.
    pub(crate) fn redactor(&self, collected: &Collected) -> anyhow::Result<Arc<Redactor>> {
        self.redactors.with(&self.privacy(collected).rules)
    }

    /// Passes every event of a session, redacted, to `sink`, except those that another session owns.
    ///
    /// # Errors
    /// The first error of `sink`, which is not called again; or redaction rules of the session's
    /// project that cannot be used.
    pub fn events(
        &self,
        collected: &Collected,
        frozen: Frozen,
        counts: &mut Counts,
        sink: &mut dyn FnMut(Redacted<Event<'_>>) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        self.new_events(collected, frozen, &mut KnownEvents::default(), counts, sink)?;
        Ok(())
    }

    /// The same as [`Pipeline::events`] without the events that an earlier transcript of the session
    /// holds. Traces are passed every time, since the last one has the sums over all transcripts.
    /// Returns the totals of the events not in `known`.
    ///
    /// # Errors
    /// As for [`Pipeline::events`].
    pub fn new_events(
        &self,
        collected: &Collected,
        frozen: Frozen,
        known: &mut KnownEvents,
        counts: &mut Counts,
        sink: &mut dyn FnMut(Redacted<Event<'_>>) -> anyhow::Result<()>,
    ) -> anyhow::Result<Tally> {
        let session = &collected.session;
        let config = &self.config.events;
        let redactor = self.redactor(collected)?;
        let Folders {
            repositories,
            work_trees,
        } = self.projects.folders(collected);
        let settings = Settings {
            frozen,
            recording: self.recording(collected),
            input_scope: config.input_scope,
            agent_name: config.agent_name.clone(),
            purpose: config.purpose.clone(),
            custom: config.custom.clone(),
            repositories,
            work_trees,
        };
        let without_content = self.leaves_out_content(collected);
        if collected.is_first() {
            known.restart();
        }
        let mut texts = KnownTexts::default();
        let mut tally = Tally::default();
        let mut result = Ok(());
        posthog::map(
            session,
            &settings,
            collected.state,
            &collected.foreign,
            &mut |mut event| {
                event.uuid = self.config.namespace.id(event.uuid);
                let is_new = known.note(event.uuid);
                if result.is_ok() && (is_new || event.name == EventName::Trace) {
                    if is_new {
                        tally += &event;
                    }
                    if without_content {
                        retention::without_content(&mut event);
                    }
                    result = sink(redactor.event(event, &mut texts, counts));
                }
            },
        );
        result.map(|()| tally)
    }

    /// The size limits of the events of an agent's sessions.
    #[must_use]
    pub fn limits(&self, agent: Agent) -> Limits {
        Limits {
            attribute: self.config.of(agent).max_attribute_bytes,
            event: self.largest_event,
            input_scope: self.config.events.input_scope,
        }
    }
}
