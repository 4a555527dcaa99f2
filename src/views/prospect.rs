//! Events as they would be sent, for commands that show or write them and send nothing.

use std::sync::{Mutex, PoisonError};

use anyhow::anyhow;
use uuid::Uuid;

use crate::config::Config;
use crate::deliver;
use crate::outbox::{self, Destination, Outbox};
use crate::pipeline::{Collected, Pipeline, Redactors};
use crate::posthog::{self, Foreign, Frozen};
use crate::redact::RedactionKey;

/// All inputs that decide how the events of a session are built.
pub(crate) struct Prospect {
    config: Config,
    redactors: Redactors,
    /// Limit of the destination for one event, in bytes of JSON.
    largest_event: usize,
    outbox: Mutex<Option<Outbox>>,
    /// Why the redaction marks are valid for this run only, if they are.
    pub(crate) note: Option<String>,
}

impl Prospect {
    /// Opens the outbox for reading, if it exists. Otherwise the key of redaction marks is created
    /// now, so that later runs and the outbox use the same.
    pub(crate) fn of(config: &Config) -> anyhow::Result<Self> {
        let outbox = match &config.state_dir {
            Some(directory) => Outbox::open_read_only(directory)?,
            None => None,
        };
        let (key, note) = match &outbox {
            Some(outbox) => (outbox.redaction_key(), None),
            None => redaction_key(config)?,
        };
        let destination = config.destination.complete();
        let largest_event = largest_event(config, destination.as_ref(), outbox.as_ref())?;
        Ok(Self {
            redactors: Redactors::open(&config.rules, RedactionKey::new(key))?,
            config: config.clone(),
            largest_event,
            outbox: Mutex::new(outbox),
            note,
        })
    }

    pub(crate) fn pipeline(&self) -> Pipeline<'_> {
        Pipeline::new(&self.config, &self.redactors, self.largest_event)
    }

    /// The redactors of the user and of projects.
    pub(crate) const fn redactors(&self) -> &Redactors {
        &self.redactors
    }

    /// The events of a session, or of a part of it, that another session owns.
    pub(crate) fn foreign(&self, collected: &Collected) -> anyhow::Result<Foreign> {
        let (namespace, key) = (self.config.namespace, collected.key());
        let claims = posthog::claims(&collected.session);
        let stored = claims.iter().map(|it| namespace.id(*it));
        let owners = self
            .ask(|outbox| outbox.owners(stored))?
            .unwrap_or_default();
        let is_foreign = |event: &Uuid| {
            let owner = owners.get(&namespace.id(*event));
            owner.is_some_and(|(_, id)| *id != key)
        };
        Ok(claims.into_iter().filter(is_foreign).collect())
    }

    /// The frozen settings of a session: those of its first send, or else the current ones.
    pub(crate) fn frozen(&self, collected: &Collected) -> anyhow::Result<Frozen> {
        let (agent, key) = (collected.session.agent, collected.key());
        let known = self.ask(|outbox| outbox.session(agent.as_str(), &key))?;
        let frozen = known.flatten().and_then(|known| known.frozen().ok());
        let freeze = || anyhow::Ok(self.pipeline().freeze(collected)?.into_inner());
        frozen.map_or_else(freeze, Ok)
    }

    /// Asks the outbox a question; `None` without an outbox.
    pub(crate) fn ask<T, E>(
        &self,
        question: impl FnOnce(&Outbox) -> Result<T, E>,
    ) -> Result<Option<T>, E> {
        let outbox = self.outbox.lock().unwrap_or_else(PoisonError::into_inner);
        outbox.as_ref().map(question).transpose()
    }
}

/// Limit of the settings' destination for one event, in bytes of JSON. It depends on the lane,
/// which the outbox may know.
pub(crate) fn largest_event(
    config: &Config,
    destination: Option<&Destination>,
    outbox: Option<&Outbox>,
) -> anyhow::Result<usize> {
    let known = match (destination, outbox) {
        (Some(destination), Some(outbox)) => outbox.ai_lane(destination)?,
        _ => None,
    };
    let endpoint = config.destination.endpoint.as_ref();
    Ok(endpoint.map_or(0, |it| deliver::lane(it, known).max_event_bytes()))
}

/// The key of the state directory; if that cannot be used, a random one with the reason.
fn redaction_key(config: &Config) -> anyhow::Result<([u8; 32], Option<String>)> {
    let kept = config.state_dir.as_deref().map(outbox::redaction_key);
    let problem = match kept {
        Some(Ok(key)) => return Ok((key, None)),
        Some(Err(error)) => error.to_string(),
        None => "there is no home directory; set POSTHOG_LLMA_STATE_DIR".to_owned(),
    };
    let note = format!("marks of redacted secrets are of this run alone: {problem}");
    let mut key = [0; 32];
    getrandom::fill(&mut key).map_err(|error| anyhow!("no random bytes: {error}"))?;
    Ok((key, Some(note)))
}
