//! The kind of each span: call, tool, operation, detail or other.

use crate::otlp::openrouter::{self, Trial};
use crate::otlp::{Attributes, Span};
use crate::session::{CallKind, OperationKind};

/// The kind of a span.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SpanKind {
    /// A call of a model.
    Call(CallKind),
    /// The execution of a tool.
    Tool,
    /// Other work with an event of its own.
    Operation(OperationKind),
    /// A part of the work of the span around it, such as the time in which a tool waited for a
    /// person. It has no event, but its times and its error are used.
    Detail,
    /// Anything else: requests to servers, database queries, steps that hold one call.
    Other,
}

const CHAT: SpanKind = SpanKind::Call(CallKind::Chat);
const EMBEDDING: SpanKind = SpanKind::Call(CallKind::Embedding);
const AGENT: SpanKind = SpanKind::Operation(OperationKind::Agent);
const WORKFLOW: SpanKind = SpanKind::Operation(OperationKind::Workflow);
const CHAIN: SpanKind = SpanKind::Operation(OperationKind::Chain);
const RETRIEVAL: SpanKind = SpanKind::Operation(OperationKind::Retrieval);
const RERANK: SpanKind = SpanKind::Operation(OperationKind::Rerank);
const GUARDRAIL: SpanKind = SpanKind::Operation(OperationKind::Guardrail);

/// An attribute that states the kind of a span, with its known values. An unknown value is the name
/// of an operation if `others` is set.
struct Marker {
    attribute: &'static str,
    words: &'static [(&'static str, SpanKind)],
    others: bool,
}

