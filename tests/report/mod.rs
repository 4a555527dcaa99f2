//! `posthog-llma report`: sums over sessions.

mod budget;
mod ccusage;
mod findings;
mod formats;
mod pages;
mod public;

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::env::{Run, TestEnv};
use crate::support::scene::Scene;
use crate::support::session::Session;

pub(crate) const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/sessions");
const HOUR: Duration = Duration::from_hours(1);
pub(crate) const GROUPS: [&str; 11] = [
    "day", "week", "month", "model", "project", "branch", "pr", "session", "agent", "tool", "user",
];

/// The report as JSON.
#[track_caller]
fn report(env: &TestEnv, arguments: &[&str]) -> Value {
    let run = env.command(["report", "--json"]);
    let run = arguments.iter().fold(run, Run::argument);
    serde_json::from_str(&run.run().success().stdout).expect("it prints JSON")
}

fn rows(report: &Value) -> &[Value] {
    report["rows"].as_array().expect("there are rows")
}

#[test]
fn the_sums_are_those_of_what_was_written() {
    let env = TestEnv::new();
    let [a, b] = [1, 2].map(|number| Session::write_ago(HOUR * 100, &env, number, 3));
    let report = report(&env, &["--by", "model"]);
    let total = &report["total"];
    let output = a.output_tokens() + b.output_tokens();
    for (name, expected) in [
        ("sessions", 2),
        ("calls", 12),
        ("tools", 12),
        ("failed_tools", 0),
    ] {
        assert_eq!(total[name], expected, "{name}");
    }
    let tokens = json!({
        "input": 36, "output": output, "cache_read": 84, "cache_write": 60,
        "cache_write_1h": 0, "reasoning": 0,
    });
    assert_eq!(total["tokens"], tokens);
    // Dollars per million tokens: 2 in, 10 out, 0.2 read, 2.5 written.
    #[expect(clippy::cast_precision_loss, reason = "few tokens")]
    let expected = (36.0 * 2.0 + output as f64 * 10.0 + 84.0 * 0.2 + 60.0 * 2.5) / 1e6;
    let cost = total["cost"]["usd"].as_f64().expect("it is known");
    assert!((cost - expected).abs() < 1e-9, "{cost} {expected}");
    assert_eq!(total["cost"]["source"], "list");
    assert_eq!(rows(&report).len(), 1);
    assert_eq!(rows(&report)[0]["name"], "claude-sonnet-5");
}

#[test]
fn a_copied_session_is_counted_once() {
    let env = TestEnv::new();
    let original = Session::write_ago(HOUR * 100, &env, 1, 3);
    let before = report(&env, &[]);
    original.fork(&env, 2).age(HOUR * 99);
    let after = report(&env, &[]);
    for name in ["calls", "tools", "tokens", "cost"] {
        assert_eq!(before["total"][name], after["total"][name], "{name}");
    }
}

#[test]
fn the_rows_add_up_to_the_total() {
    let env = TestEnv::new();
    for by in GROUPS {
        let report = report(&env, &[FIXTURES, "--by", by]);
        let sum = |name: &str| -> u64 {
            let numbers = rows(&report).iter().map(|row| &row["numbers"]);
            numbers.filter_map(|it| it.pointer(name)?.as_u64()).sum()
        };
        let total = |name: &str| report["total"].pointer(name).and_then(Value::as_u64);
        assert_eq!(Some(sum("/tools")), total("/tools"), "{by}");
        assert_eq!(Some(sum("/failed_tools")), total("/failed_tools"), "{by}");
        if by == "tool" {
            continue;
        }
        for name in [
            "/calls",
            "/failed_calls",
            "/tokens/output",
            "/tokens/cache_read",
        ] {
            assert_eq!(Some(sum(name)), total(name), "{by} {name}");
        }
        // By model, only the work of tools is known.
        if by != "model" {
            assert_eq!(Some(sum("/lines_added")), total("/lines_added"), "{by}");
            assert_eq!(Some(sum("/commits")), total("/commits"), "{by}");
        }
    }
}

#[test]
fn what_is_outside_of_the_period_does_not_count() {
    let env = TestEnv::new();
    Session::write_ago(HOUR * 100, &env, 1, 3);
    Session::write_ago(HOUR * 10, &env, 2, 1);
    for (arguments, sessions) in [
        (vec![], 2),
        (vec!["--since", "48h"], 1),
        (vec!["--until", "48h"], 1),
        (vec!["--since", "2h"], 0),
        (vec!["--agent", "pi"], 0),
        (vec!["--agent", "claude-code"], 2),
        (vec!["--project", "."], 2),
        (vec!["--project", "elsewhere"], 0),
    ] {
        let report = report(&env, &arguments);
        assert_eq!(report["total"]["sessions"], sessions, "{arguments:?}");
    }
    env.run(["report", "--since", "1h", "--until", "2h"])
        .code(2);
}

#[test]
fn a_branch_has_what_was_done_on_it_and_work_outside_of_any_has_a_row() {
    let env = TestEnv::new();
    let report = report(&env, &[FIXTURES, "--by", "branch"]);
    let of = |branch: Value| rows(&report).iter().any(|row| row["name"] == branch);
    assert!(of("main".into()) && of(Value::Null), "{report}");
}

#[test]
fn sessions_that_are_never_sent_are_their_owner_s_to_see_and_nothing_is_sent() {
    let scene = Scene::new();
    let paused = Session::write_ago(HOUR * 100, &scene.env, 1, 1);
    scene.env.run(["pause", &paused.id]).success();
    scene.env.write("project/.posthog-llma-ignore", "");
    Session::write_ago(HOUR * 100, &scene.env, 2, 1);
    let report = report(&scene.env, &[]);
    assert_eq!(report["total"]["sessions"], 2);
    assert_eq!(scene.posthog.events(), Vec::<Value>::new());
}
