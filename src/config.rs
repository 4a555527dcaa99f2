//! The settings as typed values, read once.
//!
//! # The path of a setting from the environment to its use
//!
//! ```text
//! variables ──► host ──► consent::Environment ──► Config ──► pipeline, commands
//! names and     values   the values that count,   typed      use them
//! rights        as given without a repository's   values
//! ```
//!
//! Each step reads the one before it. Privacy mode, for example:
//!
//! 1. `Variable::PRIVACY_MODE` has its three names, and `IfCommitted::Stricter` says that a
//!    repository may switch it on and not off.
//! 2. [`Host`] holds the values that the process was given.
//! 3. [`Environment`] compares them with the settings files, and keeps the strictest value of the
//!    user's settings, the administrator's and the shell.
//! 4. [`Config::read`] parses the three values into one [`Recording`]. A value that cannot be parsed
//!    is a [`Problem`] and counts as the strict one.
//! 5. `pipeline::Pipeline::recording` uses it.
//!
//! One question goes back a step: which projects a session worked in is known only when it has been
//! read. In step 5 the pipeline asks `consent` for the verdict of these projects, and the stricter
//! of verdict and `Config` holds.
//!
//! Two processes take part when a hook runs. The hook does steps 1 to 4 and passes its
//! [`Environment`] on, as variables and a `consent::Judgement`; the detached process does step 4
//! again and step 5.
//!
//! `may_be_on` skips the third step, to end most hooks early. It can only lead to less work: a hook
//! that continues reads a `Config` from an [`Environment`].

mod api_key;
mod key_source;
mod read;
mod routes;
mod secret_file;
mod values;

use std::path::PathBuf;

use serde_json::{Map, Value};

use crate::consent::{Environment, RulesFile};
use crate::host::Host;
use crate::inbox::{self, Route};
use crate::outbox::Destination;
use crate::posthog::{DistinctId, Grouping, InputScope, Namespace, Recording, Wanted};
use crate::receive::Token;
use crate::session::Agent;
use crate::transport::Endpoint;
use crate::variables::Variable;
pub(crate) use api_key::ApiKey;
pub(crate) use key_source::{KeySource, key_in_file, key_of_command};
use read::{Reader, Values};
pub(crate) use routes::{
    RouteSettings, Routes, RoutesError, openrouter_token, remove_openrouter_token,
};
pub(crate) use secret_file::read as read_secret_file;

/// All settings: those shared by all agents, and those of each agent.
///
/// Settings named `POSTHOG_LLMA_…` apply to every agent. If PostHog has a name of its own for an
/// agent's setting, that name applies to the agent unless the first one is set.
#[derive(Clone, Debug)]
pub struct Config {
    /// The route of these settings. Sessions on disk have the default one.
    pub(crate) route: Route,
    /// Namespace of the events' identities, if they go to a project of its own.
    pub(crate) namespace: Namespace,
    /// Where events are sent.
    pub(crate) destination: DestinationSettings,
    /// `POSTHOG_LLMA_STATE_DIR`, otherwise the user's state directory.
    pub(crate) state_dir: Option<PathBuf>,
    /// `POSTHOG_LLMA_MAX_OUTBOX_BYTES`: maximum size of unsent events, in bytes of JSON.
    pub(crate) max_outbox_bytes: Option<u64>,
    /// `POSTHOG_LLMA_INBOX_DAYS`, `POSTHOG_LLMA_MAX_INBOX_BYTES`: limits of the inbox.
    pub(crate) inbox: inbox::Settings,
    /// `POSTHOG_LLMA_SERVE_TOKEN`: the token that clients of `serve` send.
    pub(crate) serve_token: Option<Token>,
    /// `POSTHOG_LLMA_WAIT`: how long the hook at the end of a session waits.
    pub(crate) wait: WaitSetting,
    /// `POSTHOG_LLMA_REDACT_FILE`: the user's own rules.
    pub(crate) rules: Vec<RulesFile>,
    /// How events of all agents are built.
    pub(crate) events: EventSettings,
    /// The settings of each agent.
    agents: PerAgent<AgentSettings>,
}

