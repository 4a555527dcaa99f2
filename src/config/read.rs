//! Parses variables into settings: selects the variable that applies, and the default without one.

use std::path::PathBuf;

use super::api_key::ApiKey;
use super::key_source::{KeySource, key_in_file};
use super::values::{
    boolean, custom_properties, days, grouping, inbox_bytes, input_scope, length, minutes,
    outbox_bytes, tags, wait,
};
use super::{
    AgentSettings, Attribution, DestinationSettings, EventSettings, Hooks, Problem, WaitSetting,
};
use crate::consent::{Environment, Hidden, UnknownValue};
use crate::host::Host;
use crate::inbox;
use crate::posthog::{DistinctId, Grouping, Recording};
use crate::receive::Token;
use crate::session::Agent;
use crate::transport::Endpoint;
use crate::variables::Variable;

/// Default limit of a tool input or output, in bytes.
const MAX_ATTRIBUTE_BYTES: usize = 12_000;

/// Ingestion host of PostHog's cloud in the United States.
const DEFAULT_HOST: &str = "https://us.i.posthog.com";

/// Minutes of silence after which a session of Pi or OpenCode continues as another trace.
const SESSION_WINDOW_MINUTES: u32 = 60;

/// The source of the variables' values.
#[derive(Clone, Copy)]
pub(super) enum Values<'a> {
    /// The values the process was given.
    Given(&'a Host),
    /// The values that consent accepted.
    Judged(&'a Environment),
}

impl<'a> Values<'a> {
    fn of(self, variable: Variable) -> Result<Option<&'a str>, UnknownValue> {
        match self {
            Self::Given(host) => Ok(host.variable(variable)?),
            Self::Judged(environment) => environment.variable(variable),
        }
    }

    /// The machine and the process.
    const fn host(self) -> &'a Host {
        match self {
            Self::Given(host) => host,
            Self::Judged(environment) => &environment.host,
        }
    }

    /// The variable that decides a setting: its own if set, or else the plugin's option for it.
    fn source(self, setting: Variable) -> Variable {
        match self.of(setting) {
            Ok(None) => setting.option().unwrap_or(setting),
            _ => setting,
        }
    }
}

/// The result of reading a setting.
enum Parsed<T> {
    Unset,
    Value(T),
    /// The value cannot be parsed.
    Unreadable,
}

impl<T> Parsed<T> {
    fn value(self) -> Option<T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Unset | Self::Unreadable => None,
        }
    }

    /// The value, `unset` without one, or `unreadable` if it cannot be parsed.
    fn or(self, unset: T, unreadable: T) -> T {
        match self {
            Self::Value(value) => value,
            Self::Unset => unset,
            Self::Unreadable => unreadable,
        }
    }
}

