//! Attributes in which emitters state each fact, the most trustworthy first. A `#` separates the
//! name from the path within a JSON value.
//!
//! Sources: the semantic conventions of generative AI (`gen_ai.*`, newest and older names), the AI
//! SDK 4 to 7 (`ai.*`), OpenInference (`llm.*`, `embedding.*`), OpenLLMetry (`llm.usage.*`,
//! `traceloop.*`), Langfuse, LangSmith, pydantic-ai and Logfire, Sentry, Google's ADK
//! (`gcp.vertex.agent.*`), OpenRouter's Broadcast, and what Claude Code, Codex and Gemini CLI send;
//! Genkit (`genkit:*`, `js/core/src/tracing`), Semantic Kernel (`ModelDiagnostics.cs`), `MLflow`
//! (`mlflow/tracing/constant.py`), Haystack (`haystack/tracing`), `LiteLLM`
//! (`litellm/integrations/opentelemetry.py`).

use crate::otlp::sessions;

/// Names of one fact.
pub(crate) type Candidates = &'static [&'static str];

// The model.
pub(crate) const MODEL: Candidates = &[
    "gen_ai.response.model",
    "ai.response.model",
    "llm.response.model",
    "llm.model_name",
    "embedding.model_name",
    "reranker.model_name",
    "langfuse.observation.model.name",
    "langsmith.metadata.ls_model_name",
    "gen_ai.request.model",
    "ai.model.id",
    "llm.request.model",
    "llm.request.model_name",
    "llm.invocation_parameters#model",
    "input.value#model",
    "model_name",
    "model",
    "mlflow.llm.model",
    "mlflow.spanInputs#model",
    "haystack.component.output#replies.0.meta.model",
    "haystack.component.output#meta.0.model",
    "genkit:name",
];
pub(crate) const REQUESTED_MODEL: Candidates =
    &["gen_ai.request.model", "ai.model.id", "llm.request.model"];
pub(crate) const PROVIDER: Candidates = &[
    "gen_ai.provider.name",
    "gen_ai.system",
    "ai.model.provider",
    "llm.provider",
    "llm.system",
    "llm.vendor",
    "langsmith.metadata.ls_provider",
];
pub(crate) const RESPONSE_ID: Candidates = &[
    "gen_ai.response.id",
    "ai.response.id",
    "llm.response.id",
    "request_id",
    "output.value#id",
];

// Input of a call.
pub(crate) const SYSTEM: Candidates = &["gen_ai.system_instructions"];
pub(crate) const INPUT: Candidates = &["gen_ai.input.messages", "ai.prompt.messages"];
/// Lists with one attribute per item.
pub(crate) const SPREAD_INPUT: Candidates = &["gen_ai.prompt", "llm.input_messages", "llm.prompts"];
pub(crate) const OTHER_INPUT: Candidates = &[
    "gen_ai.prompt",
    "gen_ai.request.messages",
    "langfuse.observation.input",
    "ai.prompt",
    "request_text",
    "input.value",
    "traceloop.entity.input",
    "gen_ai.task.input",
    "gcp.vertex.agent.llm_request",
    "genkit:input",
    "mlflow.spanInputs",
    "haystack.component.input",
];
pub(crate) const TOOLS: Candidates = &[
    "gen_ai.tool.definitions",
    "ai.prompt.tools",
    "gen_ai.request.available_tools",
    "gen_ai.completion#tools",
    "gen_ai.completion#rawRequest.tools",
    "model_request_parameters#function_tools",
];
pub(crate) const SPREAD_TOOLS: Candidates = &["llm.tools", "llm.request.functions"];

// Output of a call.
pub(crate) const OUTPUT: Candidates = &["gen_ai.output.messages"];
pub(crate) const OUTPUT_TEXT: Candidates = &["ai.response.text", "gen_ai.response.text"];
pub(crate) const OUTPUT_OBJECT: Candidates = &["ai.response.object"];
pub(crate) const OUTPUT_REASONING: Candidates = &["ai.response.reasoning"];
pub(crate) const OUTPUT_CALLS: Candidates =
    &["ai.response.toolCalls", "gen_ai.response.tool_calls"];
pub(crate) const SPREAD_OUTPUT: Candidates = &[
    "gen_ai.completion",
    "llm.output_messages",
    "llm.completions",
];
pub(crate) const OTHER_OUTPUT: Candidates = &[
    "gen_ai.completion",
    "langfuse.observation.output",
    "response_text",
    "output.value",
    "traceloop.entity.output",
    "gen_ai.task.output",
    "gcp.vertex.agent.llm_response",
    "genkit:output",
    "mlflow.spanOutputs",
    "haystack.component.output",
];

// Embeddings.
pub(crate) const EMBEDDED: Candidates = &["ai.values", "ai.value", "gen_ai.input.messages"];
pub(crate) const SPREAD_EMBEDDED: Candidates = &["embedding.embeddings", "gen_ai.prompt"];
pub(crate) const OTHER_EMBEDDED: Candidates = &[
    "langfuse.observation.input",
    "input.value",
    "gen_ai.prompt",
    "genkit:input",
    "mlflow.spanInputs",
    "haystack.component.input",
];

