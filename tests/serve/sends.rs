//! From a request to PostHog, without any command.

use std::time::Duration;

use serde_json::Value;

use super::support::{SOON, Serving, changed};
use crate::receive::support::made::request_of;
use crate::support::env::TestEnv;
use crate::support::posthog::{Fault, PostHog};
use crate::support::process::wait_for;
use crate::support::stop::Stop;

/// A call of a model, in the conventions of OpenTelemetry.
pub(super) fn call(trace: u128, id: u64, parent: u64) -> Value {
    let attribute = |key: &str, value: Value| serde_json::json!({ "key": key, "value": value });
    let text = |text: &str| serde_json::json!({ "stringValue": text });
    let mut span = crate::receive::support::made::span(trace, id, parent, "of a call");
    span["attributes"] = serde_json::json!([
        attribute("gen_ai.operation.name", text("chat")),
        attribute("gen_ai.request.model", text("gpt-4o")),
        attribute(
            "gen_ai.usage.input_tokens",
            serde_json::json!({ "intValue": "9" })
        ),
        attribute(
            "gen_ai.usage.output_tokens",
            serde_json::json!({ "intValue": "3" })
        ),
    ]);
    span
}

pub(super) fn body(spans: &[Value]) -> Vec<u8> {
    request_of("shop", spans)
}

fn status(env: &TestEnv) -> Value {
    let outcome = env.run(["status", "--json"]);
    serde_json::from_str(&outcome.stdout).expect("it is JSON")
}

#[test]
fn a_trace_is_sent_when_it_is_quiet_and_what_comes_late_is_added() {
    let posthog = PostHog::start();
    let env = TestEnv::sending_to(&posthog);
    let serving = Serving::start(&env);
    assert!(serving.ready.contains(&posthog.url()), "{}", serving.ready);
    let mut agent = call(1, 9, 0);
    agent["attributes"][0]["value"]["stringValue"] = "invoke_agent".into();
    serving.take(&body(&[agent, call(1, 1, 9)]));
    posthog.wait_until(SOON, |events| !events.is_empty());
    let first = posthog.named("$ai_generation");
    assert_eq!(first.len(), 1);
    assert_eq!(first[0]["properties"]["$ai_project_name"], "shop");

    // A late span, and one that was stored already.
    serving.take(&body(&[call(1, 2, 9), call(1, 1, 9)]));
    posthog.wait_until(SOON, |events| {
        let calls = events.iter().filter(|it| it["event"] == "$ai_generation");
        calls.count() == 2
    });
    assert!(posthog.named("$ai_generation").contains(&first[0]));
    assert_eq!(changed(&posthog), Vec::<String>::new());

    let status = status(&env);
    let receiver = &status["receiver"];
    assert_eq!(receiver["running"], true);
    assert_eq!(receiver["services"][0]["service"], "shop");
    assert_eq!(receiver["services"][0]["spans"], 4);
    env.run(["show", "00000000000000000000000000000001"])
        .success()
        .says("2 calls");
    env.run(["status"]).says("shop: 4 spans in 2 requests");
    env.run(["doctor"]).says("receives; last from \"shop\"");
    assert_eq!(serving.stop(Stop::Interrupt).code(), Some(0));
}

#[test]
fn without_a_key_everything_is_kept_until_there_is_one() {
    let posthog = PostHog::start();
    let env = TestEnv::sending_to(&posthog);
    let keyless = TestEnv::sending_to(&posthog)
        .with("POSTHOG_LLMA_STATE_DIR", env.state())
        .without("POSTHOG_API_KEY");
    let serving = Serving::start(&keyless);
    assert!(
        serving.ready.contains("keeping what comes"),
        "{}",
        serving.ready
    );
    wait_for("it says why", SOON, || {
        serving
            .said()
            .contains("POSTHOG_API_KEY is not set")
            .then_some(())
    });
    serving.take(&body(&[call(1, 1, 0)]));
    assert_eq!(serving.stop(Stop::Terminate).code(), Some(0));
    keyless.run(["flush"]).code(0).complains("nothing waits");
    keyless.run(["doctor"]).says("there is no key");
    assert_eq!(posthog.count(), 0);
    // `flush` does not wait for traces to be quiet.
    env.run(["flush"])
        .success()
        .complains("1 received trace read");
    assert_eq!(posthog.named("$ai_generation").len(), 1);
    env.run(["flush"]).success().complains("nothing waits");
}

