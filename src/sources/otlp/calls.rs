//! Calls of models and operations, converted to the types of a session.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value as Json};

use super::content::{self, Request};
use super::dialects::candidates as names;
use super::dialects::kinds::SpanKind;
use super::facts::{Facts, parsed};
use super::history::History;
use super::identity::{Identity, server};
use super::logs::Said;
use super::messages;
use super::outcome::{self, error, first_token_at, says, stop_reason};
use super::tree::{Node, Tree};
use super::twins;
use super::usage::{self, Tokens};
use crate::models;
use crate::otlp::openrouter::is_delivery;
use crate::otlp::responses::is_of_openrouter;
use crate::otlp::{LogRecord, Span, SpanId};
use crate::session::{
    Block, CallKind, Circumstances, Cost, Generation, Message, Operation, OperationKind,
    OutputCount, Parameters, Report, Retries, Role, StopReason, ToolCall, Traced, UsageReport,
};

/// Name of a request's root span at OpenRouter if the user gave none.
const UNNAMED: &str = "LLM Generation";

/// Request and answer of a call.
#[derive(Debug)]
pub(super) struct Exchange {
    pub(super) request: Request,
    pub(super) answer: Vec<Block>,
    /// Why the model stopped, if the events of the answer state it.
    stopped: Option<StopReason>,
}

impl Exchange {
    /// The tools that the model asked for.
    pub(super) fn tools(&self) -> impl Iterator<Item = &ToolCall> {
        self.answer.iter().filter_map(|block| match block {
            Block::ToolCall(call) => Some(call.as_ref()),
            _ => None,
        })
    }

    pub(super) fn of(node: &Node<'_>, kind: CallKind) -> Self {
        let facts = facts_of_content(node);
        if kind == CallKind::Embedding {
            let request = Request {
                messages: content::embedded(&facts),
                ..Request::default()
            };
            return Self {
                request,
                answer: Vec::new(),
                stopped: None,
            };
        }
        let mut said = Said::of(&node.logs, &node.span.events);
        if let Some(events) = facts.value(&["events", "all_messages_events"]).map(parsed) {
            said.add_listed(events);
        }
        let mut answer = content::answer(&facts, &said);
        if answer.is_empty()
            && let Some(text) = facts.value(&["response"])
        {
            answer = messages::blocks(text);
        }
        let stopped = outcome::within(&Json::Array(said.output.clone()), 0);
        Self {
            request: content::request(&facts, &said),
            answer,
            stopped: stopped.map(|word| outcome::reason(&word)),
        }
    }
}

/// The attributes to search for content: the application's own report if it records content,
/// otherwise OpenRouter's, which adds costs and times.
fn facts_of_content<'a>(node: &Node<'a>) -> Facts<'a> {
    let own = node.facts_of(|it| !is_delivery(it));
    if twins::has_content(&own) {
        own
    } else {
        node.facts()
    }
}

/// The circumstances of a node's work.
pub(super) fn circumstances(node: &Node<'_>) -> Arc<Circumstances> {
    circumstances_of(node, &node.identity)
}

/// The circumstances of a node's work for this user.
pub(super) fn circumstances_of(node: &Node<'_>, identity: &Identity) -> Arc<Circumstances> {
    let mut origin = Arc::unwrap_or_clone(identity.origin(node.span));
    origin.server = server(&node.facts());
    if let Some(delivered) = node.delivered()
        && let Some(vendor) = Facts::of(&delivered.attributes).text(names::PROVIDER)
    {
        let vendor = Json::String(vendor);
        origin
            .properties
            .insert("openrouter_vendor".to_owned(), vendor);
    }
    // Other attributes of a resource are private: command lines contain secrets.
    let resource = Facts::of(&node.span.resource.attributes);
    Arc::new(Circumstances {
        asks_nobody: true,
        agent_version: resource.text(&["service.version"]),
        entrypoint: resource.text(&["deployment.environment.name", "deployment.environment"]),
        persona: origin.agent.clone(),
        origin: Some(Arc::new(origin)),
        ..Circumstances::default()
    })
}

