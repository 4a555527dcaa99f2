//! The environment, read once into one immutable value.

mod values;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde_json::{Map, Value};

use crate::consent::{Environment, RulesFile};
use crate::events::{DistinctId, Grouping, InputScope, Recording, Wanted};
use crate::host::{Hidden, Host, UnknownValue};
use crate::session::Agent;
use crate::transport::Endpoint;
use crate::variables::Variable;
use values::{
    boolean, custom_properties, grouping, input_scope, length, minutes, outbox_bytes, tags,
};

/// Longest tool input or output that is sent, unless a setting says otherwise, in bytes.
const MAX_ATTRIBUTE_BYTES: usize = 12_000;

/// PostHog's ingestion for its cloud in the United States.
const DEFAULT_HOST: &str = "https://us.i.posthog.com";

/// Minutes of silence after which a session of Pi or OpenCode goes on as another trace.
const SESSION_WINDOW_MINUTES: u32 = 60;

/// Settings that are options of the Claude Code plugin as well, how they reach us, and what to
/// call them. Claude Code (2.1.329) hands them to the plugin's hooks and to nothing else, and only
/// those that the user has set; a project's settings have no say in them.
const PLUGIN_OPTIONS: [(Variable, Variable, &str); 4] = [
    (
        Variable::ApiKey,
        Variable::OptionApiKey,
        "the plugin's option api_key",
    ),
    (
        Variable::PosthogHost,
        Variable::OptionHost,
        "the plugin's option host",
    ),
    (
        Variable::PrivacyMode,
        Variable::OptionPrivacyMode,
        "the plugin's option privacy_mode",
    ),
    (
        Variable::TraceGrouping,
        Variable::OptionTraceGrouping,
        "the plugin's option trace_grouping",
    ),
];

/// PostHog refuses longer keys.
const LONGEST_KEY: usize = 64;

/// Everything the user decided, for one agent; [`of`](Self::of) has it for the others.
///
/// What is named `POSTHOG_LLMA_…` holds for every agent. Where PostHog has another name for an
/// agent, that counts for the agent as well, unless the first is set.
#[derive(Clone, Debug)]
pub struct Config {
    others: BTreeMap<Agent, Self>,
    /// `POSTHOG_LLMA_CC_ENABLED` for Claude Code, `POSTHOG_ENABLED` for others: whether hooks do
    /// anything. Unless it is set, those of Claude Code do when the user gave the plugin a key.
    pub enabled: bool,
    /// `POSTHOG_API_KEY`.
    pub api_key: Option<ApiKey>,
    /// `POSTHOG_HOST`; `None` when it cannot be read: then nothing is sent, least of all to
    /// some default.
    pub endpoint: Option<Endpoint>,
    /// `POSTHOG_LLMA_STATE_DIR`, else the user's state directory.
    pub state_dir: Option<PathBuf>,
    /// `POSTHOG_LLMA_PRIVACY_MODE`, `POSTHOG_LLMA_RECORD_INPUTS`, `POSTHOG_LLMA_RECORD_OUTPUTS`.
    pub recording: Recording,
    /// `POSTHOG_LLMA_INPUT`.
    pub input_scope: InputScope,
    /// `POSTHOG_LLMA_REDACT_FILE`: the user's own rules.
    pub rules: Vec<RulesFile>,
    /// `POSTHOG_LLMA_DISTINCT_ID`.
    pub attribution: Attribution,
    /// `POSTHOG_LLMA_TRACE_GROUPING`.
    pub grouping: Grouping,
    /// `POSTHOG_LLMA_SESSION_WINDOW_MINUTES`: silence that ends a trace of a session.
    pub session_window: Option<u32>,
    /// `POSTHOG_LLMA_TURN_SPANS`.
    pub turn_spans: bool,
    /// `POSTHOG_LLMA_MAX_ATTRIBUTE_LENGTH`, in bytes of JSON.
    pub max_attribute_bytes: usize,
    /// `POSTHOG_LLMA_MAX_OUTBOX_BYTES`: how much may wait on the disk.
    pub max_outbox_bytes: Option<u64>,
    /// `POSTHOG_PROJECT_NAME`.
    pub project_name: Option<String>,
    /// `POSTHOG_AGENT_NAME`.
    pub agent_name: Option<String>,
    /// `POSTHOG_AI_PURPOSE`.
    pub purpose: Option<String>,
    /// `POSTHOG_TAGS` and `POSTHOG_LLMA_CUSTOM_PROPERTIES`; where both name one, the latter wins.
    pub custom: Map<String, Value>,
}

