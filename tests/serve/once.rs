//! A call from both OpenRouter and another source is one event, in either order.

use std::fs;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::openrouter::{env_with_token, finish, property};
use super::support::{SOON, Serving};
use crate::receive::support::made::request_of;
use crate::receive::support::server::TOKEN;
use crate::support::env::TestEnv;
use crate::support::openrouter::{Destination, OpenRouter, Request, generation_id};
use crate::support::posthog::PostHog;
use crate::support::session::Session;

/// Cost of a request in dollars, which only OpenRouter states.
pub(super) const COST: f64 = 0.000_045;

/// Delivers a request by OpenRouter, as the first one of a receiver.
fn deliver(env: &TestEnv, session: Option<&'static str>) -> String {
    let serving = Serving::start(env);
    let destination = Destination::webhook(serving.address, TOKEN);
    let mut openrouter = OpenRouter::delivering_to([destination]);
    let id = openrouter.answer(&Request {
        session,
        ..Request::default()
    });
    assert_eq!(openrouter.statuses, [200]);
    finish(env, serving);
    id
}

fn ingest(env: &TestEnv, path: &Path) {
    let run = env.command(["ingest", "--with-old-content"]).argument(path);
    run.run().success();
}

/// Writes a transcript whose first response has the id that OpenRouter gives to its first request.
fn of_claude_code(env: &TestEnv) -> PathBuf {
    let session = Session::write(env, 1, 1);
    let text = fs::read_to_string(&session.path).expect("it is there");
    let id = text.split("\"id\":\"msg").nth(1).expect("a response");
    let id = format!("msg{}", id.split('"').next().expect("an id"));
    let text = text.replace(&format!("{id}\""), &format!("{}\"", generation_id(0)));
    fs::write(&session.path, text).expect("it is ours");
    session.path
}

fn of_pi(env: &TestEnv) -> PathBuf {
    let fixture = "fixtures/pi/--home-ada-bookshop--/2026-03-02T09-05-00-000Z_00000104-0000-7000-8000-000000000000.jsonl";
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join(fixture);
    let text = fs::read_to_string(fixture).expect("a fixture");
    let id = text.split("\"responseId\":\"").nth(1).expect("a response");
    let id = id.split('"').next().expect("an id");
    let text = text.replacen(id, &generation_id(0), 1);
    env.write(
        "pi/2026-03-02T09-05-00-000Z_00000104-0000-7000-8000-000000000000.jsonl",
        text,
    )
}

/// Number of calls in the events of a transcript alone.
fn calls_of(transcript: fn(&TestEnv) -> PathBuf) -> usize {
    let posthog = PostHog::start();
    let env = env_with_token(&posthog);
    ingest(&env, &transcript(&env));
    posthog.named("$ai_generation").len()
}

#[test]
fn a_call_in_a_transcript_is_counted_once_whichever_comes_first() {
    for (agent, transcript) in [
        ("Claude Code", of_claude_code as fn(&TestEnv) -> PathBuf),
        ("Pi", of_pi),
    ] {
        let calls = calls_of(transcript);
        for is_delivery_first in [true, false] {
            let posthog = PostHog::start();
            // The hooks are off: only the id of the response shows that both are one call.
            let env = env_with_token(&posthog).without("POSTHOG_LLMA_CC_ENABLED");
            let path = transcript(&env);
            if is_delivery_first {
                deliver(&env, None);
                ingest(&env, &path);
            } else {
                ingest(&env, &path);
                deliver(&env, None);
            }
            let sent = posthog.named("$ai_generation");
            assert_eq!(sent.len(), calls, "{agent}, {is_delivery_first}");
            assert_eq!(posthog.duplicates(), Vec::<String>::new());
            let is_charged = |it: &&Value| *property(it, "$ai_total_cost_usd") == COST;
            let charged = sent.iter().filter(is_charged).count();
            assert_eq!(charged, usize::from(is_delivery_first), "{agent}");
        }
    }
}

#[test]
fn deliveries_of_a_session_whose_agent_sends_it_itself_are_left_alone() {
    for (hooks, expected) in [("true", 0), ("false", 1)] {
        let posthog = PostHog::start();
        let env = env_with_token(&posthog).with("POSTHOG_LLMA_CC_ENABLED", hooks);
        assert_eq!(Session::write(&env, 1, 1).id, SESSION);
        deliver(&env, Some(SESSION));
        let sent = posthog.named("$ai_generation").len();
        assert_eq!(sent, expected, "hooks: {hooks}");
    }
}

