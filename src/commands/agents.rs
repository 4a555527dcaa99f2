//! The agents besides Claude Code, as `status` and `doctor` show them.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::words;
use crate::config::Config;
use crate::consent::{Caller, Environment};
use crate::host::Host;
use crate::integrations;
use crate::posthog::Recording;
use crate::session::Agent;
use crate::sources;

/// An agent that has kept sessions on this machine, and whether these are sent by themselves.
#[derive(Debug)]
pub(super) struct OtherAgent {
    pub(super) agent: Agent,
    folder: PathBuf,
    sessions: usize,
    /// The file that has the agent call us.
    plugin: Option<PathBuf>,
    /// Whether the settings that the agent's own hooks see switch it on, or why not.
    switched: Result<(), String>,
    /// Which halves of a session's content are sent.
    recording: Recording,
}

/// Looks for them. `host` is the machine as it is: what Claude Code's settings say holds for
/// Claude Code alone.
pub(super) fn look(host: &Host) -> Vec<OtherAgent> {
    let environment = Environment::of(host, Caller::OtherAgent);
    let (config, _) = Config::read(&environment);
    let others = Agent::ALL.into_iter().filter(|it| *it != Agent::ClaudeCode);
    let present = others.filter_map(|agent| {
        let folder = sources::folder(agent, host).filter(|folder| folder.is_dir())?;
        let key = &config.destination.api_key;
        let switched = match (key, config.of(agent).enabled, &environment.stopped) {
            (_, _, Some(stopped)) => Err(stopped.found.clone()),
            (None, ..) => Err("POSTHOG_API_KEY is not set in this shell".to_owned()),
            (_, false, _) => Err("POSTHOG_ENABLED is false".to_owned()),
            _ => Ok(()),
        };
        Some(OtherAgent {
            agent,
            sessions: sources::of_agent(agent, host).found.len(),
            plugin: integrations::plugin(agent, host),
            folder,
            switched,
            recording: config.events.recording,
        })
    });
    present.collect()
}

impl OtherAgent {
    /// Whether sessions are sent by themselves.
    pub(super) const fn is_on(&self) -> bool {
        self.switched.is_ok() && self.plugin.is_some()
    }

    /// How it is, in a line.
    pub(super) fn in_words(&self, host: &Host) -> String {
        let folder = words::path(&self.folder, host);
        let sessions = crate::ui::count(self.sessions as u64, "session");
        let state = match (&self.plugin, &self.switched) {
            (Some(file), Ok(())) => {
                let privacy = words::privacy(self.recording);
                let privacy = privacy.map_or_else(String::new, |what| format!(", {what}"));
                format!("on, by {}{privacy}", words::path(file, host))
            }
            (None, _) => "off: its plugin is not installed".to_owned(),
            (Some(_), Err(why)) => format!("off: {why}"),
        };
        format!("{state}; {sessions} in {folder}")
    }

    /// What switches it on.
    pub(super) fn fix(&self) -> &'static str {
        match (self.agent, &self.plugin) {
            (Agent::OpenCode, None) => {
                "name the folder plugin/opencode of this program's repository in opencode.json"
            }
            (_, None) => "pi install, with the folder plugin/pi of this program's repository",
            (_, Some(_)) => "export POSTHOG_API_KEY in the shell that it is started from",
        }
    }

    pub(super) fn as_json(&self) -> Value {
        json!({
            "agent": self.agent.as_str(),
            "enabled": self.is_on(),
            "plugin": self.plugin.as_ref().map(|path| path.to_string_lossy()),
            "folder": self.folder.to_string_lossy(),
            "sessions": self.sessions,
            "records_inputs": self.recording.inputs(),
            "records_outputs": self.recording.outputs(),
        })
    }
}
