//! An event reduced to the facts in a line of the tree.

use std::path::Path;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde::{Serialize, Serializer};
use serde_json::Value;
use uuid::Uuid;

use crate::posthog::{Event, EventName, Json, links, names};
use crate::transport::Endpoint;
use crate::usage::Tokens;
use crate::views::telling;

/// A line of the tree with the nodes below it. Scripts rely on its JSON.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Node {
    pub(super) kind: Kind,
    /// `$ai_span_id`, by which PostHog joins events.
    pub(super) id: String,
    /// The event's own id; `None` for a trace without an event (yet).
    pub(super) uuid: Option<Uuid>,
    /// Name of the trace, turn or tool. Calls have none, since the model names them.
    pub(super) name: Option<String>,
    pub(super) model: Option<String>,
    /// The input that distinguishes this tool call from others.
    pub(super) detail: Option<String>,
    /// Type of the subagent that made the call, or that a tool started.
    pub(super) subagent: Option<String>,
    #[serde(serialize_with = "rfc3339")]
    pub(super) started_at: DateTime<Utc>,
    /// Duration in seconds; 0 if it is not known.
    pub(super) latency: f64,
    #[serde(skip)]
    pub(super) is_timed: bool,
    /// Seconds for which a tool waited for a person before it ran, if known.
    #[serde(skip)]
    pub(super) waited: Option<f64>,
    /// Tokens of a call; for other nodes, of all calls below.
    pub(super) tokens: Tokens,
    pub(super) is_error: bool,
    pub(super) error: Option<String>,
    /// Its page in PostHog; omitted without a key, since the project is unknown then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) url: Option<String>,
    pub(super) children: Vec<Node>,
    #[serde(skip)]
    pub(super) trace: String,
    #[serde(skip)]
    pub(super) parent: Option<String>,
}

/// Kind of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    Trace,
    Turn,
    Call,
    Tool,
    /// A tool that started a subagent.
    Agent,
    /// Other work of an application: a chain, a search, an attempt.
    Step,
}

impl Node {
    /// `cwd` is the folder in which the session was started: paths below it are shortened.
    pub(super) fn of(event: &Event<'_>, cwd: Option<&Path>) -> Self {
        let properties = &event.properties;
        let text = |name: &str| properties.get(name).and_then(Json::as_str);
        let owned = |name: &str| text(name).map(str::to_owned);
        let value = |name: &str| properties.get(name).and_then(Json::as_value);
        let lengths = [names::LATENCY, names::ELAPSED].into_iter();
        let mut lengths = lengths.filter_map(|name| value(name)?.as_f64());
        let latency = lengths.next();
        let is_timed = latency.is_some();
        let latency = latency.unwrap_or(0.0);
        let kind = match event.name {
            EventName::Trace => Kind::Trace,
            EventName::Generation | EventName::Embedding => Kind::Call,
            EventName::Span if event.is_turn() => Kind::Turn,
            EventName::Span if text(names::SPAN_TYPE).is_none_or(|it| it == "tool") => Kind::Tool,
            EventName::Span => Kind::Step,
        };
        let detail = value(names::INPUT_STATE);
        let detail = detail.filter(|_| matches!(kind, Kind::Tool | Kind::Step));
        let is_call = kind == Kind::Call;
        Self {
            kind,
            id: owned(names::SPAN_ID).unwrap_or_default(),
            uuid: Some(event.uuid),
            name: owned(names::SPAN_NAME),
            model: owned(names::MODEL),
            detail: detail.and_then(|input| telling(input, cwd)),
            subagent: owned(names::SUBAGENT_TYPE).filter(|_| is_call),
            started_at: match kind {
                Kind::Trace => event.timestamp,
                _ => before(event.timestamp, latency),
            },
            latency,
            is_timed,
            waited: value(names::PERMISSION_WAIT).and_then(Value::as_f64),
            tokens: match kind {
                Kind::Call => Tokens::of(event),
                _ => Tokens::default(),
            },
            is_error: value(names::IS_ERROR) == Some(&Value::Bool(true)),
            error: owned(names::ERROR),
            url: None,
            children: Vec::new(),
            trace: owned(names::TRACE_ID).unwrap_or_default(),
            parent: owned(names::PARENT_ID),
        }
    }

    /// Sets the addresses of the pages of this node and all below it.
    pub(super) fn link(&mut self, endpoint: &Endpoint) {
        self.url = Some(match self.kind {
            Kind::Trace => links::trace(endpoint, &self.trace),
            _ => links::span(endpoint, &self.trace, &self.id),
        });
        for child in &mut self.children {
            child.link(endpoint);
        }
    }

    /// A trace without an event of its own.
    pub(super) fn trace(id: &str, started_at: DateTime<Utc>) -> Self {
        Self {
            kind: Kind::Trace,
            id: id.to_owned(),
            uuid: None,
            name: None,
            model: None,
            detail: None,
            subagent: None,
            started_at,
            latency: 0.0,
            is_timed: false,
            waited: None,
            tokens: Tokens::default(),
            is_error: false,
            error: None,
            url: None,
            children: Vec::new(),
            trace: id.to_owned(),
            parent: None,
        }
    }
}

/// The start of an event, by which PostHog's trace page sorts siblings.
fn before(end: DateTime<Utc>, seconds: f64) -> DateTime<Utc> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "milliseconds of a session fit, and a float is clamped"
    )]
    let milliseconds = (seconds * 1000.0).round() as i64;
    end.checked_sub_signed(TimeDelta::milliseconds(milliseconds))
        .unwrap_or(end)
}

fn rfc3339<S: Serializer>(time: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&time.to_rfc3339_opts(SecondsFormat::Millis, true))
}