/// The generation of a call; `traced` are its ids.
pub(super) fn generation(
    node: &Node<'_>,
    kind: CallKind,
    exchange: Exchange,
    history: &mut History,
    traced: Traced,
) -> Generation {
    let facts = node.facts();
    let Exchange {
        request,
        answer,
        stopped,
    } = exchange;
    let added = history.add(&request);
    let Tokens {
        usage,
        counts,
        report,
    } = usage::tokens(&facts_of_usage(node));
    let error = error(node.span, &facts);
    let model = facts.text(names::MODEL);
    let requested = facts.text(names::REQUESTED_MODEL);
    let is_present = error.is_some() || report == UsageReport::Present;
    Generation {
        id: identity(node.span),
        request: None,
        response: twins::drawn_response(node),
        kind,
        traced: Some(traced),
        is_copy: false,
        provider: provider(node, &facts, model.as_deref()),
        usage,
        cache_counts: counts,
        cost: cost(node, &facts),
        started_at: node.times.start,
        timing: node.times.timing,
        first_token_at: first_token(node, &facts),
        ended_at: node.times.end,
        retries: Retries::default(),
        stop_reason: stop(node, &facts, report, &answer).or(stopped),
        input: added.messages,
        whole_input: Some(request.messages.into_iter().map(Arc::new).collect()),
        begins_anew: false,
        setup: added.setup,
        output: answer,
        parameters: Parameters {
            requested_model: requested.filter(|it| Some(it) != model.as_ref()),
            ..parameters(&facts)
        },
        model,
        error,
        label: None,
        output_count: OutputCount::Final,
        usage_report: if is_present {
            UsageReport::Present
        } else {
            UsageReport::Missing
        },
        complete: true,
        circumstances: circumstances(node),
    }
}

/// Cost of a call in USD. OpenRouter's figure comes first: it was paid.
fn cost(node: &Node<'_>, facts: &Facts<'_>) -> Option<Cost> {
    let delivered = node.delivered();
    let paid = delivered.and_then(|it| usage::cost_at_openrouter(&Facts::of(&it.attributes)));
    paid.or_else(|| usage::cost(facts))
}

/// Time of the first token. OpenRouter's figure comes first, since it streams to every caller.
fn first_token(node: &Node<'_>, facts: &Facts<'_>) -> Option<DateTime<Utc>> {
    let delivered = node.delivered();
    let stated = delivered.and_then(|it| first_token_at(&Facts::of(&it.attributes), node.times));
    stated.or_else(|| first_token_at(facts, node.times))
}

/// Identity of a call: OpenRouter's id, which both OpenRouter and the application report; otherwise
/// the id of the span.
fn identity(span: &Span) -> String {
    let response = Facts::of(&span.attributes).text(names::RESPONSE_ID);
    match response.filter(|id| is_of_openrouter(id)) {
        Some(id) => id,
        None => format!("{}/{}", span.trace_id, span.span_id),
    }
}

/// The ids and the name of a call in a span with this `parent`.
pub(super) fn traced(node: &Node<'_>, parent: Option<String>) -> Traced {
    let reports = node.reports.iter();
    Traced {
        span: node.span.span_id.to_string(),
        parent,
        name: name_of_call(node),
        others: reports
            .map(|span| Report {
                id: identity(span),
                span: span.span_id.to_string(),
            })
            .collect(),
    }
}

/// The attributes to search for tokens: first the report of OpenRouter, whose numbers are paid for,
/// then the span of the provider's own library, which passes on the provider's. Other
/// instrumentations count streams themselves.
fn facts_of_usage<'a>(node: &Node<'a>) -> Facts<'a> {
    const OWN: [&str; 2] = ["com.anthropic.sdk", "com.openai.sdk"];
    let mut spans: Vec<_> = [node.span]
        .into_iter()
        .chain(node.twins.iter().copied())
        .collect();
    spans.sort_by_key(|span| {
        let is_own = OWN.iter().any(|scope| span.scope.name.starts_with(scope));
        (!is_delivery(span), !is_own)
    });
    let logs = node.logs.iter().map(|log| &log.attributes);
    let spans = spans.into_iter().map(|span| &span.attributes);
    Facts(spans.chain(logs).collect())
}

