//! The event that each kind of span becomes.

use serde_json::{Value, json};

use crate::otlp::traces::{events_of, named, only, span, with};

fn one(attribute: &str, word: &str) -> Value {
    json!({ attribute: word, "gen_ai.request.model": "m" })
}

#[test]
fn calls_of_models_are_generations_under_every_word() {
    for (attribute, word) in [
        ("gen_ai.operation.name", "chat"),
        ("gen_ai.operation.name", "text_completion"),
        ("gen_ai.operation.name", "generate_content"),
        ("gen_ai.operation.name", "llm_call"),
        ("ai.operationId", "ai.generateText.doGenerate"),
        ("ai.operationId", "ai.streamText.doStream"),
        ("ai.operationId", "ai.generateObject.doGenerate"),
        ("ai.operationId", "ai.streamObject.doStream"),
        ("llm.request.type", "chat"),
        ("llm.request.type", "completion"),
        ("openinference.span.kind", "LLM"),
        ("langfuse.observation.type", "generation"),
        ("langsmith.span.kind", "llm"),
        ("span.type", "llm_request"),
        ("sentry.op", "gen_ai.chat"),
    ] {
        let events = events_of("x", &[span("1", "a", (0, 9), &one(attribute, word))]);
        let names: Vec<&Value> = events.iter().map(|it| &it["event"]).collect();
        assert_eq!(names, ["$ai_generation", "$ai_trace"], "{attribute} {word}");
        let [call, trace] = ["$ai_generation", "$ai_trace"].map(|it| only(&events, it));
        assert_eq!(call["$ai_model"], "m", "{attribute} {word}");
        assert_eq!(
            trace["$ai_trace_name"], call["$ai_span_name"],
            "{attribute} {word}"
        );
    }
}

#[test]
fn embeddings_are_counted_once_without_vectors_under_every_word() {
    for (attribute, word) in [
        ("gen_ai.operation.name", "embeddings"),
        ("ai.operationId", "ai.embed.doEmbed"),
        ("ai.operationId", "ai.embedMany.doEmbed"),
        ("llm.request.type", "embedding"),
        ("openinference.span.kind", "EMBEDDING"),
        ("langfuse.observation.type", "embedding"),
    ] {
        let call = with(
            one(attribute, word),
            &json!({
                "ai.values": ["\"hedgehog\"", "\"fox\""],
                "ai.embeddings": ["[0.125,0.25]"], "embedding.embeddings.0.embedding.vector": [0.125, 0.25],
                "gen_ai.usage.input_tokens": 5,
            }),
        );
        let events = events_of("x", &[span("1", "a", (0, 9), &call)]);
        let call = only(&events, "$ai_embedding");
        assert_eq!(
            (&call["$ai_model"], &call["$ai_input_tokens"]),
            (&json!("m"), &json!(5)),
            "{word}"
        );
        assert_eq!(call["$ai_output_choices"], Value::Null, "{word}");
        assert!(!json!(events).to_string().contains("0.125"), "{word}");
        assert_eq!(named(&events, "$ai_generation").len(), 0, "{word}");
    }
}

#[test]
fn tools_are_spans_of_that_type_under_every_word() {
    for (attribute, word) in [
        ("gen_ai.operation.name", "execute_tool"),
        ("gen_ai.operation.name", "tool_call"),
        ("ai.operationId", "ai.toolCall"),
        ("openinference.span.kind", "TOOL"),
        ("langfuse.observation.type", "tool"),
        ("langsmith.span.kind", "tool"),
        ("traceloop.span.kind", "tool"),
        ("span.type", "tool"),
    ] {
        let events = events_of(
            "x",
            &[span("1", "running tool", (0, 9), &one(attribute, word))],
        );
        assert_eq!(
            only(&events, "$ai_span")["$ai_span_type"],
            "tool",
            "{attribute} {word}"
        );
        assert_eq!(named(&events, "$ai_trace").len(), 1, "{attribute} {word}");
    }
}