/// Whom sessions are attributed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attribution {
    /// This person, or this machine.
    Named(DistinctId),
    /// Git's `user.email` in the session's folder, where it has one.
    GitEmail,
    /// No person: the distinct id is made of the session's id.
    Session,
}

/// A setting that cannot be used, and what would be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{variable} {problem}")]
pub struct Problem {
    /// The environment variable, or the option of the plugin.
    pub variable: &'static str,
    /// What is wrong with its value, and what it may be. Never the value of a secret.
    pub problem: String,
}

impl Problem {
    /// Whether it is one of an option of the plugin.
    #[must_use]
    pub fn is_of_plugin(&self) -> bool {
        PLUGIN_OPTIONS
            .iter()
            .any(|(.., name)| *name == self.variable)
    }
}

/// A PostHog project key. Its value is shown to nobody.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(String);

impl ApiKey {
    /// Takes a key if PostHog's ingestion would.
    ///
    /// # Errors
    /// What is wrong with it, to follow the name of its source, and never the key itself.
    pub fn parse(key: &str) -> Result<Self, String> {
        if key.is_empty() {
            return Err("is empty; copy the project API key (phc_…)".to_owned());
        }
        if key.starts_with("phx_") {
            return Err(
                "is a personal API key (phx_…); use the project API key (phc_…) \
                        from PostHog's project settings"
                    .to_owned(),
            );
        }
        if key.contains(|character: char| character.is_whitespace() || character.is_control()) {
            return Err("holds white space; copy the project API key (phc_…) again".to_owned());
        }
        if key.len() > LONGEST_KEY || !key.is_ascii() {
            return Err("is no project API key (phc_…): too long, or not of ASCII".to_owned());
        }
        Ok(Self(key.to_owned()))
    }

    /// The key, for the request that needs it.
    #[must_use]
    pub fn secret(&self) -> &str {
        &self.0
    }

    /// Enough of the key to recognise it.
    #[must_use]
    pub fn masked(&self) -> String {
        let shown: String = self.0.chars().take(4).collect();
        let last: Vec<char> = self.0.chars().rev().take(4).collect();
        if self.0.chars().count() < 16 {
            return format!("{shown}…");
        }
        format!("{shown}…{}", last.into_iter().rev().collect::<String>())
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.masked())
    }
}

impl Config {
    /// Reads the settings. A value that cannot be used leaves the default in its place and a
    /// [`Problem`]: commands stop at it, hooks go on and let the status tell.
    #[must_use]
    pub fn read(environment: &Environment) -> (Self, Vec<Problem>) {
        let (mut config, mut problems) = Self::of_agent(Agent::ClaudeCode, environment);
        for agent in Agent::ALL {
            if agent != Agent::ClaudeCode {
                let (other, found) = Self::of_agent(agent, environment);
                problems.extend(found);
                config.others.insert(agent, other);
            }
        }
        let mut told = Vec::new();
        problems.retain(|problem| {
            let is_new = !told.contains(problem);
            told.push(problem.clone());
            is_new
        });
        (config, problems)
    }

    /// The settings as they hold for an agent.
    #[must_use]
    pub fn of(&self, agent: Agent) -> &Self {
        self.others.get(&agent).unwrap_or(self)
    }

    fn of_agent(agent: Agent, environment: &Environment) -> (Self, Vec<Problem>) {
        let host = &environment.host;
        let mut reader = Reader::of(agent, host);
        let state_dir = host.path_variable(Variable::StateDir);
        let default_state = || host.state.as_ref().map(|state| state.join("posthog-llma"));
        let mut custom = reader.value(Variable::Tags, tags).unwrap_or_default();
        let properties = reader.value(Variable::CustomProperties, custom_properties);
        custom.extend(properties.unwrap_or_default());
        let config = Self {
            others: BTreeMap::new(),
            enabled: reader.enabled(),
            api_key: reader.value(Variable::ApiKey, ApiKey::parse),
            endpoint: reader.endpoint(),
            state_dir: state_dir.or_else(default_state),
            recording: reader.recording(),
            input_scope: reader
                .value(Variable::Input, input_scope)
                .unwrap_or_default(),
            rules: environment.rules.clone(),
            attribution: reader.attribution(),
            grouping: reader
                .named(
                    [Variable::TraceGrouping, Variable::AgentTraceGrouping],
                    grouping,
                )
                .unwrap_or(match agent {
                    Agent::ClaudeCode => Grouping::Session,
                    Agent::Pi | Agent::OpenCode => Grouping::Message,
                }),
            session_window: reader.session_window(),
            turn_spans: reader.value(Variable::TurnSpans, boolean).unwrap_or(true),
            max_attribute_bytes: reader
                .named(
                    [
                        Variable::MaxAttributeLength,
                        Variable::AgentMaxAttributeLength,
                    ],
                    length,
                )
                .unwrap_or(MAX_ATTRIBUTE_BYTES),
            max_outbox_bytes: reader.max_outbox_bytes(),
            project_name: reader.text(Variable::ProjectName),
            agent_name: reader.text(Variable::AgentName),
            purpose: reader.text(Variable::Purpose),
            custom,
        };
        (config, reader.problems)
    }

