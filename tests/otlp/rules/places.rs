//! Identities, places and times of events.

use serde_json::{Value, json};

use crate::otlp::complaints::chat;
use crate::otlp::traces::{Files, TRACE, events_of, named, only, request, span};
use crate::support::library::Run;

#[test]
fn ids_are_those_of_the_spans_in_lower_case() {
    let mut call = span("ab", "chat", (0, 9), &chat(&json!({})));
    call["traceId"] = TRACE.to_uppercase().into();
    call["spanId"] = "00000000000000AB".into();
    let events = events_of("x", &[call]);
    let call = only(&events, "$ai_generation");
    assert_eq!(call["$ai_trace_id"], TRACE);
    assert_eq!(call["$ai_span_id"], "00000000000000ab");
}

#[test]
fn a_parent_is_the_nearest_span_with_an_event_and_otherwise_the_trace() {
    let agent = json!({ "gen_ai.operation.name": "invoke_agent" });
    let chain = json!({ "openinference.span.kind": "CHAIN" });
    let events = events_of(
        "x",
        &[
            span("1", "agent", (0, 99), &agent),
            span("2<1", "chain", (1, 98), &chain),
            span(
                "3<2",
                "POST /v1",
                (2, 97),
                &json!({ "http.request.method": "POST" }),
            ),
            span("4<3", "chat", (3, 9), &chat(&json!({}))),
            span("5<1", "middleware", (10, 97), &json!({})),
            span("6<5", "chat", (11, 19), &chat(&json!({}))),
        ],
    );
    let parents: Vec<&Value> = named(&events, "$ai_generation")
        .iter()
        .map(|it| &it["properties"]["$ai_parent_id"])
        .collect();
    assert_eq!(parents, [&json!("0000000000000002"), &json!(TRACE)]);
}

#[test]
fn an_event_has_one_identity_however_often_it_is_read_and_spans_have_their_own() {
    let spans = [
        span("1", "chat", (0, 9), &chat(&json!({}))),
        span("2", "chat", (10, 19), &chat(&json!({}))),
    ];
    let [first, again] = [(), ()].map(|()| events_of("x", &spans));
    assert_eq!(first, again);
    let mut ids: Vec<&str> = first.iter().filter_map(|it| it["uuid"].as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 3);
}

#[test]
fn the_time_is_the_end_and_the_latency_exact_to_the_microsecond() {
    let mut call = span("1", "chat", (0, 9), &chat(&json!({})));
    call["startTimeUnixNano"] = "1772366400000000001".into();
    call["endTimeUnixNano"] = "1772366401000001001".into();
    let events = events_of("x", &[call]);
    assert_eq!(
        named(&events, "$ai_generation")[0]["timestamp"],
        "2026-03-01T12:00:01.000Z"
    );
    let latency = &only(&events, "$ai_generation")["$ai_latency"];
    assert_eq!(latency, &json!(1.000_001));
}

#[test]
fn without_an_end_the_stated_duration_counts_and_without_that_there_is_no_latency() {
    for (stated, expected) in [
        (
            json!({ "gen_ai.client.operation.duration": 1.5 }),
            json!(1.5),
        ),
        (json!({ "duration_ms": 250 }), json!(0.25)),
        (json!({ "duration_ms": "250" }), json!(0.25)),
        (json!({ "duration_ms": -1 }), Value::Null),
        (json!({}), Value::Null),
    ] {
        let mut call = span("1", "chat", (0, 9), &chat(&stated));
        call["endTimeUnixNano"] = "0".into();
        let events = events_of("x", &[call]);
        assert_eq!(
            only(&events, "$ai_generation")["$ai_latency"],
            expected,
            "{stated}"
        );
    }
}

#[test]
fn the_service_its_version_and_its_environment_are_kept_and_the_machine_is_not() {
    let call = span("1", "chat", (0, 9), &chat(&json!({})));
    let mut request = request("shop", "x", &[call]);
    let resource = json!({
        "service.name": "shop", "service.version": "1.4", "deployment.environment.name": "staging",
        "host.name": "planted", "process.pid": 7, "process.command_args": ["planted"],
        "os.type": "planted", "container.id": "planted", "k8s.pod.name": "planted",
    });
    request["resourceSpans"][0]["resource"]["attributes"] =
        crate::otlp::traces::attributes_of(&resource);
    let events = Files::of(&[request]).events(&Run::default());
    let call = only(&events, "$ai_generation");
    assert_eq!(call["$ai_project_name"], "shop");
    assert_eq!(call["service_version"], "1.4");
    assert_eq!(call["deployment_environment"], "staging");
    assert!(
        !json!(events).to_string().contains("planted"),
        "{events:#?}"
    );
}

#[test]
fn a_server_is_stated_with_its_port_and_without_its_user() {
    for (stated, expected) in [
        (
            json!({ "server.address": "api.example" }),
            json!("api.example"),
        ),
        (
            json!({ "server.address": "api.example", "server.port": 8443 }),
            json!("api.example:8443"),
        ),
        (
            json!({ "gen_ai.openai.api_base": "https://api.example/v1/" }),
            json!("https://api.example/v1/"),
        ),
        (
            json!({ "server.address": "https://user:planted@api.example/" }),
            Value::Null,
        ),
    ] {
        let events = events_of("x", &[span("1", "chat", (0, 9), &chat(&stated))]);
        assert_eq!(
            only(&events, "$ai_generation")["$ai_base_url"],
            expected,
            "{stated}"
        );
    }
}

#[test]
fn the_framework_is_named_by_the_scope() {
    for (scope, expected) in [
        ("ai", "vercel"),
        ("gen_ai", "vercel"),
        ("openinference.instrumentation.langchain", "langchain"),
        ("opentelemetry.instrumentation.langchain", "langchain"),
        ("langsmith", "langchain"),
        ("pydantic-ai", "pydantic-ai"),
        ("gcp.vertex.agent", "google-adk"),
        ("genkit-tracer", "genkit"),
        ("github.copilot", "copilot"),
        ("gemini-cli", "gemini-cli"),
        ("acme", "opentelemetry"),
    ] {
        let events = events_of(scope, &[span("1", "chat", (0, 9), &chat(&json!({})))]);
        let call = only(&events, "$ai_generation");
        assert_eq!(call["$ai_framework"], expected, "{scope}");
        assert_eq!(call["$ai_lib"], "posthog-llma");
    }
}
