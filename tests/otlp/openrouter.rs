//! Deliveries of OpenRouter's Broadcast, written from its documentation.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::traces::{Files, in_trace, named, only, request, span, tool, with};
use crate::support::library::{Events, Run};
use crate::support::openrouter::{PLANTED, Request, hex};

const TRACES: [&str; 2] = [
    "aaf7651916cd43dd8448eb211c80319c",
    "baf7651916cd43dd8448eb211c80319c",
];

const RAW: &str = r#"{"model":"anthropic/claude-haiku-4.5","temperature":0.2,"headers":{"x":"planted-header"},"user":"planted-user"}"#;

/// One request as OpenRouter delivers it: the call, and two spans about its course.
pub(super) fn delivery(number: usize, extra: &Value) -> Value {
    let id = format!("gen-1790000000-Example{number:0>14}");
    let attributes = json!({
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "anthropic", "gen_ai.response.id": id,
        "gen_ai.request.model": "anthropic/claude-haiku-4.5", "gen_ai.response.model": "anthropic/claude-haiku-4.5",
        "gen_ai.usage.input_tokens": 2489, "gen_ai.usage.output_tokens": 69,
        "gen_ai.usage.input_tokens.cached": 2000, "gen_ai.usage.input_tokens.cache_write": 300,
        "gen_ai.usage.input_tokens.cache_write_5m": 300, "gen_ai.usage.input_tokens.cache_write_1h": 0,
        "gen_ai.usage.output_tokens.reasoning": 45,
        "gen_ai.usage.input_cost": 0.000_789, "gen_ai.usage.output_cost": 0.000_345, "gen_ai.usage.total_cost": 0.001_134,
        "gen_ai.response.finish_reasons": r#"["tool_calls"]"#,
        "trace.metadata.openrouter.provider_name": "Anthropic", "trace.metadata.openrouter.first_token_ms": 996.0,
        "trace.metadata.openrouter.entity_id": "planted-entity", "trace.metadata.openrouter.creator_user_id": "planted-creator",
        "trace.name": "OpenRouter Request", "span.type": "generation",
    });
    let attributes = with(attributes, extra);
    let course = |id: &str| json!({ "span.type": "span", "gen_ai.operation.name": "chat", "gen_ai.response.id": id, "span.metadata.status_code": 200 });
    let start = number as u64 * 5_000;
    let spans = [
        span("1", "LLM Generation", (start, start + 3_723), &attributes),
        span(
            "2<1",
            "provider attempt 1: Anthropic",
            (start, start + 757),
            &course(&format!("{id}:attempt-0")),
        ),
        span(
            "3<1",
            "generation",
            (start + 757, start + 3_700),
            &course(&format!("{id}:generation")),
        ),
    ];
    let spans = spans.map(|it| in_trace(it, TRACES[number]));
    request("openrouter", "openrouter", &spans)
}