/// Providers, or beginnings of their names, that differ between the semantic conventions or the AI SDK
/// and PostHog's prices.
const PROVIDERS: [(&str, &str); 8] = [
    ("aws.bedrock", "bedrock"),
    ("amazon-bedrock", "bedrock"),
    ("az", "azure"),
    ("azure", "azure"),
    ("azure-openai", "azure"),
    ("gcp", "google"),
    ("x_ai", "xai"),
    ("mistral_ai", "mistral"),
];

/// Names of frameworks, which some of them write in the place of the provider.
const FRAMEWORKS: [&str; 4] = ["langchain", "langgraph", "strands-agents", "crewai"];

fn provider(node: &Node<'_>, facts: &Facts<'_>, model: Option<&str>) -> Option<String> {
    if node.delivered().is_some() {
        return Some("openrouter".to_owned());
    }
    let stated = facts.text(names::PROVIDER).map(|it| it.to_lowercase());
    // Some frameworks name themselves as the provider.
    let stated = stated.filter(|it| !FRAMEWORKS.contains(&it.as_str()));
    let known = stated.map(|stated| {
        let mut providers = PROVIDERS.iter();
        // The AI SDK adds the kind of the model: `openai.chat`.
        let maker = stated.split('.').next().unwrap_or(&stated);
        let known = providers.find(|(name, _)| [maker, &stated].contains(name));
        known.map_or(maker, |(_, name)| *name).to_owned()
    });
    known.or_else(|| models::provider(model?).map(str::to_owned))
}

/// Why a model stopped. A call without any outcome was cancelled: the AI SDK leaves out its end.
fn stop(
    node: &Node<'_>,
    facts: &Facts<'_>,
    report: UsageReport,
    answer: &[Block],
) -> Option<StopReason> {
    let error = error(node.span, facts);
    if outcome::is_cancelled(error.as_ref()) {
        return Some(StopReason::Aborted);
    }
    let stated = stop_reason(facts);
    if stated.is_some() {
        return stated;
    }
    let is_of_openrouter = is_delivery(node.span) && !says(node.span, "span.type", "span");
    if error.is_some() {
        return is_of_openrouter.then(|| StopReason::Other("error".to_owned()));
    }
    let is_ai_sdk = ["ai", "gen_ai"].contains(&node.span.scope.name.as_str());
    let is_empty = report == UsageReport::Missing && answer.is_empty();
    // OpenRouter states why each request ended, unless its caller disconnected.
    if is_of_openrouter {
        return Some(StopReason::Aborted);
    }
    (is_ai_sdk && is_empty).then_some(StopReason::Aborted)
}

/// Parameters with single values, named alike in attributes and in requests.
const PARAMETERS: [&str; 14] = [
    "temperature",
    "top_p",
    "top_k",
    "seed",
    "stop_sequences",
    "frequency_penalty",
    "presence_penalty",
    "stream",
    "choice.count",
    "n",
    "tool_choice",
    "response_format",
    "reasoning",
    "encoding_formats",
];

fn parameters(facts: &Facts<'_>) -> Parameters {
    let mut others = Map::new();
    for name in PARAMETERS {
        let camel = camel(name);
        let attribute = format!("gen_ai.request.{name}");
        let setting = format!("ai.settings.{camel}");
        let invocation = format!("llm.invocation_parameters#{name}");
        let raw = format!("gen_ai.completion#rawRequest.{name}");
        let langfuse = format!("langfuse.observation.model.parameters#{name}");
        let places = [&attribute, &setting, &invocation, &raw, &langfuse].map(String::as_str);
        if let Some(value) = facts.value(&places) {
            others.insert(name.to_owned(), messages::without_data(parsed(value)));
        }
    }
    // The hosts of a model that the caller preferred, and the plugins that OpenRouter adds.
    for name in ["provider", "plugins"] {
        let raw = format!("gen_ai.completion#rawRequest.{name}");
        if let Some(value) = facts.value(&[raw.as_str()]) {
            others.insert(name.to_owned(), messages::without_data(parsed(value)));
        }
    }
    if let Some(choice) = facts.value(&["ai.prompt.toolChoice"]).map(parsed) {
        others.insert("tool_choice".to_owned(), choice);
    }
    Parameters {
        max_tokens: facts.count(&[
            "gen_ai.request.max_tokens",
            "ai.settings.maxOutputTokens",
            "ai.settings.maxTokens",
            "llm.invocation_parameters#max_tokens",
            "gen_ai.completion#rawRequest.max_tokens",
            "langfuse.observation.model.parameters#max_tokens",
        ]),
        effort: facts.text(&[
            "gen_ai.request.reasoning.level",
            "gen_ai.request.reasoning_effort",
            "effort",
        ]),
        service_tier: facts.text(&[
            "gen_ai.response.service_tier",
            "gen_ai.openai.response.service_tier",
        ]),
        others,
        ..Parameters::default()
    }
}

