//! The user that a piece of work was done for, and the application that did it.
//!
//! Applications state both on the span where they know them, which is rarely the call of the model:
//! AI SDK 7 puts the user's id on a step, web frameworks put it on the request. So a span's own
//! attributes come first, then those of the nearest span around it, then of the root of its trace,
//! then of the resource. Users of different spans never mix, since each span only inherits from
//! those around it.

use std::fmt::Write as _;
use std::sync::Arc;

use serde_json::{Map, Value as Json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::dialects::candidates as names;
use super::facts::{Facts, parsed};
use super::messages::without_data;
use crate::otlp::openrouter::is_delivery;
use crate::otlp::sessions::of_user;
use crate::otlp::{Span, Value};
use crate::session::Origin;

/// User, session and facts of a span, completed by the spans around it.
#[derive(Clone, Debug, Default)]
pub(super) struct Identity {
    /// PostHog's id of the user.
    person: Option<String>,
    /// Another id of the user.
    user: Option<String>,
    session: Option<String>,
    groups: Map<String, Json>,
    agent: Option<String>,
    properties: Map<String, Json>,
}

/// Bytes of the longest id that PostHog accepts.
const LONGEST_ID: usize = 200;

/// Largest number of items in a list that is still a property rather than content.
const LONGEST_LIST: usize = 32;

/// Largest number of properties that an application may give to one span. PostHog accepts events of
/// 1 MB.
const MOST_PROPERTIES: usize = 1_000;

/// Name of the property with the number of properties beyond [`MOST_PROPERTIES`].
const LEFT_OUT: &str = "properties_left_out";

/// Name of the property with the provider behind OpenRouter.
const HOST: &str = "openrouter_provider";

/// Levels of nested objects and lists in a property.
const LEVELS: usize = 3;

/// Bytes of the longest text that is still a property rather than content.
const LONGEST_TEXT: usize = 1_000;

impl Identity {
    /// The identity of a span, completed by `around`.
    pub(super) fn of(span: &Span, around: Option<&Self>) -> Self {
        let facts = Facts::of(&span.attributes);
        let mut own = Self {
            person: facts.text(names::PERSON).and_then(id),
            user: user(span, &facts),
            session: session(span, &facts),
            groups: groups(&facts),
            agent: facts.text(names::AGENT_NAME),
            properties: metadata(span),
        };
        if let Some(around) = around {
            own.complete(around);
        }
        own
    }

    /// Fills gaps from the span around this one.
    pub(super) fn complete(&mut self, around: &Self) {
        let fill = |own: &mut Option<String>, other: &Option<String>| {
            if own.is_none() {
                own.clone_from(other);
            }
        };
        fill(&mut self.person, &around.person);
        fill(&mut self.user, &around.user);
        fill(&mut self.session, &around.session);
        fill(&mut self.agent, &around.agent);
        if self.groups.is_empty() {
            self.groups.clone_from(&around.groups);
        }
        // Facts about one provider do not hold for another.
        let has_host = self.properties.contains_key(HOST);
        for (name, value) in &around.properties {
            if has_host && name.starts_with(HOST) {
                continue;
            }
            if self.properties.len() >= MOST_PROPERTIES {
                break;
            }
            if !self.properties.contains_key(name) {
                self.properties.insert(name.clone(), value.clone());
            }
        }
    }

    /// Takes the user and the session that all of `inner` agree on, for work that contains them and
    /// states none itself.
    pub(super) fn agree_with<'a>(&mut self, inner: impl Iterator<Item = &'a Self> + Clone) {
        fn common<'a>(mut all: impl Iterator<Item = &'a Option<String>>) -> Option<String> {
            let first = all.next()?;
            all.all(|it| it == first).then(|| first.clone())?
        }
        if self.person.is_none() && self.user.is_none() {
            self.person = common(inner.clone().map(|it| &it.person));
            self.user = common(inner.clone().map(|it| &it.user));
        }
        if self.session.is_none() {
            self.session = common(inner.map(|it| &it.session));
        }
    }

    /// The identity of a span whose work was done for several users: session and agent, and nothing
    /// that belongs to one user.
    pub(super) fn of_several(&self) -> Self {
        Self {
            session: self.session.clone(),
            agent: self.agent.clone(),
            ..Self::default()
        }
    }

    /// The user in the attributes of a span or of its resource.
    pub(super) fn user(&self, span: &Span) -> Option<String> {
        let resource = Facts::of(&span.resource.attributes);
        let text = |candidates: &[&str]| resource.text(candidates).and_then(id);
        let person = self.person.clone().or_else(|| text(names::PERSON));
        let person = person.or_else(|| self.user.clone());
        person.or_else(|| text(names::USER))
    }

    /// The session that the span belongs to.
    pub(super) fn session(&self) -> Option<&str> {
        self.session.as_deref()
    }

    /// The facts for the events of a span.
    pub(super) fn origin(&self, span: &Span) -> Arc<Origin> {
        let resource = Facts::of(&span.resource.attributes);
        let text = |candidates: &[&str]| resource.text(candidates);
        let service = text(&["service.name"]).filter(|name| {
            // A delivery's service is OpenRouter, which was called; the caller's is unknown.
            !name.starts_with("unknown_service") && !is_delivery(span)
        });
        Arc::new(Origin {
            person: self.user(span),
            session: self.session.clone().or_else(|| {
                let stated = text(names::SESSION);
                stated.filter(|id| !is_nothing(id))
            }),
            groups: self.groups.clone(),
            project: service,
            agent: self.agent.clone(),
            framework: Some(framework(span).to_owned()),
            server: server(&Facts::of(&span.attributes)),
            properties: self.properties.clone(),
        })
    }
}