// Tools.
pub(crate) const TOOL_NAME: Candidates = &[
    "gen_ai.tool.name",
    "ai.toolCall.name",
    "tool.name",
    "tool_name",
    "function_name",
    "traceloop.entity.name",
    "genkit:name",
];
pub(crate) const TOOL_CALL_ID: Candidates = &[
    "gen_ai.tool.call.id",
    "ai.toolCall.id",
    "tool_call.id",
    "tool_use_id",
    "call_id",
    "output.value#data.tool_call_id",
    "output.value#tool_call_id",
    "gen_ai.completion#output.tool_call_id",
    "gen_ai.tool.call.result#output.kwargs.tool_call_id",
    "traceloop.entity.output#output.kwargs.tool_call_id",
];
pub(crate) const TOOL_INPUT: Candidates = &[
    "tool_input",
    "gen_ai.tool.call.arguments",
    "ai.toolCall.args",
    "tool_arguments",
    "gen_ai.tool.input",
    "arguments",
    "function_args",
    "langfuse.observation.input",
    "input.value",
    "gen_ai.prompt",
    "traceloop.entity.input",
    "tool.parameters",
    "gcp.vertex.agent.tool_call_args",
    "genkit:input",
    "mlflow.spanInputs",
    "haystack.component.input",
];
pub(crate) const TOOL_OUTPUT: Candidates = &[
    "gen_ai.tool.call.result",
    "ai.toolCall.result",
    "tool_response",
    "gen_ai.tool.output",
    "langfuse.observation.output",
    "output.value",
    "gen_ai.completion",
    "traceloop.entity.output",
    "gcp.vertex.agent.tool_response",
    "output",
    "genkit:output",
    "mlflow.spanOutputs",
    "haystack.component.output",
];

// Outcome.
pub(crate) const STOP_REASON: Candidates = &[
    "anthropic.message.stop_reason",
    "gen_ai.response.finish_reasons",
    "gen_ai.response.finish_reason",
    "ai.response.finishReason",
    "llm.finish_reason",
    "llm.response.finish_reason",
    "llm.response.stop_reason",
    "stop_reason",
    "finish_reasons",
];
pub(crate) const HTTP_STATUS: Candidates = &[
    "http.response.status_code",
    "http.status_code",
    "error.status_code",
    "status_code",
    "span.metadata.status_code",
];
pub(crate) const ERROR_TEXT: Candidates = &[
    "error.message",
    "langfuse.observation.status_message",
    "span.status_message",
    "error_message",
    "error",
];
/// Seconds until the first part of the response.
pub(crate) const FIRST_SECONDS: Candidates = &[
    "gen_ai.response.time_to_first_chunk",
    "gen_ai.client.operation.time_to_first_chunk",
];
/// Milliseconds until the first part of the response.
pub(crate) const FIRST_MILLISECONDS: Candidates = &[
    "ai.response.msToFirstChunk",
    "ttft_ms",
    "trace.metadata.openrouter.first_token_ms",
];
/// When the first part of the response came.
pub(crate) const FIRST_AT: Candidates = &["langfuse.observation.completion_start_time"];
/// Seconds until the first part, or for the whole call if it does not stream. So they count only
/// for calls that do.
pub(crate) const FIRST_IF_STREAMED: Candidates = &["gen_ai.server.time_to_first_token"];
pub(crate) const STREAMS: Candidates = &[
    "gen_ai.request.stream",
    "gen_ai.is_streaming",
    "llm.is_streaming",
    "langsmith.metadata.stream",
];
/// Seconds of an operation, for spans without an end.
pub(crate) const SECONDS: Candidates = &["gen_ai.client.operation.duration"];
/// Milliseconds of an operation, for spans without an end.
pub(crate) const MILLISECONDS: Candidates = &["duration_ms"];

// Who and where.
pub(crate) const PERSON: Candidates = &[
    "ai.telemetry.metadata.posthog_distinct_id",
    "ai.settings.context.posthog_distinct_id",
    "gen_ai.context.posthog_distinct_id",
    "traceloop.association.properties.posthog_distinct_id",
    "langsmith.metadata.posthog_distinct_id",
    "langfuse.trace.metadata.posthog_distinct_id",
    "metadata#posthog_distinct_id",
    "posthog_distinct_id",
    "posthog.distinct_id",
];
/// Other names of the user, which some applications use for something else than PostHog's id.
pub(crate) const USER: Candidates = &[
    "user.email",
    "user.id",
    "enduser.id",
    "langfuse.user.id",
    "user_id",
    "ai.telemetry.metadata.userId",
    "ai.telemetry.metadata.user_id",
    "ai.settings.context.userId",
    "ai.settings.context.user_id",
    "traceloop.association.properties.user_id",
    "langsmith.metadata.user_id",
    "metadata#user_id",
    "llm.user",
    "metadata.user_api_key_end_user_id",
    "mlflow.trace.user",
];
/// The session of a coding agent, by its own id.
pub(crate) const SESSION_OF_AGENT: Candidates = &[
    "session.id",
    "ai.telemetry.metadata.sessionId",
    "ai.settings.context.sessionId",
];
pub(crate) const SESSION: Candidates = sessions::NAMES;
pub(crate) const GROUPS: Candidates = &[
    "$groups",
    "ai.telemetry.metadata.$groups",
    "ai.settings.context.$groups",
    "posthog.groups",
];
pub(crate) const AGENT_NAME: Candidates = &["gen_ai.agent.name", "agent_name", "agent.name"];
/// Name that the programmer gave to the work.
pub(crate) const GIVEN_NAME: Candidates = &[
    "ai.telemetry.functionId",
    "gen_ai.function_id",
    "gen_ai.agent.name",
    "agent_name",
    "agent.name",
    "langfuse.trace.name",
    "traceloop.entity.name",
];
/// Name of the provider's server.
pub(crate) const SERVER: Candidates = &["gen_ai.openai.api_base", "server.address"];
/// Prefixes of attributes with the application's own facts; the rest of the name is the fact's.
pub(crate) const METADATA: Candidates = &[
    "ai.telemetry.metadata.",
    "ai.settings.context.",
    "traceloop.association.properties.",
    "langsmith.metadata.",
    "langfuse.trace.metadata.",
    "langfuse.observation.metadata.",
    "trace.metadata.",
];