    /// Whether hooks have anything to do.
    #[must_use]
    pub const fn is_on(&self) -> bool {
        self.enabled && self.api_key.is_some()
    }

    /// What is wanted of what was said in a session.
    #[must_use]
    pub const fn wanted(&self) -> Wanted {
        match self.recording {
            Recording::Nothing => Wanted::Numbers,
            Recording::OutputsOnly => Wanted::Outputs,
            Recording::Full | Recording::InputsOnly => Wanted::Everything(self.input_scope),
        }
    }
}

struct Reader<'a> {
    agent: Agent,
    host: &'a Host,
    problems: Vec<Problem>,
}

/// Whether the hooks of an agent may have anything to do, by a first look at an environment that
/// nobody has judged yet: most hooks on most machines end here.
#[must_use]
pub fn may_be_on(agent: Agent, host: &Host) -> bool {
    let mut reader = Reader::of(agent, host);
    reader.enabled() && reader.value(Variable::ApiKey, ApiKey::parse).is_some()
}

/// A setting as it was found.
enum Reading<T> {
    Unset,
    Value(T),
    /// There is one, and nobody can say what it means.
    Unreadable,
}

impl<'a> Reader<'a> {
    const fn of(agent: Agent, host: &'a Host) -> Self {
        Self {
            agent,
            host,
            problems: Vec::new(),
        }
    }

