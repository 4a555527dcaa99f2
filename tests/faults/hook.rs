//! The hook: silent, quick and harmless with any input.

use std::fs;
use std::path::Path;

use serde_json::Value;
use walkdir::WalkDir;

use crate::support::env::TestEnv;
use crate::support::scene::{CROWDED, SOON, Scene};
use crate::support::session::Session;

#[test]
fn without_a_key_or_switched_off_nothing_happens_at_all() {
    type Special = fn(TestEnv) -> TestEnv;
    let table: [(&str, Special); 4] = [
        ("no key", |env| env.without("POSTHOG_API_KEY")),
        ("not switched on", |env| {
            env.without("POSTHOG_LLMA_CC_ENABLED")
        }),
        ("off", |env| env.with("POSTHOG_LLMA_CC_ENABLED", "false")),
        ("a typing error", |env| {
            env.with("POSTHOG_LLMA_CC_ENABLED", "ture")
        }),
    ];
    for (name, special) in table {
        let scene = Scene::on(|env| special(env).without("POSTHOG_LLMA_STATE_DIR"));
        let session = Session::write(&scene.env, 1, 1);
        let files = || WalkDir::new(scene.env.root()).into_iter().count();
        let before = files();
        scene.end(&session);
        scene.start();
        assert_eq!(files(), before, "{name}");
        assert_eq!(scene.posthog.requests().len(), 0, "{name}");
    }
}

#[test]
fn whatever_stands_on_stdin_the_hook_is_quiet_and_quick() {
    let scene = Scene::new();
    let session = Session::write(&scene.env, 1, 1);
    let huge = format!(r#"{{"filler":"{}"#, "x".repeat(30 << 20));
    let deep = "[".repeat(1 << 20);
    for input in [
        "",
        "garbage",
        "{",
        "null",
        "[]",
        "\u{0}\u{1}\u{2}",
        r#"{"transcript_path":5,"hook_event_name":["SessionEnd"]}"#,
        r#"{"transcript_path":"","hook_event_name":"SessionEnd"}"#,
        r#"{"transcript_path":"/dev/null","hook_event_name":"SessionEnd"}"#,
        r#"{"transcript_path":"/","hook_event_name":"SessionEnd"}"#,
        r#"{"hook_event_name":"SomethingNew"}"#,
        &huge,
        &deep,
    ] {
        for keeps_open in [false, true] {
            let run = scene.env.command(["hook"]).stdin(input);
            let run = if keeps_open {
                run.keeping_stdin_open()
            } else {
                run
            };
            run.run().success().silent().within(CROWDED);
        }
    }
    scene.settle();
    assert_eq!(scene.posthog.events().len(), 0);
    scene.end(&session);
    scene.settle();
    scene.complete(&[&session]);
}

#[test]
fn a_stdin_that_stays_open_keeps_nobody_waiting() {
    let scene = Scene::new();
    let session = Session::write(&scene.env, 1, 1);
    let run = scene.hook(&session).keeping_stdin_open();
    run.run().success().silent().within(CROWDED);
    scene.settle();
    scene.complete(&[&session]);
}

#[test]
fn without_input_the_environment_names_the_session() {
    let scene = Scene::new();
    let session = Session::write(&scene.env, 1, 1);
    let run = scene.env.command(["hook"]).keeping_stdin_open();
    let run = run.env("CLAUDE_CODE_SESSION_ID", &session.id);
    run.run().success().silent().within(CROWDED);
    scene.settle();
    scene.complete(&[&session]);
}

#[test]
fn a_transcript_that_is_not_there_is_noted_and_keeps_nothing_else_back() {
    let scene = Scene::new();
    let waiting = Session::write(&scene.env, 1, 1);
    let gone = Session::write(&scene.env, 2, 1);
    fs::remove_file(&gone.path).expect("it is ours");
    scene.end(&gone);
    scene.settle();
    let run = &scene.status()["runs"][0];
    assert!(run["error"].to_string().contains("is not there"), "{run}");
    scene.end(&waiting);
    scene.settle();
    scene.complete(&[&waiting]);
}

#[test]
fn a_session_whose_transcript_is_nowhere_is_noted() {
    let scene = Scene::new();
    let input = r#"{"hook_event_name":"SessionEnd","session_id":"s-9","transcript_path":""}"#;
    let run = scene.env.command(["hook"]).stdin(input);
    run.run().success().silent().within(CROWDED);
    scene.settle();
    let run = &scene.status()["runs"][0];
    let error = run["error"].to_string();
    assert!(error.contains("session s-9 is nowhere in"), "{run}");
    assert_eq!(run["session"], "s-9");
}

#[test]
fn settings_that_cannot_be_read_are_noted_and_send_nowhere() {
    let scene = Scene::on(|env| env.with("POSTHOG_HOST", "http://posthog.example.com"));
    let session = Session::write(&scene.env, 1, 1);
    scene.end(&session);
    scene.settle();
    let status = scene.status().to_string();
    assert!(status.contains("POSTHOG_HOST"), "{status}");
    // The fault is repaired, and the session ends once more.
    let right = scene
        .hook(&session)
        .env("POSTHOG_HOST", scene.posthog.url());
    right.run().success().silent().within(CROWDED);
    scene.settle();
    scene.complete(&[&session]);
}

#[test]
fn a_home_that_does_not_exist_is_no_hindrance() {
    let scene = Scene::on(|env| env.with("HOME", "/nonexistent"));
    let session = Session::write(&scene.env, 1, 1);
    scene.end(&session);
    scene.settle();
    scene.complete(&[&session]);
}

#[test]
fn relative_paths_mean_what_they_meant_to_claude_code() {
    let scene = Scene::on(|env| {
        env.with("POSTHOG_LLMA_STATE_DIR", "../state")
            .with("CLAUDE_CONFIG_DIR", "../home/.claude")
    });
    let session = Session::write(&scene.env, 1, 1);
    let path = session
        .path
        .strip_prefix(scene.env.root())
        .expect("it is below");
    let path = Path::new("..").join(path);
    let mut input: Value = serde_json::from_str(&session.hook_input("SessionEnd")).expect("JSON");
    input["transcript_path"] = path.to_str().into();
    let input = input.to_string();
    scene
        .env
        .command(["hook"])
        .stdin(input)
        .run()
        .success()
        .silent();
    scene.posthog.wait_until(SOON, |events| !events.is_empty());
    scene.settle();
    scene.complete(&[&session]);
}