#[test]
fn other_work_is_a_span_of_its_type_without_tokens_and_cost() {
    for (attribute, word, expected) in [
        ("gen_ai.operation.name", "invoke_agent", "agent"),
        ("gen_ai.operation.name", "create_agent", "agent"),
        ("gen_ai.operation.name", "invoke_workflow", "workflow"),
        ("gen_ai.operation.name", "retrieval", "retrieval"),
        ("gen_ai.operation.name", "plan", "plan"),
        ("ai.operationId", "ai.generateText", "agent"),
        ("ai.operationId", "ai.rerank", "rerank"),
        ("openinference.span.kind", "CHAIN", "chain"),
        ("openinference.span.kind", "AGENT", "agent"),
        ("openinference.span.kind", "RETRIEVER", "retrieval"),
        ("openinference.span.kind", "RERANKER", "rerank"),
        ("openinference.span.kind", "GUARDRAIL", "guardrail"),
        ("traceloop.span.kind", "workflow", "workflow"),
        ("langfuse.observation.type", "chain", "chain"),
    ] {
        let usage = json!({
            "gen_ai.usage.input_tokens": 777, "ai.usage.promptTokens": 777, "ai.response.finishReason": "stop",
            "gen_ai.usage.total_cost": 0.5, "gen_ai.aggregated_usage.input_tokens": 777,
        });
        let events = events_of(
            "x",
            &[
                span(
                    "1",
                    "root",
                    (0, 99),
                    &json!({ "gen_ai.operation.name": "invoke_agent" }),
                ),
                span("2<1", "work", (1, 9), &with(one(attribute, word), &usage)),
            ],
        );
        let work = only(&events, "$ai_span");
        assert_eq!(work["$ai_span_type"], expected, "{attribute} {word}");
        for name in ["$ai_input_tokens", "$ai_total_cost_usd", "$ai_model"] {
            assert_eq!(work[name], Value::Null, "{attribute} {word} {name}");
        }
        assert_eq!(
            only(&events, "$ai_trace")["$ai_total_input_tokens"],
            0,
            "{attribute} {word}"
        );
    }
}

#[test]
fn steps_requests_queries_and_attempts_have_no_event() {
    for attributes in [
        json!({ "gen_ai.operation.name": "agent_step" }),
        json!({ "http.request.method": "POST", "url.full": "https://x.example/" }),
        json!({ "db.system": "postgresql" }),
        json!({ "span.type": "tool.execution" }),
        json!({ "span.type": "hook" }),
        json!({}),
    ] {
        let events = events_of(
            "x",
            &[
                span(
                    "1",
                    "root",
                    (0, 99),
                    &json!({ "gen_ai.operation.name": "invoke_agent" }),
                ),
                span("2<1", "other", (1, 98), &attributes),
                span("3<2", "chat", (2, 9), &one("gen_ai.operation.name", "chat")),
            ],
        );
        assert_eq!(events.len(), 2, "{attributes}: {events:#?}");
    }
}

#[test]
fn the_root_is_the_trace_with_name_question_answer_totals_and_error() {
    let call = |id: &str, times, input: &str, output: &str| {
        let message = |role: &str, text: &str| {
            json!([{ "role": role, "parts": [{ "type": "text", "content": text }] }]).to_string()
        };
        let attributes = json!({
            "gen_ai.operation.name": "chat", "gen_ai.request.model": "m",
            "gen_ai.usage.input_tokens": 10, "gen_ai.usage.output_tokens": 2,
            "gen_ai.input.messages": message("user", input), "gen_ai.output.messages": message("assistant", output),
        });
        span(id, "chat", times, &attributes)
    };
    for (given, expected) in [
        (
            json!({ "ai.telemetry.functionId": "weather-fn" }),
            "weather-fn",
        ),
        (
            json!({ "gen_ai.agent.name": "weather-agent" }),
            "weather-agent",
        ),
        (json!({}), "the span"),
    ] {
        let root = with(
            json!({ "gen_ai.operation.name": "invoke_agent", "error.type": "Timeout" }),
            &given,
        );
        let events = events_of(
            "x",
            &[
                span("1", "the span", (0, 99), &root),
                call("2<1", (1, 9), "Question?", "First."),
                call("3<1", (10, 19), "More?", "Last."),
            ],
        );
        assert_eq!(events.len(), 3);
        let trace = only(&events, "$ai_trace");
        let found = json!([
            trace["$ai_trace_name"],
            trace["$ai_input_state"],
            trace["$ai_output_state"],
            trace["$ai_total_input_tokens"],
            trace["$ai_total_output_tokens"],
            trace["$ai_is_error"],
        ]);
        assert_eq!(found, json!([expected, "Question?", "Last.", 20, 4, true]));
    }
}

#[test]
fn an_agent_of_the_ai_sdk_whose_calls_are_in_other_traces_is_no_call() {
    let outcome = json!({
        "ai.operationId": "ai.streamText", "ai.model.id": "m", "ai.usage.inputTokens": 280, "ai.usage.outputTokens": 60,
        "ai.response.finishReason": "stop", "ai.response.text": "Cold.",
    });
    let events = events_of("ai", &[span("1", "ai.streamText", (0, 99), &outcome)]);
    assert_eq!(events.len(), 1, "{events:#?}");
    let trace = only(&events, "$ai_trace");
    assert_eq!(trace["$ai_total_input_tokens"], 0);
    assert_eq!(trace["$ai_output_state"], "Cold.");
}