    fn read<T>(
        &mut self,
        (name, value): (&'static str, Result<Option<&str>, UnknownValue>),
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Reading<T> {
        if value == Err(UnknownValue::Hidden(Hidden::ByProject)) {
            // Told with all else that came with the project.
            return Reading::Unreadable;
        }
        let value = value.map_err(|error| error.to_string());
        match value.and_then(|value| value.map(parse).transpose()) {
            Ok(None) => Reading::Unset,
            Ok(Some(value)) => Reading::Value(value),
            Err(problem) => {
                let variable = name;
                self.problems.push(Problem { variable, problem });
                Reading::Unreadable
            }
        }
    }

    fn value<T>(
        &mut self,
        variable: Variable,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        match self.read(read(variable, self.host), parse) {
            Reading::Value(value) => Some(value),
            Reading::Unset | Reading::Unreadable => None,
        }
    }

    /// The same, with what to take for no value and for one that cannot be read.
    fn value_or<T>(
        &mut self,
        variable: Variable,
        parse: impl FnOnce(&str) -> Result<T, String>,
        unset: T,
        unreadable: T,
    ) -> T {
        match self.read(read(variable, self.host), parse) {
            Reading::Value(value) => value,
            Reading::Unset => unset,
            Reading::Unreadable => unreadable,
        }
    }

    /// A setting by our own name, else by the one that PostHog has for it with this agent.
    fn named<T>(
        &mut self,
        names: [Variable; 2],
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        self.value(self.name_of(names), parse)
    }

    fn name_of(&self, [ours, posthogs]: [Variable; 2]) -> Variable {
        match self.agent {
            Agent::ClaudeCode => ours,
            Agent::Pi | Agent::OpenCode if self.host.variable(ours) != Ok(None) => ours,
            Agent::Pi | Agent::OpenCode => posthogs,
        }
    }

    /// Claude Code is switched on, or given a key, which means the same. The others are switched on
    /// by whoever installs their plugin, until they are switched off.
    fn enabled(&mut self) -> bool {
        match self.agent {
            Agent::ClaudeCode => {
                let has_plugin_key = self.host.variable(Variable::OptionApiKey);
                let has_plugin_key = has_plugin_key.is_ok_and(|key| key.is_some());
                self.value_or(Variable::CcEnabled, boolean, has_plugin_key, false)
            }
            Agent::Pi | Agent::OpenCode => self.value_or(Variable::Enabled, boolean, true, false),
        }
    }

    /// OpenCode's sessions belong to the machine, unless a setting says otherwise. Whoever meant to
    /// be called something else does not want their address sent instead.
    fn attribution(&mut self) -> Attribution {
        let variable = self.name_of([Variable::DistinctId, Variable::AgentDistinctId]);
        let parse = |id: &str| DistinctId::parse(id).map_err(|error| error.to_string());
        match (self.read(read(variable, self.host), parse), self.agent) {
            (Reading::Value(id), _) => Attribution::Named(id),
            (Reading::Unset, Agent::ClaudeCode) => Attribution::GitEmail,
            (Reading::Unset, Agent::OpenCode) => {
                let machine = self.host.name.as_deref();
                let machine = machine.and_then(|name| DistinctId::parse(name).ok());
                machine.map_or(Attribution::Session, Attribution::Named)
            }
            (Reading::Unset, Agent::Pi) | (Reading::Unreadable, _) => Attribution::Session,
        }
    }

    /// Sessions of Claude Code are one trace, however long.
    fn session_window(&mut self) -> Option<u32> {
        let names = [Variable::SessionWindow, Variable::AgentSessionWindow];
        match self.agent {
            Agent::ClaudeCode => None,
            Agent::Pi | Agent::OpenCode => {
                Some(self.named(names, minutes).unwrap_or(SESSION_WINDOW_MINUTES))
            }
        }
    }

    /// Which content is sent: the strictest of all settings. A value with a typing error counts as
    /// the strict one.
    fn recording(&mut self) -> Recording {
        let mut is_private = false;
        for variable in [Variable::PrivacyMode, Variable::AgentPrivacyMode] {
            let own = (variable.name(), self.host.variable(variable));
            is_private |= self.says(own, false, true);
        }
        let option = plugin_option(Variable::PrivacyMode, self.host);
        is_private |= option.is_some_and(|option| self.says(option, false, true));
        let inputs = self.value_or(Variable::RecordInputs, boolean, true, false);
        let outputs = self.value_or(Variable::RecordOutputs, boolean, true, false);
        Recording::of(inputs && !is_private, outputs && !is_private)
    }

    fn says(
        &mut self,
        value: (&'static str, Result<Option<&str>, UnknownValue>),
        unset: bool,
        unreadable: bool,
    ) -> bool {
        match self.read(value, boolean) {
            Reading::Value(value) => value,
            Reading::Unset => unset,
            Reading::Unreadable => unreadable,
        }
    }

    /// Nothing that waits is dropped for a limit that nobody can read.
    fn max_outbox_bytes(&mut self) -> Option<u64> {
        let limit = |bytes: &str| outbox_bytes(bytes).map(Some);
        self.value_or(Variable::MaxOutboxBytes, limit, None, Some(u64::MAX))
    }

    fn endpoint(&mut self) -> Option<Endpoint> {
        let parse = |text: &str| match Endpoint::parse(text) {
            Ok(endpoint) => Ok(Some(endpoint)),
            Err(error) => Err(format!("is {error}")),
        };
        self.value_or(
            Variable::PosthogHost,
            parse,
            Endpoint::parse(DEFAULT_HOST).ok(),
            None,
        )
    }

    fn text(&mut self, variable: Variable) -> Option<String> {
        self.value(variable, |text| Ok(text.to_owned()))
    }
}

/// Who decides a setting: its environment variable, or the option of the plugin. `None` when
/// neither does.
#[must_use]
pub fn source(variable: Variable, host: &Host) -> Option<&'static str> {
    let (source, value) = read(variable, host);
    value.is_ok_and(|value| value.is_some()).then_some(source)
}

/// What the environment says, else the plugin, and which of them said it.
fn read(variable: Variable, host: &Host) -> (&'static str, Result<Option<&str>, UnknownValue>) {
    match host.variable(variable) {
        Ok(None) => plugin_option(variable, host).unwrap_or((variable.name(), Ok(None))),
        value => (variable.name(), value),
    }
}

/// Value of the plugin's option for a setting; `None` for settings without an option.
fn plugin_option(
    variable: Variable,
    host: &Host,
) -> Option<(&'static str, Result<Option<&str>, UnknownValue>)> {
    let mut options = PLUGIN_OPTIONS.iter();
    let (_, option, name) = options.find(|(setting, ..)| *setting == variable)?;
    Some((name, host.variable(*option)))
}

#[cfg(test)]
mod tests;
