//! Complaints of users about other receivers, each as a promise of this one.

use serde_json::{Value, json};

use super::traces::{Files, events_of, failed, in_trace, named, only, request, span, tool, with};
use crate::support::env::TestEnv;
use crate::support::library::Run;

/// Attributes of a call.
pub(super) fn chat(extra: &Value) -> Value {
    let call = json!({
        "gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o",
        "gen_ai.usage.input_tokens": 9, "gen_ai.usage.output_tokens": 3,
    });
    with(call, extra)
}

#[test]
fn complaint_1_openinference_spans_are_shown() {
    let events = events_of(
        "openinference.instrumentation.openai",
        &[span(
            "1",
            "ChatCompletion",
            (0, 9),
            &json!({
                "openinference.span.kind": "LLM", "llm.model_name": "gpt-4o", "llm.system": "openai",
                "llm.input_messages.0.message.role": "user", "llm.input_messages.0.message.content": "Weather?",
                "llm.output_messages.0.message.role": "assistant",
                "llm.output_messages.0.message.tool_calls.0.tool_call.id": "call_1",
                "llm.output_messages.0.message.tool_calls.0.tool_call.function.name": "weather",
                "llm.output_messages.0.message.tool_calls.0.tool_call.function.arguments": r#"{"city":"Oslo"}"#,
                "llm.tools.0.tool.json_schema": r#"{"name":"weather"}"#,
                "llm.token_count.prompt": 120, "llm.token_count.completion": 30,
                "llm.token_count.prompt_details.cache_read": 64, "llm.finish_reason": "tool_calls",
                "session.id": "sess-9", "user.id": "user_123", "metadata": r#"{"feature":"facts"}"#,
            }),
        )],
    );
    let call = only(&events, "$ai_generation");
    assert_eq!(
        (&call["$ai_model"], &call["$ai_input_tokens"]),
        (&json!("gpt-4o"), &json!(120))
    );
    assert_eq!(
        (&call["$ai_session_id"], &call["feature"]),
        (&json!("sess-9"), &json!("facts"))
    );
    assert_eq!(call["$ai_tools_called"], "weather");
    assert_eq!(call["$ai_tools"], json!([{ "name": "weather" }]));
    assert_eq!(events[0]["distinct_id"], "user_123");
}

#[test]
fn complaint_2_a_failure_is_no_success() {
    let call = failed(
        span("1", "chat", (0, 9), &chat(&json!({}))),
        "Error",
        "boom",
    );
    let events = events_of("gen_ai", &[call]);
    assert_eq!(only(&events, "$ai_generation")["$ai_is_error"], true);
    assert_eq!(
        only(&events, "$ai_trace")["$ai_is_error"],
        true,
        "the whole is marked"
    );
}

