//! Working and waiting: a person who is asked, and background agents.

use std::thread;
use std::time::Duration;

use serde_json::Value;

use super::{SOON, posthog_and_claude};
use crate::support::posthog::PostHog;

/// Time for which the person in these tests thinks.
const THINKING: Duration = Duration::from_secs(5);

fn is_call(line: &Value) -> bool {
    line["message"]["content"][0]["type"] == "tool_use"
}

fn tool(posthog: &PostHog, name: &str) -> Value {
    let spans = posthog.named("$ai_span");
    let span = spans
        .iter()
        .find(|span| span["properties"]["$ai_span_name"] == name);
    span.unwrap_or_else(|| panic!("no span {name}: {spans:?}"))["properties"].clone()
}

#[test]
fn the_time_in_which_a_person_thinks_is_not_that_of_the_tool() {
    let Some((posthog, claude)) = posthog_and_claude() else {
        return;
    };
    let mut terminal = claude.open(&["--permission-mode", "default", "TOUCH"]);
    claude.wait_for_line(SOON, is_call);
    thread::sleep(THINKING);
    terminal.press("\r");
    claude.wait_for_line(SOON, |line| line["subtype"] == "turn_duration");
    terminal.terminate();
    posthog.wait_until(SOON, |events| {
        events.iter().any(|event| event["event"] == "$ai_trace")
    });
    let span = tool(&posthog, "Bash");
    let seconds = |name: &str| span[name].as_f64().expect("it is known");
    let thinking = THINKING.as_secs_f64();
    assert!(seconds("$ai_latency") < thinking - 2.0, "{span}");
    let waited = seconds("permission_wait_seconds");
    assert!((thinking - 2.0..thinking + 2.0).contains(&waited), "{span}");
    let traces = posthog.named("$ai_trace");
    assert_eq!(traces[0]["properties"]["waited_seconds"], waited);
}

#[test]
fn an_agent_that_fails_in_the_background_is_an_error_that_lasted_until_then() {
    let Some((posthog, claude)) = posthog_and_claude() else {
        return;
    };
    claude.prompt("DOOMED").success();
    posthog.wait_until(SOON, |events| {
        events.iter().any(|event| event["event"] == "$ai_trace")
    });
    let span = tool(&posthog, "Agent");
    assert_eq!(span["$ai_is_error"], true, "{span}");
    let error = span["$ai_error"].as_str().unwrap_or_default();
    assert!(error.contains("failed"), "{span}");
    assert!(span["$ai_latency"].as_f64().is_some(), "{span}");
}

#[test]
fn an_agent_in_the_background_lasts_until_it_is_done() {
    let Some((posthog, claude)) = posthog_and_claude() else {
        return;
    };
    claude.prompt("BACKGROUND").success();
    posthog.wait_until(SOON, |events| {
        events.iter().any(|event| event["event"] == "$ai_trace")
    });
    let span = tool(&posthog, "Agent");
    assert_eq!(span["$ai_is_error"], false, "{span}");
    let said = span["$ai_output_state"].to_string();
    assert!(said.contains("Done after 2 rounds of tools"), "{span}");
    let own = span["$ai_latency"].as_f64().expect("it is known");
    let calls = posthog.named("$ai_span");
    let inside = calls
        .iter()
        .filter(|call| call["properties"]["subagent_id"].is_string());
    let tools: f64 = inside
        .filter_map(|call| call["properties"]["$ai_latency"].as_f64())
        .fold(0.0, f64::max);
    assert!(own >= tools, "{own} s, a tool in it {tools} s");
}
