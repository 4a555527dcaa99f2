//! The agents besides Claude Code.

use std::path::PathBuf;

use crate::config::{Config, Hooks};
use crate::consent::{Caller, Environment};
use crate::host::Host;
use crate::integrations;
use crate::posthog::Recording;
use crate::session::Agent;
use crate::sources;

/// An agent with sessions on this machine, and whether its hooks send them.
#[derive(Debug)]
pub(crate) struct OtherAgent {
    /// The agent.
    pub(crate) agent: Agent,
    /// The folder of its sessions.
    pub(crate) folder: PathBuf,
    /// The number of its sessions.
    pub(crate) sessions: usize,
    /// The file that makes the agent call this program, if it exists.
    pub(crate) plugin: Option<PathBuf>,
    /// Success if its hooks are switched on by the settings they see, or the reason why not.
    pub(crate) switched: Result<(), String>,
    /// The content that is sent.
    pub(crate) recording: Recording,
}

impl OtherAgent {
    /// All such agents. `host` is the machine without Claude Code's settings, which other agents do
    /// not read.
    pub(crate) fn all(host: &Host) -> Vec<Self> {
        let environment = Environment::of(host, Caller::OtherAgent);
        let (config, problems) = Config::read(&environment);
        let others = Agent::ALL.into_iter().filter(|it| *it != Agent::ClaudeCode);
        let present = others.filter_map(|agent| {
            let folder = sources::folder(agent, host).filter(|folder| folder.is_dir())?;
            let has_key = config.destination.has_key();
            let problem = || problems.iter().find(|it| it.is_of_key());
            let switched = match (has_key, config.of(agent).hooks, &environment.stopped) {
                (_, _, Some(stopped)) => Err(stopped.found.clone()),
                (false, ..) => Err(problem().map_or_else(
                    || "POSTHOG_API_KEY is not set in this shell".to_owned(),
                    ToString::to_string,
                )),
                (_, Hooks::Off, _) => Err("POSTHOG_ENABLED is false".to_owned()),
                _ => Ok(()),
            };
            Some(Self {
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

    /// Whether its hooks send sessions.
    pub(crate) const fn is_on(&self) -> bool {
        self.switched.is_ok() && self.plugin.is_some()
    }
}
