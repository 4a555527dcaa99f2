//! Deliveries of OpenRouter's Broadcast, written after its documentation.

use serde_json::{Value, json};

use super::traces::{Files, in_trace, named, only, request, span, tool, with};
use crate::support::library::Run;

const TRACES: [&str; 2] = [
    "aaf7651916cd43dd8448eb211c80319c",
    "baf7651916cd43dd8448eb211c80319c",
];

const RAW: &str = r#"{"model":"anthropic/claude-haiku-4.5","temperature":0.2,"headers":{"x":"planted-header"},"user":"planted-user"}"#;

/// One request as OpenRouter delivers it: the call, and two spans about its course.
fn delivery(number: usize, extra: &Value) -> Value {
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
