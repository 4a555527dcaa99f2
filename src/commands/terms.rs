//! The terms under which a session is stored: its destination and its content.
//!
//! Variables of one shell do not exist in another. A hook that begins to store a session writes its
//! terms into the note, so that the hook that finds an interrupted session never sends it elsewhere
//! or with more content.
//!
//! The destination of a note has two fingerprints: that of the host, with the project that chose it,
//! and that of host and key. A hook that could not read the key, or had yet to run the command for
//! it, writes only the first. Such a session goes to the same host with the key that the user's
//! settings give later: the user may have corrected the command, or named a file in its place.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::config::{Config, KeySource};
use crate::consent::RulesFile;
use crate::fingerprint;
use crate::posthog::Recording;

/// The terms under which a session is stored. They hold no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Terms {
    /// Fingerprint of host and key; `None` as long as one of them is unknown. Early versions took
    /// the command for the key in its place.
    destination: Option<String>,
    /// Fingerprint of the host; `None` without a host, and in notes of early versions.
    #[serde(default)]
    place: Option<String>,
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
        let destination = &config.destination;
        let key = destination.api_key.as_ref();
        Self {
            destination: key.and_then(|key| fingerprint(config, &[key.secret()])),
            place: fingerprint(config, &[]),
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
        if !terms.have_destination_of(config) {
            return None;
        }
        let noted = Recording::of(terms.inputs, terms.outputs);
        joined.events.recording = joined.events.recording.and(noted);
        joined.rules.extend(terms.rules);
        joined.rules.sort();
        joined.rules.dedup();
        Some(joined)
    }

    /// Whether a note is for another destination than that of these settings, as far as they tell:
    /// they may have a command for the key, which is not run.
    pub(super) fn is_for_another(noted: &Value, config: &Config) -> bool {
        let is_known = config.destination.api_key.is_some();
        let Ok(terms) = Self::deserialize(noted) else {
            return !noted.is_null();
        };
        if is_known {
            !terms.have_destination_of(config)
        } else {
            terms.place.is_some() && terms.place != fingerprint(config, &[])
        }
    }

    /// Whether these terms have the destination of the settings. Fails closed: terms without a host
    /// have none.
    fn have_destination_of(&self, config: &Config) -> bool {
        let own = Self::of(config);
        let Some(noted) = &self.destination else {
            return self.place.is_some() && self.place == own.place;
        };
        let by_command = match &config.destination.key_source {
            Some(KeySource::Command(line)) if self.place.is_none() => fingerprint(config, &[line]),
            _ => None,
        };
        [own.destination, by_command].contains(&Some(noted.clone()))
    }
}

/// Fingerprint of the host of these settings, the project that chose it, and the key or command.
fn fingerprint(config: &Config, key: &[&str]) -> Option<String> {
    let destination = &config.destination;
    let host = destination.endpoint.as_ref()?.base();
    let committed_by = destination.chosen_by.as_ref();
    let committed_by = committed_by.map(|project| project.to_string_lossy());
    let committed_by = committed_by.as_deref().unwrap_or_default();
    let fields = [host].into_iter().chain(key.iter().copied());
    let fields: Vec<&[u8]> = fields.chain([committed_by]).map(str::as_bytes).collect();
    Some(format!("{:016x}", fingerprint::of(&fields)))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use chrono::Utc;
    use serde_json::json;

    use super::*;
    use crate::consent::{Caller, Environment};
    use crate::host::Host;

    const KEY: (&str, &str) = ("POSTHOG_API_KEY", "phc_one");
    const OTHER_KEY: (&str, &str) = ("POSTHOG_API_KEY", "phc_two");
    const NO_KEY: (&str, &str) = ("POSTHOG_API_KEY", "phx_personal");
    const COMMAND: (&str, &str) = ("POSTHOG_API_KEY_COMMAND", "lookup");
    const TYPO: (&str, &str) = ("POSTHOG_API_KEY_COMMAND", "lokup");
    const FILE: (&str, &str) = ("POSTHOG_API_KEY_FILE", "/nowhere/key");
    const HOST: (&str, &str) = ("POSTHOG_HOST", "https://eu.i.posthog.com");
    const NO_HOST: (&str, &str) = ("POSTHOG_HOST", "://");

    fn config(values: &[(&str, &str)]) -> Config {
        let host = values
            .iter()
            .fold(Host::bare(Utc::now), |host, (name, value)| {
                host.with(name, value)
            });
        Config::read(&Environment::of(&host, Caller::Onlooker)).0
    }

    /// The settings after their command printed a key.
    fn asked(values: &[(&str, &str)], key: (&str, &str)) -> Config {
        let mut asked = config(values);
        asked.destination.api_key = config(&[key]).destination.api_key;
        asked
    }

    #[test]
    fn a_session_of_a_broken_key_goes_to_its_host_with_the_key_of_the_user_and_nowhere_else() {
        let right = config(&[KEY]);
        let chosen = {
            let mut config = right.clone();
            config.destination.chosen_by = Some(PathBuf::from("/project"));
            config
        };
        for (noted, now, expected) in [
            (config(&[KEY]), &right, true),
            (config(&[OTHER_KEY]), &right, false),
            // Without a key, any of the user's own for the same host.
            (config(&[NO_KEY]), &right, true),
            (config(&[FILE]), &right, true),
            (config(&[TYPO]), &right, true),
            (config(&[TYPO]), &asked(&[COMMAND], KEY), true),
            (config(&[TYPO, HOST]), &right, false),
            (config(&[FILE]), &config(&[KEY, HOST]), false),
            (config(&[FILE]), &chosen, false),
            // With the key that the command printed, only that one.
            (asked(&[COMMAND], KEY), &right, true),
            (asked(&[COMMAND], KEY), &asked(&[TYPO], KEY), true),
            (asked(&[COMMAND], OTHER_KEY), &right, false),
            // Without a host there is no destination.
            (config(&[KEY, NO_HOST]), &right, false),
            (config(&[KEY, NO_HOST]), &config(&[KEY, NO_HOST]), false),
        ] {
            let note = Terms::of(&noted).to_json();
            let joined = Terms::join(&note, now);
            assert_eq!(joined.is_some(), expected, "{note} {now:?}");
            assert_eq!(Terms::is_for_another(&note, now), !expected, "{note}");
        }
    }

    #[test]
    fn a_note_of_an_early_version_keeps_its_command() {
        let us = "https://us.i.posthog.com";
        let early = |key: &str| {
            let fields = [us, key, ""].map(str::as_bytes);
            let destination = format!("{:016x}", fingerprint::of(&fields));
            json!({ "destination": destination, "inputs": true, "outputs": true, "rules": [] })
        };
        let now = asked(&[COMMAND], KEY);
        for (key, expected) in [("lookup", true), ("phc_one", true), ("lokup", false)] {
            let joined = Terms::join(&early(key), &now);
            assert_eq!(joined.is_some(), expected, "{key}");
        }
        let nowhere = json!({ "destination": null, "inputs": true, "outputs": true, "rules": [] });
        assert!(Terms::join(&nowhere, &now).is_none());
        assert!(Terms::join(&Value::Null, &now).is_some());
    }

    #[test]
    fn settings_whose_command_was_not_run_tell_another_host_only() {
        let now = config(&[COMMAND]);
        for (noted, expected) in [
            (config(&[KEY]), false),
            (config(&[TYPO]), false),
            (config(&[KEY, HOST]), true),
        ] {
            let note = Terms::of(&noted).to_json();
            assert_eq!(Terms::is_for_another(&note, &now), expected, "{note}");
        }
    }
}