/// Where events are sent.
#[derive(Clone, Debug)]
pub(crate) struct DestinationSettings {
    /// The key; `None` as long as [`Config::ask_for_key`] has not run the command for it.
    pub(crate) api_key: Option<ApiKey>,
    /// `POSTHOG_API_KEY`, `POSTHOG_API_KEY_FILE` or `POSTHOG_API_KEY_COMMAND`: the source of the
    /// key, if one is set.
    pub(crate) key_source: Option<KeySource>,
    /// Whether the user's settings name a key, be it one that cannot be used: a file that is
    /// missing, for example. A value of unknown origin does not count.
    pub(crate) names_key: bool,
    /// `POSTHOG_HOST`; `None` if it cannot be parsed: then nothing is sent, in particular not to a
    /// default.
    pub(crate) endpoint: Option<Endpoint>,
    /// The variable that the endpoint was read from; `None` for the default.
    pub(crate) endpoint_source: Option<Variable>,
    /// The project whose committed settings chose the destination, if one did.
    pub(crate) chosen_by: Option<PathBuf>,
}

/// How the events of every agent are built.
#[derive(Clone, Debug)]
pub(crate) struct EventSettings {
    /// `POSTHOG_LLMA_PRIVACY_MODE`, `POSTHOG_LLMA_RECORD_INPUTS`, `POSTHOG_LLMA_RECORD_OUTPUTS`.
    pub(crate) recording: Recording,
    /// `POSTHOG_LLMA_INPUT`.
    pub(crate) input_scope: InputScope,
    /// `POSTHOG_LLMA_TURN_SPANS`.
    pub(crate) turn_spans: bool,
    /// `POSTHOG_PROJECT_NAME`.
    pub(crate) project_name: Option<String>,
    /// `POSTHOG_AGENT_NAME`.
    pub(crate) agent_name: Option<String>,
    /// `POSTHOG_AI_PURPOSE`.
    pub(crate) purpose: Option<String>,
    /// `POSTHOG_TAGS` and `POSTHOG_LLMA_CUSTOM_PROPERTIES`; where both name one, the latter wins.
    pub(crate) custom: Map<String, Value>,
}

/// How long the hook at the end of a session waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum WaitSetting {
    /// Briefly if a person waits for the hook, otherwise until everything is sent.
    #[default]
    Auto,
    /// Until everything is sent, as long as the agent allows.
    Sent,
    /// Not at all.
    Never,
}

/// Settings that may differ between agents.
#[derive(Clone, Debug)]
pub(crate) struct AgentSettings {
    /// `POSTHOG_LLMA_CC_ENABLED` for Claude Code, `POSTHOG_ENABLED` for others. If it is unset,
    /// Claude Code's hooks are on when the user gave the plugin a key.
    pub(crate) hooks: Hooks,
    /// `POSTHOG_LLMA_DISTINCT_ID`.
    pub(crate) attribution: Attribution,
    /// `POSTHOG_LLMA_TRACE_GROUPING`.
    pub(crate) grouping: Grouping,
    /// `POSTHOG_LLMA_SESSION_WINDOW_MINUTES`: minutes of silence that end a trace of a session.
    pub(crate) session_window: Option<u32>,
    /// `POSTHOG_LLMA_MAX_ATTRIBUTE_LENGTH`, in bytes of JSON.
    pub(crate) max_attribute_bytes: usize,
}

/// A value for each agent.
#[derive(Clone, Debug)]
struct PerAgent<T> {
    claude_code: T,
    pi: T,
    opencode: T,
    otlp: T,
}

impl<T> PerAgent<T> {
    fn each(mut value: impl FnMut(Agent) -> T) -> Self {
        Self {
            claude_code: value(Agent::ClaudeCode),
            pi: value(Agent::Pi),
            opencode: value(Agent::OpenCode),
            otlp: value(Agent::Otlp),
        }
    }

    const fn of(&self, agent: Agent) -> &T {
        match agent {
            Agent::ClaudeCode => &self.claude_code,
            Agent::Pi => &self.pi,
            Agent::OpenCode => &self.opencode,
            Agent::Otlp => &self.otlp,
        }
    }
}

/// Whether the hooks of an agent do anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hooks {
    /// They read sessions, and send them if there is a key.
    On,
    /// They end at once.
    Off,
}

/// The person that sessions are attributed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Attribution {
    /// This person or machine.
    Named(DistinctId),
    /// Git's `user.email` in the session's folder, if it is set.
    GitEmail,
    /// No person: the distinct id is derived from the session's id.
    Session,
}

