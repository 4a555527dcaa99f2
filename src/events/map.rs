//! A session becomes events: one generation a response, one span a tool call and a turn, one
//! trace a session or a prompt.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::settings::{Grouping, Settings};
use super::{Event, EventName, ids, native};
use crate::session::{
    Circumstances, Generation, Message, Session, Subagent, ToolCall, Totals, Turn,
};

/// Longest name of a trace or turn, in characters.
const LONGEST_NAME: usize = 100;

/// Whether the session may still be written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It ended: what has no result will get none.
    Ended,
    /// It goes on: nothing is sent that may still change.
    Running,
}

/// Hands the events of a session to `emit`. `is_foreign` tells the events that another session
/// owns: what a fork copied is not sent again.
pub fn map(
    session: &Session,
    settings: &Settings,
    progress: Progress,
    is_foreign: &dyn Fn(Uuid) -> bool,
    emit: &mut dyn FnMut(Event),
) {
    let mut mapper = Mapper {
        session,
        settings,
        progress,
        is_foreign,
        emit,
    };
    let mut own = Vec::new();
    for (index, turn) in session.turns.iter().enumerate() {
        if !turn.is_empty() && !mapper.is_copied(turn) {
            mapper.turn(turn, index + 1 == session.turns.len());
            own.push(turn);
        }
    }
    if settings.frozen.grouping == Grouping::Session
        && (!own.is_empty() || !session.earlier.is_empty())
    {
        mapper.session_trace(&own);
    }
}

/// Every identity that a session claims, for asking who owns it.
#[must_use]
pub fn claims(session: &Session) -> Vec<Uuid> {
    let mut claims = Vec::new();
    for generation in session.all_generations() {
        claims.push(ids::generation(session.agent, &generation.id));
        claims.extend(
            generation
                .tool_calls()
                .map(|call| ids::tool(session.agent, &call.id)),
        );
    }
    claims
}

struct Mapper<'a> {
    session: &'a Session,
    settings: &'a Settings,
    progress: Progress,
    is_foreign: &'a dyn Fn(Uuid) -> bool,
    emit: &'a mut dyn FnMut(Event),
}

/// Where an event hangs.
#[derive(Clone, Copy)]
struct Place<'a> {
    trace: &'a str,
    parent: &'a str,
    /// The prompt of the turn.
    prompt: &'a str,
    /// Type of the subagent that we are in.
    subagent: Option<&'a str>,
}

/// What an event says besides what all say.
struct Content<'a> {
    name: EventName,
    uuid: Uuid,
    ended_at: DateTime<Utc>,
    latency: TimeDelta,
    circumstances: &'a Circumstances,
    properties: Map<String, Value>,
}

