//! Emitters with names of their own: the events of a call from each.

use serde_json::{Value, json};

use super::complaints::chat;
use super::traces::{
    Files, attributes_of, events_of, in_trace, log, log_request, named, only, request, span,
};
use crate::support::library::{Events, Run};

/// Asserts that the only call has these properties, and returns all of them.
#[track_caller]
fn call_has(events: &Events, expected: &Value) {
    let call = only(events, "$ai_generation");
    for (name, value) in expected.as_object().expect("properties") {
        assert_eq!(&call[name], value, "{name} of {call:#}");
    }
}

fn user(text: &str) -> Value {
    json!([{ "role": "user", "content": [{ "type": "text", "text": text }] }])
}

fn answer(text: &str) -> Value {
    json!([{ "role": "assistant", "content": [{ "type": "text", "text": text }] }])
}

/// An event of a span.
fn event(name: &str, attributes: &Value) -> Value {
    json!({ "timeUnixNano": "1772366400000000001", "name": name, "attributes": attributes_of(attributes) })
}

fn text(value: &Value) -> String {
    value.to_string()
}

#[test]
fn genkit() {
    let input = json!({ "messages": [{ "role": "user", "content": [{ "text": "Hi" }] }] });
    let output = json!({
        "message": { "role": "model", "content": [
            { "text": "Hello" },
            { "toolRequest": { "name": "weather", "ref": "c1", "input": { "city": "Oslo" } } },
        ]},
        "finishReason": "stop",
        "usage": { "inputTokens": 11, "outputTokens": 4, "thoughtsTokens": 2, "cachedContentTokens": 5 },
    });
    let call = json!({
        "genkit:type": "action",
        "genkit:metadata:subtype": "model",
        "genkit:name": "googleai/gemini-2.5-flash",
        "genkit:input": text(&input),
        "genkit:output": text(&output),
        "genkit:sessionId": "s1",
    });
    let tool = json!({ "genkit:metadata:subtype": "tool", "genkit:name": "weather", "genkit:input": r#"{"city":"Oslo"}"#, "genkit:output": "7" });
    let flow = json!({ "genkit:metadata:subtype": "flow", "genkit:name": "menu" });
    let spans = [
        span("1", "menu", (0, 30), &flow),
        span("2<1", "googleai/gemini-2.5-flash", (1, 9), &call),
        span("3<1", "weather", (10, 19), &tool),
    ];
    let events = events_of("genkit-tracer", &spans);
    call_has(
        &events,
        &json!({
            "$ai_input": user("Hi"),
            "$ai_input_tokens": 11,
            "$ai_output_tokens": 4,
            "$ai_cache_read_input_tokens": 5,
            "$ai_reasoning_tokens": 2,
            "$ai_stop_reason": "stop",
            "$ai_session_id": "s1",
            "$ai_framework": "genkit",
        }),
    );
    let tool = only(&events, "$ai_span");
    assert_eq!(tool["$ai_input_state"], json!({ "city": "Oslo" }));
    assert_eq!(tool["$ai_tool_call_id"], "c1", "it hangs below its call");
}

#[test]
fn semantic_kernel() {
    let call = json!({
        "gen_ai.operation.name": "chat.completions",
        "gen_ai.system": "openai",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.response.prompt_tokens": 13,
        "gen_ai.response.completion_tokens": 5,
    });
    let mut call = span("1", "chat.completions gpt-4o", (0, 9), &call);
    let prompt = json!({ "gen_ai.prompt": r#"[{"role":"user","content":"Hi"}]"# });
    let completion = json!({ "gen_ai.completion": r#"[{"role":"assistant","content":"Hello"}]"# });
    call["events"] = json!([
        event("gen_ai.content.prompt", &prompt),
        event("gen_ai.content.completion", &completion),
    ]);
    let events = events_of("Microsoft.SemanticKernel.Diagnostics", &[call]);
    call_has(
        &events,
        &json!({
            "$ai_input": user("Hi"),
            "$ai_output_choices": answer("Hello"),
            "$ai_input_tokens": 13,
            "$ai_output_tokens": 5,
            "$ai_framework": "semantic-kernel",
        }),
    );
}

#[test]
fn google_adk() {
    let request = json!({
        "model": "gemini-2.5-flash",
        "contents": [{ "role": "user", "parts": [{ "text": "Hi" }] }],
        "config": { "system_instruction": "Be nice." },
    });
    let response = json!({
        "content": { "role": "model", "parts": [{ "text": "Hello" }] },
        "usage_metadata": { "prompt_token_count": 40, "cached_content_token_count": 8, "thoughts_token_count": 3 },
    });
    let call = json!({
        "gen_ai.system": "gcp.vertex.agent",
        "gen_ai.request.model": "gemini-2.5-flash",
        "gen_ai.usage.input_tokens": 40,
        "gen_ai.usage.output_tokens": 6,
        "gcp.vertex.agent.llm_request": text(&request),
        "gcp.vertex.agent.llm_response": text(&response),
    });
    let tool = json!({
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "weather",
        "gcp.vertex.agent.tool_call_args": r#"{"city":"Oslo"}"#,
        "gcp.vertex.agent.tool_response": r#"{"degrees":7}"#,
    });
    let events = events_of(
        "gcp.vertex.agent",
        &[
            span("1", "call_llm", (0, 9), &call),
            span("2", "execute_tool weather", (10, 19), &tool),
        ],
    );
    call_has(
        &events,
        &json!({
            "$ai_provider": "google",
            "$ai_input": [
                { "role": "system", "content": [{ "type": "text", "text": "Be nice." }] },
                { "role": "user", "content": [{ "type": "text", "text": "Hi" }] },
            ],
            "$ai_output_choices": answer("Hello"),
            "$ai_cache_read_input_tokens": 8,
            "$ai_reasoning_tokens": 3,
        }),
    );
    let tool = only(&events, "$ai_span");
    assert_eq!(tool["$ai_input_state"], json!({ "city": "Oslo" }));
    assert_eq!(tool["$ai_output_state"], json!({ "degrees": 7 }));
}

#[test]
fn azure_ai_inference() {
    let attributes = json!({ "gen_ai.system": "az.ai.inference" });
    let mut call = span("1", "chat gpt-4o", (0, 9), &chat(&attributes));
    let asked = json!({ "gen_ai.event.content": r#"{"role":"user","content":"Hi"}"# });
    let said = json!({ "gen_ai.event.content": r#"{"message":{"content":"Hello"},"finish_reason":"stop","index":0}"# });
    call["events"] = json!([
        event("gen_ai.user.message", &asked),
        event("gen_ai.choice", &said)
    ]);
    call_has(
        &events_of("azure.ai.inference", &[call]),
        &json!({
            "$ai_provider": "azure",
            "$ai_input": user("Hi"),
            "$ai_output_choices": answer("Hello"),
            "$ai_stop_reason": "stop",
        }),
    );
}

#[test]
fn strands() {
    let attributes = json!({
        "gen_ai.system": "strands-agents",
        "gen_ai.request.model": "us.anthropic.claude-sonnet-4-20250514-v1:0",
    });
    let mut call = span("1", "chat", (0, 9), &chat(&attributes));
    let asked = json!({ "content": r#"[{"text":"What is 1 + 1?"}]"# });
    let said = json!({
        "finish_reason": "tool_use",
        "message": r#"[{"text":"Let me see."},{"toolUse":{"toolUseId":"t1","name":"calc","input":{"a":1}}}]"#,
    });
    call["events"] = json!([
        event("gen_ai.user.message", &asked),
        event("gen_ai.choice", &said)
    ]);
    let tool = json!({ "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "calc", "gen_ai.tool.call.id": "t1" });
    let mut tool = span("2", "execute_tool calc", (10, 19), &tool);
    tool["events"] = json!([
        event(
            "gen_ai.tool.message",
            &json!({ "role": "tool", "content": r#"{"a":1}"#, "id": "t1" })
        ),
        event(
            "gen_ai.choice",
            &json!({ "message": r#"[{"text":"2"}]"#, "id": "t1" })
        ),
    ]);
    let events = events_of("strands.telemetry.tracer", &[call, tool]);
    let generation = named(&events, "$ai_generation")[0];
    call_has(
        &events,
        &json!({
            "$ai_provider": "bedrock",
            "$ai_input": user("What is 1 + 1?"),
            "$ai_stop_reason": "tool_calls",
            "$ai_framework": "strands-agents",
        }),
    );
    let tool = only(&events, "$ai_span");
    assert_eq!(
        tool["$ai_parent_id"],
        generation["properties"]["$ai_span_id"]
    );
    assert_eq!(tool["$ai_input_state"], json!({ "a": 1 }));
    assert!(
        tool["$ai_output_state"].to_string().contains('2'),
        "{tool:#}"
    );
}

#[test]
fn mlflow() {
    let inputs = json!({ "model": "gpt-4o", "messages": [{ "role": "user", "content": "Hi" }] });
    let outputs = json!({ "choices": [{ "message": { "role": "assistant", "content": "Hello" }, "finish_reason": "stop" }] });
    let call = json!({
        "mlflow.spanType": r#""CHAT_MODEL""#,
        "mlflow.spanInputs": text(&inputs),
        "mlflow.spanOutputs": text(&outputs),
        "mlflow.chat.tokenUsage": r#"{"input_tokens":19,"output_tokens":4,"total_tokens":23}"#,
        "mlflow.llm.model": r#""gpt-4o""#,
    });
    let root = json!({ "mlflow.spanType": r#""CHAIN""#, "mlflow.trace.user": r#""hank""#, "mlflow.trace.session": r#""s1""# });
    let spans = [
        span("1", "predict", (0, 20), &root),
        span("2<1", "Completions", (1, 9), &call),
    ];
    let events = events_of("mlflow", &spans);
    call_has(
        &events,
        &json!({
            "$ai_model": "gpt-4o",
            "$ai_input": user("Hi"),
            "$ai_output_choices": answer("Hello"),
            "$ai_input_tokens": 19,
            "$ai_output_tokens": 4,
            "$ai_stop_reason": "stop",
            "$ai_session_id": "s1",
        }),
    );
    assert_eq!(named(&events, "$ai_trace")[0]["distinct_id"], "hank");
}

#[test]
fn haystack() {
    let output = json!({ "replies": [{
        "role": "assistant",
        "content": [{ "text": "Hello" }],
        "meta": { "model": "gpt-4o", "usage": { "prompt_tokens": 21, "completion_tokens": 7 }, "finish_reason": "stop" },
    }]});
    let input = json!({ "messages": [{ "role": "user", "content": [{ "text": "Hi" }] }] });
    let call = json!({
        "haystack.component.name": "llm",
        "haystack.component.type": "OpenAIChatGenerator",
        "haystack.component.input": text(&input),
        "haystack.component.output": text(&output),
    });
    let events = events_of(
        "haystack",
        &[span("1", "haystack.component.run", (0, 9), &call)],
    );
    call_has(
        &events,
        &json!({
            "$ai_model": "gpt-4o",
            "$ai_input": user("Hi"),
            "$ai_output_choices": answer("Hello"),
            "$ai_input_tokens": 21,
            "$ai_output_tokens": 7,
            "$ai_stop_reason": "stop",
        }),
    );
}

#[test]
fn lite_llm() {
    let call = chat(&json!({
        "gen_ai.usage.input_tokens": 1000,
        "gen_ai.usage.output_tokens": 10,
        "gen_ai.cost.input_cost": 0.25,
        "gen_ai.cost.output_cost": 0.5,
        "gen_ai.cost.total_cost": 0.75,
        "metadata.usage_object": r#"{"prompt_tokens_details":{"cached_tokens":700}}"#,
        "metadata.user_api_key_end_user_id": "gina",
    }));
    let events = events_of("litellm", &[span("1", "litellm_request", (0, 9), &call)]);
    call_has(
        &events,
        &json!({
            "$ai_total_cost_usd": 0.75,
            "$ai_input_cost_usd": 0.25,
            "$ai_input_tokens": 1000,
            "$ai_cache_read_input_tokens": 700,
            "$ai_framework": "litellm",
        }),
    );
    assert_eq!(named(&events, "$ai_generation")[0]["distinct_id"], "gina");
}

#[test]
fn langfuse() {
    for (total, exclusive) in [(180, true), (120, false)] {
        let usage =
            json!({ "input": 100, "output": 20, "input_cached_tokens": 60, "total": total });
        let call = json!({
            "langfuse.observation.type": "generation",
            "langfuse.observation.model.name": "gpt-4o",
            "langfuse.observation.usage_details": text(&usage),
            "langfuse.observation.cost_details": r#"{"input":0.25,"output":0.5,"total":0.75}"#,
            "langfuse.observation.completion_start_time": r#""2026-03-01T12:00:00.500Z""#,
        });
        let events = events_of("langfuse-sdk", &[span("1", "gen", (0, 1000), &call)]);
        call_has(
            &events,
            &json!({
                "$ai_input_tokens": 100,
                "$ai_cache_read_input_tokens": 60,
                "$ai_cache_reporting_exclusive": exclusive,
                "$ai_total_cost_usd": 0.75,
                "$ai_time_to_first_token": 0.5,
            }),
        );
    }
}

#[test]
fn pydantic_ai() {
    let call = chat(&json!({ "operation.cost": 0.5 }));
    let events = events_of("pydantic-ai", &[span("1", "chat", (0, 9), &call)]);
    call_has(&events, &json!({ "$ai_total_cost_usd": 0.5 }));
}

#[test]
fn gemini_cli_tells_tokens_and_answer_of_a_stream_in_records_without_a_trace() {
    let call = |id: &str, times| {
        let attributes = json!({
            "gen_ai.operation.name": "llm_call", "gen_ai.request.model": "gemini-2.5-pro",
            "gen_ai.conversation.id": "g-1",
        });
        in_trace(
            span(id, "llm_call", times, &attributes),
            &format!("{id:0>32}"),
        )
    };
    let record = |at: u64, output: u64, answer: &str| {
        let chunk = json!([{ "candidates": [{ "content": { "role": "model", "parts": [{ "text": answer }] } }] }]);
        let attributes = json!({
            "session.id": "g-1", "event.name": "gemini_cli.api_response", "model": "gemini-2.5-pro",
            "input_token_count": 120, "output_token_count": output, "cached_content_token_count": 64,
            "thoughts_token_count": 12, "total_token_count": 132 + output, "response_text": text(&chunk),
        });
        let mut record = log("1", "", &attributes, &Value::Null);
        record["timeUnixNano"] = (1_772_366_400_000_000_000 + at * 1_000_000)
            .to_string()
            .into();
        for field in ["traceId", "spanId"] {
            record.as_object_mut().expect("an object").remove(field);
        }
        record
    };
    let spans = request(
        "gemini-cli",
        "gemini-cli",
        &[call("1", (0, 100)), call("2", (150, 300))],
    );
    // Just before the end of the first call, and just after that of the second.
    let records = [record(99, 30, "Files: a.txt"), record(301, 7, "Done")];
    let files = Files::of(&[spans, log_request("gemini-cli", &records)]);
    let events = files.events(&Run::default());
    let calls = named(&events, "$ai_generation");
    let told: Vec<_> = calls
        .iter()
        .map(|it| {
            let value = |name: &str| &it["properties"][name];
            [
                "$ai_input_tokens",
                "$ai_output_tokens",
                "$ai_output_choices",
            ]
            .map(value)
        })
        .collect();
    assert_eq!(
        told,
        [
            // PostHog adds the thoughts of Gemini's models to the output itself.
            [&json!(120), &json!(30), &answer("Files: a.txt")],
            [&json!(120), &json!(7), &answer("Done")],
        ]
    );
}
