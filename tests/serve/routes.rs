//! Several teams at one receiver: each token has its own project and privacy, and their data never
//! mix.

use serde_json::Value;

use super::once::{COST, deliveries_of};
use super::openrouter::property;
use super::sends::{body, call};
use super::support::{SOON, Serving};
use crate::support::env::{API_KEY, TestEnv};
use crate::support::openrouter::{Destination, OpenRouter, Request};
use crate::support::posthog::PostHog;
use crate::support::process::wait_for;
use crate::support::session::Session;
use crate::support::stop::Stop;

const SHOP: &str = "token-of-the-shop-team";
const LAB: &str = "token-of-the-lab-team";
const KEY_OF_LAB: &str = "phc_GFEDCBAzyxwvutsrqponmlkjihgfedcba9876543210";

fn write(env: &TestEnv, text: &str) {
    env.write_private(env.config().join("posthog-llma/serve.toml"), text);
}

/// A team with the project of the settings, and one with its own, private.
fn two_teams() -> String {
    format!(
        "[routes.shop]\ntoken = \"{SHOP}\"\n\
         [routes.lab]\ntoken = \"{LAB}\"\napi_key = \"{KEY_OF_LAB}\"\nprivacy_mode = true\n\
         openrouter_keys = [\"production\"]\n"
    )
}

/// Events by the key of their project.
fn of_project(posthog: &PostHog, key: &str) -> Vec<Value> {
    let requests = posthog.requests();
    let bodies = requests.iter().filter_map(|it| it.body.as_ref());
    let of_key = bodies.filter(|it| it["api_key"] == key);
    of_key
        .filter_map(|it| it["batch"].as_array().cloned())
        .flatten()
        .collect()
}

fn calls(events: &[Value]) -> Vec<&Value> {
    let calls = events.iter().filter(|it| it["event"] == "$ai_generation");
    calls.collect()
}

fn post(serving: &Serving, token: &str, spans: &[Value]) -> u16 {
    let token = format!("Authorization: Bearer {token}");
    let headers = ["Content-Type: application/json", &token];
    serving.ask(&headers, &body(spans)).status
}

/// Asserts that commands distinguish two traces with the same id by their routes.
fn are_told_apart(env: &TestEnv) {
    let shared = "00000000000000000000000000000009";
    let which = env.run(["pause", shared]);
    which.complains(&format!(
        "2 traces have this id; name one of them:\n  lab/{shared}"
    ));
    env.run(["pause", &format!("shop/{shared}")])
        .success()
        .complains("is paused");
    env.run(["resume", &format!("shop/{shared}")]).success();
    env.run(["status"]).says("openrouter by route lab: ");
    env.run(["show", &format!("lab/{shared}")])
        .success()
        .says("2 calls");
}

#[test]
fn the_same_request_of_two_teams_is_at_both_projects_each_with_its_own_privacy() {
    let posthog = PostHog::start();
    let env = TestEnv::sending_to(&posthog);
    write(&env, &two_teams());
    let serving = Serving::start(&env);
    wait_for("serve says where it sends", SOON, || {
        let said = serving.said();
        said.contains("what comes by route lab goes to ")
            .then_some(())
    });
    let both = [SHOP, LAB].map(|token| Destination::webhook(serving.address, token));
    let mut openrouter = OpenRouter::delivering_to(both);
    for key_name in ["production", "playground"] {
        openrouter.answer(&Request {
            key_name,
            session: Some("s"),
            ..Request::default()
        });
    }
    // Traces of the same id.
    assert_eq!(post(&serving, SHOP, &[call(9, 1, 0)]), 200);
    assert_eq!(post(&serving, LAB, &[call(9, 1, 0), call(9, 2, 0)]), 200);
    assert_eq!(
        serving
            .ask(&["Content-Type: application/json"], &body(&[call(1, 1, 0)]))
            .status,
        401
    );
    assert_eq!(serving.stop(Stop::Terminate).code(), Some(0));
    env.run(["flush"]).success();
    are_told_apart(&env);

    let (shop, lab) = (
        of_project(&posthog, API_KEY),
        of_project(&posthog, KEY_OF_LAB),
    );
    assert_eq!((calls(&shop).len(), calls(&lab).len()), (3, 3));
    assert!(shop.iter().any(|it| it.to_string().contains("Hello")));
    assert!(lab.iter().all(|it| !it.to_string().contains("Hello")));
    assert_eq!(posthog.duplicates(), Vec::<String>::new());
    let ids = |events: &[Value]| -> Vec<String> {
        let calls = calls(events).into_iter();
        let mut ids: Vec<String> = calls
            .map(|it| property(it, "$ai_trace_id").to_string())
            .collect();
        ids.sort();
        ids
    };
    // PostHog shows the id of the trace without the route.
    assert!(ids(&lab).iter().all(|it| it.len() == 34), "{:?}", ids(&lab));
    env.run(["status"])
        .says("route lab: made with the OpenRouter key \"playground\"");
    let again = env.run(["ingest", "--all"]);
    again.never_mentions("panicked");
    assert_eq!(
        of_project(&posthog, API_KEY).len(),
        shop.len(),
        "the lab's traces are not the shop's"
    );
}