/// The markers, the most specific first. Values are compared without regard to case.
const MARKERS: &[Marker] = &[
    // Claude Code. It also sets `gen_ai.operation.name`, but not on parts of tools.
    Marker {
        attribute: "span.type",
        words: &[
            ("llm_request", CHAT),
            ("interaction", AGENT),
            ("tool", SpanKind::Tool),
            ("tool.execution", SpanKind::Detail),
            ("tool.blocked_on_user", SpanKind::Detail),
            ("hook", SpanKind::Other),
        ],
        others: false,
    },
    // The semantic conventions, their older words, and those of Gemini CLI and LangGraph.
    Marker {
        attribute: "gen_ai.operation.name",
        words: &[
            ("chat", CHAT),
            ("text_completion", CHAT),
            ("completion", CHAT),
            ("generate_content", CHAT),
            ("generate_text", CHAT),
            ("llm_call", CHAT),
            ("message", CHAT),
            ("messages", CHAT),
            ("responses", CHAT),
            // Semantic Kernel.
            ("chat.completions", CHAT),
            ("text.completions", CHAT),
            ("embeddings", EMBEDDING),
            ("embedding", EMBEDDING),
            ("execute_tool", SpanKind::Tool),
            ("tool_call", SpanKind::Tool),
            ("invoke_agent", AGENT),
            ("create_agent", AGENT),
            ("agent_call", AGENT),
            ("agent_step", SpanKind::Other),
            ("invoke_workflow", WORKFLOW),
            ("execute_task", CHAIN),
            ("chain", CHAIN),
            ("retrieval", RETRIEVAL),
            ("retrieve", RETRIEVAL),
            ("rerank", RERANK),
            ("guardrail", GUARDRAIL),
        ],
        others: true,
    },
    // AI SDK 4 to 6, and 7 with its legacy integration.
    Marker {
        attribute: "ai.operationId",
        words: &[
            ("ai.generateText.doGenerate", CHAT),
            ("ai.generateObject.doGenerate", CHAT),
            ("ai.streamText.doStream", CHAT),
            ("ai.streamObject.doStream", CHAT),
            ("ai.embed.doEmbed", EMBEDDING),
            ("ai.embedMany.doEmbed", EMBEDDING),
            ("ai.toolCall", SpanKind::Tool),
            ("ai.generateText", AGENT),
            ("ai.streamText", AGENT),
            ("ai.generateObject", AGENT),
            ("ai.streamObject", AGENT),
            ("ai.rerank", RERANK),
            ("ai.rerank.doRerank", SpanKind::Other),
        ],
        others: true,
    },
    Marker {
        attribute: "openinference.span.kind",
        words: &[
            ("LLM", CHAT),
            ("EMBEDDING", EMBEDDING),
            ("TOOL", SpanKind::Tool),
            ("AGENT", AGENT),
            ("CHAIN", CHAIN),
            ("RETRIEVER", RETRIEVAL),
            ("RERANKER", RERANK),
            ("GUARDRAIL", GUARDRAIL),
        ],
        others: true,
    },
    // OpenLLMetry before it took the conventions.
    Marker {
        attribute: "llm.request.type",
        words: &[
            ("chat", CHAT),
            ("completion", CHAT),
            ("embedding", EMBEDDING),
            ("embeddings", EMBEDDING),
            ("rerank", RERANK),
        ],
        others: false,
    },
    Marker {
        attribute: "langfuse.observation.type",
        words: &[
            ("generation", CHAT),
            ("embedding", EMBEDDING),
            ("tool", SpanKind::Tool),
            ("agent", AGENT),
            ("chain", CHAIN),
            ("retriever", RETRIEVAL),
            ("guardrail", GUARDRAIL),
            ("event", SpanKind::Other),
        ],
        others: true,
    },
    Marker {
        attribute: "langsmith.span.kind",
        words: &[
            ("llm", CHAT),
            ("embedding", EMBEDDING),
            ("tool", SpanKind::Tool),
            ("chain", CHAIN),
            ("retriever", RETRIEVAL),
        ],
        others: true,
    },
    Marker {
        attribute: "traceloop.span.kind",
        words: &[
            ("workflow", WORKFLOW),
            ("task", CHAIN),
            ("agent", AGENT),
            ("tool", SpanKind::Tool),
        ],
        others: false,
    },
    Marker {
        attribute: "sentry.op",
        words: &[
            ("gen_ai.chat", CHAT),
            ("gen_ai.generate_text", CHAT),
            ("gen_ai.stream_text", CHAT),
            ("gen_ai.generate_object", CHAT),
            ("gen_ai.stream_object", CHAT),
            ("gen_ai.embed", EMBEDDING),
            ("gen_ai.embeddings", EMBEDDING),
            ("gen_ai.embed_many", EMBEDDING),
            ("gen_ai.execute_tool", SpanKind::Tool),
            ("gen_ai.invoke_agent", AGENT),
        ],
        others: false,
    },
    Marker {
        attribute: "genkit:metadata:subtype",
        words: &[
            ("model", CHAT),
            ("background-model", CHAT),
            ("embedder", EMBEDDING),
            ("tool", SpanKind::Tool),
            ("flow", WORKFLOW),
            ("retriever", RETRIEVAL),
            ("reranker", RERANK),
            ("prompt", CHAIN),
            ("util", SpanKind::Other),
        ],
        others: true,
    },
    // The values are in quotes.
    Marker {
        attribute: "mlflow.spanType",
        words: &[
            ("LLM", CHAT),
            ("CHAT_MODEL", CHAT),
            ("EMBEDDING", EMBEDDING),
            ("TOOL", SpanKind::Tool),
            ("AGENT", AGENT),
            ("CHAIN", CHAIN),
            ("WORKFLOW", WORKFLOW),
            ("RETRIEVER", RETRIEVAL),
            ("RERANKER", RERANK),
            ("GUARDRAIL", GUARDRAIL),
            ("UNKNOWN", SpanKind::Other),
        ],
        others: true,
    },
];

/// Components of Haystack by the end of their class: `OpenAIChatGenerator`.
const COMPONENTS: &[(&str, SpanKind)] = &[
    ("Generator", CHAT),
    ("Embedder", EMBEDDING),
    ("Retriever", RETRIEVAL),
    ("Ranker", RERANK),
    ("Agent", AGENT),
];

/// Attributes that only calls of models have.
const ONLY_OF_CALLS: [&str; 6] = [
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.prompt_tokens",
    "gen_ai.usage.output_tokens",
    "llm.token_count.prompt",
    "llm.usage.prompt_tokens",
    "ai.usage.promptTokens",
];

/// The kind of a span.
pub(crate) fn kind_of(span: &Span) -> SpanKind {
    if openrouter::is_delivery(span) {
        return of_openrouter(span);
    }
    let attributes = &span.attributes;
    marked(attributes).unwrap_or_else(|| {
        let has = |name: &str| attributes.get(name).is_some();
        let is_call = ONLY_OF_CALLS.iter().any(|name| has(name));
        if is_call { CHAT } else { SpanKind::Other }
    })
}

/// Whether a span counts as a call only because it has token counts. Unknown emitters also write
/// sums of tokens on the work around calls.
pub(crate) fn is_guessed(span: &Span) -> bool {
    !openrouter::is_delivery(span) && marked(&span.attributes).is_none()
}

