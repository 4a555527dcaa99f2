//! Data that PostHog's own OTLP endpoint loses, according to its source: none of them is lost here.

use serde_json::{Value, json};

use super::traces::{events_of, failed, only, span, tool, with};

const CALLS: &str =
    r#"[{"toolCallId":"call_1","toolName":"weather","input":"{\"city\":\"Oslo\"}"}]"#;

/// A call of AI SDK 7, in a step of an agent.
fn ai_sdk_7(person: &Value) -> Vec<Value> {
    let step = with(json!({ "gen_ai.operation.name": "agent_step" }), person);
    vec![
        span(
            "1",
            "invoke_agent gpt-4o",
            (0, 100),
            &json!({
                "gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "weather-agent",
                "gen_ai.usage.input_tokens": 280,
            }),
        ),
        span("2<1", "step 1", (1, 99), &step),
        span(
            "3<2",
            "chat gpt-4o",
            (2, 60),
            &json!({
                "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai.chat",
                "gen_ai.request.model": "gpt-4o",
                "gen_ai.usage.input_tokens": 120, "gen_ai.usage.output_tokens": 30,
                "gen_ai.usage.cache_read.input_tokens": 64,
                "ai.usage.outputTokenDetails.reasoningTokens": 12,
                "gen_ai.client.operation.time_to_first_chunk": 0.02,
                "gen_ai.response.finish_reasons": ["tool-calls"],
                "gen_ai.tool.definitions": r#"[{"type":"function","name":"weather"}]"#,
                "gen_ai.input.messages": r#"[{"role":"user","parts":[{"type":"text","content":"Weather?"}]}]"#,
                "gen_ai.output.messages": r#"[{"role":"assistant","parts":[{"type":"reasoning","content":"hm"},{"type":"tool_call","id":"call_1","name":"weather","arguments":{"city":"Oslo"}}]}]"#,
            }),
        ),
        span(
            "4<2",
            "execute_tool weather",
            (61, 70),
            &json!({
                "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "weather",
                "gen_ai.tool.call.id": "call_1",
                "gen_ai.tool.call.arguments": r#"{"city":"Oslo"}"#,
                "gen_ai.tool.call.result": r#"{"temp":7}"#,
            }),
        ),
    ]
}

#[test]
fn loss_1_costs_of_ai_sdk_7_belong_to_the_person_that_a_step_names() {
    let person = json!({
        "ai.settings.context.posthog_distinct_id": "user_123",
        "ai.settings.context.$ai_session_id": "sess-9",
        "ai.settings.context.feature": "facts",
    });
    let events = events_of("gen_ai", &ai_sdk_7(&person));
    assert_eq!(events.len(), 3, "{events:#?}");
    for event in &events {
        assert_eq!(event["distinct_id"], "user_123", "{event:#}");
        assert_eq!(event["properties"]["$ai_session_id"], "sess-9");
    }
    assert_eq!(only(&events, "$ai_generation")["feature"], "facts");
}

#[test]
fn loss_2_a_call_of_ai_sdk_7_has_its_reason_tools_reasoning_and_first_token() {
    let events = events_of("gen_ai", &ai_sdk_7(&json!({})));
    let call = only(&events, "$ai_generation");
    assert_eq!(call["$ai_stop_reason"], "tool_calls");
    assert_eq!(
        call["$ai_tools"],
        json!([{ "type": "function", "name": "weather" }])
    );
    assert_eq!(call["$ai_reasoning_tokens"], 12);
    assert_eq!(call["$ai_time_to_first_token"], 0.02);
    let tool = tool(&events, "weather");
    assert_eq!(tool["$ai_input_state"], json!({ "city": "Oslo" }));
    assert_eq!(tool["$ai_output_state"], json!({ "temp": 7 }));
    assert_eq!(
        tool["$ai_parent_id"], call["$ai_span_id"],
        "the call that asked for it"
    );
}

#[test]
fn loss_3_cached_tokens_are_never_charged_twice() {
    for (input, exclusive) in [(1020, false), (20, true)] {
        let events = events_of(
            "opentelemetry.instrumentation.anthropic",
            &[span(
                "1",
                "anthropic.chat",
                (0, 9),
                &json!({
                    "gen_ai.operation.name": "chat", "gen_ai.provider.name": "anthropic",
                    "gen_ai.request.model": "claude-sonnet-4-5",
                    "gen_ai.usage.input_tokens": input, "gen_ai.usage.output_tokens": 25,
                    "gen_ai.usage.cache_read.input_tokens": 900,
                    "gen_ai.usage.cache_creation.input_tokens": 100,
                }),
            )],
        );
        let call = only(&events, "$ai_generation");
        assert_eq!(call["$ai_input_tokens"], input);
        assert_eq!(call["$ai_cache_reporting_exclusive"], exclusive, "{input}");
        assert_eq!(call["$ai_cache_read_input_tokens"], 900);
        assert_eq!(call["$ai_cache_creation_input_tokens"], 100);
    }
}

