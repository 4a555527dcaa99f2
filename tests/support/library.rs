//! The reading half of the program, run through the library: sessions in, events out.

use std::collections::HashSet;
use std::path::Path;

use chrono::DateTime;
use posthog_llma::config::{Config, Problem};
use posthog_llma::consent::{Caller, Environment};
use posthog_llma::host::Host;
use posthog_llma::pipeline::{self, Collected, Parts, Pipeline, Redactors, Step};
use posthog_llma::posthog::limits::AI_LANE_EVENT;
use posthog_llma::posthog::{self, Foreign, Frozen};
use posthog_llma::redact::{Counts, RedactionKey};
use posthog_llma::session::SessionState;
use posthog_llma::sources::{Checkpoint, SessionRef};
use serde_json::Value;

/// Events as they would be sent.
pub(crate) type Events = Vec<Value>;

/// Settings of a run.
pub(crate) struct Run {
    config: Config,
    redactors: Redactors,
}

impl Default for Run {
    fn default() -> Self {
        Self::with(&[])
    }
}

impl Run {
    pub(crate) fn with(variables: &[(&str, &str)]) -> Self {
        let host = variables.iter().fold(
            host().with("POSTHOG_LLMA_DISTINCT_ID", "ada@example.com"),
            |host, (name, value)| host.with(name, value),
        );
        let (config, problems) = settings_of(&host);
        assert_eq!(problems, []);
        Self {
            config,
            redactors: redactors(),
        }
    }

    pub(crate) fn by_message() -> Self {
        Self::with(&[("POSTHOG_LLMA_TRACE_GROUPING", "message")])
    }

    pub(crate) fn without_turns() -> Self {
        Self::with(&[("POSTHOG_LLMA_TURN_SPANS", "false")])
    }

    pub(crate) fn private() -> Self {
        Self::with(&[("POSTHOG_LLMA_PRIVACY_MODE", "true")])
    }

    /// The events of the session once it has ended.
    pub(crate) fn events(&self, transcript: &Path) -> Events {
        let collected = self.collect(transcript, None, SessionState::Ended);
        collected.map_or_else(Vec::new, |collected| {
            self.events_of(&collected, self.freeze(&collected))
        })
    }

    /// The events of each part of a session that is read in parts of this size, after another
    /// session sent `sent`. A part may be the first, more than once.
    pub(crate) fn events_in_parts(
        &self,
        transcript: &Path,
        bytes: u64,
        sent: &Events,
    ) -> Vec<(bool, Events)> {
        let found = SessionRef::at(transcript).expect("the transcript is there");
        let (progress, wanted) = (Some(SessionState::Ended), self.config.wanted());
        let host = host();
        let parts = Parts::of(&found, progress, wanted, &host).expect("it is there");
        let mut parts = parts.of_bytes(bytes);
        let (mut events, mut frozen) = (Vec::new(), None);
        loop {
            let step = parts.next(&mut |part| Ok(foreign(part, sent)));
            match step.expect("the session can be read") {
                Step::Part(part) => {
                    let frozen = frozen.get_or_insert_with(|| self.freeze(&part));
                    events.push((part.is_first(), self.events_of(&part, frozen.clone())));
                }
                Step::Restart => {}
                Step::OptedOut(_) | Step::End => return events,
            }
        }
    }

    /// Reads a session, whole or from a checkpoint on. An unreadable file has none.
    pub(crate) fn collect(
        &self,
        transcript: &Path,
        checkpoint: Option<Checkpoint>,
        progress: SessionState,
    ) -> Option<Collected> {
        let wanted = self.config.wanted();
        let found = SessionRef::at(transcript).expect("the transcript is there");
        match pipeline::collect(&found, checkpoint, Some(progress), wanted, &host()) {
            Err(error) if format!("{error:#}").contains("not a transcript") => None,
            read => read.expect("the session can be read"),
        }
    }

    /// The decisions that hold from a session's first send on.
    pub(crate) fn freeze(&self, collected: &Collected) -> Frozen {
        let pipeline = Pipeline::new(&self.config, &self.redactors, AI_LANE_EVENT);
        pipeline
            .freeze(collected)
            .expect("there are no rules")
            .into_inner()
    }

    pub(crate) fn events_of(&self, collected: &Collected, frozen: Frozen) -> Events {
        let mut events = Vec::new();
        self.hand_out(collected, frozen, &mut |event| {
            events.push(serde_json::from_slice(&event).expect("an event is JSON"));
        });
        events
    }

    /// The events of a session after another one sent these.
    pub(crate) fn events_after(&self, transcript: &Path, sent: &Events) -> Events {
        let collected = self.collect(transcript, None, SessionState::Ended);
        let mut collected = collected.expect("a session");
        collected.foreign = foreign(&collected, sent);
        self.events_of(&collected, self.freeze(&collected))
    }

    /// The events of the session as bytes.
    pub(crate) fn lines(&self, transcript: &Path) -> Vec<u8> {
        let mut lines = Vec::new();
        if let Some(collected) = self.collect(transcript, None, SessionState::Ended) {
            self.hand_out(&collected, self.freeze(&collected), &mut |event| {
                lines.extend(event);
                lines.push(b'\n');
            });
        }
        lines
    }

    fn hand_out(&self, collected: &Collected, frozen: Frozen, sink: &mut dyn FnMut(Vec<u8>)) {
        let pipeline = Pipeline::new(&self.config, &self.redactors, AI_LANE_EVENT);
        let mut counts = Counts::default();
        let limits = pipeline.limits(collected.session.agent);
        pipeline
            .events(collected, frozen, &mut counts, &mut |event| {
                sink(event.written(&limits).into_inner().json);
                Ok(())
            })
            .expect("the sink takes everything");
    }
}

/// The events of a session that are among these.
fn foreign(collected: &Collected, sent: &Events) -> Foreign {
    let sent: HashSet<&str> = sent
        .iter()
        .filter_map(|event| event["uuid"].as_str())
        .collect();
    let mut claims = posthog::claims(&collected.session);
    claims.extend(posthog::elsewhere(&collected.session));
    claims
        .into_iter()
        .filter(|claim| sent.contains(claim.to_string().as_str()))
        .collect()
}

/// Reads a session whole.
pub(crate) fn collect(transcript: &Path, progress: SessionState) -> Option<Collected> {
    Run::default().collect(transcript, None, progress)
}

/// The settings of a user in a shell, with their problems.
pub(crate) fn settings_of(host: &Host) -> (Config, Vec<Problem>) {
    Config::read(&Environment::of(host, Caller::Shell))
}

/// Redactors with only the built-in rules.
pub(crate) fn redactors() -> Redactors {
    Redactors::open(&[], RedactionKey::new([7; 32])).expect("there are no files")
}

/// An empty machine, at a time long after every session.
pub(crate) fn host() -> Host {
    Host::bare(|| DateTime::from_timestamp(2_000_000_000, 0).expect("a time"))
}