impl Mapper<'_> {
    /// Whether everything in this turn belongs to another session.
    fn is_copied(&self, turn: &Turn) -> bool {
        let generations = turn.all_generations();
        !generations.is_empty()
            && !generations
                .into_iter()
                .any(|generation| self.owns(generation))
    }

    fn owns(&self, generation: &Generation) -> bool {
        !(self.is_foreign)(ids::generation(self.session.agent, &generation.id))
    }

    fn turn(&mut self, turn: &Turn, is_last: bool) {
        let agent = self.session.agent;
        let session_id = self.session.id.as_str();
        let frozen = &self.settings.frozen;
        let (trace, parent) = match frozen.grouping {
            Grouping::Message => (turn.id.clone(), turn.id.clone()),
            Grouping::Session if frozen.turn_spans => (
                session_id.to_owned(),
                ids::turn(agent, session_id, &turn.id).to_string(),
            ),
            Grouping::Session => (session_id.to_owned(), session_id.to_owned()),
        };
        let may_grow = is_last && self.progress == Progress::Running;
        match frozen.grouping {
            Grouping::Message => self.turn_trace(turn),
            Grouping::Session if frozen.turn_spans && !may_grow => self.turn_span(turn),
            Grouping::Session => {}
        }
        let place = Place {
            trace: &trace,
            parent: &parent,
            prompt: &turn.prompt,
            subagent: None,
        };
        self.generations(&turn.generations, place);
        for subagent in &turn.stray_subagents {
            self.subagent(subagent, place);
        }
    }

    fn subagent(&mut self, subagent: &Subagent, place: Place<'_>) {
        let kind = subagent.kind.as_deref().or(place.subagent);
        self.generations(
            &subagent.generations,
            Place {
                subagent: kind,
                ..place
            },
        );
    }

    fn generations(&mut self, generations: &[Generation], place: Place<'_>) {
        for generation in generations {
            let uuid = ids::generation(self.session.agent, &generation.id);
            let is_settled = generation.complete || self.progress == Progress::Ended;
            if is_settled && !(self.is_foreign)(uuid) {
                self.generation(generation, uuid, place);
            }
            let id = uuid.to_string();
            for call in generation.tool_calls() {
                let is_settled = call.result.is_some() || self.progress == Progress::Ended;
                let tool = ids::tool(self.session.agent, &call.id);
                if is_settled && !(self.is_foreign)(tool) {
                    self.tool(
                        call,
                        tool,
                        Place {
                            parent: &id,
                            ..place
                        },
                    );
                }
                let id = tool.to_string();
                for subagent in &call.subagents {
                    self.subagent(
                        subagent,
                        Place {
                            parent: &id,
                            ..place
                        },
                    );
                }
            }
        }
    }

    fn generation(&mut self, generation: &Generation, uuid: Uuid, place: Place<'_>) {
        let usage = generation.usage;
        let mut properties = Map::new();
        let mut set = |name: &str, value: Value| properties.insert(name.to_owned(), value);
        if let Some(model) = &generation.model {
            set("$ai_model", json!(model));
        }
        set("$ai_provider", json!(generation.provider));
        if generation.error.is_none() {
            set("$ai_input_tokens", json!(usage.input));
            set("$ai_output_tokens", json!(usage.output));
            set("$ai_total_tokens", json!(usage.input + usage.output));
            if let Some(reasoning) = usage.reasoning {
                set("$ai_reasoning_tokens", json!(reasoning));
            }
            set("$ai_cache_read_input_tokens", json!(usage.cache_read));
            set("$ai_cache_creation_input_tokens", json!(usage.cache_write));
            set(
                "$ai_cache_creation_5m_input_tokens",
                json!(usage.cache_write_5m),
            );
            set(
                "$ai_cache_creation_1h_input_tokens",
                json!(usage.cache_write_1h),
            );
            set("$ai_cache_reporting_exclusive", json!(true));
            if usage.web_searches > 0 {
                set("$ai_web_search_count", json!(usage.web_searches));
            }
        }
        if let Some(reason) = &generation.stop_reason {
            set("$ai_stop_reason", json!(stop_reason(reason)));
        }
        let parameters = parameters(generation);
        if !parameters.is_empty() {
            set("$ai_model_parameters", Value::Object(parameters));
        }
        set("$ai_input", self.messages(&generation.input));
        set("$ai_output_choices", self.answer(generation));
        if !self.settings.privacy && !place.prompt.is_empty() {
            set("$ai_user_prompt", json!(place.prompt));
        }
        set("$ai_is_error", json!(generation.error.is_some()));
        if let Some(error) = &generation.error {
            let kind = error.kind.as_deref().unwrap_or("api_error");
            set("$ai_error", self.error(kind, &error.message));
            if let Some(status) = error.status {
                set("$ai_http_status", json!(status));
            }
        }
        self.emit(
            place,
            Content {
                name: EventName::Generation,
                uuid,
                ended_at: generation.ended_at,
                latency: generation.ended_at - generation.started_at,
                circumstances: &generation.circumstances,
                properties,
            },
        );
    }

    fn messages(&self, messages: &[Message]) -> Value {
        if self.settings.privacy {
            return Value::Null;
        }
        messages.iter().map(native::message).collect()
    }

    fn answer(&self, generation: &Generation) -> Value {
        if self.settings.privacy {
            return Value::Null;
        }
        if generation.error.is_some() {
            return json!([]);
        }
        json!([{ "role": "assistant", "content": native::blocks(&generation.output) }])
    }

    fn tool(&mut self, call: &ToolCall, uuid: Uuid, place: Place<'_>) {
        let mut properties = Map::new();
        let mut set = |name: &str, value: Value| properties.insert(name.to_owned(), value);
        set("$ai_span_name", json!(call.name));
        set("$ai_span_type", json!("tool"));
        set("$ai_tool_call_id", json!(call.id));
        set("$ai_input_state", self.content(|| call.input.clone()));
        let (ended_at, latency) = if let Some(result) = &call.result {
            set("$ai_output_state", self.content(|| native::result(result)));
            set("$ai_is_error", json!(result.is_error));
            if result.is_error {
                let text = native::result(result);
                set(
                    "$ai_error",
                    self.error("tool_error", text.as_str().unwrap_or("tool_error")),
                );
            }
            let measured = result.duration_ms.and_then(|ms| i64::try_from(ms).ok());
            let measured = measured.and_then(TimeDelta::try_milliseconds);
            (
                result.returned_at,
                measured.unwrap_or(result.returned_at - call.called_at),
            )
        } else {
            set("$ai_output_state", Value::Null);
            set("$ai_is_error", json!(true));
            set(
                "$ai_error",
                json!("no result: the session ended before the tool returned"),
            );
            (call.called_at, TimeDelta::zero())
        };
        self.emit(
            place,
            Content {
                name: EventName::Span,
                uuid,
                ended_at,
                latency,
                circumstances: &call.circumstances,
                properties,
            },
        );
    }

    fn turn_span(&mut self, turn: &Turn) {
        let session_id = self.session.id.as_str();
        let mut properties = Map::new();
        let mut set = |name: &str, value: Value| properties.insert(name.to_owned(), value);
        if !self.settings.privacy {
            set("$ai_span_name", json!(turn_name(turn)));
        }
        set("$ai_span_type", json!("turn"));
        self.states(turn, &mut properties);
        let place = Place {
            trace: session_id,
            parent: session_id,
            prompt: "",
            subagent: None,
        };
        self.emit(
            place,
            Content {
                name: EventName::Span,
                uuid: ids::turn(self.session.agent, session_id, &turn.id),
                ended_at: turn.ended_at,
                latency: turn.ended_at - turn.started_at,
                circumstances: &turn.circumstances,
                properties,
            },
        );
    }

    fn turn_trace(&mut self, turn: &Turn) {
        let mut properties = Map::new();
        self.trace_name(Some(turn_name(turn)), &mut properties);
        self.states(turn, &mut properties);
        let mut totals = Totals::default();
        totals.add_turn(turn, &|generation| self.owns(generation));
        totals_of(totals, &mut properties);
        let place = Place {
            trace: &turn.id,
            parent: "",
            prompt: "",
            subagent: None,
        };
        self.emit(
            place,
            Content {
                name: EventName::Trace,
                uuid: ids::turn_trace(self.session.agent, &self.session.id, &turn.id),
                ended_at: turn.started_at,
                latency: turn.ended_at - turn.started_at,
                circumstances: &turn.circumstances,
                properties,
            },
        );
    }

    /// What went into a turn and what came out, and whether it ended in an error.
    fn states(&self, turn: &Turn, properties: &mut Map<String, Value>) {
        let mut set = |name: &str, value: Value| properties.insert(name.to_owned(), value);
        set("$ai_input_state", self.content(|| json!(turn.prompt)));
        set("$ai_output_state", self.content(|| json!(turn.answer())));
        let error = turn
            .generations
            .last()
            .and_then(|generation| generation.error.as_ref());
        set("$ai_is_error", json!(error.is_some()));
        if let Some(error) = error {
            let kind = error.kind.as_deref().unwrap_or("api_error");
            set("$ai_error", self.error(kind, &error.message));
        }
    }

    fn session_trace(&mut self, own: &[&Turn]) {
        let session = self.session;
        let mut totals = session.earlier.totals;
        for turn in own {
            totals.add_turn(turn, &|generation| self.owns(generation));
        }
        let prompt = session.first_prompt();
        let name = prompt
            .as_deref()
            .map(|prompt| shorten(prompt, LONGEST_NAME));
        let mut properties = Map::new();
        self.trace_name(name.or_else(|| session.title.clone()), &mut properties);
        let last = own.last().copied();
        if let Some(turn) = last {
            self.states(turn, &mut properties);
        }
        properties.insert("$ai_input_state".to_owned(), self.content(|| json!(prompt)));
        if let Some(title) = session.title.as_ref().filter(|_| !self.settings.privacy) {
            properties.insert("session_title".to_owned(), json!(title));
        }
        totals_of(totals, &mut properties);
        let place = Place {
            trace: &session.id,
            parent: "",
            prompt: "",
            subagent: None,
        };
        let unknown = Circumstances::default();
        self.emit(
            place,
            Content {
                name: EventName::Trace,
                uuid: ids::session_trace(session.agent, &session.id),
                ended_at: session.started_at,
                latency: session.ended_at - session.started_at,
                circumstances: last.map_or(&unknown, |turn| &turn.circumstances),
                properties,
            },
        );
    }

    fn trace_name(&self, name: Option<String>, properties: &mut Map<String, Value>) {
        if let Some(name) = name.filter(|_| !self.settings.privacy) {
            properties.insert("$ai_trace_name".to_owned(), json!(name));
            properties.insert("$ai_span_name".to_owned(), json!(name));
        }
    }

    fn content(&self, value: impl FnOnce() -> Value) -> Value {
        if self.settings.privacy {
            Value::Null
        } else {
            value()
        }
    }

    /// The text of an error may hold content, its kind never does.
    fn error(&self, kind: &str, text: &str) -> Value {
        json!(if self.settings.privacy { kind } else { text })
    }

    /// Adds what every event says.
    fn emit(&mut self, place: Place<'_>, content: Content<'_>) {
        let Content {
            name,
            uuid,
            ended_at,
            latency,
            circumstances,
            properties,
        } = content;
        let settings = self.settings;
        let mut all = Map::with_capacity(properties.len() + 24);
        let mut set = |name: &str, value: Value| all.insert(name.to_owned(), value);
        set("$ai_trace_id", json!(place.trace));
        set("$ai_session_id", json!(self.session.id));
        set(
            "$ai_span_id",
            json!(if name == EventName::Trace {
                place.trace.to_owned()
            } else {
                uuid.to_string()
            }),
        );
        if name != EventName::Trace {
            set("$ai_parent_id", json!(place.parent));
        }
        set("$ai_latency", json!(seconds(latency)));
        let project = settings.frozen.project_name.as_deref();
        let agent_name = settings.agent_name.as_deref().or(project);
        all.extend(properties);
        let mut set = |name: &str, value: Value| all.insert(name.to_owned(), value);
        if let Some(project) = project {
            set("$ai_project_name", json!(project));
        }
        if let Some(agent) = agent_name {
            set(
                "$ai_agent_name",
                json!(match place.subagent {
                    Some(kind) => format!("{agent}/{kind}"),
                    None => agent.to_owned(),
                }),
            );
        }
        if let Some(purpose) = &settings.purpose {
            set("$ai_purpose", json!(purpose));
        }
        if let Some(branch) = &circumstances.git_branch {
            set("$ai_git_branch", json!(branch));
        }
        let cwd = circumstances.cwd.as_deref();
        if let Some(repository) = cwd.and_then(|cwd| settings.repositories.get(cwd)) {
            set("$ai_git_repo", json!(repository));
        }
        let framework = self.session.agent.as_str();
        let prefix = framework.replace('-', "_");
        set("$ai_framework", json!(framework));
        if let Some(version) = &circumstances.agent_version {
            set(&format!("{prefix}_version"), json!(version));
        }
        if let Some(entrypoint) = &circumstances.entrypoint {
            set(&format!("{prefix}_entrypoint"), json!(entrypoint));
        }
        if let Some(mode) = &circumstances.permission_mode {
            set("permission_mode", json!(mode));
        }
        for name in ["$ai_lib", "$lib"] {
            set(name, json!(env!("CARGO_PKG_NAME")));
        }
        for name in ["$ai_lib_version", "$lib_version"] {
            set(name, json!(env!("CARGO_PKG_VERSION")));
        }
        set("$geoip_disable", json!(true));
        if !settings.frozen.is_person {
            set("$process_person_profile", json!(false));
        }
        for (name, value) in &settings.custom {
            if !name.starts_with('$') {
                set(name, value.clone());
            }
        }
        (self.emit)(Event {
            name,
            uuid,
            distinct_id: settings.frozen.distinct_id.as_str().to_owned(),
            timestamp: ended_at,
            properties: all,
        });
    }
}