fn conversation() -> [Value; 2] {
    let asked = json!([
        { "role": "system", "content": "You are a shop assistant." },
        { "role": "user", "content": [{ "type": "text", "text": "Is the lamp in stock?", "cache_control": { "type": "ephemeral" } }] },
    ]);
    let call = json!({ "id": "toolu_1", "type": "function", "function": { "name": "stock", "arguments": r#"{"sku":"lamp"}"# } });
    let mut answered = asked.as_array().expect("messages").clone();
    answered.push(json!({ "role": "assistant", "content": "Let me look.", "tool_calls": [call], "reasoning_details": [{ "type": "reasoning.encrypted", "data": "planted-encrypted" }] }));
    answered.push(json!({ "role": "tool", "tool_call_id": "toolu_1", "content": r#"{"left":4}"# }));
    let raw: Value = serde_json::from_str(RAW).expect("it is JSON");
    let first = json!({ "completion": "Let me look.", "reasoning": "The user asks.", "toolCalls": [call], "tools": [{ "name": "stock" }], "rawRequest": raw });
    let second = json!({ "completion": "Four are left.", "reasoning": null, "rawRequest": raw });
    [
        delivery(
            0,
            &json!({ "session.id": "s", "user.id": "user_1", "gen_ai.prompt": json!({ "messages": asked }).to_string(), "gen_ai.completion": first.to_string() }),
        ),
        delivery(
            1,
            &json!({ "session.id": "s", "user.id": "user_1", "gen_ai.prompt": json!({ "messages": answered }).to_string(), "gen_ai.completion": second.to_string(), "gen_ai.response.finish_reasons": r#"["stop"]"#, "trace.name": "Recommendations", "trace.metadata.feature": "shopping" }),
        ),
    ]
}

#[test]
fn a_request_is_one_generation_with_the_cost_that_openrouter_states() {
    let events = Files::of(&[conversation()[0].clone()]).events(&Run::default());
    let call = only(&events, "$ai_generation");
    for (name, expected) in [
        ("$ai_provider", json!("openrouter")),
        ("openrouter_vendor", json!("anthropic")),
        ("openrouter_provider", json!("Anthropic")),
        ("$ai_input_tokens", json!(2489)),
        ("$ai_cache_read_input_tokens", json!(2000)),
        ("$ai_cache_creation_5m_input_tokens", json!(300)),
        ("$ai_reasoning_tokens", json!(45)),
        ("$ai_cache_reporting_exclusive", json!(false)),
        ("$ai_input_cost_usd", json!(0.000_789)),
        ("$ai_output_cost_usd", json!(0.000_345)),
        ("$ai_total_cost_usd", json!(0.001_134)),
        ("$ai_time_to_first_token", json!(0.996)),
        ("$ai_latency", json!(3.723)),
        ("$ai_stop_reason", json!("tool_calls")),
        ("$ai_session_id", json!("s")),
        ("$ai_tools", json!([{ "name": "stock" }])),
        ("$ai_model_parameters", json!({ "temperature": 0.2 })),
        ("$ai_span_name", Value::Null),
    ] {
        assert_eq!(call[name], expected, "{name}");
    }
    assert_eq!(
        only(&events, "$ai_trace")["$ai_trace_name"],
        "Is the lamp in stock?",
        "no name was given"
    );
    assert_eq!(events[0]["distinct_id"], "user_1");
}

#[test]
fn of_the_next_request_only_what_is_new_is_sent_and_it_tells_what_the_tool_answered() {
    let events = Files::of(&conversation()).events(&Run::default());
    let calls = named(&events, "$ai_generation");
    let inputs: Vec<&Value> = calls
        .iter()
        .map(|it| &it["properties"]["$ai_input"])
        .collect();
    assert_eq!(
        inputs[1],
        &json!([{ "role": "tool", "tool_call_id": "toolu_1", "content": r#"{"left":4}"# }])
    );
    let tool = tool(&events, "stock");
    assert_eq!(tool["$ai_input_state"], json!({ "sku": "lamp" }));
    assert_eq!(tool["$ai_output_state"], json!({ "left": 4 }));
    assert_eq!(tool["$ai_parent_id"], calls[0]["properties"]["$ai_span_id"]);
    assert_eq!(tool["$ai_latency"], Value::Null, "nobody measured it");
    assert_eq!(calls[1]["properties"]["feature"], "shopping");
    let names: Vec<&Value> = named(&events, "$ai_trace")
        .iter()
        .map(|it| &it["properties"]["$ai_trace_name"])
        .collect();
    assert_eq!(names, ["Is the lamp in stock?", "Recommendations"]);
}

#[test]
fn nothing_internal_leaves() {
    let text = json!(Files::of(&conversation()).events(&Run::default())).to_string();
    assert!(!text.contains("planted"), "{text}");
}

#[test]
fn openrouter_s_privacy_mode_is_kept_as_null() {
    let events = Files::of(&[delivery(0, &json!({}))]).events(&Run::default());
    let call = only(&events, "$ai_generation");
    assert_eq!(
        (&call["$ai_input"], &call["$ai_output_choices"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(
        (&call["$ai_input_tokens"], &call["$ai_total_cost_usd"]),
        (&json!(2489), &json!(0.001_134))
    );
}

/// PostHog applies its own prices to them if no cost is stated.
#[test]
fn tokens_of_sound_and_pictures_are_told_apart() {
    let parts = json!({
        "gen_ai.usage.input_tokens.audio": 120, "gen_ai.usage.input_tokens.video": 30,
        "gen_ai.usage.output_tokens.image": 60, "gen_ai.usage.image.input_tokens": 9_999_999,
    });
    let events = Files::of(&[delivery(0, &parts)]).events(&Run::default());
    let call = only(&events, "$ai_generation");
    for (name, expected) in [
        ("$ai_audio_input_tokens", json!(120)),
        ("$ai_video_input_tokens", json!(30)),
        ("$ai_image_output_tokens", json!(60)),
        ("$ai_image_input_tokens", Value::Null),
        ("$ai_audio_output_tokens", Value::Null),
        ("$ai_input_tokens", json!(2489)),
    ] {
        assert_eq!(call[name], expected, "{name}");
    }
}

#[test]
fn a_free_model_costs_nothing_and_says_so() {
    let free = json!({ "gen_ai.usage.input_cost": 0.0, "gen_ai.usage.output_cost": 0.0, "gen_ai.usage.total_cost": 0.0 });
    let events = Files::of(&[delivery(0, &free)]).events(&Run::default());
    let call = only(&events, "$ai_generation");
    assert_eq!(
        (&call["$ai_total_cost_usd"], &call["$ai_cost_passthrough"]),
        (&json!(0.0), &json!(true))
    );
    assert_eq!(call["$ai_input_cost_usd"], Value::Null);
}

#[test]
fn a_trial_of_the_connection_is_no_event() {
    let trial = request(
        "openrouter",
        "openrouter",
        &[span("1", "openrouter-connection-test", (0, 1), &json!({}))],
    );
    let empty = json!({ "resourceSpans": [] });
    assert_eq!(
        Files::of(&[trial, empty]).events(&Run::default()),
        Vec::<Value>::new()
    );
}

#[test]
fn numbers_may_be_texts_and_a_collector_may_rename_the_service() {
    let mut delivery = delivery(0, &json!({ "gen_ai.usage.input_tokens": "2489" }));
    delivery["resourceSpans"][0]["resource"]["attributes"][0]["value"]["stringValue"] =
        "gateway".into();
    delivery["resourceSpans"][0]["scopeSpans"][0]["scope"]["name"] = "collector".into();
    let events = Files::of(&[delivery]).events(&Run::default());
    let call = only(&events, "$ai_generation");
    assert_eq!(
        (&call["$ai_provider"], &call["$ai_input_tokens"]),
        (&json!("openrouter"), &json!(2489))
    );
}

pub(super) fn events_of(requests: &[Request]) -> Events {
    events_by(&Run::default(), requests)
}

fn events_by(run: &Run, requests: &[Request]) -> Events {
    let deliveries = (0..).zip(requests).map(|(number, it)| it.delivery(number));
    Files::of(&deliveries.collect::<Vec<_>>()).events(run)
}

pub(super) fn with_trace(fields: &Value) -> Request {
    Request {
        session: Some("session-1"),
        user: Some("user-1"),
        trace: fields.as_object().expect("an object").clone(),
        ..Request::default()
    }
}

#[test]
fn what_the_caller_says_of_a_request_is_where_posthog_looks_for_it() {
    let events = events_of(&[with_trace(&json!({
        "trace_id": "order-7", "trace_name": "Checkout", "generation_name": "Summarise",
        "feature": "shopping", "depth": { "a": { "b": { "c": { "d": 1 } } } },
        "$ai_model": "planted-model", "openrouter_x": "planted", "entity_id": "planted",
    }))]);
    let (call, trace) = (only(&events, "$ai_generation"), only(&events, "$ai_trace"));
    for (properties, name, expected) in [
        (call, "$ai_trace_id", json!(hex("order-7", 32))),
        (trace, "$ai_trace_id", json!(hex("order-7", 32))),
        (trace, "$ai_trace_name", json!("Checkout")),
        (call, "$ai_span_name", json!("Summarise")),
        (call, "$ai_session_id", json!("session-1")),
        (trace, "$ai_session_id", json!("session-1")),
        (call, "$ai_user", json!("user-1")),
        (trace, "$ai_user", json!("user-1")),
        (call, "feature", json!("shopping")),
        (
            call,
            "depth",
            json!({ "a": { "b": { "c": "[truncated]" } } }),
        ),
        (call, "$ai_model", json!("anthropic/claude-haiku-4.5")),
        (call, "openrouter_api_key_name", json!("production")),
        (call, "openrouter_provider_slug", json!("anthropic")),
        (call, "$ai_framework", json!("openrouter")),
        (call, "$ai_project_name", Value::Null),
    ] {
        assert_eq!(properties[name], expected, "{name}");
    }
    assert!(events.iter().all(|it| it["distinct_id"] == "user-1"));
    assert!(!json!(events).to_string().contains(PLANTED), "{events:#?}");
}

#[test]
fn who_is_nobody_has_no_profile_and_a_hash_of_a_machine_is_nobody() {
    let nobody = Run::with(&[("POSTHOG_LLMA_DISTINCT_ID", "")]);
    let hash: &'static str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    for (user, session, expected) in [
        (None, Some("s"), "openrouter:s".to_owned()),
        (
            Some(hash),
            Some("6f1c2b34-0000-4000-8000-000000000001"),
            "openrouter:6f1c2b34-0000-4000-8000-000000000001".to_owned(),
        ),
        (
            None,
            None,
            format!(
                "openrouter:{}",
                hex(&crate::support::openrouter::generation_id(0), 32)
            ),
        ),
    ] {
        let request = Request {
            session,
            user,
            ..Request::default()
        };
        let events = events_by(&nobody, &[request]);
        for event in &events {
            assert_eq!(event["distinct_id"], expected, "{user:?}");
            assert_eq!(event["properties"]["$process_person_profile"], false);
            assert_eq!(event["properties"]["$ai_user"], Value::Null);
        }
    }
}

#[test]
fn a_request_that_its_caller_cancelled_is_an_error_without_tokens() {
    let events = events_of(&[Request {
        is_cancelled: true,
        ..Request::default()
    }]);
    let call = only(&events, "$ai_generation");
    for (name, expected) in [
        ("$ai_is_error", json!(true)),
        ("$ai_http_status", Value::Null),
        ("$ai_input_tokens", Value::Null),
        ("$ai_total_cost_usd", Value::Null),
    ] {
        assert_eq!(call[name], expected, "{name}");
    }
    assert!(
        call["$ai_error"].to_string().contains("disconnected"),
        "{call}"
    );
}

#[test]
fn several_attempts_are_spans_below_their_call_and_one_that_succeeded_at_once_is_none() {
    for (attempts, failed) in [
        (vec![("Anthropic", 200)], vec![]),
        (
            vec![("Amazon Bedrock", 429), ("Anthropic", 200)],
            vec![true, false],
        ),
        (
            vec![("A", 429), ("B", 503), ("Anthropic", 200)],
            vec![true, true, false],
        ),
        (vec![("A", 200), ("B", 200)], vec![false, false]),
    ] {
        let events = events_of(&[Request {
            attempts,
            ..Request::default()
        }]);
        let call = only(&events, "$ai_generation");
        assert_eq!(call["$ai_is_error"], false, "the request succeeded");
        let mut spans = named(&events, "$ai_span");
        spans.sort_by_key(|it| it["properties"]["$ai_span_name"].to_string());
        let has_failed = spans
            .iter()
            .map(|it| it["properties"]["$ai_is_error"] == true);
        assert_eq!(has_failed.collect::<Vec<_>>(), failed);
        for span in spans {
            let span = &span["properties"];
            assert_eq!(span["$ai_parent_id"], call["$ai_span_id"]);
            assert_eq!(
                span["$ai_total_cost_usd"],
                Value::Null,
                "it was not charged"
            );
        }
    }
}

#[test]
fn the_smallest_delivery_that_is_documented_is_a_call() {
    let attributes = json!({
        "gen_ai.request.model": "openai/gpt-4",
        "gen_ai.usage.prompt_tokens": "100", "gen_ai.usage.completion_tokens": "50",
    });
    let delivery = request(
        "openrouter",
        "",
        &[span("1", "chat", (0, 1_000), &attributes)],
    );
    let events = Files::of(&[delivery]).events(&Run::default());
    let call = only(&events, "$ai_generation");
    for (name, expected) in [
        ("$ai_model", json!("openai/gpt-4")),
        ("$ai_input_tokens", json!(100)),
        ("$ai_output_tokens", json!(50)),
        ("$ai_span_name", Value::Null),
        ("$ai_total_cost_usd", Value::Null),
    ] {
        assert_eq!(call[name], expected, "{name}");
    }
}

/// A folder for each day, a compressed file for each request. The conversation continues after
/// midnight.
#[test]
fn what_broadcast_writes_to_a_bucket_is_read_with_the_trials_left_out() {
    let conversation = conversation();
    let folder = tempfile::tempdir().expect("a temporary directory");
    let days = ["28", "29"].map(|it| folder.path().join("broadcasts/2026/11").join(it));
    for day in &days {
        std::fs::create_dir_all(day).expect("it is ours");
    }
    let mut trial = Request::default().delivery(7);
    trial["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["name"] = "Test Generation".into();
    let [first, second] = conversation.clone();
    for (day, name, delivery) in [
        (&days[0], "1", &first),
        (&days[1], "2", &second),
        (&days[1], "again", &first),
        (&days[0], "trial", &trial),
    ] {
        let bytes = crate::receive::support::made::gzip(delivery.to_string().as_bytes());
        std::fs::write(day.join(format!("{name}.json.gz")), bytes).expect("it is ours");
    }
    let events = super::traces::events_below(folder.path(), &Run::default());
    assert_eq!(events, Files::of(&conversation).events(&Run::default()));
}

/// Deliveries written by hand from the documentation and from published ones. They are outside the
/// project.
#[test]
fn deliveries_that_others_described_give_what_they_state() {
    let folder = std::env::var_os("POSTHOG_LLMA_OTLP").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/otlp"),
        PathBuf::from,
    );
    let folder = folder.join("openrouter-handmade");
    if !folder.is_dir() {
        // Written past the test harness.
        let _ = writeln!(io::stderr(), "skipped: no files in {}", folder.display());
        return;
    }
    let events = super::traces::events_below(&folder, &Run::default());
    let facts = named(&events, "$ai_generation").into_iter().map(|call| {
        let value = |name: &str| call["properties"][name].clone();
        let names = [
            "$ai_input_tokens",
            "$ai_cache_read_input_tokens",
            "$ai_cache_creation_5m_input_tokens",
            "$ai_output_tokens",
            "$ai_reasoning_tokens",
            "$ai_total_cost_usd",
            "$ai_session_id",
        ];
        json!(names.map(value))
    });
    let mut facts: Vec<Value> = facts.collect();
    facts.sort_by_key(Value::to_string);
    assert_eq!(
        facts,
        [
            json!([100, 0, 0, 50, null, null, null]),
            json!([2489, 2000, 300, 69, 45, 0.001_134, "session_abc"]),
            json!([2570, 2489, 0, 21, null, 0.000_435, "session_abc"]),
            json!([500, 0, 0, 40, null, 0.0007, null]),
        ]
    );
    let tools: Vec<_> = named(&events, "$ai_span").into_iter().collect();
    let answered = tools
        .iter()
        .filter(|it| !it["properties"]["$ai_output_state"].is_null());
    assert_eq!(
        answered.count(),
        1,
        "the second request tells what the tool of the first answered"
    );
    let private = named(&events, "$ai_generation");
    let private = private
        .iter()
        .filter(|it| it["properties"]["$ai_input"].is_null());
    assert_eq!(
        private.count(),
        2,
        "one without content, and the smallest that is documented"
    );
}