/// Parses values and collects problems.
pub(super) struct Reader<'a> {
    values: Values<'a>,
    problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    pub(super) const fn of(values: Values<'a>) -> Self {
        Self {
            values,
            problems: Vec::new(),
        }
    }

    pub(super) fn into_problems(self) -> Vec<Problem> {
        self.problems
    }

    /// The variable for the key that takes precedence. One with an unknown value counts too, so
    /// that a weaker one does not replace it.
    pub(super) fn key_variable(&self) -> Option<Variable> {
        let mut variables = Variable::API_KEY.into_iter();
        variables.find(|variable| self.values.of(*variable) != Ok(None))
    }

    /// Whether the user named a key. A value that replaced the user's own is nobody's wish.
    fn names_key(&self) -> bool {
        self.key_variable()
            .is_some_and(|it| !matches!(self.values.of(it), Err(UnknownValue::Hidden(_))))
    }

    /// The key, unless a command has to be run for it, and its source.
    fn api_key(&mut self) -> (Option<ApiKey>, Option<KeySource>) {
        let host = self.values.host();
        match self.key_variable() {
            None => (None, None),
            Some(variable @ Variable::ApiKeyFile) => {
                let read = self.variable(variable, |text| key_in_file(text, host));
                read.value()
                    .map_or((None, None), |(key, source)| (Some(key), Some(source)))
            }
            Some(variable @ Variable::ApiKeyCommand) => {
                let command = self.text(variable);
                (None, command.map(KeySource::Command))
            }
            Some(variable) => {
                let key = self.variable(variable, ApiKey::parse).value();
                (key, Some(KeySource::Variable(variable)))
            }
        }
    }

    pub(super) fn destination(&mut self, chosen_by: Option<PathBuf>) -> DestinationSettings {
        let (api_key, key_source) = self.api_key();
        let parse = |text: &str| match Endpoint::parse(text) {
            Ok(endpoint) => Ok(Some(endpoint)),
            Err(error) => Err(format!("cannot be used: {error}")),
        };
        let default = Endpoint::parse(DEFAULT_HOST).ok();
        let source = self.values.source(Variable::PosthogHost);
        DestinationSettings {
            api_key,
            key_source,
            names_key: self.names_key(),
            endpoint: self.variable(source, parse).or(default, None),
            endpoint_source: matches!(self.values.of(source), Ok(Some(_))).then_some(source),
            chosen_by,
        }
    }

    /// The size limit of the outbox. A value that cannot be parsed counts as no setting, so that no
    /// waiting event is dropped because of it.
    pub(super) fn max_outbox_bytes(&mut self) -> Option<u64> {
        let limit = |bytes: &str| outbox_bytes(bytes).map(Some);
        self.variable(Variable::MaxOutboxBytes, limit)
            .or(None, Some(u64::MAX))
    }

    /// Limits of the inbox: days, and bytes on disk. A value that cannot be parsed counts as the
    /// default.
    pub(super) fn inbox(&mut self) -> inbox::Settings {
        let default = inbox::Settings::default();
        let keep = self.variable(Variable::InboxDays, days).value();
        let max_bytes = self.variable(Variable::MaxInboxBytes, inbox_bytes).value();
        inbox::Settings {
            keep: keep.unwrap_or(default.keep),
            max_bytes: max_bytes.unwrap_or(default.max_bytes),
            ..default
        }
    }

    /// A token that is too short is a problem: `serve` must not run without the token that was
    /// meant.
    pub(super) fn serve_token(&mut self) -> Option<Token> {
        let parse = |text: &str| Token::new(text).map_err(|error| format!("is too short: {error}"));
        self.variable(Variable::ServeToken, parse).value()
    }

    pub(super) fn wait(&mut self) -> WaitSetting {
        self.variable(Variable::Wait, wait)
            .value()
            .unwrap_or_default()
    }

    pub(super) fn events(&mut self) -> EventSettings {
        let tags = self.variable(Variable::Tags, tags).value();
        let mut custom = tags.unwrap_or_default();
        let properties = self.variable(Variable::CustomProperties, custom_properties);
        custom.extend(properties.value().unwrap_or_default());
        let input_scope = self.variable(Variable::Input, input_scope).value();
        let turn_spans = self.variable(Variable::TurnSpans, boolean);
        EventSettings {
            recording: self.recording(),
            input_scope: input_scope.unwrap_or_default(),
            turn_spans: turn_spans.or(true, true),
            project_name: self.text(Variable::ProjectName),
            agent_name: self.text(Variable::AgentName),
            purpose: self.text(Variable::Purpose),
            custom,
        }
    }

    /// The settings of an agent. `host` knows the name of the machine.
    pub(super) fn agent(&mut self, agent: Agent, host: &Host) -> AgentSettings {
        let grouping = self.of_agent(
            agent,
            [Variable::TraceGrouping, Variable::AgentTraceGrouping],
            grouping,
        );
        let length = self.of_agent(
            agent,
            [
                Variable::MaxAttributeLength,
                Variable::AgentMaxAttributeLength,
            ],
            length,
        );
        AgentSettings {
            hooks: self.hooks(agent),
            attribution: self.attribution(agent, host),
            grouping: match (agent, grouping.value()) {
                // The application itself decides the extent of a trace.
                (Agent::Otlp, _) | (Agent::ClaudeCode, None) => Grouping::Session,
                (_, Some(grouping)) => grouping,
                (Agent::Pi | Agent::OpenCode, None) => Grouping::Message,
            },
            session_window: self.session_window(agent),
            max_attribute_bytes: length.value().unwrap_or(MAX_ATTRIBUTE_BYTES),
        }
    }

    /// Claude Code is switched on by its variable, or by a key for the plugin. Other agents are
    /// switched on by installing their plugin, and off by their variable.
    pub(super) fn hooks(&mut self, agent: Agent) -> Hooks {
        let are_on = match agent {
            Agent::ClaudeCode => {
                let has_plugin_key = matches!(self.values.of(Variable::OptionApiKey), Ok(Some(_)));
                self.variable(Variable::CcEnabled, boolean)
                    .or(has_plugin_key, false)
            }
            Agent::Pi | Agent::OpenCode => {
                self.variable(Variable::Enabled, boolean).or(true, false)
            }
            Agent::Otlp => false,
        };
        if are_on { Hooks::On } else { Hooks::Off }
    }

    /// OpenCode's sessions are attributed to the machine by default. An unusable id is not replaced
    /// by the e-mail address, since the user wanted another name.
    fn attribution(&mut self, agent: Agent, host: &Host) -> Attribution {
        let parse = |id: &str| DistinctId::parse(id).map_err(|error| error.to_string());
        let names = [Variable::DistinctId, Variable::AgentDistinctId];
        match (self.of_agent(agent, names, parse), agent) {
            (Parsed::Value(id), _) => Attribution::Named(id),
            (Parsed::Unset, Agent::ClaudeCode) => Attribution::GitEmail,
            (Parsed::Unset, Agent::OpenCode) => {
                let machine = host.name.as_deref();
                let machine = machine.and_then(|name| DistinctId::parse(name).ok());
                machine.map_or(Attribution::Session, Attribution::Named)
            }
            (Parsed::Unset, Agent::Pi | Agent::Otlp) | (Parsed::Unreadable, _) => {
                Attribution::Session
            }
        }
    }

    /// Minutes of silence that end a trace. A session of Claude Code is always one trace.
    fn session_window(&mut self, agent: Agent) -> Option<u32> {
        let names = [Variable::SessionWindow, Variable::AgentSessionWindow];
        match agent {
            Agent::ClaudeCode | Agent::Otlp => None,
            Agent::Pi | Agent::OpenCode => {
                let window = self.of_agent(agent, names, minutes).value();
                Some(window.unwrap_or(SESSION_WINDOW_MINUTES))
            }
        }
    }

    /// The content to send: the strictest of all settings. A misspelt value counts as the strict
    /// one.
    fn recording(&mut self) -> Recording {
        let mut is_private = false;
        for variable in Variable::PRIVACY_MODE {
            is_private |= self.variable(variable, boolean).or(false, true);
        }
        let inputs = self.variable(Variable::RecordInputs, boolean);
        let outputs = self.variable(Variable::RecordOutputs, boolean);
        Recording::of(
            inputs.or(true, false) && !is_private,
            outputs.or(true, false) && !is_private,
        )
    }

    fn text(&mut self, variable: Variable) -> Option<String> {
        self.variable(variable, |text| Ok(text.to_owned())).value()
    }

    /// A setting by our own name, otherwise by PostHog's name for it with this agent.
    fn of_agent<T>(
        &mut self,
        agent: Agent,
        [ours, posthogs]: [Variable; 2],
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Parsed<T> {
        match agent {
            Agent::Pi | Agent::OpenCode if self.values.of(ours) == Ok(None) => {
                self.setting(posthogs, parse)
            }
            Agent::ClaudeCode | Agent::Pi | Agent::OpenCode | Agent::Otlp => {
                self.setting(ours, parse)
            }
        }
    }

    /// A setting by its variable, otherwise by the plugin's option.
    fn setting<T>(
        &mut self,
        setting: Variable,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Parsed<T> {
        self.variable(self.values.source(setting), parse)
    }

    fn variable<T>(
        &mut self,
        variable: Variable,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Parsed<T> {
        let value = match self.values.of(variable) {
            // Reported together with the other values that came with the project.
            Err(UnknownValue::Hidden(Hidden::ByProject)) => return Parsed::Unreadable,
            value => value.map_err(|error| error.to_string()),
        };
        match value.and_then(|value| value.map(parse).transpose()) {
            Ok(None) => Parsed::Unset,
            Ok(Some(value)) => Parsed::Value(value),
            Err(problem) => {
                let problem = Problem { variable, problem };
                // Several agents may read the same variable.
                if !self.problems.contains(&problem) {
                    self.problems.push(problem);
                }
                Parsed::Unreadable
            }
        }
    }
}
