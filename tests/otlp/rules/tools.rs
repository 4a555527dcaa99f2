//! Executions of tools, and the calls that asked for them.

use serde_json::{Value, json};

use crate::otlp::complaints::chat;
use crate::otlp::traces::{events_of, named, only, span, span_id, tool, with};

fn asks(calls: &[(&str, &str)]) -> Value {
    let parts: Vec<Value> = calls
        .iter()
        .map(|(id, city)| json!({ "type": "tool_call", "id": id, "name": "weather", "arguments": { "city": city } }))
        .collect();
    let message = json!([{ "role": "assistant", "parts": parts }]).to_string();
    chat(
        &json!({ "gen_ai.output.messages": message, "gen_ai.response.finish_reasons": ["tool_calls"] }),
    )
}

fn runs(extra: &Value) -> Value {
    with(
        json!({ "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "weather" }),
        extra,
    )
}

#[test]
fn name_input_and_output_are_read_under_every_name() {
    let kind = json!({ "gen_ai.operation.name": "execute_tool" });
    for name in [
        "gen_ai.tool.name",
        "ai.toolCall.name",
        "tool.name",
        "tool_name",
        "function_name",
    ] {
        let events = events_of(
            "x",
            &[span(
                "1",
                "a",
                (0, 9),
                &with(kind.clone(), &json!({ name: "weather" })),
            )],
        );
        assert_eq!(
            only(&events, "$ai_span")["$ai_span_name"],
            "weather",
            "{name}"
        );
    }
    let events = events_of("x", &[span("1", "execute_tool weather", (0, 9), &kind)]);
    assert_eq!(
        only(&events, "$ai_span")["$ai_span_name"],
        "weather",
        "the span's"
    );
    for (name, property) in [
        ("gen_ai.tool.call.arguments", "$ai_input_state"),
        ("ai.toolCall.args", "$ai_input_state"),
        ("tool_arguments", "$ai_input_state"),
        ("function_args", "$ai_input_state"),
        ("input.value", "$ai_input_state"),
        ("gcp.vertex.agent.tool_call_args", "$ai_input_state"),
        ("gen_ai.tool.call.result", "$ai_output_state"),
        ("ai.toolCall.result", "$ai_output_state"),
        ("tool_response", "$ai_output_state"),
        ("output.value", "$ai_output_state"),
        ("gcp.vertex.agent.tool_response", "$ai_output_state"),
    ] {
        for value in [json!({ "a": 1 }), json!(r#"{"a":1}"#)] {
            let events = events_of(
                "x",
                &[span("1", "a", (0, 9), &runs(&json!({ name: value })))],
            );
            assert_eq!(
                only(&events, "$ai_span")[property],
                json!({ "a": 1 }),
                "{name} {value}"
            );
        }
    }
    let command = runs(&json!({ "full_command": "ls", "file_path": "/x" }));
    let events = events_of("x", &[span("1", "a", (0, 9), &command)]);
    assert_eq!(
        only(&events, "$ai_span")["$ai_input_state"],
        json!({ "command": "ls", "file_path": "/x" })
    );
}

#[test]
fn a_tool_hangs_under_the_call_whose_output_has_its_id_wherever_its_span_is() {
    for name in [
        "gen_ai.tool.call.id",
        "ai.toolCall.id",
        "tool_call.id",
        "tool_use_id",
        "call_id",
    ] {
        for ids in ["4<1", "4<3", "4"] {
            let events = events_of(
                "x",
                &[
                    span(
                        "1",
                        "agent",
                        (0, 99),
                        &json!({ "gen_ai.operation.name": "invoke_agent" }),
                    ),
                    span("2<1", "chat", (1, 9), &asks(&[("a", "Oslo")])),
                    span(
                        "3<1",
                        "tools",
                        (10, 30),
                        &json!({ "openinference.span.kind": "CHAIN" }),
                    ),
                    span(ids, "tool", (11, 19), &runs(&json!({ name: "a" }))),
                ],
            );
            let tool = tool(&events, "weather");
            assert_eq!(tool["$ai_parent_id"], span_id("2"), "{name} {ids}");
            assert_eq!(tool["$ai_tool_call_id"], "a", "{name} {ids}");
            assert_eq!(
                tool["$ai_input_state"],
                json!({ "city": "Oslo" }),
                "{name} {ids}"
            );
        }
    }
}

#[test]
fn a_tool_without_an_id_belongs_to_the_only_call_that_asked_for_one_of_its_name() {
    let run = |ids: &str, times, city: &str| {
        span(
            ids,
            "tool",
            times,
            &runs(&json!({ "gen_ai.tool.call.arguments": { "city": city } })),
        )
    };
    let parents = |spans: &[Value]| -> Vec<Value> {
        let events = events_of("x", spans);
        let tools = named(&events, "$ai_span");
        let ids: Vec<Value> = tools
            .iter()
            .map(|it| it["properties"]["$ai_parent_id"].clone())
            .collect();
        assert_eq!(
            only(&events, "$ai_trace")["tool_call_count"],
            ids.len(),
            "{events:#?}"
        );
        ids
    };
    let first = span("1", "chat", (0, 9), &asks(&[("a", "Oslo"), ("b", "Rome")]));
    let second = span("2", "chat", (20, 29), &asks(&[("c", "Oslo")]));
    assert_eq!(
        parents(&[
            first.clone(),
            run("5", (10, 11), "Rome"),
            run("6", (10, 12), "Oslo"),
            second,
            run("7", (30, 31), "Oslo")
        ]),
        [span_id("1"), span_id("1"), span_id("2")]
    );
    // Two agents beside each other ask for the same.
    let other = span("2", "chat", (1, 9), &asks(&[("c", "Paris")]));
    assert_eq!(
        parents(&[
            first,
            other,
            run("5", (10, 11), "Paris"),
            run("6", (12, 13), "Oslo"),
            run("7", (12, 14), "Rome")
        ]),
        [span_id("1"), span_id("1"), span_id("2")]
    );
}

#[test]
fn a_tool_of_a_private_call_hangs_under_it_if_the_times_leave_no_doubt() {
    let private = |reason: &str| chat(&json!({ "gen_ai.response.finish_reasons": [reason] }));
    let tool = |ids: &str, times, id: &str| {
        span(
            ids,
            "tool",
            times,
            &runs(&json!({ "gen_ai.tool.call.id": id })),
        )
    };
    let agent = |id: &str| {
        span(
            id,
            "agent",
            (0, 99),
            &json!({ "gen_ai.operation.name": "invoke_agent" }),
        )
    };
    let parents = |spans: &[Value]| -> Vec<Value> {
        let events = events_of("x", spans);
        let tools = events
            .iter()
            .filter(|it| it["properties"]["$ai_span_type"] == "tool");
        tools
            .map(|it| it["properties"]["$ai_parent_id"].clone())
            .collect()
    };
    for (case, spans, expected) in [
        (
            "two tools of a step, then one of the next",
            vec![
                agent("1"),
                span("2<1", "chat", (1, 9), &private("tool_calls")),
                tool("3<1", (10, 19), "a"),
                tool("4<1", (10, 18), "b"),
                span("5<1", "chat", (20, 29), &private("tool_calls")),
                tool("6<1", (30, 39), "c"),
                span("7<1", "chat", (40, 49), &private("stop")),
            ],
            vec![span_id("2"), span_id("2"), span_id("5")],
        ),
        (
            "it begins while its call is streamed",
            vec![
                agent("1"),
                span("2<1", "chat", (1, 30), &private("tool_calls")),
                tool("3<1", (10, 19), "a"),
            ],
            vec![span_id("2")],
        ),
        (
            "the call before it asked for none",
            vec![
                agent("1"),
                span("2<1", "chat", (1, 9), &private("stop")),
                tool("3<1", (10, 19), "a"),
            ],
            vec![span_id("1")],
        ),
        (
            "two calls at once",
            vec![
                agent("1"),
                span("2<1", "chat", (1, 9), &private("tool_calls")),
                span("3<1", "chat", (2, 9), &private("tool_calls")),
                tool("4<1", (10, 19), "a"),
            ],
            vec![span_id("1")],
        ),
        (
            "its call is in another piece of work",
            vec![
                agent("1"),
                span(
                    "2<1",
                    "agent",
                    (1, 40),
                    &json!({ "gen_ai.operation.name": "invoke_agent" }),
                ),
                span("3<2", "chat", (2, 9), &private("tool_calls")),
                tool("4<1", (10, 19), "a"),
            ],
            vec![span_id("1")],
        ),
        (
            "the response is recorded and does not name it",
            vec![
                agent("1"),
                span("2<1", "chat", (1, 9), &asks(&[("b", "Oslo")])),
                tool("3<1", (10, 19), "a"),
            ],
            vec![span_id("1")],
        ),
    ] {
        let found: Vec<Value> = parents(&spans);
        let trace = json!(crate::otlp::traces::TRACE);
        let expected: Vec<Value> = expected
            .into_iter()
            .map(|it| {
                if it == span_id("1") {
                    trace.clone()
                } else {
                    it.into()
                }
            })
            .collect();
        assert_eq!(found, expected, "{case}");
    }
}
