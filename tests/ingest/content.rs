//! Content that PostHog no longer keeps is not sent, unless the user asks for it.

use std::time::Duration;

use serde_json::Value;

use crate::support::posthog::PostHog;
use crate::support::scene::Scene;
use crate::support::session::Session;

const OLD: Duration = Duration::from_hours(24 * 40);

const CONTENT: [&str; 4] = [
    "$ai_input",
    "$ai_output_choices",
    "$ai_input_state",
    "$ai_output_state",
];

fn has_content(event: &Value) -> bool {
    CONTENT
        .iter()
        .any(|name| !event["properties"][name].is_null())
}

fn with_content(posthog: &PostHog, session: &Session) -> usize {
    let events = posthog.of_session(&session.id);
    events.iter().filter(|event| has_content(event)).count()
}

#[test]
fn content_that_posthog_would_drop_stays_at_home_and_all_else_is_sent() {
    let scene = Scene::new();
    let new = Session::write(&scene.env, 1, 2);
    let old = Session::write_ago(OLD, &scene.env, 2, 2);
    let outcome = scene.env.run(["ingest", "--all"]).success();
    outcome
        .complains("1 session ended more than 30 days ago")
        .complains("--with-old-content")
        .says("1  sessions without content, older than 30 days");
    scene.complete(&[&new, &old]);
    assert_eq!(with_content(&scene.posthog, &old), 0);
    assert_eq!(with_content(&scene.posthog, &new) as u64, new.events());
    let events = scene.posthog.of_session(&old.id);
    let called = events.iter().filter_map(|event| {
        let properties = &event["properties"];
        properties["$ai_tools_called"].as_str()
    });
    // The tools that PostHog would otherwise have derived from the content.
    assert_eq!(called.collect::<Vec<_>>(), ["Bash,Bash", "Bash,Bash"]);
}

#[test]
fn old_content_is_sent_when_asked_for() {
    let scene = Scene::new();
    let old = Session::write_ago(OLD, &scene.env, 1, 2);
    let outcome = scene.env.run(["ingest", "--all", "--with-old-content"]);
    outcome.success().complains("its cloud will not show it");
    scene.complete(&[&old]);
    assert_eq!(with_content(&scene.posthog, &old) as u64, old.events());
}
