//! The environment, read once into one immutable value.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde_json::{Map, Value};

use crate::events::{DistinctId, Grouping, InputScope, Recording, Wanted};
use crate::host::{Host, NotUnicode};
use crate::session::Agent;
use crate::transport::Endpoint;

/// Longest tool input or output that is sent, unless a setting says otherwise, in bytes.
const MAX_ATTRIBUTE_BYTES: usize = 12_000;

/// A shorter limit would cut away the words that say what was cut.
const LEAST_ATTRIBUTE_BYTES: usize = 100;

/// Less would not hold a session.
const LEAST_OUTBOX_BYTES: u64 = 1 << 20;

/// PostHog's ingestion for its cloud in the United States.
const DEFAULT_HOST: &str = "https://us.i.posthog.com";

/// Minutes of silence after which a session of Pi or OpenCode goes on as another trace.
const SESSION_WINDOW_MINUTES: u32 = 60;

/// Settings that are options of the Claude Code plugin as well, how they reach us, and what to
/// call them. Claude Code (2.1.329) hands them to the plugin's hooks and to nothing else, and only
/// those that the user has set; a project's settings have no say in them.
const PLUGIN_OPTIONS: [(&str, &str, &str); 4] = [
    (
        "POSTHOG_API_KEY",
        "CLAUDE_PLUGIN_OPTION_API_KEY",
        "the plugin's option api_key",
    ),
    (
        "POSTHOG_HOST",
        "CLAUDE_PLUGIN_OPTION_HOST",
        "the plugin's option host",
    ),
    (
        "POSTHOG_LLMA_PRIVACY_MODE",
        "CLAUDE_PLUGIN_OPTION_PRIVACY_MODE",
        "the plugin's option privacy_mode",
    ),
    (
        "POSTHOG_LLMA_TRACE_GROUPING",
        "CLAUDE_PLUGIN_OPTION_TRACE_GROUPING",
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
    pub redact_file: Option<PathBuf>,
    /// `POSTHOG_LLMA_DISTINCT_ID`.
    pub distinct_id: Option<DistinctId>,
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
    pub fn from_host(host: &Host) -> (Self, Vec<Problem>) {
        let (mut config, mut problems) = Self::of_agent(Agent::ClaudeCode, host);
        for agent in Agent::ALL {
            if agent != Agent::ClaudeCode {
                let (other, found) = Self::of_agent(agent, host);
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

    fn of_agent(agent: Agent, host: &Host) -> (Self, Vec<Problem>) {
        let mut reader = Reader {
            agent,
            host,
            problems: Vec::new(),
        };
        let state_dir = host.path_variable("POSTHOG_LLMA_STATE_DIR");
        let default_state = || host.state.as_ref().map(|state| state.join("posthog-llma"));
        let mut custom = reader.value("POSTHOG_TAGS", tags).unwrap_or_default();
        let properties = reader.value("POSTHOG_LLMA_CUSTOM_PROPERTIES", custom_properties);
        custom.extend(properties.unwrap_or_default());
        let config = Self {
            others: BTreeMap::new(),
            enabled: reader.enabled(),
            api_key: reader.value("POSTHOG_API_KEY", ApiKey::parse),
            endpoint: reader.endpoint(),
            state_dir: state_dir.or_else(default_state),
            recording: reader.recording(),
            input_scope: reader
                .value("POSTHOG_LLMA_INPUT", input_scope)
                .unwrap_or_default(),
            redact_file: host.path_variable("POSTHOG_LLMA_REDACT_FILE"),
            distinct_id: reader.distinct_id(),
            grouping: reader
                .named(
                    ["POSTHOG_LLMA_TRACE_GROUPING", "POSTHOG_TRACE_GROUPING"],
                    grouping,
                )
                .unwrap_or(match agent {
                    Agent::ClaudeCode => Grouping::Session,
                    Agent::Pi | Agent::OpenCode => Grouping::Message,
                }),
            session_window: reader.session_window(),
            turn_spans: reader
                .value("POSTHOG_LLMA_TURN_SPANS", boolean)
                .unwrap_or(true),
            max_attribute_bytes: reader
                .named(
                    [
                        "POSTHOG_LLMA_MAX_ATTRIBUTE_LENGTH",
                        "POSTHOG_MAX_ATTRIBUTE_LENGTH",
                    ],
                    length,
                )
                .unwrap_or(MAX_ATTRIBUTE_BYTES),
            max_outbox_bytes: reader.value("POSTHOG_LLMA_MAX_OUTBOX_BYTES", outbox_bytes),
            project_name: reader.text("POSTHOG_PROJECT_NAME"),
            agent_name: reader.text("POSTHOG_AGENT_NAME"),
            purpose: reader.text("POSTHOG_AI_PURPOSE"),
            custom,
        };
        (config, reader.problems)
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

impl Reader<'_> {
    fn value<T>(
        &mut self,
        variable: &'static str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let (variable, read) = read(variable, self.host);
        let read = read.map_err(|error| error.to_string());
        match read.and_then(|value| value.map(parse).transpose()) {
            Ok(value) => value,
            Err(problem) => {
                self.problems.push(Problem { variable, problem });
                None
            }
        }
    }

    /// The same, with what to take for no value and for one that cannot be read.
    fn value_or<T>(
        &mut self,
        variable: &'static str,
        parse: impl FnOnce(&str) -> Result<T, String>,
        unset: T,
        unreadable: T,
    ) -> T {
        let problems = self.problems.len();
        let value = self.value(variable, parse);
        let is_unreadable = self.problems.len() > problems;
        value.unwrap_or(if is_unreadable { unreadable } else { unset })
    }

    /// A setting by our own name, else by the one that PostHog has for it with this agent.
    fn named<T>(
        &mut self,
        names: [&'static str; 2],
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        self.value(self.name_of(names), parse)
    }

    fn name_of(&self, [ours, posthogs]: [&'static str; 2]) -> &'static str {
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
                let has_plugin_key = self.host.variable("CLAUDE_PLUGIN_OPTION_API_KEY");
                let has_plugin_key = has_plugin_key.is_ok_and(|key| key.is_some());
                self.value_or("POSTHOG_LLMA_CC_ENABLED", boolean, has_plugin_key, false)
            }
            Agent::Pi | Agent::OpenCode => self.value_or("POSTHOG_ENABLED", boolean, true, false),
        }
    }

    /// OpenCode's sessions belong to the machine, unless a setting says otherwise.
    fn distinct_id(&mut self) -> Option<DistinctId> {
        let names = ["POSTHOG_LLMA_DISTINCT_ID", "POSTHOG_DISTINCT_ID"];
        let problems = self.problems.len();
        let said = self.named(names, |id| {
            DistinctId::parse(id).map_err(|error| error.to_string())
        });
        let is_unset = said.is_none() && self.problems.len() == problems;
        match self.agent {
            Agent::OpenCode if is_unset => DistinctId::parse(self.host.name.as_deref()?).ok(),
            _ => said,
        }
    }

    /// Sessions of Claude Code are one trace, however long.
    fn session_window(&mut self) -> Option<u32> {
        let names = [
            "POSTHOG_LLMA_SESSION_WINDOW_MINUTES",
            "POSTHOG_SESSION_WINDOW_MINUTES",
        ];
        match self.agent {
            Agent::ClaudeCode => None,
            Agent::Pi | Agent::OpenCode => {
                Some(self.named(names, minutes).unwrap_or(SESSION_WINDOW_MINUTES))
            }
        }
    }

    /// Whoever means to keep content private must not send it because of a typing error.
    fn recording(&mut self) -> Recording {
        let privacy = ["POSTHOG_LLMA_PRIVACY_MODE", "POSTHOG_PRIVACY_MODE"];
        let privacy = self.name_of(privacy);
        let mut says =
            |variable, unset, unreadable| self.value_or(variable, boolean, unset, unreadable);
        let is_private = says(privacy, false, true);
        let inputs = says("POSTHOG_LLMA_RECORD_INPUTS", true, false);
        let outputs = says("POSTHOG_LLMA_RECORD_OUTPUTS", true, false);
        Recording::of(inputs && !is_private, outputs && !is_private)
    }

    fn endpoint(&mut self) -> Option<Endpoint> {
        let parse = |text: &str| match Endpoint::parse(text) {
            Ok(endpoint) => Ok(Some(endpoint)),
            Err(error) => Err(format!("is {error}")),
        };
        self.value_or(
            "POSTHOG_HOST",
            parse,
            Endpoint::parse(DEFAULT_HOST).ok(),
            None,
        )
    }

    fn text(&mut self, variable: &'static str) -> Option<String> {
        self.value(variable, |text| Ok(text.to_owned()))
    }
}

/// Who decides a setting: its environment variable, or the option of the plugin. `None` when
/// neither does.
#[must_use]
pub fn source(variable: &'static str, host: &Host) -> Option<&'static str> {
    let (source, value) = read(variable, host);
    value.is_ok_and(|value| value.is_some()).then_some(source)
}

/// What the environment says, else the plugin, and which of them said it.
fn read<'a>(
    variable: &'static str,
    host: &'a Host,
) -> (&'static str, Result<Option<&'a str>, NotUnicode>) {
    let value = host.variable(variable);
    let option = PLUGIN_OPTIONS.iter().find(|(name, ..)| *name == variable);
    match (value, option) {
        (Ok(None), Some((_, option, name))) => (name, host.variable(option)),
        (value, _) => (variable, value),
    }
}

fn boolean(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" => Ok(true),
        "false" | "0" | "no" => Ok(false),
        _ => Err(format!("is {text:?}; use true or false")),
    }
}

fn grouping(text: &str) -> Result<Grouping, String> {
    match text.to_ascii_lowercase().as_str() {
        "session" => Ok(Grouping::Session),
        "message" => Ok(Grouping::Message),
        _ => Err(format!("is {text:?}; use session or message")),
    }
}

fn input_scope(text: &str) -> Result<InputScope, String> {
    match text.to_ascii_lowercase().as_str() {
        "new" => Ok(InputScope::New),
        "full" => Ok(InputScope::Full),
        _ => Err(format!("is {text:?}; use new or full")),
    }
}

fn minutes(text: &str) -> Result<u32, String> {
    match text.parse() {
        Ok(minutes) if minutes > 0 => Ok(minutes),
        _ => Err(format!("is {text:?}; use a number of minutes")),
    }
}

fn length(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(length) if length >= LEAST_ATTRIBUTE_BYTES => Ok(length),
        _ => Err(format!(
            "is {text:?}; use a number of bytes, {LEAST_ATTRIBUTE_BYTES} or more"
        )),
    }
}

fn outbox_bytes(text: &str) -> Result<u64, String> {
    match text.parse() {
        Ok(bytes) if bytes >= LEAST_OUTBOX_BYTES => Ok(bytes),
        _ => Err(format!(
            "is {text:?}; use a number of bytes, {LEAST_OUTBOX_BYTES} or more"
        )),
    }
}

fn tags(text: &str) -> Result<Map<String, Value>, String> {
    let mut tags = Map::new();
    for pair in text.split(',').filter(|pair| !pair.trim().is_empty()) {
        let (name, value) = pair
            .split_once(':')
            .ok_or_else(|| format!("has no colon in {pair:?}; use key1:value1,key2:value2"))?;
        let name = custom_name(name.trim())?;
        tags.insert(name, Value::String(value.trim().to_owned()));
    }
    Ok(tags)
}

fn custom_properties(text: &str) -> Result<Map<String, Value>, String> {
    let properties: Map<String, Value> = serde_json::from_str(text)
        .map_err(|error| format!("is no JSON object ({error}); use {{\"team\": \"core\"}}"))?;
    for name in properties.keys() {
        custom_name(name)?;
    }
    Ok(properties)
}

fn custom_name(name: &str) -> Result<String, String> {
    if name.is_empty() {
        return Err("has an empty name".to_owned());
    }
    if name.starts_with('$') {
        return Err(format!(
            "names {name:?}; names that begin with $ are PostHog's own"
        ));
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests;
