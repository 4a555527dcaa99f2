//! Data that PostHog's own OTLP endpoint loses when one piece of work is reported in several pieces
//! or twice: in log records, by several instrumentations.

use serde_json::{Value, json};

use super::traces::{
    Files, events_of, in_trace, log, log_request, named, only, request, span, tool, with,
};
use crate::support::library::Run;

/// Attributes that all spans of Claude Code have.
fn of_claude_code(attributes: Value) -> Value {
    let own = json!({ "user.id": "0".repeat(64), "session.id": "s-1" });
    with(attributes, &own)
}

/// A turn of Claude Code with one tool, in its spans.
fn spans_of_claude_code() -> Vec<Value> {
    let own = of_claude_code;
    vec![
        span(
            "1",
            "claude_code.interaction",
            (0, 100),
            &own(
                json!({ "span.type": "interaction", "gen_ai.operation.name": "invoke_agent", "user_prompt": "list files" }),
            ),
        ),
        span(
            "2<1",
            "claude_code.llm_request",
            (1, 50),
            &own(json!({
                "span.type": "llm_request", "gen_ai.operation.name": "chat", "model": "claude-opus-4-6", "gen_ai.provider.name": "anthropic",
                "request_id": "req_1", "gen_ai.response.id": "req_1", "input_tokens": 12, "ttft_ms": 12, "stop_reason": "tool_use",
                "gen_ai.usage.input_tokens": 18412, "gen_ai.usage.output_tokens": 321,
                "gen_ai.usage.cache_read.input_tokens": 15000, "gen_ai.usage.cache_write.input_tokens": 3400,
            })),
        ),
        span(
            "3<1",
            "claude_code.tool",
            (51, 90),
            &own(
                json!({ "span.type": "tool", "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "Bash", "tool_use_id": "toolu_1" }),
            ),
        ),
        span(
            "4<3",
            "claude_code.tool.blocked_on_user",
            (51, 61),
            &own(json!({ "span.type": "tool.blocked_on_user" })),
        ),
        span(
            "5<3",
            "claude_code.tool.execution",
            (61, 90),
            &own(
                json!({ "span.type": "tool.execution", "success": false, "error": "Shell command failed" }),
            ),
        ),
    ]
}

/// The facts that only its log records contain.
fn logs_of_claude_code() -> Vec<Value> {
    vec![
        log(
            "1",
            "",
            &json!({ "event.name": "api_request", "request_id": "req_1", "cache_creation_5m_tokens": 1400, "cache_creation_1h_tokens": 2000 }),
            &json!("x"),
        ),
        log(
            "1",
            "",
            &json!({ "event.name": "assistant_response", "request_id": "req_1", "response": "Let me look." }),
            &json!("x"),
        ),
        log(
            "1",
            "",
            &json!({ "event.name": "tool_result", "request_id": "req_1", "tool_use_id": "toolu_1", "success": "false", "tool_input": r#"{"command":"ls"}"# }),
            &json!("x"),
        ),
    ]
}

#[test]
fn loss_7_claude_code_has_content_from_its_log_records_and_failed_tools_failed() {
    let files = Files::of(&[
        request(
            "claude-code",
            "com.anthropic.claude_code.tracing",
            &spans_of_claude_code(),
        ),
        log_request("claude-code", &logs_of_claude_code()),
    ]);
    let events = files.events(&Run::default());
    let call = only(&events, "$ai_generation");
    assert_eq!(call["$ai_input_tokens"], 18412, "12 and both caches");
    assert_eq!(call["$ai_cache_creation_5m_input_tokens"], 1400);
    assert_eq!(call["$ai_cache_creation_1h_input_tokens"], 2000);
    assert_eq!(
        call["$ai_output_choices"][0]["content"][0]["text"],
        "Let me look."
    );
    let tool = tool(&events, "Bash");
    assert_eq!(tool["$ai_is_error"], true);
    assert_eq!(tool["$ai_error"], "Shell command failed");
    assert_eq!(tool["$ai_input_state"], json!({ "command": "ls" }));
    assert_eq!(
        tool["$ai_latency"], 0.029,
        "without the question to the user"
    );
    assert_eq!(tool["permission_wait_seconds"], 0.01);
    assert_eq!(
        tool["$ai_parent_id"], call["$ai_span_id"],
        "its log record names the request"
    );
    for event in &events {
        assert_eq!(
            event["distinct_id"], "ada@example.com",
            "the hash of a machine is no person"
        );
        assert_eq!(event["properties"]["$ai_session_id"], "s-1");
    }
}

#[test]
fn loss_8_calls_of_gemini_cli_and_codex_are_generations() {
    let events = events_of(
        "gemini-cli",
        &[span(
            "1",
            "llm_call",
            (0, 9),
            &json!({
                "gen_ai.operation.name": "llm_call", "gen_ai.request.model": "gemini-2.5-pro",
                "gen_ai.usage.input_tokens": 7, "gen_ai.usage.output_tokens": 3,
                "gen_ai.input.messages": r#"[{"role":"user","parts":[{"text":"Hi"}]}]"#,
                "gen_ai.output.messages": r#"{"candidates":[{"content":{"role":"model","parts":[{"text":"Hello"}]},"finishReason":"STOP"}]}"#,
            }),
        )],
    );
    let call = only(&events, "$ai_generation");
    assert_eq!(
        (&call["$ai_provider"], &call["$ai_stop_reason"]),
        (&json!("google"), &json!("stop"))
    );
    assert_eq!(call["$ai_output_choices"][0]["content"][0]["text"], "Hello");
    let completed = |trace: bool, tokens: Value| {
        let attributes = json!({ "event.name": "codex.sse_event", "event.kind": "response.completed", "conversation.id": "c-1", "model": "gpt-5-codex" });
        let attributes = with(attributes, &tokens);
        let mut log = log("9", "event otel/src/x.rs:1", &attributes, &Value::Null);
        if !trace {
            log.as_object_mut().unwrap().remove("traceId");
            log.as_object_mut().unwrap().remove("spanId");
        }
        log
    };
    let prompt =
        json!({ "event.name": "codex.user_prompt", "conversation.id": "c-1", "prompt": "Do it" });
    let logs = [
        log("9", "event otel/src/x.rs:1", &prompt, &Value::Null),
        completed(false, json!({})),
        completed(
            false,
            json!({ "input_token_count": "120", "output_token_count": "14", "cached_token_count": "20" }),
        ),
    ];
    let files = Files::of(&[log_request("codex_exec", &logs)]);
    let events = files.events(&Run::default());
    let call = only(&events, "$ai_generation");
    assert_eq!(
        (&call["$ai_model"], &call["$ai_input_tokens"]),
        (&json!("gpt-5-codex"), &json!(120))
    );
    assert_eq!(call["$ai_session_id"], "c-1");
    assert_eq!(only(&events, "$ai_trace")["$ai_trace_name"], "Do it");
}

#[test]
fn loss_9_messages_that_come_as_log_records_are_the_content_in_both_orders() {
    let call = request(
        "shop",
        "opentelemetry.instrumentation.openai_v2",
        &[span(
            "1",
            "chat gpt-4o",
            (0, 9),
            &json!({
                "gen_ai.operation.name": "chat", "gen_ai.system": "openai", "gen_ai.request.model": "gpt-4o",
                "gen_ai.usage.input_tokens": 120, "gen_ai.usage.output_tokens": 30,
            }),
        )],
    );
    let logs = log_request(
        "shop",
        &[
            log(
                "1",
                "gen_ai.user.message",
                &json!({}),
                &json!({ "content": "Weather in Oslo?" }),
            ),
            log(
                "1",
                "gen_ai.choice",
                &json!({}),
                &json!({ "index": 0, "finish_reason": "tool_calls", "message": { "role": "assistant", "tool_calls": [
            { "id": "call_1", "type": "function", "function": { "name": "weather", "arguments": r#"{"city":"Oslo"}"# } },
        ] } }),
            ),
        ],
    );
    let [before, after] = [[&call, &logs], [&logs, &call]].map(|requests| {
        let requests = requests.map(Value::clone);
        Files::of(&requests).events(&Run::default())
    });
    assert_eq!(before, after);
    let call = only(&before, "$ai_generation");
    assert_eq!(
        call["$ai_input"],
        json!([{ "role": "user", "content": [{ "type": "text", "text": "Weather in Oslo?" }] }])
    );
    assert_eq!(call["$ai_tools_called"], "weather");
    assert_eq!(call["$ai_stop_reason"], "tool_calls");
}

/// One call, reported by the provider's own library and by OpenLLMetry.
fn reported_twice() -> [Value; 2] {
    let own = json!({
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "anthropic", "gen_ai.request.model": "claude-sonnet-4-5",
        "gen_ai.response.id": "msg_1", "gen_ai.usage.input_tokens": 1020, "gen_ai.usage.output_tokens": 25,
        "anthropic.message.stop_reason": "end_turn", "gen_ai.response.time_to_first_chunk": 0.05,
    });
    let other = json!({
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "anthropic", "gen_ai.request.model": "claude-sonnet-4-5",
        "gen_ai.response.id": "msg_1", "gen_ai.usage.input_tokens": 1020, "gen_ai.usage.output_tokens": 26,
        "gen_ai.input.messages": r#"[{"role":"user","parts":[{"type":"text","content":"Fact?"}]}]"#,
        "gen_ai.output.messages": r#"[{"role":"assistant","parts":[{"type":"text","content":"5000 spines"}]}]"#,
    });
    [
        request(
            "shop",
            "com.anthropic.sdk.python",
            &[span("2<1", "anthropic.messages.create", (2, 198), &own)],
        ),
        request(
            "shop",
            "opentelemetry.instrumentation.anthropic",
            &[span("1", "anthropic.chat", (0, 200), &other)],
        ),
    ]
}

#[test]
fn loss_10_two_instrumentations_of_one_call_give_one_generation() {
    let [own, other] = reported_twice();
    let apart = |request: &Value| {
        let mut request = request.clone();
        let spans = &mut request["resourceSpans"][0]["scopeSpans"][0]["spans"];
        spans[0] = in_trace(spans[0].clone(), "1af7651916cd43dd8448eb211c80319c");
        request
    };
    for (case, requests) in [
        ("nested", [own.clone(), other.clone()]),
        ("in traces of their own", [apart(&own), other.clone()]),
    ] {
        let events = Files::of(&requests).events(&Run::default());
        let call = only(&events, "$ai_generation");
        assert_eq!(
            call["$ai_output_choices"][0]["content"][0]["text"], "5000 spines",
            "{case}"
        );
        assert_eq!(
            call["$ai_time_to_first_token"], 0.05,
            "{case}: what only one knows"
        );
        assert_eq!(named(&events, "$ai_trace").len(), 1, "{case}");
    }
}

#[test]
fn equal_ids_or_times_alone_do_not_make_two_calls_one() {
    let call = |ids: &str, times, id: &str| {
        span(
            ids,
            "chat",
            times,
            &json!({
                "gen_ai.operation.name": "chat", "gen_ai.request.model": "m", "gen_ai.response.id": id,
                "gen_ai.usage.input_tokens": 120, "gen_ai.usage.output_tokens": 30,
            }),
        )
    };
    for (case, calls) in [
        (
            "one instrumentation reports two at once",
            [call("1", (0, 50), "a"), call("2", (1, 50), "b")],
        ),
        (
            "a gateway gives every call one id",
            [call("1", (0, 50), "a"), call("2", (100, 150), "a")],
        ),
    ] {
        assert_eq!(
            named(&events_of("x", &calls), "$ai_generation").len(),
            2,
            "{case}"
        );
    }
}

#[test]
fn loss_12_counts_are_those_of_the_provider_s_own_library() {
    let events = Files::of(&reported_twice()).events(&Run::default());
    assert_eq!(
        only(&events, "$ai_generation")["$ai_output_tokens"],
        25,
        "26 is off by one"
    );
}
