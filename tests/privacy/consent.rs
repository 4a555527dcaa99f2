//! Destinations of sessions, and excluded projects.

use std::fs;

use serde_json::{Value, json};

use crate::support::env::API_KEY;
use crate::support::scene::{SOON, Scene};
use crate::support::session::Session;

fn status(scene: &Scene) -> Value {
    let outcome = scene.env.run(["status", "--json"]).success();
    serde_json::from_str(&outcome.stdout).expect("JSON")
}

/// Commits settings with a destination.
fn commit_destination(scene: &Scene) {
    let settings = format!(
        r#"{{"env":{{"POSTHOG_HOST":"{}","POSTHOG_API_KEY":"{API_KEY}"}}}}"#,
        scene.posthog.url()
    );
    scene
        .env
        .write(scene.env.project().join(".claude/settings.json"), settings);
}

#[test]
fn a_destination_that_a_repository_chose_waits_until_the_user_confirms_it() {
    let scene = Scene::new();
    commit_destination(&scene);
    let session = Session::write(&scene.env, 1, 2);
    scene.end(&session);
    scene.settle();
    assert_eq!(scene.posthog.requests().len(), 0);
    let told = status(&scene);
    assert_eq!(told["sessions"][0]["waiting"], session.events());
    let unconfirmed = told["unconfirmed"].as_str().unwrap_or_default().to_owned();
    assert!(
        unconfirmed.contains("posthog-llma trust --project"),
        "{told}"
    );
    scene
        .env
        .run(["flush"])
        .code(1)
        .complains("posthog-llma trust --project");
    assert_eq!(scene.posthog.requests().len(), 0);

    scene
        .env
        .run(["trust", "--project"])
        .success()
        .complains("may go to");
    scene.env.run(["flush"]).success();
    assert_eq!(scene.posthog.events().len() as u64, session.events());
}

#[test]
fn another_key_in_the_committed_settings_has_to_be_confirmed_again() {
    let scene = Scene::new();
    commit_destination(&scene);
    scene.env.run(["trust", "--project"]).success();
    let settings = format!(
        r#"{{"env":{{"POSTHOG_HOST":"{}","POSTHOG_API_KEY":"phc_somebody_elses_key"}}}}"#,
        scene.posthog.url()
    );
    scene
        .env
        .write(scene.env.project().join(".claude/settings.json"), settings);
    let session = Session::write(&scene.env, 1, 1);
    let hook = scene
        .hook(&session)
        .env("POSTHOG_API_KEY", "phc_somebody_elses_key");
    hook.run().success().silent();
    scene.settle();
    assert_eq!(scene.posthog.requests().len(), 0);
}

#[test]
fn a_host_that_is_not_posthogs_waits_until_it_is_confirmed() {
    let scene = Scene::new();
    let session = Session::write(&scene.env, 1, 1);
    let hook = scene
        .hook(&session)
        .env("POSTHOG_HOST", "https://posthog.invalid");
    hook.run().success().silent();
    scene.settle();
    let told = status(&scene);
    let destination = &told["destinations"][0];
    assert_eq!(destination["host"], "https://posthog.invalid");
    // Nothing was attempted: there is neither a success nor an error.
    assert_eq!(destination["last_error"], Value::Null);
    assert_eq!(destination["waiting"], session.events());
    scene
        .env
        .run(["flush"])
        .code(1)
        .complains("posthog-llma trust https://posthog.invalid");

    scene.env.run(["trust", "posthog.invalid"]).success();
    scene
        .env
        .run(["flush"])
        .code(1)
        .complains("posthog.invalid");
    let error = status(&scene)["destinations"][0]["last_error"].to_string();
    assert!(error.contains("cannot find the host"), "{error}");
}

#[test]
fn a_coding_agent_cannot_confirm_anything() {
    let scene = Scene::new();
    let inside = scene
        .env
        .command(["trust", "evil.example"])
        .env("CLAUDECODE", "1");
    inside.run().code(2).complains("in a terminal of your own");
}

#[test]
fn a_project_that_opted_out_is_never_read() {
    let scene = Scene::new();
    let session = Session::write(&scene.env, 1, 1);
    scene
        .env
        .write(scene.env.project().join(".posthog-llma-ignore"), "");
    scene.end(&session);
    scene.settle();
    scene
        .env
        .run(["ingest", "--all"])
        .success()
        .complains("is left alone");
    session.age(std::time::Duration::from_hours(2));
    scene.start();
    assert_eq!(scene.posthog.requests().len(), 0);
}

#[test]
fn a_folder_that_opted_out_counts_from_the_first_line_of_a_large_session_on() {
    let scene = Scene::new();
    let session = Session::write(&scene.env, 1, 5000);
    let ignored = scene.env.root().join("ignored");
    scene.env.write(ignored.join(".posthog-llma-ignore"), "");
    let mut lines = fs::read_to_string(&session.path).expect("it was written");
    assert!(
        lines.len() > 9 << 20,
        "{} bytes are read at once",
        lines.len()
    );
    let first = lines.lines().next().expect("a line");
    let mut last: Value = serde_json::from_str(first).expect("it is JSON");
    last["uuid"] = json!("the-last-line");
    last["cwd"] = json!(ignored);
    lines.push_str(&last.to_string());
    scene.env.write(&session.path, lines + "\n");
    scene.end(&session);
    scene.settle();
    for arguments in [
        &["ingest", "--all"][..],
        &["ingest", "--all", "--output", "-"],
    ] {
        let outcome = scene.env.run(arguments).success();
        outcome
            .complains("is left alone")
            .never_mentions("$ai_generation");
    }
    assert_eq!(scene.status()["sessions"], json!([]));
    assert_eq!(scene.posthog.requests().len(), 0);
}

#[test]
fn committed_settings_cannot_switch_privacy_off() {
    let scene = Scene::new();
    let name = "POSTHOG_LLMA_PRIVACY_MODE";
    let of_project = format!(r#"{{"env":{{"{name}":"false"}}}}"#);
    scene.env.write(
        scene.env.project().join(".claude/settings.json"),
        of_project,
    );
    let of_user = format!(r#"{{"env":{{"{name}":"true"}}}}"#);
    scene
        .env
        .write(scene.env.claude().join("settings.json"), of_user);
    let session = Session::write(&scene.env, 1, 1);
    // In Claude Code, the project's settings override the user's.
    scene
        .hook(&session)
        .env(name, "false")
        .run()
        .success()
        .silent();
    scene.settle();
    let events = scene.posthog.events();
    assert_eq!(events.len() as u64, session.events());
    for event in events {
        let properties = &event["properties"];
        assert!(properties.get("$ai_user_prompt").is_none(), "{event}");
        assert!(properties["$ai_output_choices"].is_null(), "{event}");
    }
}

#[test]
fn committed_settings_cannot_move_the_outbox() {
    let scene = Scene::new();
    let name = "POSTHOG_LLMA_STATE_DIR";
    let settings = format!(r#"{{"env":{{"{name}":"outbox"}}}}"#);
    scene
        .env
        .write(scene.env.project().join(".claude/settings.json"), settings);
    let session = Session::write(&scene.env, 1, 1);
    let outcome = scene.hook(&session).env(name, "outbox").run();
    outcome.success().silent();
    let all_arrived = |events: &[Value]| events.len() as u64 == session.events();
    scene.posthog.wait_until(SOON, all_arrived);
    assert!(!scene.env.project().join("outbox").exists());
}