#[test]
fn deliveries_of_a_session_that_was_sent_before_are_left_alone() {
    let posthog = PostHog::start();
    let env = env_with_token(&posthog).with("POSTHOG_LLMA_CC_ENABLED", "false");
    let session = Session::write(&env, 1, 1);
    ingest(&env, &session.path);
    let before = posthog.named("$ai_generation").len();
    deliver(&env, Some("00000000-0000-4000-8000-000000000001"));
    assert_eq!(posthog.named("$ai_generation").len(), before);
}

/// The application's own report of a call: its content, and no cost.
fn own_span(id: &str) -> Value {
    let attribute = |key: &str, value: Value| json!({ "key": key, "value": value });
    let text = |text: &str| json!({ "stringValue": text });
    let mut span = crate::receive::support::made::span(77, 7, 0, "chat");
    // Times a little outside those that OpenRouter's servers measured.
    span["startTimeUnixNano"] = "1789999999800000000".into();
    span["endTimeUnixNano"] = "1790000003300000000".into();
    span["attributes"] = json!([
        attribute("gen_ai.operation.name", text("chat")),
        attribute("gen_ai.response.id", text(id)),
        attribute("gen_ai.request.model", text("anthropic/claude-haiku-4.5")),
        attribute("gen_ai.usage.input_tokens", json!({ "intValue": "20" })),
        attribute("gen_ai.usage.output_tokens", json!({ "intValue": "5" })),
        attribute(
            "gen_ai.input.messages",
            text(r#"[{"role":"user","parts":[{"type":"text","content":"of the application"}]}]"#)
        ),
    ]);
    span
}

fn post_own(serving: &Serving) {
    let token = format!("Authorization: Bearer {TOKEN}");
    let body = request_of("shop", &[own_span(&generation_id(0))]);
    let answer = serving.ask(&["Content-Type: application/json", &token], &body);
    assert_eq!(answer.status, 200);
}

#[test]
fn a_call_that_its_application_reports_too_is_one_in_any_order() {
    for order in ["application, OpenRouter", "OpenRouter, application"] {
        let posthog = PostHog::start();
        let env = env_with_token(&posthog);
        for who in order.split(", ") {
            if who == "OpenRouter" {
                deliver(&env, None);
            } else {
                let serving = Serving::start(&env);
                post_own(&serving);
                finish(&env, serving);
            }
        }
        assert_eq!(posthog.named("$ai_generation").len(), 1, "{order}");
        assert_eq!(posthog.duplicates(), Vec::<String>::new(), "{order}");
    }
}

#[test]
fn reports_that_come_together_give_the_cost_of_openrouter_and_the_content_of_the_application() {
    for is_own_first in [true, false] {
        let posthog = PostHog::start();
        let env = env_with_token(&posthog);
        let serving = Serving::start(&env);
        let private = Destination {
            privacy_mode: true,
            ..Destination::webhook(serving.address, TOKEN)
        };
        let mut openrouter = OpenRouter::delivering_to([private]);
        if is_own_first {
            post_own(&serving);
        }
        openrouter.answer(&Request::default());
        if !is_own_first {
            post_own(&serving);
        }
        finish(&env, serving);
        let calls = posthog.named("$ai_generation");
        let [call] = &calls[..] else {
            panic!("{} calls, {is_own_first}", calls.len());
        };
        assert_eq!(property(call, "$ai_total_cost_usd"), COST);
        let content = property(call, "$ai_input").to_string();
        assert!(content.contains("of the application"), "{content}");
        assert_eq!(property(call, "$ai_time_to_first_token"), 0.7);
    }
}

/// Id of the session in the tests' transcripts.
const SESSION: &str = "00000000-0000-4000-8000-000000000001";

/// Deliveries of the calls in a transcript, without common ids: only usage and end agree.
pub(super) fn deliveries_of(transcript: &Path) -> Vec<Value> {
    let text = fs::read_to_string(transcript).expect("it is there");
    let lines = text
        .lines()
        .map(|it| serde_json::from_str::<Value>(it).expect("JSON"));
    let mut answers: Vec<Value> = lines.filter(|it| it["type"] == "assistant").collect();
    // Each response has several lines, the last of which is its end.
    answers.reverse();
    answers.dedup_by_key(|it| it["message"]["id"].clone());
    answers.reverse();
    let deliveries = answers.iter().zip(0..).map(|(answer, number)| {
        let used = |name: &str| answer["message"]["usage"][name].as_u64().unwrap_or(0);
        let input = used("input_tokens")
            + used("cache_read_input_tokens")
            + used("cache_creation_input_tokens");
        let request = Request {
            session: Some(SESSION),
            tokens: (
                input,
                used("cache_read_input_tokens"),
                used("output_tokens"),
            ),
            ..Request::default()
        };
        let mut delivery = request.delivery(number);
        let end = answer["timestamp"].as_str().expect("a time");
        let end: DateTime<Utc> = end.parse().expect("a time");
        let end = end.timestamp_nanos_opt().expect("of this century");
        let root = &mut delivery["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
        root["startTimeUnixNano"] = (end - 1_000_000_000).to_string().into();
        root["endTimeUnixNano"] = end.to_string().into();
        delivery
    });
    deliveries.collect()
}

fn post(serving: &Serving, body: &Value) {
    let token = format!("Authorization: Bearer {TOKEN}");
    let headers = ["Content-Type: application/json", &token];
    let answer = serving.ask(&headers, body.to_string().as_bytes());
    assert_eq!(answer.status, 200);
}

#[test]
fn a_transcript_has_the_costs_that_openrouter_delivered_while_the_session_ran() {
    let posthog = PostHog::start();
    let env = env_with_token(&posthog).with("POSTHOG_LLMA_CC_ENABLED", "true");
    let session = Session::write(&env, 1, 2);
    let serving = Serving::start(&env);
    let deliveries = deliveries_of(&session.path);
    assert_eq!(deliveries.len(), 4, "two turns of two calls");
    for delivery in &deliveries {
        post(&serving, delivery);
    }
    finish(&env, serving);
    assert_eq!(
        posthog.named("$ai_generation").len(),
        0,
        "Claude Code sends its sessions itself"
    );
    ingest(&env, &session.path);
    let calls = posthog.named("$ai_generation");
    assert_eq!(calls.len(), 4);
    for call in &calls {
        assert_eq!(property(call, "$ai_total_cost_usd"), COST);
        assert_eq!(property(call, "$ai_lib"), "posthog-llma");
    }
}

#[test]
fn a_transcript_without_a_common_id_adds_no_call_that_openrouter_delivered_before() {
    let posthog = PostHog::start();
    let env = env_with_token(&posthog).with("POSTHOG_LLMA_CC_ENABLED", "false");
    let session = Session::write(&env, 1, 2);
    let deliveries = deliveries_of(&session.path);
    let serving = Serving::start(&env);
    // The last delivery is lost.
    for delivery in &deliveries[..3] {
        post(&serving, delivery);
    }
    finish(&env, serving);
    assert_eq!(posthog.named("$ai_generation").len(), 3);
    ingest(&env, &session.path);
    assert_eq!(
        posthog.named("$ai_generation").len(),
        4,
        "the lost one is in the transcript"
    );
}

/// Requests of one session: a tool call, a request of another kind, and the result of the tool.
fn with_a_tool(id: &str, earlier: &[Value]) -> [Request; 3] {
    let call = json!({ "id": id, "type": "function",
        "function": { "name": "stock", "arguments": r#"{"sku":"lamp"}"# } });
    let asked = json!({ "role": "user", "content": "Is the lamp in stock?" });
    let messages = [earlier, &[asked]].concat();
    let answered = [
        messages.as_slice(),
        &[
            json!({ "role": "assistant", "content": null, "tool_calls": [call] }),
            json!({ "role": "tool", "tool_call_id": id, "content": "4 lamps" }),
        ],
    ]
    .concat();
    let request = |messages, calls| Request {
        session: Some("a conversation"),
        messages,
        calls,
        ..Request::default()
    };
    let title = json!({ "role": "user", "content": "Give this a title" });
    [
        request(messages, vec![call]),
        request(vec![title], Vec::new()),
        request(answered, Vec::new()),
    ]
}

#[test]
fn a_tool_is_known_from_a_later_request_also_when_its_call_was_sent_long_before() {
    // An earlier turn had a tool call with the same id, since some hosts number them.
    let earlier = [
        json!({ "role": "user", "content": "Is the sofa in stock?" }),
        json!({ "role": "assistant", "content": null, "tool_calls": [{ "id": "call_0",
            "type": "function", "function": { "name": "stock", "arguments": r#"{"sku":"sofa"}"# } }] }),
        json!({ "role": "tool", "tool_call_id": "call_0", "content": "no sofa" }),
    ];
    for is_sent_between in [true, false] {
        let posthog = PostHog::start();
        let env = env_with_token(&posthog);
        let mut serving = Serving::start(&env);
        for (number, request) in (0..).zip(with_a_tool("call_0", &earlier)) {
            post(&serving, &request.delivery(number));
            if is_sent_between {
                finish(&env, serving);
                serving = Serving::start(&env);
            }
        }
        finish(&env, serving);
        let tools = posthog.named("$ai_span");
        let [tool] = &tools[..] else {
            panic!("{} tools, {is_sent_between}", tools.len());
        };
        assert_eq!(property(tool, "$ai_output_state"), "4 lamps");
        let calls = posthog.named("$ai_generation");
        assert_eq!(calls.len(), 3);
        let asked = calls
            .iter()
            .find(|it| property(it, "$ai_span_id") == property(tool, "$ai_parent_id"));
        assert!(asked.is_some(), "it is below the call that asked for it");
    }
}

#[test]
fn an_application_s_run_keeps_its_calls_with_the_costs_of_openrouter_in_any_order() {
    let run = "00000000000000000000000000000009";
    for is_own_first in [true, false] {
        let posthog = PostHog::start();
        let env = env_with_token(&posthog);
        let serving = Serving::start(&env);
        let mut agent = crate::serve::sends::call(9, 100, 0);
        agent["attributes"][0]["value"]["stringValue"] = "invoke_agent".into();
        let steps: Vec<Value> = (0..3_u64)
            .map(|number| {
                let mut step = own_span(&generation_id(number));
                step["traceId"] = run.into();
                step["spanId"] = format!("{:016x}", number + 1).into();
                step["parentSpanId"] = agent["spanId"].clone();
                step
            })
            .collect();
        let own = || {
            let body = request_of("shop", &[steps.clone(), vec![agent.clone()]].concat());
            post(&serving, &serde_json::from_slice(&body).expect("JSON"));
        };
        if is_own_first {
            own();
        }
        for number in 0..3 {
            post(&serving, &Request::default().delivery(number));
        }
        if !is_own_first {
            own();
        }
        finish(&env, serving);
        let calls = posthog.named("$ai_generation");
        assert_eq!(calls.len(), 3, "{is_own_first}");
        for call in &calls {
            assert_eq!(property(call, "$ai_trace_id"), run, "{is_own_first}");
            assert_eq!(property(call, "$ai_total_cost_usd"), COST, "{is_own_first}");
        }
        let traces = posthog.named("$ai_trace");
        assert_eq!(
            traces.len(),
            1,
            "a delivery of a call that is elsewhere is no trace"
        );
    }
}

#[test]
fn an_application_s_report_waits_for_openrouter_s_instead_of_being_sent_without_its_cost() {
    let posthog = PostHog::start();
    let env = env_with_token(&posthog);
    let serving = Serving::start(&env);
    post_own(&serving);
    // A trace that nobody else reports is sent meanwhile.
    let other = crate::serve::sends::call(5, 1, 0);
    post(
        &serving,
        &serde_json::from_slice(&request_of("mill", &[other])).expect("JSON"),
    );
    posthog.wait_until(SOON, |events| !events.is_empty());
    post(&serving, &Request::default().delivery(0));
    posthog.wait_until(SOON, |events| {
        events
            .iter()
            .filter(|it| it["event"] == "$ai_generation")
            .count()
            == 2
    });
    let calls = posthog.named("$ai_generation");
    let paid = calls
        .iter()
        .find(|it| property(it, "$ai_project_name") == "shop");
    assert_eq!(property(paid.expect("it came"), "$ai_total_cost_usd"), COST);
    drop(serving);
}
