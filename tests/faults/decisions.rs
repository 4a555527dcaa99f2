//! Waiting events follow the decisions that the user makes meanwhile.

use std::fs;

use serde_json::json;

use super::turns::{change_outbox, stored_and_killed};
use crate::support::env::Outcome;
use crate::support::posthog::Fault;
use crate::support::process::wait_for;
use crate::support::scene::{SOON, Scene};
use crate::support::session::Session;

/// A command that sends waiting events.
type Send = fn(&Scene);

const SENDERS: [(&str, Send); 3] = [
    ("start", |scene| scene.start()),
    ("flush", |scene| {
        scene.flush().success();
    }),
    ("ingest", |scene| {
        scene.env.run(["ingest", "--all", "--yes"]);
    }),
];

#[test]
fn what_waits_is_not_sent_from_a_project_that_is_excluded_meanwhile() {
    for (name, send) in SENDERS {
        let scene = Scene::new();
        let session = Session::write(&scene.env, 1, 1);
        stored_and_killed(&scene, &session, Fault::status(503));
        change_outbox(&scene, "UPDATE destinations SET not_before = NULL");
        let mark = scene.env.project().join(".posthog-llma-ignore");
        fs::write(&mark, "").expect("it is writable");
        scene.posthog.heal();
        send(&scene);
        scene.settle();
        assert_eq!(scene.posthog.events().len(), 0, "{name}");
        let waiting = &scene.status()["destinations"][0]["waiting"];
        assert_eq!(*waiting, 0, "{name}");
        fs::remove_file(&mark).expect("it is ours");
        scene.end(&session);
        scene.settle();
        scene.complete(&[&session]);
    }
}

#[test]
fn what_waits_is_sent_without_the_content_that_is_to_stay_here_meanwhile() {
    for (name, send) in SENDERS {
        for file in ["home/.claude/settings.json", ".claude/settings.json"] {
            let scene = Scene::new();
            let session = Session::write(&scene.env, 1, 1);
            stored_and_killed(&scene, &session, Fault::status(503));
            change_outbox(&scene, "UPDATE destinations SET not_before = NULL");
            let private = json!({ "env": { "POSTHOG_LLMA_PRIVACY_MODE": "true" } }).to_string();
            if file.starts_with("home") {
                scene.env.write(file, private);
            } else {
                let folder = scene.env.project().join(".claude");
                fs::create_dir_all(&folder).expect("it is writable");
                fs::write(folder.join("settings.json"), private).expect("it is writable");
            }
            scene.posthog.heal();
            send(&scene);
            scene.settle();
            let events = scene.posthog.events();
            let case = format!("{name}, {file}");
            assert_eq!(events.len() as u64, session.events(), "{case}");
            let text = json!(events).to_string();
            assert!(!text.contains("prompt 1 of session 1"), "{case}");
        }
    }
}

/// A session whose events all wait, and are due.
fn waiting() -> (Scene, Session) {
    let scene = Scene::new();
    let session = Session::write(&scene.env, 1, 1);
    stored_and_killed(&scene, &session, Fault::status(503));
    change_outbox(&scene, "UPDATE destinations SET not_before = NULL");
    scene.posthog.heal();
    (scene, session)
}

/// Writes the settings of the project.
fn set(scene: &Scene, settings: &str) {
    let folder = scene.env.project().join(".claude");
    fs::create_dir_all(&folder).expect("it is writable");
    fs::write(folder.join("settings.json"), settings).expect("it is writable");
}

const PRIVATE: &str = r#"{"env":{"POSTHOG_LLMA_PRIVACY_MODE":"true"}}"#;

/// Whether the events at the double have no content.
fn is_private(scene: &Scene) -> bool {
    !json!(scene.posthog.events())
        .to_string()
        .contains("prompt 1 of session 1")
}

/// Sends from another shell, with another key and another folder of Claude Code.
fn flush_elsewhere(scene: &Scene) -> Outcome {
    let other = scene.env.root().join("another folder");
    fs::create_dir_all(&other).expect("it is writable");
    scene
        .env
        .command(["flush"])
        .env("CLAUDE_CONFIG_DIR", other)
        .env("POSTHOG_API_KEY", "phc_another")
        .directory(scene.env.root())
        .run()
}

