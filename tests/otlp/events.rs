//! The same trace in every form and order.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use posthog_llma::otlp::{Limits, Signal, json as decoder, protobuf};
use serde_json::{Value, json};

use super::support::wire;
use super::traces::{
    Files, events_below, log, log_request, named, only, request, span, traces_below,
};
use crate::support::library::{Events, Run};

/// An agent with a call and a tool, and log records.
fn trace() -> Vec<Value> {
    let output = r#"[{"role":"assistant","parts":[{"type":"tool_call","id":"a","name":"weather","arguments":{"city":"Oslo"}}]}]"#;
    let spans = [
        span(
            "1",
            "invoke_agent",
            (0, 99),
            &json!({ "gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "weather-agent" }),
        ),
        span(
            "2<1",
            "chat gpt-4o",
            (1, 50),
            &json!({ "gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o", "gen_ai.usage.input_tokens": 9, "gen_ai.usage.output_tokens": 3, "gen_ai.output.messages": output }),
        ),
        span(
            "3<1",
            "execute_tool weather",
            (51, 60),
            &json!({ "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "weather", "gen_ai.tool.call.id": "a", "gen_ai.tool.call.result": r#"{"temp":7}"# }),
        ),
    ];
    let mut requests: Vec<Value> = spans
        .into_iter()
        .map(|it| request("shop", "x", &[it]))
        .collect();
    requests.push(log_request(
        "shop",
        &[log(
            "2",
            "gen_ai.user.message",
            &json!({}),
            &json!({ "content": "Weather?" }),
        )],
    ));
    requests
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("memory is writable");
    encoder.finish().expect("memory is writable")
}

fn lines(requests: &[Value]) -> Vec<u8> {
    let lines: Vec<String> = requests.iter().map(Value::to_string).collect();
    lines.join("\n").into_bytes()
}

/// Requests in protobuf, each after its length.
fn frames(requests: &[Value]) -> Vec<u8> {
    let mut frames = Vec::new();
    for request in requests {
        let telemetry =
            decoder::decode(request.to_string().as_bytes(), &Limits::default()).expect("a request");
        for body in wire::encode(&telemetry)
            .into_iter()
            .filter(|it| !it.is_empty())
        {
            frames.extend(
                u32::try_from(body.len())
                    .expect("it is short")
                    .to_be_bytes(),
            );
            frames.extend(body);
        }
    }
    frames
}

#[test]
fn every_form_of_a_trace_gives_the_same_events() {
    let requests = trace();
    let expected = Files::of(&requests).events(&Run::default());
    assert_eq!(expected.len(), 3, "{expected:#?}");
    let mut backwards = requests.clone();
    backwards.reverse();
    let twice: Vec<Value> = requests.iter().chain(&requests).cloned().collect();
    let halves = [
        ("a.json", lines(&requests[..2])),
        ("b.json", lines(&requests[2..])),
    ];
    for (form, files) in [
        ("out of order", vec![("x.jsonl", lines(&backwards))]),
        ("exported twice", vec![("x.jsonl", lines(&twice))]),
        ("compressed", vec![("x.json.gz", gzip(&lines(&requests)))]),
        ("protobuf", vec![("x.pb", frames(&requests))]),
        (
            "compressed protobuf",
            vec![("x.pb.gz", gzip(&frames(&requests)))],
        ),
        ("in two files", halves.to_vec()),
        (
            "in two forms",
            vec![("a.pb", frames(&requests)), ("b.json", lines(&requests))],
        ),
    ] {
        assert_eq!(
            Files::new(&files).events(&Run::default()),
            expected,
            "{form}"
        );
    }
}

#[test]
fn a_file_is_known_by_its_content_and_a_trace_by_its_path() {
    let files = Files::new(&[("anything", lines(&trace()))]);
    let file = files.path().join("anything");
    let traces = traces_below(&file);
    assert_eq!(traces, [file.join(super::traces::TRACE)]);
    assert_eq!(events_below(&file, &Run::default()).len(), 3);
}

#[test]
fn a_pretty_printed_request_is_one_request() {
    let request = request(
        "shop",
        "x",
        &[span(
            "1",
            "chat",
            (0, 9),
            &json!({ "gen_ai.operation.name": "chat", "gen_ai.request.model": "m" }),
        )],
    );
    let text = serde_json::to_string_pretty(&request).expect("it is JSON");
    let bytes = [b"\xef\xbb\xbf", text.replace('\n', "\r\n").as_bytes()].concat();
    let events = Files::new(&[("x.json", bytes)]).events(&Run::default());
    assert_eq!(only(&events, "$ai_generation")["$ai_model"], "m");
}

#[test]
fn spans_of_copilot_are_read_line_by_line() {
    let line = json!({
        "type": "span", "traceId": super::traces::TRACE, "spanId": "0000000000000001", "name": "chat gpt-4o", "kind": 2,
        "startTime": [1_772_366_400, 0], "endTime": [1_772_366_401, 0],
        "attributes": { "gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o", "gen_ai.usage.input_tokens": 9 },
        "status": { "code": 0 }, "events": [], "resource": { "attributes": {} },
        "instrumentationScope": { "name": "github.copilot" },
    });
    let events = Files::of(&[line]).events(&Run::default());
    let call = only(&events, "$ai_generation");
    assert_eq!(
        (&call["$ai_framework"], &call["$ai_input_tokens"]),
        (&json!("copilot"), &json!(9))
    );
}

#[test]
fn parents_that_never_come_and_other_spans_between_cost_nothing() {
    let spans = [
        span(
            "2<9",
            "GET /chat",
            (0, 99),
            &json!({ "http.request.method": "GET" }),
        ),
        span(
            "3<2",
            "agent",
            (1, 90),
            &json!({ "gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "a" }),
        ),
        span("4<3", "middleware", (2, 80), &json!({})),
        span(
            "5<4",
            "chat",
            (3, 70),
            &json!({ "gen_ai.operation.name": "chat", "gen_ai.request.model": "m" }),
        ),
        span(
            "6<4",
            "search",
            (3, 70),
            &json!({ "gen_ai.operation.name": "retrieval" }),
        ),
    ];
    let events = Files::of(&[request("shop", "x", &spans)]).events(&Run::default());
    let trace = only(&events, "$ai_trace");
    assert_eq!(trace["$ai_trace_name"], "a");
    for name in ["$ai_generation", "$ai_span"] {
        assert_eq!(
            only(&events, name)["$ai_parent_id"],
            trace["$ai_trace_id"],
            "{name}"
        );
    }
}

#[test]
fn ids_and_times_are_those_of_the_spans() {
    let read = || Files::of(&trace()).events(&Run::default());
    let ids = |events: &Events| -> Vec<String> {
        events.iter().map(|it| it["uuid"].to_string()).collect()
    };
    let (first, second) = (read(), read());
    assert_eq!(ids(&first), ids(&second));
    let call = named(&first, "$ai_generation")[0];
    assert_eq!(call["timestamp"], "2026-03-01T12:00:00.050Z", "the end");
    assert_eq!(call["properties"]["$ai_latency"], 0.049);
    assert_eq!(call["properties"]["$ai_trace_id"], super::traces::TRACE);
    assert_eq!(call["properties"]["$ai_project_name"], "shop");
}

#[test]
fn the_whole_conversation_is_sent_if_it_is_wanted() {
    let said = |messages: &Value| json!({ "gen_ai.operation.name": "chat", "gen_ai.request.model": "m", "gen_ai.input.messages": messages.to_string() });
    let first = json!([{ "role": "user", "parts": [{ "type": "text", "content": "one" }] }]);
    let mut second = first.as_array().unwrap().clone();
    second.push(json!({ "role": "assistant", "parts": [{ "type": "text", "content": "1" }] }));
    second.push(json!({ "role": "user", "parts": [{ "type": "text", "content": "two" }] }));
    let files = Files::of(&[request(
        "shop",
        "x",
        &[
            span("1", "chat", (0, 9), &said(&first)),
            span("2", "chat", (10, 19), &said(&Value::Array(second))),
        ],
    )]);
    for (scope, expected) in [("new", 1), ("full", 3)] {
        let events = files.events(&Run::with(&[("POSTHOG_LLMA_INPUT", scope)]));
        let last = named(&events, "$ai_generation")[1];
        assert_eq!(
            last["properties"]["$ai_input"].as_array().map(Vec::len),
            Some(expected),
            "{scope}"
        );
    }
}

#[test]
fn a_body_of_protobuf_alone_is_recognised() {
    let requests = [trace().remove(1)];
    let frames = frames(&requests);
    let body = &frames[4..];
    assert!(protobuf::decode(body, Signal::Traces, &Limits::default()).is_ok());
    let events = Files::new(&[("x", body.to_vec())]);
    assert_eq!(
        events_below(&events.path().join("x"), &Run::default()).len(),
        2
    );
}