#[test]
fn traces_wait_until_there_is_room_for_their_events() {
    const TRACES: u32 = 24;
    let posthog = PostHog::start();
    let env = TestEnv::sending_to(&posthog).with("POSTHOG_LLMA_MAX_OUTBOX_BYTES", "1048576");
    let keyless = TestEnv::sending_to(&posthog)
        .with("POSTHOG_LLMA_STATE_DIR", env.state())
        .without("POSTHOG_API_KEY");
    let serving = Serving::start(&keyless);
    let mut random = fastrand::Rng::with_seed(1);
    for trace in 1..=TRACES {
        let words = (0..200_000).map(|it| if it % 7 == 0 { ' ' } else { random.lowercase() });
        let mut span = call(trace.into(), 1, 0);
        let words: String = words.collect();
        let content =
            serde_json::json!({ "key": "gen_ai.prompt", "value": { "stringValue": words } });
        span["attributes"]
            .as_array_mut()
            .expect("a list")
            .push(content);
        serving.take(&body(&[span]));
    }
    assert_eq!(serving.stop(Stop::Terminate).code(), Some(0));
    let mut flushes = 0;
    while env.run(["flush"]).status.code() != Some(0) {
        flushes += 1;
        assert!(flushes <= TRACES, "it has no end");
    }
    assert!(flushes > 0, "all of it had room");
    assert_eq!(posthog.named("$ai_generation").len(), TRACES as usize);
}

#[test]
fn a_slow_posthog_holds_up_nobody_who_sends() {
    let posthog = PostHog::start();
    posthog.set(Fault::Slow(Duration::from_secs(20)));
    let env = TestEnv::sending_to(&posthog);
    let serving = Serving::start(&env);
    serving.take(&body(&[call(1, 1, 0)]));
    wait_for("PostHog is asked", SOON, || {
        (status(&env)["receiver"]["waiting_traces"] == 0).then_some(())
    });
    for trace in 2..50 {
        serving.take(&body(&[call(trace, 1, 0)]));
    }
    posthog.heal();
}

#[test]
fn what_settings_say_of_privacy_and_properties_holds_for_what_is_received() {
    let posthog = PostHog::start();
    let env = TestEnv::sending_to(&posthog)
        .with("POSTHOG_LLMA_PRIVACY_MODE", "true")
        .with("POSTHOG_TAGS", "team:core");
    let serving = Serving::start(&env);
    let mut span = call(1, 1, 0);
    let content = serde_json::json!({ "key": "gen_ai.input.messages", "value": { "stringValue":
        r#"[{"role":"user","parts":[{"type":"text","content":"private words"}]}]"# } });
    span["attributes"]
        .as_array_mut()
        .expect("a list")
        .push(content);
    serving.take(&body(&[span]));
    assert_eq!(serving.stop(Stop::Terminate).code(), Some(0));
    env.run(["flush"]).success();
    let events = posthog.events();
    assert!(!events.is_empty());
    for event in events {
        assert_eq!(event["properties"]["team"], "core");
        assert!(!event.to_string().contains("private words"), "{event}");
    }
}

#[test]
fn a_trace_that_was_paused_is_sent_after_it_was_resumed() {
    let posthog = PostHog::start();
    let env = TestEnv::sending_to(&posthog);
    let trace = "00000000000000000000000000000001";
    let serving = Serving::start(&env);
    serving.take(&body(&[call(1, 1, 0)]));
    env.run(["pause", trace]).success();
    assert_eq!(serving.stop(Stop::Terminate).code(), Some(0));
    env.run(["flush"]).success();
    assert_eq!(posthog.events(), Vec::<Value>::new(), "it is paused");
    let resumed = env.run(["resume", &trace[..12]]).success();
    resumed.complains("posthog-llma serve sends it, or now posthog-llma flush");
    env.run(["flush"]).success();
    assert_eq!(posthog.named("$ai_generation").len(), 1);
}

#[test]
fn a_machine_that_only_receives_is_not_told_to_set_up_hooks() {
    let posthog = PostHog::start();
    let env = TestEnv::sending_to(&posthog).without("POSTHOG_LLMA_CC_ENABLED");
    assert!(!env.claude().exists(), "Claude Code was never here");
    let serving = Serving::start(&env);
    serving.take(&body(&[call(1, 1, 0)]));
    posthog.wait_until(SOON, |events| !events.is_empty());
    let status = env.run(["status"]).success();
    assert!(!status.stdout.contains("setup"), "{}", status.stdout);
    let doctor = env.run(["doctor"]).success();
    assert!(!doctor.stdout.contains("hook"), "{}", doctor.stdout);
}
