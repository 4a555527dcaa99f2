//! Executions of tools, and the calls that asked for them.

use serde_json::{Value, json};

use crate::otlp::complaints::chat;
use crate::otlp::traces::{TRACE, events_of, named, only, span, span_id, tool, with};

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
fn the_name_of_a_tool_is_read_under_every_name() {
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
}

#[test]
fn input_and_output_of_a_tool_are_read_under_every_name() {
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
    // Two parallel agents ask for the same.
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

/// Spans of an application that records no content. Each line has kind, ids, times, and the reason
/// why a call stopped, or the id of a tool call.
fn private(lines: &[&str]) -> Vec<Value> {
    let spans = lines.iter().map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [kind, ids, start, end, what] = words[..] else {
            panic!("{line}");
        };
        let time = |word: &str| word.parse::<u64>().expect("milliseconds");
        let attributes = match kind {
            "agent" => json!({ "gen_ai.operation.name": "invoke_agent" }),
            "chat" => chat(&json!({ "gen_ai.response.finish_reasons": [what] })),
            _ => runs(&json!({ "gen_ai.tool.call.id": what })),
        };
        span(ids, kind, (time(start), time(end)), &attributes)
    });
    spans.collect()
}

/// The parents of the tools: ids of spans, and `trace` for the trace itself.
fn parents_of_tools(spans: &[Value]) -> Vec<String> {
    let events = events_of("x", spans);
    let tools = events
        .iter()
        .filter(|it| it["properties"]["$ai_span_type"] == "tool");
    let parents = tools.map(|it| it["properties"]["$ai_parent_id"].as_str());
    let short = |it: &str| match it {
        TRACE => "trace".to_owned(),
        span => span.trim_start_matches('0').to_owned(),
    };
    parents.map(|it| short(it.expect("a parent"))).collect()
}

#[test]
fn a_tool_of_a_private_call_hangs_under_it_if_the_times_leave_no_doubt() {
    let steps = [
        "agent 1 0 99 -",
        "chat 2<1 1 9 tool_calls",
        "tool 3<1 10 19 a",
        "tool 4<1 10 18 b",
        "chat 5<1 20 29 tool_calls",
        "tool 6<1 30 39 c",
        "chat 7<1 40 49 stop",
    ];
    assert_eq!(parents_of_tools(&private(&steps)), ["2", "2", "5"]);
    let streamed = [
        "agent 1 0 99 -",
        "chat 2<1 1 30 tool_calls",
        "tool 3<1 10 19 a",
    ];
    assert_eq!(parents_of_tools(&private(&streamed)), ["2"]);
}

#[test]
fn a_tool_whose_call_is_in_doubt_stays_where_its_span_is() {
    for (case, spans) in [
        (
            "the call before it asked for none",
            &["agent 1 0 99 -", "chat 2<1 1 9 stop", "tool 3<1 10 19 a"][..],
        ),
        (
            "two calls at once",
            &[
                "agent 1 0 99 -",
                "chat 2<1 1 9 tool_calls",
                "chat 3<1 2 9 tool_calls",
                "tool 4<1 10 19 a",
            ],
        ),
        (
            "its call is in another piece of work",
            &[
                "agent 1 0 99 -",
                "agent 2<1 1 40 -",
                "chat 3<2 2 9 tool_calls",
                "tool 4<1 10 19 a",
            ],
        ),
    ] {
        assert_eq!(parents_of_tools(&private(spans)), ["trace"], "{case}");
    }
    let mut recorded = private(&["agent 1 0 99 -", "tool 3<1 10 19 a"]);
    recorded.push(span("2<1", "chat", (1, 9), &asks(&[("b", "Oslo")])));
    assert_eq!(
        parents_of_tools(&recorded),
        ["trace"],
        "its response is recorded"
    );
}