/// An id, unless it is a placeholder. One above [`LONGEST_ID`] is replaced by its hash.
fn id(id: String) -> Option<String> {
    if is_nothing(&id) {
        return None;
    }
    if id.len() <= LONGEST_ID {
        return Some(id);
    }
    let mut hash = String::with_capacity(2 * LONGEST_ID);
    for byte in Sha256::digest(id.as_bytes()) {
        // Writing to a string cannot fail.
        let _ = write!(hash, "{byte:02x}");
    }
    Some(hash)
}

/// Whether an id is a placeholder that programs write when they have none. All their users would
/// become one person, and all their traces one session.
fn is_nothing(id: &str) -> bool {
    const NOTHING: [&str; 24] = [
        "",
        "unknown",
        "default",
        "undefined",
        "null",
        "none",
        "nil",
        "<nil>",
        "nan",
        "0",
        "true",
        "false",
        "[object object]",
        "anonymous",
        "guest",
        "user",
        "user_id",
        "userid",
        "distinct_id",
        "distinctid",
        "id",
        "email",
        "not_authenticated",
        "system",
    ];
    let id = id.trim();
    NOTHING.iter().any(|it| id.eq_ignore_ascii_case(it))
}

/// The user's id. Claude Code states a hash of the machine, which is no person.
fn user(span: &Span, facts: &Facts<'_>) -> Option<String> {
    let is_hash = |id: &str| id.len() == 64 && id.bytes().all(|it| it.is_ascii_hexdigit());
    // Behind a gateway, Claude Code names its session too, as a UUID or within the user. Hashes from
    // applications are kept: providers advise to send hashed ids of people.
    let is_uuid = |id: String| Uuid::try_parse(&id).is_ok();
    let is_of_agent = span.name.starts_with("claude_code.")
        || is_delivery(span) && facts.text(&["session.id"]).is_some_and(is_uuid);
    // In a delivery, the other names mean the account at OpenRouter.
    let names = if is_delivery(span) {
        &["user.id"]
    } else {
        names::USER
    };
    let is_machine = |id: &String| is_of_agent && is_hash(id) || of_user(id).is_some();
    facts.text(names).filter(|id| !is_machine(id)).and_then(id)
}

/// The session of a span. Claude Code calls each agent a conversation, and all of them a session.
fn session(span: &Span, facts: &Facts<'_>) -> Option<String> {
    if span.name.starts_with("claude_code.") {
        return facts.text(&["session.id"]);
    }
    let stated = facts.text(names::SESSION).filter(|id| !is_nothing(id));
    stated.or_else(|| of_user(&facts.text(names::USER)?))
}

fn groups(facts: &Facts<'_>) -> Map<String, Json> {
    match facts.value(names::GROUPS).map(parsed) {
        Some(Json::Object(groups)) => groups,
        _ => Map::new(),
    }
}

/// Names that are used elsewhere already, or that concern only the library itself.
fn is_private(name: &str) -> bool {
    const PREFIXES: [&str; 9] = [
        "$",
        "openrouter",
        "provider_responses",
        "langgraph_",
        "ls_",
        "lc_",
        "LANGSMITH_",
        "checkpoint_ns",
        "_",
    ];
    const NAMES: [&str; 13] = [
        "posthog_distinct_id",
        "userId",
        "user_id",
        "sessionId",
        "session_id",
        "thread_id",
        "usage_metadata",
        "model",
        "model_name",
        "stream",
        "entity_id",
        "creator_user_id",
        "device_id",
    ];
    PREFIXES.iter().any(|prefix| name.starts_with(prefix)) || NAMES.contains(&name)
}

/// Names of OpenRouter's own facts in a delivery; the part before a dot counts.
fn is_of_gateway(name: &str) -> bool {
    const NAMES: [&str; 5] = [
        "provider_responses",
        "entity_id",
        "creator_user_id",
        "device_id",
        "endpoint_id",
    ];
    let first = name.split('.').next().unwrap_or(name);
    name.starts_with('$') || name.starts_with("openrouter") || NAMES.contains(&first)
}