/// A name in the form that JavaScript uses.
fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |mut camel, word| {
        let mut letters = word.chars();
        camel.extend(letters.next().map(|it| it.to_ascii_uppercase()));
        camel.extend(letters);
        camel
    })
}

/// Name of a call to show; `None` for a call that its user could have named and did not.
fn name_of_call(node: &Node<'_>) -> Option<String> {
    let name = &node.span.name;
    let is_unnamed = is_delivery(node.span) && [UNNAMED, "chat"].contains(&name.as_str());
    (!name.is_empty() && !is_unnamed).then(|| name.clone())
}

/// The operation of a node.
pub(super) fn operation(node: &Node<'_>, traced: Traced) -> Operation {
    let facts = node.facts();
    let kind = match &node.kind {
        SpanKind::Operation(kind) => kind.clone(),
        _ => OperationKind::Tool,
    };
    let (input, output) = states(node, &facts);
    Operation {
        traced,
        kind,
        call_id: None,
        input,
        output,
        started_at: node.times.start,
        ended_at: node.times.end,
        timing: node.times.timing,
        error: error(node.span, &facts),
        circumstances: circumstances(node),
    }
}

/// Input and output of an operation. Calls have events with the whole conversation, so an operation
/// only repeats the last message of each side.
fn states(node: &Node<'_>, facts: &Facts<'_>) -> (Json, Json) {
    let said = Said::of(&node.logs, &node.span.events);
    let request = content::request(facts, &said);
    let asked = messages::last_text(&request.messages, Role::User);
    let prompt = facts.text(&["user_prompt", "prompt"]);
    let value = |candidates| {
        facts
            .value(candidates)
            .map(parsed)
            .map(messages::without_data)
    };
    let prompt = prompt.map(|it| messages::without_data(Json::String(it)));
    let input = asked.map(Json::String).or(prompt);
    let input = input.or_else(|| value(names::OTHER_INPUT));
    let answer = Message {
        role: Role::Assistant,
        content: content::answer(facts, &said),
    };
    let answered = Some(messages::text_of(&answer)).filter(|text| !text.is_empty());
    let output = answered.map(Json::String);
    let output = output.or_else(|| value(&["final_result"]));
    let output = output.or_else(|| value(names::OTHER_OUTPUT));
    (input.unwrap_or_default(), output.unwrap_or_default())
}

/// Name of an operation to show: the programmer's, otherwise that of its span.
pub(super) fn name_of_operation(node: &Node<'_>) -> Option<String> {
    let given = Facts::of(&node.span.attributes).text(names::GIVEN_NAME);
    let given = given.or_else(|| Some(node.span.name.clone()));
    given.filter(|name| !name.is_empty())
}

/// Requests and answers of the calls among these spans and log records, each with the id of its
/// span.
pub(super) fn exchanges(spans: &[Span], logs: &[LogRecord]) -> Vec<(SpanId, Exchange)> {
    let mut tree = Tree::new(spans);
    tree.join(logs);
    twins::merge(&mut tree);
    let calls = tree.calls(CallKind::Chat).into_iter();
    let exchanges = calls.map(|it| {
        let node = &tree.nodes[it];
        (node.span.span_id, Exchange::of(node, CallKind::Chat))
    });
    exchanges.collect()
}
