//! The terms under which a session is stored: its destination and its content.
//!
//! Variables of one shell do not exist in another. A hook that begins to store a session writes its
//! terms into the note, so that the hook that finds an interrupted session never sends it elsewhere
//! or with more content.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::config::Config;
use crate::consent::RulesFile;
use crate::fingerprint;
use crate::posthog::Recording;

/// The terms under which a session is stored. They hold no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Terms {
    /// Fingerprint of the destination and its key; `None` without a destination.
    destination: Option<String>,
    /// Whether prompts and inputs of tools are sent.
    inputs: bool,
    /// Whether answers and outputs of tools are sent.
    outputs: bool,
    /// Files of redaction rules.
    rules: Vec<RulesFile>,
}

impl Terms {
    /// The terms of these settings.
    pub(super) fn of(config: &Config) -> Self {
        let recording = config.events.recording;
        Self {
            destination: destination(config),
            inputs: recording.inputs(),
            outputs: recording.outputs(),
            rules: config.rules.clone(),
        }
    }

    /// The terms as JSON for the note.
    pub(super) fn to_json(&self) -> Value {
        serde_json::json!(self)
    }

    /// The settings with the privacy of these terms and their own; `None` if the terms have another
    /// destination, or cannot be read. A note without terms is of an early version.
    pub(super) fn join(noted: &Value, config: &Config) -> Option<Config> {
        let mut joined = config.clone();
        if noted.is_null() {
            return Some(joined);
        }
        let terms = Self::deserialize(noted).ok()?;
        if terms.destination != destination(config) {
            return None;
        }
        let noted = Recording::of(terms.inputs, terms.outputs);
        joined.events.recording = joined.events.recording.and(noted);
        joined.rules.extend(terms.rules);
        joined.rules.sort();
        joined.rules.dedup();
        Some(joined)
    }
}

fn destination(config: &Config) -> Option<String> {
    let destination = &config.destination;
    let host = destination.endpoint.as_ref()?.base();
    let key = destination.key_identity()?;
    let committed_by = destination.chosen_by.as_ref();
    let committed_by = committed_by.map(|project| project.to_string_lossy());
    let fields = [host, key, committed_by.as_deref().unwrap_or_default()];
    let fingerprint = fingerprint::of(&fields.map(str::as_bytes));
    Some(format!("{fingerprint:016x}"))
}