fn totals_of(totals: Totals, properties: &mut Map<String, Value>) {
    for (name, value) in [
        ("$ai_total_input_tokens", totals.input),
        ("$ai_total_output_tokens", totals.output),
        ("$ai_total_cache_read_input_tokens", totals.cache_read),
        ("$ai_total_cache_creation_input_tokens", totals.cache_write),
        ("generation_count", totals.generations),
        ("tool_call_count", totals.tool_calls),
        ("turn_count", totals.turns),
        ("error_count", totals.errors),
    ] {
        properties.insert(name.to_owned(), json!(value));
    }
}

fn parameters(generation: &Generation) -> Map<String, Value> {
    let known = &generation.parameters;
    let text = |text: &Option<String>| text.as_ref().map(|text| json!(text));
    [
        ("max_tokens", known.max_tokens.map(|tokens| json!(tokens))),
        ("effort", text(&known.effort)),
        ("thinking", known.thinking.clone()),
        ("service_tier", text(&known.service_tier)),
        ("speed", text(&known.speed)),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name.to_owned(), value?)))
    .collect()
}

/// Anthropic's words in those that PostHog uses for all providers.
fn stop_reason(reason: &str) -> &str {
    match reason {
        "end_turn" => "stop",
        "tool_use" => "tool_calls",
        "max_tokens" => "length",
        other => other,
    }
}

fn turn_name(turn: &Turn) -> String {
    let first_line = turn.prompt.lines().find(|line| !line.trim().is_empty());
    match first_line {
        Some(line) => shorten(line, LONGEST_NAME),
        None => "(prompt not in the transcript)".to_owned(),
    }
}

/// Folds white space and keeps the first characters.
fn shorten(text: &str, longest: usize) -> String {
    let mut folded = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((end, _)) = folded.char_indices().nth(longest) {
        folded.truncate(end);
    }
    folded
}

/// Seconds with millisecond precision; a clock that was set back took no time.
fn seconds(time: TimeDelta) -> f64 {
    #[expect(
        clippy::cast_precision_loss,
        reason = "milliseconds of a session fit 2^53"
    )]
    let milliseconds = time.num_milliseconds().max(0) as f64;
    milliseconds / 1000.0
}