#[test]
fn decisions_hold_for_sessions_that_the_sender_cannot_find() {
    type Change = fn(&Scene, &Session);
    let elsewhere: Change = |_, _| {};
    let removed: Change = |_, session| fs::remove_file(&session.path).expect("it is ours");
    for change in [elsewhere, removed] {
        let (scene, session) = waiting();
        change(&scene, &session);
        fs::write(scene.env.project().join(".posthog-llma-ignore"), "").expect("it is writable");
        flush_elsewhere(&scene);
        assert_eq!(scene.posthog.events().len(), 0);
        assert_eq!(scene.status()["destinations"][0]["waiting"], 0);

        let (scene, session) = waiting();
        change(&scene, &session);
        set(&scene, PRIVATE);
        flush_elsewhere(&scene).success();
        assert_eq!(scene.posthog.events().len() as u64, session.events());
        assert!(is_private(&scene));

        let (scene, session) = waiting();
        change(&scene, &session);
        flush_elsewhere(&scene).success();
        assert_eq!(scene.posthog.events().len() as u64, session.events());
        assert!(!is_private(&scene));
    }
}

#[test]
fn what_may_be_forbidden_waits_until_that_is_clear() {
    let (scene, session) = waiting();
    set(&scene, "{");
    let outcome = flush_elsewhere(&scene);
    assert_eq!(outcome.status.code(), Some(1), "{}", outcome.report());
    assert!(
        outcome.stderr.contains("settings.json cannot be read"),
        "{}",
        outcome.report()
    );
    assert_eq!(
        scene.receipt(&session),
        [session.events(), 0, session.events(), 0]
    );
    set(&scene, "{}");
    scene.flush().success();
    scene.complete(&[&session]);
}

#[test]
fn what_an_earlier_version_stored_waits_while_its_project_is_not_known() {
    let (scene, session) = waiting();
    change_outbox(
        &scene,
        "UPDATE sessions SET transcript = NULL, folders = NULL",
    );
    let elsewhere = session.path.with_extension("elsewhere");
    fs::rename(&session.path, &elsewhere).expect("it is ours");
    let outcome = scene.flush();
    assert!(
        outcome.stderr.contains("its transcript is not there"),
        "{}",
        outcome.report()
    );
    assert_eq!(scene.posthog.events().len(), 0);
    fs::rename(&elsewhere, &session.path).expect("it is ours");
    scene.flush().success();
    scene.complete(&[&session]);
}

#[test]
fn a_sender_that_tries_again_and_again_notices_a_decision() {
    for mark in [".posthog-llma-ignore", ".claude/settings.json"] {
        let (scene, session) = waiting();
        scene.posthog.set(Fault::status(503));
        let before = scene.posthog.count();
        let mut flush = scene.env.command(["flush"]).spawn();
        wait_for("a request was made", SOON, || {
            (scene.posthog.count() > before).then_some(())
        });
        if mark.starts_with(".posthog") {
            fs::write(scene.env.project().join(mark), "").expect("it is writable");
        } else {
            set(&scene, PRIVATE);
        }
        scene.posthog.heal();
        flush.wait().expect("it ends");
        let expected = if mark.starts_with(".posthog") {
            0
        } else {
            session.events()
        };
        assert_eq!(scene.posthog.events().len() as u64, expected, "{mark}");
        assert!(is_private(&scene), "{mark}");
    }
}

#[test]
fn a_sender_stops_when_the_user_changes_the_settings() {
    let (scene, session) = waiting();
    scene.posthog.set(Fault::status(503));
    let before = scene.posthog.count();
    let mut flush = scene.env.command(["flush"]).spawn();
    wait_for("a request was made", SOON, || {
        (scene.posthog.count() > before).then_some(())
    });
    scene.env.write("home/.claude/settings.json", PRIVATE);
    scene.posthog.heal();
    flush.wait().expect("it ends");
    assert_eq!(scene.posthog.events().len(), 0);
    scene.flush().success();
    assert_eq!(scene.posthog.events().len() as u64, session.events());
    assert!(is_private(&scene));
}

#[test]
fn refused_events_and_the_first_prompt_leave_the_disk_too() {
    for mark in [".posthog-llma-ignore", ".claude/settings.json"] {
        let (scene, session) = waiting();
        change_outbox(
            &scene,
            "UPDATE tallies SET state = 2 WHERE state = 0;
             UPDATE events SET state = 2, digest = x'00' WHERE state = 0",
        );
        if mark.starts_with(".posthog") {
            fs::write(scene.env.project().join(mark), "").expect("it is writable");
        } else {
            set(&scene, PRIVATE);
        }
        scene.flush();
        let expected = if mark.starts_with(".posthog") {
            0
        } else {
            session.events()
        };
        assert_eq!(scene.status()["sessions"][0]["refused"], expected, "{mark}");
        let database = fs::read(scene.env.state().join("outbox.db")).expect("it is there");
        let text = b"prompt 1 of session 1";
        assert!(
            !database.windows(text.len()).any(|part| part == text),
            "{mark}"
        );
        scene.env.run(["flush", "--refused"]);
        assert!(is_private(&scene), "{mark}");
        assert_eq!(scene.posthog.events().len() as u64, expected, "{mark}");
    }
}
