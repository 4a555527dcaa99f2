//! Excluded sessions whose calls a gateway, an application or the agent itself reports.

use std::path::Path;

use serde_json::{Value, json};

use super::openrouter::{env_with_token, finish};
use super::support::Serving;
use crate::otlp::traces::{request, span};
use crate::receive::support::server::TOKEN;
use crate::support::env::TestEnv;
use crate::support::openrouter::{Destination, OpenRouter, Request, generation_id};
use crate::support::posthog::{Fault, PostHog};
use crate::support::session::Session;
use crate::support::stop::Stop;

const SESSION: &str = "00000000-0000-4000-8000-000000000001";

/// A session of Claude Code with its hooks off, so that only OpenRouter delivers its calls.
fn env_without_hooks(posthog: &PostHog) -> TestEnv {
    let env = env_with_token(posthog).with("POSTHOG_LLMA_CC_ENABLED", "false");
    assert_eq!(Session::write(&env, 1, 1).id, SESSION);
    env
}

fn request_of_session() -> Request {
    Request {
        session: Some(SESSION),
        ..Request::default()
    }
}

fn deliver(serving: &Serving) {
    let destination = Destination::webhook(serving.address, TOKEN);
    OpenRouter::delivering_to([destination]).answer(&request_of_session());
}

#[test]
fn deliveries_of_a_session_that_was_paused_wait_until_it_is_resumed() {
    let posthog = PostHog::start();
    let env = env_without_hooks(&posthog);
    env.run(["pause", SESSION]).success();
    let serving = Serving::start(&env);
    deliver(&serving);
    finish(&env, serving);
    assert_eq!(posthog.named("$ai_generation").len(), 0);
    env.run(["resume", SESSION]).success();
    env.run(["flush"]).success();
    assert_eq!(posthog.named("$ai_generation").len(), 1);
}

#[test]
fn deliveries_of_a_session_that_was_forgotten_are_never_sent() {
    let posthog = PostHog::start();
    let env = env_without_hooks(&posthog);
    let serving = Serving::start(&env);
    deliver(&serving);
    // The trace is received, and not read yet.
    env.run(["forget", SESSION]).success();
    finish(&env, serving);
    assert_eq!(posthog.named("$ai_generation").len(), 0);
}

#[test]
fn events_of_deliveries_that_wait_are_withdrawn_when_their_session_is_forgotten() {
    let mut posthog = PostHog::start();
    let env = env_without_hooks(&posthog);
    let serving = Serving::start(&env);
    deliver(&serving);
    posthog.stop();
    assert!(serving.stop(Stop::Terminate).success());
    env.run(["flush"]).code(1);
    env.run(["forget", SESSION]).success();
    posthog.restart();
    env.run(["flush"]);
    assert_eq!(posthog.events().len(), 0);
    let outbox = env.state().join("outbox.db");
    assert!(Path::new(&outbox).exists());
    env.run(["status"]).never_mentions("waiting  ");
}

/// A call as an application reports it, with these facts besides.
fn of_application(facts: &Value) -> Value {
    let mut attributes = json!({
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "claude-haiku-4-5",
        "gen_ai.usage.input_tokens": 20,
        "gen_ai.usage.output_tokens": 5,
    });
    let all = attributes.as_object_mut().expect("an object");
    all.extend(facts.as_object().expect("an object").clone());
    request("shop", "app", &[span("a1", "chat", (0, 900), &attributes)])
}

/// The user that Claude Code states to its provider.
fn user_of_claude_code() -> String {
    format!("user_{}_account__session_{SESSION}", "5".repeat(64))
}

fn post(serving: &Serving, body: &Value) {
    let token = format!("Authorization: Bearer {TOKEN}");
    let headers = ["Content-Type: application/json", &token];
    let answer = serving.ask(&headers, body.to_string().as_bytes());
    assert_eq!(answer.status, 200, "{}", answer.text());
}

