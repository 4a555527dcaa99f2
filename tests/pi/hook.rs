//! The hook that the extension starts, and its detached process, without Pi.

use std::fs::{self, File};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::pi::fixtures::transcript;
use crate::support::env::{self, Outcome};
use crate::support::scene::{CROWDED, Scene};

/// Age at which a quiet session is stored by the sweep.
const TWO_HOURS: Duration = Duration::from_hours(2);

fn scene() -> Scene {
    Scene::on(|env| env.without("POSTHOG_LLMA_CC_ENABLED"))
}

/// Copies a fixture into Pi's folder of sessions.
fn session(scene: &Scene, number: &str, lines: usize) -> PathBuf {
    let text = fs::read_to_string(transcript(number)).expect("the fixture is there");
    let name = transcript(number);
    let name = name
        .file_name()
        .expect("a name")
        .to_string_lossy()
        .into_owned();
    let lines: String = text.split_inclusive('\n').take(lines).collect();
    scene
        .env
        .write(format!("home/.pi/agent/sessions/--p--/{name}"), lines)
}

#[track_caller]
fn hook(scene: &Scene, session: &PathBuf, more: &[&str]) -> Outcome {
    let words = ["hook", "--agent", "pi", "--session"];
    let mut run = scene.env.command(words).argument(session);
    for word in more {
        run = run.argument(word);
    }
    let outcome = run.run().success().silent().within(CROWDED);
    scene.settle();
    outcome
}

fn named(scene: &Scene, name: &str) -> Vec<Value> {
    assert_eq!(scene.posthog.duplicates(), Vec::<String>::new());
    scene.posthog.named(name)
}

#[test]
fn each_answer_is_sent_when_the_agent_is_idle_and_the_end_adds_only_new_events() {
    let scene = scene();
    let path = session(&scene, "00000101", 6);
    hook(&scene, &path, &["--running"]);
    assert_eq!(named(&scene, "$ai_generation").len(), 1);
    session(&scene, "00000101", 99);
    hook(&scene, &path, &["--running"]);
    let calls = named(&scene, "$ai_generation");
    assert_eq!(calls.len(), 2);
    assert_eq!(
        calls[0]["distinct_id"],
        "pi:00000101-0000-7000-8000-000000000000"
    );
    let requests = scene.posthog.requests().len();
    hook(&scene, &path, &[]);
    assert_eq!(scene.posthog.requests().len(), requests, "nothing is new");
    let outcome = scene.env.run(["ingest", "--all"]).success();
    let outcome = outcome.says("(nothing new)");
    drop(outcome);
    let status = scene.status();
    assert_eq!(status["sessions"][0]["agent"], "pi");
    assert_eq!(status["runs"][0]["error"], Value::Null, "{status:#}");
}

#[test]
fn nothing_happens_without_a_key_or_when_it_is_switched_off_or_there_is_no_file() {
    for special in ["POSTHOG_API_KEY", "POSTHOG_ENABLED", "no file"] {
        let scene = Scene::on(|env| match special {
            "POSTHOG_API_KEY" => env.without(special),
            "POSTHOG_ENABLED" => env.with(special, "false"),
            _ => env,
        });
        let mut path = session(&scene, "00000101", 99);
        if special == "no file" {
            path.set_extension("gone");
        }
        hook(&scene, &path, &[]);
        assert!(scene.posthog.requests().is_empty(), "{special}");
        let state = fs::read_dir(scene.env.state()).expect("it is there");
        assert_eq!(state.count(), 0, "{special}: nothing is stored");
    }
}

#[test]
fn sending_for_claude_code_alone_sends_no_session_of_pi() {
    let scene = Scene::new();
    scene.start();
    let path = session(&scene, "00000101", 99);
    quiet(&path);
    scene.start();
    assert!(named(&scene, "$ai_generation").is_empty());
}

/// Sets the modification time of the session two hours back.
fn quiet(path: &PathBuf) {
    let file = File::options().append(true).open(path).expect("it is ours");
    let then = SystemTime::now() - TWO_HOURS;
    file.set_modified(then).expect("it is ours");
}

