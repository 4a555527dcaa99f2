//! The end of a session: a person waits only while it helps, a machine that is removed waits until
//! all is sent, and one process handles events that the network delays.

use std::fs;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use serde_json::json;

use crate::support::env::{Outcome, Run, is_wine};
use crate::support::posthog::{Fault, PostHog};
use crate::support::process::{Process, kill_all, wait_for};
use crate::support::scene::{CROWDED, SOON, Scene};
use crate::support::session::Session;

/// Clearly less than the longest time that a person waits.
const AT_ONCE: Duration = Duration::from_millis(200);
/// Longest time of a hook that does not wait, on a busy machine: a third of its budget
/// here.
const PATIENCE: Duration = Duration::from_secs(10);

/// A machine whose Claude Code gives hooks a long time.
fn patient() -> Scene {
    let budget = (PATIENCE * 3).as_millis().to_string();
    Scene::on(|env| env.with("CLAUDE_CODE_SESSIONEND_HOOKS_TIMEOUT_MS", budget))
}

/// The hook of a session that a person ended with `/exit`, in a terminal.
fn exit(scene: &Scene, session: &Session) -> Run {
    let input = session.hook_input("SessionEnd");
    let input = input.replace(r#""other""#, r#""prompt_input_exit""#);
    let hook = scene.env.command(["hook"]).stdin(input);
    hook.env("CLAUDE_CODE_ENTRYPOINT", "cli")
        .env("CLAUDE_CODE_SESSION_ATTENDED", "1")
}

fn quiet(run: Run) -> Outcome {
    run.run().success().silent().within(CROWDED)
}

/// Asserts that the shortest of a few tries returns at once, since other tests run at the same time.
/// Under Wine, a process takes longer to start than a person waits, so that this tells nothing.
#[track_caller]
fn returns_at_once(mut attempt: impl FnMut() -> Duration) {
    let mut least = Duration::MAX;
    for _ in 0..6 {
        least = least.min(attempt());
        if least < AT_ONCE {
            return;
        }
    }
    assert!(is_wine(), "{least:?}");
}

#[test]
fn whoever_waits_waits_for_one_attempt() {
    type Trouble = fn(&mut PostHog);
    let table: [(&str, Trouble); 5] = [
        ("refused connection", PostHog::stop),
        ("reset", |posthog| posthog.set(Fault::ResetMidBody)),
        ("503", |posthog| posthog.set(Fault::status(503))),
        ("401", |posthog| posthog.set(Fault::status(401))),
        ("login page", |posthog| posthog.set(Fault::LoginPage)),
    ];
    for (name, break_it) in table {
        let mut scene = patient();
        let sessions = [1, 2].map(|number| Session::write(&scene.env, number, 1));
        break_it(&mut scene.posthog);
        for hook in [scene.hook(&sessions[0]), exit(&scene, &sessions[1])] {
            let took = hook.run().success().silent().took;
            println!("{name:<22} {:>5} ms", took.as_millis());
            assert!(took < PATIENCE, "{name}: {took:?}");
        }
    }
}

#[test]
fn a_person_waits_briefly_for_an_answer() {
    for fault in [Fault::NoAnswer, Fault::Slow(PATIENCE * 2)] {
        let scene = patient();
        let session = Session::write(&scene.env, 1, 3);
        scene.posthog.set(fault.clone());
        let took = exit(&scene, &session).run().success().silent().took;
        println!("{fault:?}: {} ms", took.as_millis());
        assert!(took < PATIENCE, "{fault:?}: {took:?}");
    }
}

#[test]
fn a_destination_in_trouble_is_not_waited_for_however_large_the_session() {
    let attempt = || {
        let scene = Scene::new();
        let first = Session::write(&scene.env, 1, 1);
        scene.posthog.set(Fault::LoginPage);
        scene.end(&first);
        scene.settle();
        let large = Session::write(&scene.env, 2, 1_000);
        let took = quiet(exit(&scene, &large)).took;
        scene.wait_until_stored(&large);
        took
    };
    returns_at_once(attempt);
}

#[test]
fn while_another_process_sends_nobody_waits() {
    let attempt = || {
        let scene = Scene::new();
        let sessions = [1, 2].map(|number| Session::write(&scene.env, number, 1));
        scene.posthog.set(Fault::NoAnswer);
        quiet(exit(&scene, &sessions[0]));
        assert_eq!(Process::all(&scene.env.state()).len(), 1);
        let took = quiet(exit(&scene, &sessions[1])).took;
        scene.wait_until_stored(&sessions[1]);
        wait_for("only the sender is left", SOON, || {
            (Process::all(&scene.env.state()).len() == 1).then_some(())
        });
        took
    };
    returns_at_once(attempt);
}

#[test]
fn a_slow_answer_is_waited_for_where_nobody_waits_or_the_machine_goes_away() {
    let slow = Duration::from_millis(700);
    for (variable, value, waits) in [
        ("CLAUDE_CODE_SESSION_ATTENDED", "1", false),
        ("CLAUDE_CODE_SESSION_ATTENDED", "0", true),
        ("CLAUDE_CODE_ENTRYPOINT", "sdk-cli", true),
        ("CI", "true", true),
        ("CI", "false", false),
        ("CLAUDE_PID", "1", true),
        ("POSTHOG_LLMA_WAIT", "sent", true),
        ("POSTHOG_LLMA_WAIT", "auto", false),
        ("POSTHOG_LLMA_WAIT", "never", false),
    ] {
        let scene = patient();
        let session = Session::write(&scene.env, 1, 1);
        // Claude Code names its process from the start of a session on.
        let start = r#"{"session_id":"s","hook_event_name":"SessionStart","source":"startup"}"#;
        let start = scene.env.command(["hook"]).stdin(start);
        quiet(start.env(variable, value));
        scene.settle();
        scene.posthog.set(Fault::Slow(slow));
        let took = quiet(exit(&scene, &session).env(variable, value)).took;
        let sent = scene.posthog.events().len() as u64 == session.events();
        assert_eq!(
            (took >= slow, sent),
            (waits, waits),
            "{variable}={value}: {took:?}"
        );
        scene.settle();
        scene.complete(&[&session]);
    }
}

#[test]
fn fifty_exits_offline_leave_one_process_that_tries_once_a_pause() {
    let scene = Scene::new();
    scene.posthog.set(Fault::status(503));
    let sessions: Vec<_> = (1..=50)
        .map(|number| Session::write(&scene.env, number, 1))
        .collect();
    let start = Instant::now();
    for session in &sessions {
        quiet(exit(&scene, session));
    }
    wait_for("one process is left", SOON, || {
        (Process::all(&scene.env.state()).len() == 1).then_some(())
    });
    let all: u64 = sessions.iter().map(Session::events).sum();
    wait_for("everything is stored", SOON, || {
        (scene.status()["destinations"][0]["waiting"] == all).then_some(())
    });
    // Pauses are at least 0.5 s, 1 s, 2 s and so on.
    let attempts = scene.posthog.count();
    let mut earliest = Duration::ZERO;
    for pauses in 1..attempts {
        earliest += Duration::from_millis(500) * (1 << (pauses - 1));
    }
    let elapsed = start.elapsed();
    println!("50 exits, {attempts} attempts in {elapsed:?}");
    assert!(earliest <= elapsed, "{attempts} attempts in {elapsed:?}");
    assert_eq!(scene.posthog.events().len(), 0);

    scene.posthog.heal();
    wait_for("all is sent", Duration::from_mins(3), || {
        Process::none(&scene.env.state()).then_some(())
    });
    scene.complete_but_for_traces(&sessions.iter().collect::<Vec<_>>());
    assert_eq!(scene.posthog.named("$ai_trace").len(), 50);
}

#[test]
fn what_was_sent_or_removed_meanwhile_is_not_waited_for() {
    type Meanwhile = fn(&Scene);
    let table: [(&str, Meanwhile); 2] = [
        ("sent", |scene| {
            scene.posthog.heal();
            scene.flush().success();
        }),
        ("removed", |scene| {
            let remove = ["setup", "--remove", "--purge"];
            scene.env.run(remove).success();
        }),
    ];
    for (name, meanwhile) in table {
        let scene = Scene::new();
        let session = Session::write(&scene.env, 1, 1);
        scene.posthog.set(Fault::status(503));
        quiet(exit(&scene, &session));
        wait_for("one process is left", SOON, || {
            (Process::all(&scene.env.state()).len() == 1).then_some(())
        });
        meanwhile(&scene);
        let requests = scene.posthog.count();
        scene.settle();
        assert_eq!(scene.posthog.count(), requests, "{name}");
        let is_there = scene.env.state().join("outbox.db").exists();
        assert_eq!(is_there, name == "sent", "{name}");
    }
}

#[test]
fn a_process_that_waits_for_the_network_ends_when_the_user_decides_anew() {
    type Decision = fn(&Scene);
    let table: [(&str, Decision); 2] = [
        ("switched off", |scene| {
            let off = json!({ "env": { "POSTHOG_LLMA_CC_ENABLED": "false" } });
            scene
                .env
                .write("home/.claude/settings.json", off.to_string());
        }),
        ("project excluded", |scene| {
            let file = scene.env.project().join(".posthog-llma-ignore");
            fs::write(file, "").expect("it is writable");
        }),
    ];
    for (name, decide) in table {
        let scene = Scene::new();
        let session = Session::write(&scene.env, 1, 1);
        scene.posthog.set(Fault::status(503));
        quiet(exit(&scene, &session));
        scene.wait_until_stored(&session);
        decide(&scene);
        let attempts = scene.posthog.count();
        scene.settle();
        // One may have begun before the decision.
        assert!(scene.posthog.count() <= attempts + 1, "{name}");
    }
}

/// A machine on which a hook was killed after it began and before anything was stored.
fn killed_in_the_hook(number: u64) -> (Scene, Session) {
    let scene = Scene::new();
    scene.start();
    let session = Session::write(&scene.env, number, 3);
    // While another process writes, nothing is stored.
    let database = Connection::open(scene.env.state().join("outbox.db")).expect("it is there");
    database
        .execute_batch("BEGIN IMMEDIATE")
        .expect("nobody else writes");
    let mut hook = exit(&scene, &session).spawn();
    wait_for("the hook has begun", SOON, || {
        (notes(&scene) == 1).then_some(())
    });
    kill_all(&scene.env.state());
    hook.wait().expect("it has ended");
    drop(database);
    assert_eq!(scene.receipt(&session), [0; 4]);
    (scene, session)
}

fn notes(scene: &Scene) -> usize {
    let folder = scene.env.state().join("endings");
    fs::read_dir(folder).map_or(0, Iterator::count)
}

#[test]
fn a_session_whose_hook_was_killed_is_stored_by_the_next_start() {
    let (scene, session) = killed_in_the_hook(1);
    scene.start();
    scene.complete(&[&session]);
    assert_eq!(notes(&scene), 0);
}

#[test]
fn without_the_note_of_its_hook_a_session_is_stored_an_hour_later() {
    let (scene, session) = killed_in_the_hook(1);
    fs::remove_dir_all(scene.env.state().join("endings")).expect("it is ours");
    scene.start();
    assert_eq!(scene.posthog.events().len(), 0);
    session.age(Duration::from_hours(2));
    scene.start();
    scene.complete(&[&session]);
}

#[test]
fn a_session_that_goes_on_after_its_hook_was_killed_is_left_alone() {
    let (scene, mut session) = killed_in_the_hook(1);
    let open = session.open_in_process(&scene.env, std::process::id());
    scene.start();
    assert_eq!(scene.posthog.events().len(), 0);
    session.grow(1);
    fs::remove_file(open).expect("it is ours");
    scene.start();
    scene.complete(&[&session]);

    // This Claude Code does not record open sessions.
    let (scene, mut session) = killed_in_the_hook(2);
    session.grow(1);
    scene.start();
    assert_eq!(scene.posthog.events().len(), 0);
    scene.end(&session);
    scene.settle();
    scene.complete(&[&session]);
}

#[test]
fn where_nothing_is_to_be_sent_no_process_is_started() {
    let scene = Scene::new();
    let mut session = Session::write(&scene.env, 1, 1);
    scene.end(&session);
    scene.settle();
    let runs = |scene: &Scene| scene.status()["runs"].as_array().map(Vec::len);
    let before = runs(&scene);
    quiet(exit(&scene, &session));
    scene.settle();
    assert_eq!(runs(&scene), before);
    assert_eq!(notes(&scene), 0);
    session.grow(1);
    quiet(exit(&scene, &session));
    scene.settle();
    scene.complete_but_for_traces(&[&session]);
}

#[test]
fn a_session_that_is_stored_leaves_no_note() {
    let scene = Scene::new();
    let session = Session::write(&scene.env, 1, 1);
    scene.posthog.set(Fault::LoginPage);
    for _ in 0..2 {
        quiet(exit(&scene, &session));
        scene.settle();
        assert_eq!(notes(&scene), 0);
    }
}