/// The application's own facts about a span, by their own names.
fn metadata(span: &Span) -> Map<String, Json> {
    let mut found = Map::new();
    let mut left_out = 0_u64;
    let facts = Facts::of(&span.attributes);
    // In a delivery, metadata belong to OpenRouter's caller, whatever their names.
    let is_delivery = is_delivery(span);
    let mut add = |name: &str, value: Json| {
        let bare = name.strip_prefix("posthog_").filter(|_| !is_delivery);
        let name = bare.unwrap_or(name);
        if name.is_empty() || value.is_null() {
            return;
        }
        let value = property(parsed(without_data(value)));
        let has_room = found.len() < MOST_PROPERTIES;
        match value.filter(|_| has_room) {
            Some(value) => drop(found.entry(name).or_insert(value)),
            None => left_out += 1,
        }
    };
    for prefix in names::METADATA {
        for (name, value) in facts.below(prefix) {
            let is_own = if is_delivery {
                !is_of_gateway(name)
            } else {
                !is_private(name)
            };
            if is_own {
                add(name, value.clone().into());
            }
        }
    }
    if let Some(Json::Object(fields)) = facts
        .value(&["metadata", "langfuse.trace.metadata"])
        .map(parsed)
    {
        for (name, value) in fields {
            if !is_private(&name) {
                add(&name, value);
            }
        }
    }
    found.extend(of_hosts(&facts));
    if left_out > 0 {
        found.insert(LEFT_OUT.to_owned(), left_out.into());
    }
    found
}

/// The provider that served a request to OpenRouter, and the key that paid for it.
fn of_hosts(facts: &Facts<'_>) -> Map<String, Json> {
    let names = [
        ("trace.metadata.openrouter.provider_name", HOST),
        (
            "trace.metadata.openrouter.provider_slug",
            "openrouter_provider_slug",
        ),
        (
            "trace.metadata.openrouter.api_key_name",
            "openrouter_api_key_name",
        ),
    ];
    let stated = names
        .into_iter()
        .filter_map(|(name, kept)| match facts.get(name) {
            Some(Value::Text(text)) => Some((kept.to_owned(), text.clone().into())),
            _ => None,
        });
    stated.collect()
}

/// A value that is short enough for a property, cut to [`LEVELS`].
fn property(value: Json) -> Option<Json> {
    let is_short = match &value {
        Json::Null => false,
        Json::String(text) => text.len() <= LONGEST_TEXT,
        Json::Array(items) => items.len() <= LONGEST_LIST,
        Json::Object(_) | Json::Bool(_) | Json::Number(_) => true,
    };
    is_short.then(|| shallow(value, LEVELS))
}

fn shallow(value: Json, levels: usize) -> Json {
    match value {
        Json::Object(_) | Json::Array(_) if levels == 0 => Json::String("[truncated]".to_owned()),
        Json::Object(fields) => {
            let fields = fields.into_iter();
            let fields = fields.map(|(name, value)| (name, shallow(value, levels - 1)));
            Json::Object(fields.collect())
        }
        Json::Array(items) => items
            .into_iter()
            .map(|it| shallow(it, levels - 1))
            .collect(),
        other => other,
    }
}

/// Frameworks by the beginning of the name of an instrumentation, as PostHog's own integrations
/// name them.
const FRAMEWORKS: [(&str, &str); 22] = [
    ("openinference.instrumentation.langchain", "langchain"),
    ("opentelemetry.instrumentation.langchain", "langchain"),
    ("langsmith", "langchain"),
    ("pydantic-ai", "pydantic-ai"),
    ("logfire", "logfire"),
    ("com.anthropic.claude_code", "claude-code"),
    ("codex", "codex"),
    ("gemini-cli", "gemini-cli"),
    ("github.copilot", "copilot"),
    ("opencode", "opencode"),
    ("openrouter", "openrouter"),
    ("langfuse", "langfuse"),
    ("openinference.instrumentation.llama_index", "llamaindex"),
    ("opentelemetry.instrumentation.llamaindex", "llamaindex"),
    ("openinference.instrumentation.crewai", "crewai"),
    ("gcp.vertex.agent", "google-adk"),
    ("genkit", "genkit"),
    ("Microsoft.SemanticKernel", "semantic-kernel"),
    ("strands", "strands-agents"),
    ("mlflow", "mlflow"),
    ("haystack", "haystack"),
    ("litellm", "litellm"),
];

fn framework(span: &Span) -> &'static str {
    let scope = span.scope.name.as_str();
    let mut known = FRAMEWORKS.iter();
    if let Some((_, name)) = known.find(|(prefix, _)| scope.starts_with(prefix)) {
        return name;
    }
    if is_delivery(span) {
        return "openrouter";
    }
    // Scopes of the AI SDK have names that others could have too.
    let has = |prefix: &str| span.attributes.iter().any(|it| it.key.starts_with(prefix));
    if ["ai", "gen_ai"].contains(&scope) || has("ai.operationId") || has("vercel.ai.") {
        "vercel"
    } else {
        "opentelemetry"
    }
}

pub(super) fn server(facts: &Facts<'_>) -> Option<String> {
    let server = facts.text(names::SERVER)?;
    let port = facts.count(&["server.port"]);
    let is_address = server.contains("://");
    // Credentials in a URL are before its host.
    let has_user = server.contains('@');
    match port.filter(|_| !is_address) {
        _ if has_user => None,
        Some(port) => Some(format!("{server}:{port}")),
        None => Some(server),
    }
}
