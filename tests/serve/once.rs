//! A call that comes from OpenRouter and from another source is one event, in either order.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::openrouter::{env_with_token, finish, property};
use super::support::Serving;
use crate::receive::support::made::request_of;
use crate::receive::support::server::TOKEN;
use crate::support::env::TestEnv;
use crate::support::openrouter::{Destination, OpenRouter, Request, generation_id};
use crate::support::posthog::PostHog;
use crate::support::session::Session;

/// The cost of a request at OpenRouter, which nobody else states.
const COST: f64 = 0.000_045;

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

/// Writes a transcript in which the first response has the id that OpenRouter gives to its first
/// request.
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

/// The number of calls in a transcript, by what is sent of it alone.
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
            // Nobody switched the hooks on: only the id of the response tells.
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
    const SESSION: &str = "00000000-0000-4000-8000-000000000001";
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
    // A little earlier and later than OpenRouter's servers saw it.
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
