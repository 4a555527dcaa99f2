//! Events as they would be sent, for commands that show or write them and send nothing.

use std::sync::{Mutex, PoisonError};

use anyhow::anyhow;

use super::sending;
use crate::config::Config;
use crate::outbox::{self, Outbox};
use crate::pipeline::{Collected, Pipeline, Redactors};
use crate::posthog::Frozen;
use crate::redact::RedactionKey;
use crate::ui;

/// All inputs that decide how the events of a session are built.
pub(super) struct Prospect<'a> {
    config: &'a Config,
    redactors: Redactors,
    /// Limit of the destination for one event, in bytes of JSON.
    largest_event: usize,
    outbox: Mutex<Option<Outbox>>,
}

impl<'a> Prospect<'a> {
    /// Opens the outbox for reading, if there is one. Otherwise the key of redaction marks is
    /// created now, so that later runs and the outbox use the same; if it cannot be stored, a
    /// message says so.
    pub(super) fn of(config: &'a Config) -> anyhow::Result<Self> {
        let outbox = match &config.state_dir {
            Some(directory) => Outbox::open_read_only(directory)?,
            None => None,
        };
        let key = match &outbox {
            Some(outbox) => outbox.redaction_key(),
            None => redaction_key(config)?,
        };
        let destination = sending::destination(config);
        let largest_event = sending::largest_event(config, destination.as_ref(), outbox.as_ref())?;
        Ok(Self {
            config,
            redactors: Redactors::open(&config.rules, RedactionKey::new(key))?,
            largest_event,
            outbox: Mutex::new(outbox),
        })
    }

    pub(super) fn pipeline(&self) -> Pipeline<'_> {
        Pipeline::new(self.config, &self.redactors, self.largest_event)
    }

    /// Frozen settings of a session: of its first send, otherwise from the current settings.
    pub(super) fn frozen(&self, collected: &Collected) -> anyhow::Result<Frozen> {
        let session = &collected.session;
        let known = self.ask(|outbox| outbox.session(session.agent.as_str(), &session.key))?;
        let frozen = known.flatten().and_then(|known| known.frozen().ok());
        let freeze = || anyhow::Ok(self.pipeline().freeze(collected)?.into_inner());
        frozen.map_or_else(freeze, Ok)
    }

    /// Asks the outbox a question; `None` without an outbox.
    pub(super) fn ask<T, E>(
        &self,
        question: impl FnOnce(&Outbox) -> Result<T, E>,
    ) -> Result<Option<T>, E> {
        let outbox = self.outbox.lock().unwrap_or_else(PoisonError::into_inner);
        outbox.as_ref().map(question).transpose()
    }
}

/// The key of the state directory; a random one if that cannot be used.
fn redaction_key(config: &Config) -> anyhow::Result<[u8; 32]> {
    let kept = config.state_dir.as_deref().map(outbox::redaction_key);
    let problem = match kept {
        Some(Ok(key)) => return Ok(key),
        Some(Err(error)) => error.to_string(),
        None => "there is no home directory; set POSTHOG_LLMA_STATE_DIR".to_owned(),
    };
    ui::say_in_lines(format_args!(
        "marks of redacted secrets are of this run alone: {problem}"
    ));
    let mut key = [0; 32];
    getrandom::fill(&mut key).map_err(|error| anyhow!("no random bytes: {error}"))?;
    Ok(key)
}