fn marked(attributes: &Attributes) -> Option<SpanKind> {
    let marked = MARKERS.iter().find_map(|it| it.kind(attributes));
    marked.or_else(|| component(attributes))
}

fn component(attributes: &Attributes) -> Option<SpanKind> {
    let class = attributes.text("haystack.component.type")?;
    let mut known = COMPONENTS.iter();
    let known = known.find(|(end, _)| class.ends_with(end));
    Some(known.map_or(CHAIN, |(_, kind)| kind.clone()))
}

impl Marker {
    fn kind(&self, attributes: &Attributes) -> Option<SpanKind> {
        let renamed = format!("vercel.{}", self.attribute);
        let word = attributes.text(self.attribute);
        let word = word.or_else(|| attributes.text(&renamed))?;
        let word = word.trim_matches('"');
        let mut known = self.words.iter();
        match known.find(|(known, _)| known.eq_ignore_ascii_case(word)) {
            Some((_, kind)) => Some(kind.clone()),
            None if self.others => Some(SpanKind::Operation(OperationKind::Other(word.into()))),
            None => None,
        }
    }
}

/// The kind of a span from OpenRouter. Each request has one span of its own and two about its
/// course, which are also marked as calls.
fn of_openrouter(span: &Span) -> SpanKind {
    if openrouter::trial(span) == Some(Trial::Connection) {
        return SpanKind::Other;
    }
    if !openrouter::is_course(span) {
        return CHAT;
    }
    // A tree folds an attempt that adds nothing to its request.
    let is_attempt = ["attempt_index", "status_code"].iter().any(|it| {
        let name = format!("span.metadata.{it}");
        span.attributes.get(&name).is_some()
    });
    if is_attempt {
        SpanKind::Operation(OperationKind::Attempt)
    } else {
        SpanKind::Other
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::otlp::Value;

    fn span(name: &str, attributes: &[(&str, &str)]) -> Span {
        let attributes = attributes
            .iter()
            .map(|(key, value)| (*key, Value::from(*value)));
        crate::sources::otlp::tests::span(name, attributes.collect())
    }

    #[test]
    fn every_dialect_says_what_a_span_is() {
        let other = |word: &str| SpanKind::Operation(OperationKind::Other(word.into()));
        for (name, attribute, word, expected) in [
            ("chat m", "gen_ai.operation.name", "chat", CHAT),
            (
                "google adk",
                "gen_ai.operation.name",
                "generate_content",
                CHAT,
            ),
            ("gemini cli", "gen_ai.operation.name", "llm_call", CHAT),
            ("a plan", "gen_ai.operation.name", "plan", other("plan")),
            (
                "step 1",
                "gen_ai.operation.name",
                "agent_step",
                SpanKind::Other,
            ),
            ("ai", "ai.operationId", "ai.streamText.doStream", CHAT),
            ("sentry", "vercel.ai.operationId", "ai.streamText", AGENT),
            ("openinference", "openinference.span.kind", "LLM", CHAT),
            (
                "openinference",
                "openinference.span.kind",
                "RETRIEVER",
                RETRIEVAL,
            ),
            ("traceloop", "llm.request.type", "embedding", EMBEDDING),
            ("traceloop", "traceloop.span.kind", "task", CHAIN),
            ("langfuse", "langfuse.observation.type", "generation", CHAT),
            (
                "claude code",
                "span.type",
                "tool.execution",
                SpanKind::Detail,
            ),
            ("GET /", "http.request.method", "GET", SpanKind::Other),
            ("old", "llm.usage.prompt_tokens", "9", CHAT),
        ] {
            let span = span(name, &[(attribute, word)]);
            assert_eq!(kind_of(&span), expected, "{name} {attribute} {word}");
        }
    }

    #[test]
    fn the_course_of_a_request_at_openrouter_is_no_call() {
        let id = ("trace.metadata.openrouter.provider_name", "Anthropic");
        let chat = ("gen_ai.operation.name", "chat");
        let root = span("LLM Generation", &[id, chat]);
        assert_eq!(kind_of(&root), CHAT);
        let course = span("generation", &[id, chat, ("span.type", "span")]);
        assert_eq!(kind_of(&course), SpanKind::Other);
        let trial = span("openrouter-connection-test", &[id]);
        assert_eq!(kind_of(&trial), SpanKind::Other);
    }
}