/// A setting that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} {problem}", .variable.described())]
pub struct Problem {
    /// The variable with the value.
    pub(crate) variable: Variable,
    /// The fault of the value, and the allowed values. Never holds the value of a secret.
    problem: String,
}

impl Problem {
    /// Whether the setting is one for the key.
    pub(crate) fn is_of_key(&self) -> bool {
        Variable::API_KEY.contains(&self.variable)
    }
}

impl DestinationSettings {
    /// Whether there is a key, or a command for it.
    pub(crate) const fn has_key(&self) -> bool {
        self.api_key.is_some() || matches!(self.key_source, Some(KeySource::Command(_)))
    }

    /// The destination; `None` when the key or the host is missing.
    pub(crate) fn complete(&self) -> Option<Destination> {
        let chosen_by = self.chosen_by.as_ref();
        Some(Destination {
            host: self.endpoint.as_ref()?.base().to_owned(),
            api_key: self.api_key.as_ref()?.secret().to_owned(),
            committed_by: chosen_by.map(|project| project.to_string_lossy().into_owned()),
        })
    }
}

impl Config {
    /// Parses the settings. A value that cannot be used is replaced by the default and reported as
    /// a [`Problem`]: commands stop at it; hooks continue, and `status` shows it.
    #[must_use]
    pub fn read(environment: &Environment) -> (Self, Vec<Problem>) {
        let host = &environment.host;
        let mut reader = Reader::of(Values::Judged(environment));
        let config = Self {
            route: Route::main(),
            namespace: Namespace::default(),
            destination: reader.destination(environment.chosen_by.clone()),
            state_dir: host.state_directory(),
            max_outbox_bytes: reader.max_outbox_bytes(),
            inbox: reader.inbox(),
            serve_token: reader.serve_token(),
            wait: reader.wait(),
            rules: environment.rules.clone(),
            events: reader.events(),
            agents: PerAgent::each(|agent| reader.agent(agent, host)),
        };
        (config, reader.into_problems())
    }

    /// Runs the command for the key, if the key comes from one and is not known yet. Only for
    /// processes that are about to send, never for a hook, for which an agent waits.
    ///
    /// # Errors
    /// When the command gives no key.
    pub(crate) fn ask_for_key(&mut self, host: &Host) -> Result<(), Problem> {
        let destination = &mut self.destination;
        if let (None, Some(KeySource::Command(line))) =
            (&destination.api_key, &destination.key_source)
        {
            let key = key_of_command(line, host).map_err(|problem| Problem {
                variable: Variable::ApiKeyCommand,
                problem,
            })?;
            destination.api_key = Some(key);
        }
        Ok(())
    }

    /// The settings of an agent.
    pub(crate) const fn of(&self, agent: Agent) -> &AgentSettings {
        self.agents.of(agent)
    }

    /// Whether the hooks of an agent are switched on. A key that cannot be used at the moment
    /// switches nothing off: the ends of sessions are noted until there is one.
    pub(crate) const fn is_on(&self, agent: Agent) -> bool {
        matches!(self.of(agent).hooks, Hooks::On) && self.destination.names_key
    }

    /// The settings under which events have the same numbers and no content.
    pub(crate) fn without_content(&self) -> Self {
        let mut config = self.clone();
        config.events.recording = Recording::Nothing;
        config
    }

    /// The same settings without a person.
    pub(crate) fn for_numbers(&self) -> Self {
        let mut config = self.without_content();
        let without_person = |agent| AgentSettings {
            attribution: Attribution::Session,
            ..self.of(agent).clone()
        };
        config.agents = PerAgent::each(without_person);
        config
    }

    /// The content to read from sessions.
    #[must_use]
    pub const fn wanted(&self) -> Wanted {
        match self.events.recording {
            Recording::Nothing => Wanted::Numbers,
            Recording::OutputsOnly => Wanted::Outputs,
            Recording::Full | Recording::InputsOnly => Wanted::Everything(self.events.input_scope),
        }
    }
}

/// Whether the hooks of an agent may be switched on, by the values the process was given. Most
/// hooks on most machines end here.
pub(crate) fn may_be_on(agent: Agent, host: &Host) -> bool {
    let mut reader = Reader::of(Values::Given(host));
    // An empty value may hide the user's own.
    let is_named = || Variable::API_KEY.iter().any(|it| host.value(*it).is_some());
    reader.hooks(agent) == Hooks::On && is_named()
}

#[cfg(test)]
mod tests;