#[test]
fn a_session_whose_end_was_missed_is_made_up_for_by_the_next_that_ends() {
    let scene = scene();
    let first = session(&scene, "00000101", 99);
    hook(&scene, &first, &[]);
    assert_eq!(named(&scene, "$ai_generation").len(), 2);
    // Written long before sending was switched on: never sent by itself.
    quiet(&session(&scene, "00000109", 99));
    // Written to since, without an end.
    let killed = session(&scene, "00000103", 99);
    let text = fs::read_to_string(&killed).expect("it is there");
    let now = chrono::Utc::now().format("%Y-%m-%dT").to_string();
    let tomorrow = chrono::Utc::now() + chrono::TimeDelta::days(1);
    let now = now.replace(&now, &tomorrow.format("%Y-%m-%dT").to_string());
    fs::write(&killed, text.replace("\"2026-03-02T", &format!("\"{now}"))).expect("it is ours");
    quiet(&killed);
    hook(&scene, &first, &[]);
    assert_eq!(named(&scene, "$ai_generation").len(), 2 + 4);
}

#[test]
fn ingest_takes_the_sessions_of_one_agent_or_of_all() {
    let scene = scene();
    let path = session(&scene, "00000101", 99);
    session(&scene, "00000102", 99);
    let claude = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/fixtures/sessions/-home-ada-bookshop"
    );
    let claude = fs::read_dir(claude)
        .expect("fixtures")
        .filter_map(Result::ok);
    let claude = claude
        .map(|it| it.path())
        .find(|it| it.to_string_lossy().contains("00000001-"));
    let claude = fs::read(claude.expect("a fixture")).expect("it is there");
    let name = "00000001-0000-4000-8000-000000000000.jsonl";
    scene
        .env
        .write(format!("home/.claude/projects/-p/{name}"), claude);

    let list = |arguments: &[&str]| {
        let words = ["ingest", "--list"].iter().chain(arguments);
        scene.env.run(words).success().stdout
    };
    assert_eq!(list(&[]).lines().count(), 1 + 3);
    assert_eq!(list(&["--agent", "pi"]).lines().count(), 1 + 2);
    assert!(list(&["--agent", "claude-code"]).contains("claude-code"));
    scene
        .env
        .run(["ingest", "--agent", "codex"])
        .code(2)
        .complains("claude-code, pi");
    let by_id = ["ingest", "--dry-run", "00000102"];
    scene.env.run(by_id).success().says("1 session");
    scene.env.run(["ingest", "--dry-run"].iter()).code(2);
    let file = scene.env.command(["ingest", "--dry-run"]).argument(&path);
    file.run().success().says("00000101");
    let all = ["ingest", "--all", "--agent", "pi"];
    scene.env.run(all).success();
    let frameworks: Vec<Value> = scene
        .posthog
        .events()
        .iter()
        .map(|event| event["properties"]["$ai_framework"].clone())
        .collect();
    assert!(frameworks.iter().all(|framework| framework == "pi"));
    assert!(!frameworks.is_empty());
}

#[test]
fn status_and_doctor_show_whether_pi_runs_the_hook() {
    let scene = Scene::new();
    session(&scene, "00000101", 99);
    let shown = |what: &str| {
        let status = scene.env.run(["status"]).success().says(what);
        status.never_mentions("posthog-llma setup");
        // A user of Pi alone has no problem with Claude Code.
        scene.env.run(["doctor"]).success().says(what);
    };
    shown("off: its plugin is not installed; 1 session");
    let packages = r#"{"packages":["npm:posthog-llma-pi"]}"#;
    scene.env.write("home/.pi/agent/settings.json", packages);
    let by = env::in_home(".pi/agent/settings.json");
    shown(&format!("on, by {by}; 1 session"));
    assert_eq!(scene.status()["agents"][0]["enabled"], true);
    let outcome = scene
        .env
        .command(["status"])
        .env("POSTHOG_ENABLED", "no")
        .run();
    outcome.success().says("off: POSTHOG_ENABLED is false");
}