#[test]
fn what_comes_by_a_route_without_a_key_or_of_a_route_that_is_gone_waits() {
    let posthog = PostHog::start();
    let env = TestEnv::sending_to(&posthog).without("POSTHOG_API_KEY");
    write(&env, &two_teams());
    let serving = Serving::start(&env);
    assert_eq!(post(&serving, SHOP, &[call(1, 1, 0)]), 200);
    assert_eq!(post(&serving, LAB, &[call(2, 1, 0)]), 200);
    assert_eq!(serving.stop(Stop::Terminate).code(), Some(0));
    write(&env, &two_teams().replace("lab", "other"));
    env.run(["flush"]);
    assert_eq!(posthog.events(), Vec::<Value>::new());
    env.run(["doctor"])
        .says("1 received trace came by route lab, which serve.toml does not have");
    write(&env, &two_teams());
    env.run(["flush"]);
    assert_eq!(calls(&of_project(&posthog, KEY_OF_LAB)).len(), 1);
    assert_eq!(
        posthog.named("$ai_generation").len(),
        1,
        "the shop has no key"
    );
}

#[test]
fn events_that_wait_follow_the_newest_privacy_of_their_route_and_wait_without_it() {
    let mut posthog = PostHog::start();
    let env = TestEnv::sending_to(&posthog);
    write(&env, &two_teams().replace("privacy_mode = true", ""));
    let serving = Serving::start(&env);
    let destination = Destination::webhook(serving.address, LAB);
    OpenRouter::delivering_to([destination]).answer(&Request::default());
    assert_eq!(serving.stop(Stop::Terminate).code(), Some(0));
    posthog.stop();
    env.run(["flush"]).code(1);
    posthog.restart();
    write(&env, "");
    env.run(["flush"])
        .code(1)
        .complains("serve.toml has no route lab any more");
    env.run(["doctor", "--json"])
        .says("has no route lab any more");
    assert_eq!(posthog.events(), Vec::<Value>::new());
    write(&env, &two_teams());
    env.run(["flush"]).success();
    let events = of_project(&posthog, KEY_OF_LAB);
    assert_eq!(calls(&events).len(), 1);
    assert!(
        events.iter().all(|it| !it.to_string().contains("Hello")),
        "{events:?}"
    );
}

#[test]
fn serve_ends_when_its_routes_change_and_does_not_begin_with_unusable_ones() {
    let posthog = PostHog::start();
    let env = TestEnv::sending_to(&posthog);
    write(&env, &two_teams());
    let serving = Serving::start(&env);
    write(&env, &format!("{}\n# new\n", two_teams()));
    wait_for("serve says why it ends", SOON, || {
        let said = serving.said();
        let said: Vec<&str> = said.split_whitespace().collect();
        let said = said.join(" ");
        said.contains("your settings were changed").then_some(())
    });
    write(&env, &two_teams().replace(LAB, SHOP));
    env.run(["serve", "--listen", "127.0.0.1:0"])
        .code(2)
        .complains("have the same token");
    write(&env, "[routes.shop]\ntoken = \"short\"\n");
    env.run(["serve", "--listen", "127.0.0.1:0"])
        .code(2)
        .complains("a token has at least 16 characters");
}

/// One team with the project of the settings.
fn one_team() -> String {
    format!("[routes.shop]\ntoken = \"{SHOP}\"\n")
}

#[test]
fn the_keys_that_an_option_names_hold_for_routes_that_name_none() {
    let posthog = PostHog::start();
    let env = TestEnv::sending_to(&posthog);
    write(&env, &one_team());
    let serving = Serving::start_with(&env, &["--openrouter-key", "production"]);
    let destination = Destination::webhook(serving.address, SHOP);
    let mut openrouter = OpenRouter::delivering_to([destination]);
    for key_name in ["production", "playground"] {
        openrouter.answer(&Request {
            key_name,
            ..Request::default()
        });
    }
    assert_eq!(serving.stop(Stop::Terminate).code(), Some(0));
    env.run(["flush"]).success();
    assert_eq!(posthog.named("$ai_generation").len(), 1);
}

#[test]
fn a_transcript_has_the_costs_that_came_by_a_route_to_its_project() {
    for hooks in ["true", "false"] {
        let posthog = PostHog::start();
        let env = TestEnv::sending_to(&posthog).with("POSTHOG_LLMA_CC_ENABLED", hooks);
        write(&env, &one_team());
        let session = Session::write(&env, 1, 2);
        let serving = Serving::start(&env);
        let deliveries = deliveries_of(&session.path);
        for delivery in &deliveries {
            let token = format!("Authorization: Bearer {SHOP}");
            let headers = ["Content-Type: application/json", &token];
            let body = delivery.to_string();
            assert_eq!(serving.ask(&headers, body.as_bytes()).status, 200);
        }
        assert_eq!(serving.stop(Stop::Terminate).code(), Some(0));
        env.run(["flush"]).success();
        let ingest = env.command(["ingest", "--with-old-content"]);
        ingest.argument(&session.path).run().success();
        let calls = posthog.named("$ai_generation");
        assert_eq!(calls.len(), deliveries.len(), "hooks: {hooks}");
        for call in &calls {
            assert_eq!(property(call, "$ai_total_cost_usd"), COST, "hooks: {hooks}");
        }
    }
}