/// Sends requests while the session is paused, then after it is resumed; returns the calls that
/// PostHog has in between and at the end.
fn calls_while_paused_and_after(requests: &[Value]) -> (usize, usize) {
    let posthog = PostHog::start();
    let env = env_without_hooks(&posthog);
    env.run(["pause", SESSION]).success();
    let serving = Serving::start(&env);
    for request in requests {
        post(&serving, request);
    }
    finish(&env, serving);
    let while_paused = posthog.events().len();
    env.run(["resume", SESSION]).success();
    env.run(["flush"]).success();
    (while_paused, posthog.named("$ai_generation").len())
}

#[test]
fn a_call_of_a_paused_session_is_recognised_under_any_name_and_in_any_spelling() {
    let user = user_of_claude_code();
    for (name, value) in [
        ("session.id", SESSION.to_uppercase()),
        ("session.id", format!(" {SESSION}\n")),
        ("posthog.session_id", SESSION.to_owned()),
        ("ai.settings.context.sessionId", SESSION.to_owned()),
        (
            "traceloop.association.properties.thread_id",
            SESSION.to_owned(),
        ),
        ("mlflow.trace.session", SESSION.to_owned()),
        ("my.own.session", SESSION.to_owned()),
        ("metadata", json!({ "session_id": SESSION }).to_string()),
        ("user.id", user.clone()),
        (
            "metadata.user_id",
            json!({ "device_id": "5", "session_id": SESSION }).to_string(),
        ),
    ] {
        let request = of_application(&json!({ name: value }));
        let calls = calls_while_paused_and_after(&[request]);
        assert_eq!(calls, (0, 1), "{name}={value}");
    }
}

#[test]
fn a_delivery_names_the_session_of_claude_code_within_its_user() {
    let request = Request {
        user: Some(user_of_claude_code().leak()),
        ..Request::default()
    };
    let delivery = request.delivery(0);
    assert_eq!(calls_while_paused_and_after(&[delivery]), (0, 1));
}

/// The application does not know the session; OpenRouter's report of the same call does.
#[test]
fn a_call_of_a_paused_session_that_its_application_reports_too_is_held_with_it() {
    let own = of_application(&json!({ "gen_ai.response.id": generation_id(0) }));
    let delivery = request_of_session().delivery(0);
    for order in [[&own, &delivery], [&delivery, &own]] {
        let calls = calls_while_paused_and_after(&order.map(Value::clone));
        assert_eq!(calls, (0, 1));
    }
}

#[test]
fn events_of_files_that_name_a_session_wait_while_it_is_paused() {
    let facts = json!({ "session.id": SESSION, "gen_ai.request.model": "claude-haiku-4-5", "input_tokens": 20, "output_tokens": 5 });
    let of_agent = span("b1 < a1", "claude_code.llm_request", (100, 900), &facts);
    let scope = "com.anthropic.claude_code.tracing";
    let requests = [
        request_of_session().delivery(0),
        of_application(&json!({})),
        request("claude-code", scope, &[of_agent]),
    ];
    let posthog = PostHog::start();
    let env = env_without_hooks(&posthog);
    let lines = requests.iter().map(|it| format!("{it}\n"));
    let file = env.write("requests.jsonl", lines.collect::<String>());
    let file = file.to_str().expect("a path in UTF-8");
    // Refusing the key is no reason to try again at once.
    posthog.set(Fault::status(401));
    env.run(["ingest", file]);
    env.run(["pause", SESSION]).success();
    posthog.heal();
    env.run(["flush"]);
    env.run(["ingest", file]);
    assert_eq!(posthog.events().len(), 0);
    let output = env.run(["ingest", "--output", "-", file]);
    assert!(!output.stdout.contains("$ai_generation"));
    env.run(["resume", SESSION]).success();
    env.run(["ingest", file]);
    // Application and agent report the same call.
    assert_eq!(posthog.named("$ai_generation").len(), 2);
    assert_eq!(posthog.duplicates(), Vec::<String>::new());
}