fn ai_sdk_5(output: &Value) -> Vec<Value> {
    let call = json!({
        "ai.operationId": "ai.generateText.doGenerate", "ai.model.id": "gpt-4o",
        "ai.model.provider": "openai.chat",
        "ai.prompt.messages": r#"[{"role":"user","content":[{"type":"text","text":"Weather?"}]}]"#,
        "ai.prompt.tools": [r#"{"type":"function","name":"weather"}"#],
        "ai.usage.promptTokens": 120, "ai.usage.completionTokens": 30,
        "ai.usage.cachedInputTokens": 64,
        "ai.request.headers.authorization": "Bearer planted-header",
        "ai.response.providerMetadata": r#"{"openai":{"planted":"metadata"}}"#,
    });
    let attributes = with(call, output);
    vec![
        span(
            "1",
            "ai.generateText",
            (0, 100),
            &json!({
                "ai.operationId": "ai.generateText", "ai.telemetry.functionId": "agent",
                "ai.usage.promptTokens": 120,
            }),
        ),
        span("2<1", "ai.generateText.doGenerate", (1, 50), &attributes),
    ]
}

#[test]
fn loss_4_tool_calls_and_objects_are_the_output_of_ai_sdk_5_and_6() {
    let events = events_of(
        "ai",
        &ai_sdk_5(&json!({
            "ai.response.text": "", "ai.response.toolCalls": CALLS, "ai.response.reasoning": "hm",
            "ai.response.finishReason": "tool-calls",
        })),
    );
    let call = only(&events, "$ai_generation");
    let function = json!({ "type": "function", "id": "call_1", "function": { "name": "weather", "arguments": { "city": "Oslo" } } });
    assert_eq!(
        call["$ai_output_choices"],
        json!([
            { "role": "assistant", "content": [{ "type": "thinking", "thinking": "hm" }] },
            { "role": "assistant", "content": [function] },
        ])
    );
    assert_eq!(
        call["$ai_tools"],
        json!([{ "type": "function", "name": "weather" }])
    );
    assert_eq!(call["$ai_cache_read_input_tokens"], 64);
    let object = r#"{"name":"Spike","age":3}"#;
    let events = events_of("ai", &ai_sdk_5(&json!({ "ai.response.object": object })));
    let call = only(&events, "$ai_generation");
    assert_eq!(call["$ai_output_choices"][0]["content"][0]["text"], object);
}

#[test]
fn loss_5_an_embedding_has_its_model_and_tokens_and_is_counted_once() {
    let events = events_of(
        "ai",
        &[
            span(
                "1",
                "ai.embed",
                (0, 10),
                &json!({ "ai.operationId": "ai.embed", "ai.value": "\"hedgehog\"", "ai.embedding": "[0.123,0.2]", "ai.usage.tokens": 5 }),
            ),
            span(
                "2<1",
                "ai.embed.doEmbed",
                (1, 9),
                &json!({
                    "ai.operationId": "ai.embed.doEmbed", "ai.model.id": "text-embedding-3-small", "ai.model.provider": "openai.embedding",
                    "ai.values": ["\"hedgehog\""], "ai.embeddings": ["[0.123,0.2]"], "ai.usage.tokens": 5,
                }),
            ),
        ],
    );
    let call = only(&events, "$ai_embedding");
    assert_eq!(call["$ai_model"], "text-embedding-3-small");
    assert_eq!(call["$ai_provider"], "openai");
    assert_eq!(call["$ai_input_tokens"], 5);
    assert_eq!(call["$ai_input"][0]["content"][0]["text"], "hedgehog");
    assert!(
        !json!(events).to_string().contains("0.123"),
        "no vector leaves: {events:#?}"
    );
    let operation = json!({ "gen_ai.operation.name": "embeddings", "gen_ai.request.model": "m" });
    let inner = json!({ "gen_ai.operation.name": "embeddings", "gen_ai.request.model": "m", "gen_ai.usage.input_tokens": 5 });
    let events = events_of(
        "gen_ai",
        &[
            span("1", "embeddings m", (0, 10), &operation),
            span("2<1", "embeddings m", (1, 9), &inner),
        ],
    );
    assert_eq!(
        only(&events, "$ai_embedding")["$ai_input_tokens"],
        5,
        "AI SDK 7 reports it twice"
    );
}

#[test]
fn loss_6_a_429_is_a_429_and_an_unknown_status_is_none() {
    let call = json!({ "gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o" });
    let stated = json!({ "gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o", "http.response.status_code": 429 });
    for (attributes, kind, message, expected) in [
        (&call, "Error", "Error code: 429 - slow down", json!(429)),
        (&stated, "Error", "slow down", json!(429)),
        (&call, "AI_APICallError", "Rate limit reached", json!(429)),
        (&call, "AI_APICallError", "context too long", Value::Null),
        (&call, "Error", "Rate limit reached", Value::Null),
    ] {
        let events = events_of(
            "x",
            &[failed(span("1", "chat", (0, 9), attributes), kind, message)],
        );
        let call = only(&events, "$ai_generation");
        assert_eq!(call["$ai_is_error"], true);
        assert_eq!(call["$ai_error"], format!("{kind}: {message}"));
        assert_eq!(call["$ai_http_status"], expected, "{message}");
        assert!(
            !json!(events).to_string().contains("secretFunction"),
            "no stack trace leaves"
        );
    }
}

#[test]
fn loss_11_a_stream_that_was_aborted_is_a_call_without_usage() {
    let events = events_of(
        "ai",
        &[span(
            "1",
            "ai.streamText",
            (0, 250),
            &json!({
                "ai.operationId": "ai.streamText", "ai.telemetry.functionId": "abort-fn",
                "ai.model.id": "gpt-4o", "ai.model.provider": "openai.chat", "ai.prompt": r#"{"prompt":"Fact?"}"#,
            }),
        )],
    );
    let call = only(&events, "$ai_generation");
    assert_eq!(call["$ai_stop_reason"], "aborted");
    assert_eq!(call["usage_known"], false);
    assert_eq!(call["$ai_input"][0]["content"][0]["text"], "Fact?");
}
