//! Excluded sessions whose calls a gateway delivers.

use std::path::Path;

use super::openrouter::{env_with_token, finish};
use super::support::Serving;
use crate::receive::support::server::TOKEN;
use crate::support::env::TestEnv;
use crate::support::openrouter::{Destination, OpenRouter, Request};
use crate::support::posthog::PostHog;
use crate::support::session::Session;

const SESSION: &str = "00000000-0000-4000-8000-000000000001";

/// A session of Claude Code with its hooks off, so that only OpenRouter delivers its calls.
fn env_without_hooks(posthog: &PostHog) -> TestEnv {
    let env = env_with_token(posthog).with("POSTHOG_LLMA_CC_ENABLED", "false");
    assert_eq!(Session::write(&env, 1, 1).id, SESSION);
    env
}

fn request() -> Request {
    Request {
        session: Some(SESSION),
        ..Request::default()
    }
}

fn deliver(serving: &Serving) {
    let destination = Destination::webhook(serving.address, TOKEN);
    OpenRouter::delivering_to([destination]).answer(&request());
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
    assert!(serving.stop(rustix::process::Signal::TERM).success());
    env.run(["flush"]).code(1);
    env.run(["forget", SESSION]).success();
    posthog.restart();
    env.run(["flush"]);
    assert_eq!(posthog.events().len(), 0);
    let outbox = env.state().join("outbox.db");
    assert!(Path::new(&outbox).exists());
    env.run(["status"]).never_mentions("waiting  ");
}