#[test]
fn complaint_3_users_and_groups_are_those_of_the_request_and_never_mixed() {
    let of = |user: &str| {
        json!({
            "ai.telemetry.metadata.posthog_distinct_id": user,
            "ai.telemetry.metadata.$groups": format!(r#"{{"company":"{user} Ltd"}}"#),
        })
    };
    let agent = |extra: &Value| with(json!({ "gen_ai.operation.name": "invoke_agent" }), extra);
    let other = "1af7651916cd43dd8448eb211c80319c";
    let files = Files::of(&[request(
        "shop",
        "gen_ai",
        &[
            span("1", "agent", (0, 99), &agent(&of("ada"))),
            span("2<1", "chat", (1, 9), &chat(&json!({}))),
            in_trace(span("3", "agent", (0, 99), &agent(&of("bob"))), other),
            in_trace(span("4<3", "chat", (1, 9), &chat(&json!({}))), other),
            // One trace of two users.
            in_trace(
                span("5", "agent", (0, 99), &agent(&of("cleo"))),
                "2af7651916cd43dd8448eb211c80319c",
            ),
            in_trace(
                span("6<5", "chat", (1, 9), &chat(&of("dora"))),
                "2af7651916cd43dd8448eb211c80319c",
            ),
        ],
    )]);
    let events = files.events(&Run::default());
    let people: Vec<_> = named(&events, "$ai_generation")
        .iter()
        .map(|it| {
            let company = &it["properties"]["$groups"]["company"];
            (
                it["distinct_id"].as_str().unwrap(),
                company.as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        people,
        [("ada", "ada Ltd"), ("bob", "bob Ltd"), ("dora", "dora Ltd")]
    );
}

#[test]
fn complaint_4_every_name_of_the_user_is_understood() {
    for (name, expected) in [
        ("posthog.distinct_id", "user_123"),
        ("posthog_distinct_id", "user_123"),
        ("ai.telemetry.metadata.posthog_distinct_id", "user_123"),
        ("ai.settings.context.posthog_distinct_id", "user_123"),
        ("user.id", "user_123"),
        ("langfuse.user.id", "user_123"),
        ("traceloop.association.properties.user_id", "user_123"),
    ] {
        let events = events_of(
            "x",
            &[span(
                "1",
                "chat",
                (0, 9),
                &chat(&json!({ name: "user_123" })),
            )],
        );
        assert_eq!(events[0]["distinct_id"], expected, "{name}");
    }
}

#[test]
fn complaint_4_an_id_of_nobody_is_none_and_a_long_one_is_hashed() {
    for id in ["anonymous", "unknown", "null", ""] {
        let events = events_of(
            "x",
            &[span("1", "chat", (0, 9), &chat(&json!({ "user.id": id })))],
        );
        assert_eq!(
            events[0]["distinct_id"], "ada@example.com",
            "{id:?} is nobody"
        );
    }
    let long = "x".repeat(300);
    let events = events_of(
        "x",
        &[span(
            "1",
            "chat",
            (0, 9),
            &chat(&json!({ "user.id": long })),
        )],
    );
    assert_eq!(
        events[0]["distinct_id"].as_str().unwrap().len(),
        64,
        "a hash of it"
    );
}

#[test]
fn complaint_4_every_name_of_the_session_is_understood() {
    for name in [
        "$ai_session_id",
        "gen_ai.conversation.id",
        "session.id",
        "langfuse.session.id",
        "ai.telemetry.metadata.sessionId",
    ] {
        let events = events_of(
            "x",
            &[span("1", "chat", (0, 9), &chat(&json!({ name: "sess-9" })))],
        );
        assert_eq!(
            events[0]["properties"]["$ai_session_id"], "sess-9",
            "{name}"
        );
    }
    let events = events_of("x", &[span("1", "chat", (0, 9), &chat(&json!({})))]);
    assert_eq!(
        events[0]["properties"]["$ai_session_id"],
        Value::Null,
        "none is none"
    );
}

#[test]
fn complaint_5_generate_content_is_a_generation_and_unknown_operations_are_spans() {
    let mut attributes = chat(&json!({}));
    attributes["gen_ai.operation.name"] = "generate_content".into();
    let events = events_of(
        "gcp.vertex.agent",
        &[span("1", "call_llm", (0, 9), &attributes)],
    );
    assert_eq!(only(&events, "$ai_generation")["$ai_input_tokens"], 9);
    let plan = json!({ "gen_ai.operation.name": "plan" });
    let root = json!({ "gen_ai.operation.name": "invoke_agent" });
    let events = events_of(
        "x",
        &[
            span("1", "agent", (0, 99), &root),
            span("2<1", "plan", (1, 9), &plan),
        ],
    );
    assert_eq!(only(&events, "$ai_span")["$ai_span_type"], "plan");
}

#[test]
fn complaint_6_and_10_cached_tokens_have_one_price() {
    // AI SDK 6 counts cached tokens as input, and states them twice.
    let events = events_of(
        "ai",
        &[span(
            "1",
            "ai.generateText.doGenerate",
            (0, 9),
            &json!({
                "ai.operationId": "ai.generateText.doGenerate", "ai.model.id": "claude-sonnet-4-5", "ai.model.provider": "anthropic.messages",
                "ai.usage.inputTokens": 1020, "ai.usage.outputTokens": 25,
                "ai.usage.inputTokenDetails.noCacheTokens": 20, "ai.usage.inputTokenDetails.cacheReadTokens": 900,
                "ai.usage.inputTokenDetails.cacheWriteTokens": 100, "ai.usage.cachedInputTokens": 900,
                "gen_ai.usage.input_tokens": 1020,
            }),
        )],
    );
    let call = only(&events, "$ai_generation");
    let expected = json!([1020, 900, 100, false]);
    let found = json!([
        call["$ai_input_tokens"],
        call["$ai_cache_read_input_tokens"],
        call["$ai_cache_creation_input_tokens"],
        call["$ai_cache_reporting_exclusive"]
    ]);
    assert_eq!(found, expected);
}

#[test]
fn complaint_7_every_event_has_a_span_of_its_own() {
    let agent = json!({ "gen_ai.operation.name": "invoke_agent" });
    let events = events_of(
        "x",
        &[
            span("1", "agent", (0, 99), &agent),
            span("2<1", "chat", (1, 9), &chat(&json!({}))),
            span("3<1", "chat", (10, 19), &chat(&json!({}))),
        ],
    );
    let mut spans: Vec<&str> = events
        .iter()
        .filter_map(|it| it["properties"]["$ai_span_id"].as_str())
        .collect();
    spans.sort_unstable();
    spans.dedup();
    assert_eq!(spans.len(), events.len());
    assert_eq!(
        named(&events, "$ai_generation")[0]["properties"]["$ai_span_id"],
        "0000000000000002",
        "the application's own"
    );
}

#[test]
fn complaint_8_a_file_of_which_nothing_appears_is_told() {
    let env = TestEnv::new();
    let query = span("1", "query", (0, 9), &json!({ "db.system": "postgresql" }));
    let file = env.write("a.json", request("shop", "pg", &[query]).to_string());
    let told = env.command(["ingest", "--dry-run"]).argument(&file).run();
    told.code(2).complains("no session in").complains("a.json");
}

#[test]
fn complaint_9_and_12_cached_input_and_its_parts_are_read() {
    for (name, property) in [
        ("ai.usage.cachedInputTokens", "$ai_cache_read_input_tokens"),
        (
            "gen_ai.usage.details.cache_read_tokens",
            "$ai_cache_read_input_tokens",
        ),
        (
            "gen_ai.usage.cache_write.input_tokens",
            "$ai_cache_creation_input_tokens",
        ),
    ] {
        let events = events_of(
            "x",
            &[span("1", "chat", (0, 9), &chat(&json!({ name: 4 })))],
        );
        assert_eq!(only(&events, "$ai_generation")[property], 4, "{name}");
    }
}

#[test]
fn complaint_11_reasoning_is_a_part_of_the_output() {
    let events = events_of(
        "x",
        &[span(
            "1",
            "chat",
            (0, 9),
            &chat(&json!({ "gen_ai.usage.reasoning.output_tokens": 2 })),
        )],
    );
    let call = only(&events, "$ai_generation");
    assert_eq!(
        (&call["$ai_output_tokens"], &call["$ai_reasoning_tokens"]),
        (&json!(3), &json!(2))
    );
    assert_eq!(call["$ai_total_tokens"], 12);
}

#[test]
fn complaint_13_tool_calls_of_the_conventions_are_read_as_values_and_as_text() {
    let message = json!([{ "role": "assistant", "parts": [{ "type": "tool_call", "id": "a", "name": "weather", "arguments": { "city": "Oslo" } }] }]);
    for messages in [message.clone(), Value::String(message.to_string())] {
        let events = events_of(
            "x",
            &[span(
                "1",
                "chat",
                (0, 9),
                &chat(&json!({ "gen_ai.output.messages": messages })),
            )],
        );
        let call = only(&events, "$ai_generation");
        let function = &call["$ai_output_choices"][0]["content"][0]["function"];
        assert_eq!(
            function,
            &json!({ "name": "weather", "arguments": { "city": "Oslo" } })
        );
        assert_eq!(
            named(&events, "$ai_span").len(),
            0,
            "nobody reports that it ran"
        );
    }
}

#[test]
fn complaint_14_spans_that_sentry_rewrote_keep_their_usage() {
    let events = events_of(
        "ai",
        &[
            span(
                "1",
                "invoke_agent weather",
                (0, 99),
                &json!({ "sentry.op": "gen_ai.invoke_agent", "vercel.ai.operationId": "ai.generateText", "gen_ai.function_id": "weather" }),
            ),
            span(
                "2<1",
                "generate_text gpt-4o",
                (1, 50),
                &json!({
                    "sentry.op": "gen_ai.generate_text", "vercel.ai.operationId": "ai.generateText.doGenerate",
                    "gen_ai.request.model": "gpt-4o", "gen_ai.usage.input_tokens": 120, "gen_ai.usage.output_tokens": 30,
                    "gen_ai.request.messages": r#"[{"role":"user","content":"Weather?"}]"#,
                    "gen_ai.response.text": r#"["Cold."]"#,
                }),
            ),
        ],
    );
    let call = only(&events, "$ai_generation");
    assert_eq!(call["$ai_input_tokens"], 120);
    assert_eq!(call["$ai_output_choices"][0]["content"][0]["text"], "Cold.");
    assert_eq!(only(&events, "$ai_trace")["$ai_trace_name"], "weather");
}

#[test]
fn complaint_15_a_large_span_is_shortened_and_costs_no_other_one() {
    let large = "many words ".repeat(1 << 20);
    let message = json!([{ "role": "user", "parts": [{ "type": "text", "content": large }] }]);
    let events = events_of(
        "x",
        &[
            span(
                "1",
                "chat",
                (0, 9),
                &chat(&json!({ "gen_ai.input.messages": message.to_string() })),
            ),
            span("2", "chat", (10, 19), &chat(&json!({}))),
        ],
    );
    assert_eq!(named(&events, "$ai_generation").len(), 2);
    let sizes = events.iter().map(|it| it.to_string().len());
    assert!(sizes.max() < Some(8 << 20));
}

#[test]
fn complaint_15_a_thread_of_langgraph_is_the_session() {
    let call = chat(&json!({ "langsmith.metadata.thread_id": "thread-1" }));
    let events = events_of("langsmith", &[span("1", "ChatOpenAI", (0, 9), &call)]);
    assert_eq!(
        only(&events, "$ai_generation")["$ai_session_id"],
        "thread-1"
    );
    assert_eq!(
        only(&events, "$ai_generation")["$ai_framework"],
        "langchain"
    );
}

#[test]
fn a_failed_tool_failed() {
    let output = r#"[{"role":"assistant","parts":[{"type":"tool_call","id":"a","name":"weather","arguments":{}}]}]"#;
    let execution = json!({ "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "weather", "gen_ai.tool.call.id": "a" });
    let events = events_of(
        "x",
        &[
            span(
                "1",
                "chat",
                (0, 9),
                &chat(&json!({ "gen_ai.output.messages": output })),
            ),
            failed(
                span("2", "execute_tool weather", (10, 19), &execution),
                "Error",
                "service down",
            ),
        ],
    );
    let tool = tool(&events, "weather");
    assert_eq!(
        (&tool["$ai_is_error"], &tool["$ai_error"]),
        (&json!(true), &json!("Error: service down"))
    );
    assert_eq!(only(&events, "$ai_generation")["$ai_is_error"], false);
}
