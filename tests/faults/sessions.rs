//! Sessions that end twice, copies of sessions, and sessions whose end no hook noticed.

use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::support::env::PROGRAM;
use crate::support::posthog::Fault;
use crate::support::scene::{CROWDED, Scene};
use crate::support::session::{EVENTS_OF_TURN, Session};

/// Age at which a quiet session is stored by the sweep.
const TWO_HOURS: Duration = Duration::from_hours(2);

#[test]
fn a_resumed_session_sends_what_is_new_and_its_trace() {
    let scene = Scene::new();
    let mut session = Session::write(&scene.env, 1, 5);
    scene.end(&session);
    scene.settle();
    scene.complete(&[&session]);
    for ends in 1..4 {
        let before = scene.posthog.events().len() as u64;
        session.grow(2);
        scene.end(&session);
        scene.settle();
        let new = scene.posthog.events().len() as u64 - before;
        assert_eq!(new, 2 * EVENTS_OF_TURN + 1, "the trace comes along");
        scene.complete_but_for_traces(&[&session]);
        let traces = scene.posthog.named("$ai_trace");
        assert_eq!(traces.len(), ends + 1);
        let last = &traces[ends]["properties"];
        assert_eq!(last["$ai_total_output_tokens"], session.output_tokens());
        assert_eq!(last["turn_count"], 5 + 2 * ends);
        assert_eq!(traces[ends]["uuid"], traces[0]["uuid"]);
        assert_eq!(traces[ends]["timestamp"], traces[0]["timestamp"]);
    }
}

#[test]
fn a_session_that_did_not_grow_sends_nothing() {
    let scene = Scene::new();
    let session = Session::write(&scene.env, 1, 2);
    scene.end(&session);
    scene.settle();
    let requests = scene.posthog.requests().len();
    for _ in 0..3 {
        scene.end(&session);
    }
    scene.env.run(["ingest", "--all"]).success();
    // Restored from a copy: another time, the same content.
    session.age(TWO_HOURS);
    scene.end(&session);
    scene.start();
    assert_eq!(scene.posthog.requests().len(), requests);
    scene.complete(&[&session]);
}

#[test]
fn a_fork_and_its_original_are_sent_once_whoever_comes_first() {
    for fork_first in [false, true] {
        for by_hook in [false, true] {
            let scene = Scene::new();
            let mut original = Session::write(&scene.env, 1, 3);
            let mut fork = original.fork(&scene.env, 2);
            original.grow(1);
            fork.grow(2);
            let pair = if fork_first {
                [&fork, &original]
            } else {
                [&original, &fork]
            };
            if by_hook {
                for session in pair {
                    scene.end(session);
                    scene.settle();
                }
            } else {
                let paths = pair.map(|session| session.path.as_os_str());
                let ingest = ["ingest".as_ref()].into_iter().chain(paths);
                scene.env.run(ingest).success();
            }
            scene.complete(&pair);
            // Totals over both are counted once, too.
            let traces = scene.posthog.named("$ai_trace");
            let totals = traces
                .iter()
                .map(|trace| &trace["properties"]["$ai_total_output_tokens"]);
            let total: u64 = totals.filter_map(serde_json::Value::as_u64).sum();
            assert_eq!(total, original.output_tokens() + fork.output_tokens());
            // And neither end brings anything new afterwards.
            let requests = scene.posthog.requests().len();
            scene.end(&original);
            scene.end(&fork);
            scene.settle();
            assert_eq!(scene.posthog.requests().len(), requests);
        }
    }
}

#[test]
fn a_backfill_gives_copies_to_the_original() {
    let scene = Scene::new();
    let original = Session::write(&scene.env, 2, 3);
    let mut fork = original.fork(&scene.env, 1);
    fork.grow(1);
    original.age(TWO_HOURS);
    scene.env.run(["ingest", "--all"]).success();
    scene.complete(&[&original, &fork]);
    let of_original = scene.posthog.of_session(&original.id).len() as u64;
    assert_eq!(of_original, original.events());
}

#[test]
fn settings_that_identities_depend_on_stay_as_they_were_at_the_first_send() {
    let scene = Scene::new();
    let mut session = Session::write(&scene.env, 1, 2);
    scene.end(&session);
    scene.settle();
    session.grow(1);
    scene
        .hook(&session)
        .env("POSTHOG_LLMA_DISTINCT_ID", "someone@example.com")
        .env("POSTHOG_LLMA_TRACE_GROUPING", "message")
        .env("POSTHOG_LLMA_TURN_SPANS", "false")
        .env("POSTHOG_PROJECT_NAME", "renamed")
        .run()
        .success()
        .silent()
        .within(CROWDED);
    scene.settle();
    scene.complete_but_for_traces(&[&session]);
    for event in scene.posthog.events() {
        let id = format!("claude-code:{}", session.id);
        assert_eq!(event["distinct_id"], id.as_str());
        assert_eq!(event["properties"]["$ai_trace_id"], session.id.as_str());
        assert_eq!(event["properties"]["$ai_project_name"], "project");
    }
}

#[test]
fn the_next_session_start_makes_up_for_an_end_that_nobody_saw() {
    let scene = Scene::new();
    let before = Session::write_ago(TWO_HOURS, &scene.env, 1, 1);
    // After switching on, sessions are sent by themselves.
    scene.start();
    let killed = Session::write(&scene.env, 2, 2);
    let open = Session::write(&scene.env, 3, 2);
    let recent = Session::write(&scene.env, 4, 2);
    for session in [&killed, &open] {
        session.age(TWO_HOURS);
    }
    let mark = open.open_in_process(&scene.env, std::process::id());
    killed.open_in_process(&scene.env, dead_process());
    scene.start();
    scene.complete(&[&killed]);

    // Its process ends, and the other one is quiet for long enough.
    fs::remove_file(mark).expect("it is ours");
    recent.age(TWO_HOURS);
    scene.start();
    scene.complete(&[&killed, &open, &recent]);
    let requests = scene.posthog.requests().len();
    scene.start();
    assert_eq!(scene.posthog.requests().len(), requests);

    // Earlier sessions are sent on request only.
    scene.env.run(["ingest", "--all"]).success();
    scene.complete(&[&before, &killed, &open, &recent]);
}

#[test]
fn a_session_start_sends_what_an_earlier_end_could_not() {
    let mut scene = Scene::new();
    let session = Session::write(&scene.env, 1, 2);
    scene.posthog.set(Fault::NoAnswer);
    scene.end(&session);
    scene.wait_until_stored(&session);
    crate::support::process::kill_all(&scene.env.state());
    scene.posthog.heal();
    scene.posthog.restart();
    scene.start();
    scene.complete(&[&session]);
}

#[test]
fn a_running_session_is_sent_as_far_as_it_is_settled() {
    let scene = Scene::new();
    let mut session = Session::write(&scene.env, 1, 2);
    session.begin_turn();
    let mark = session.open_in_process(&scene.env, std::process::id());
    let path = session.path.to_str().expect("it is UTF-8").to_owned();
    scene
        .env
        .run(["ingest", &path])
        .success()
        .says("still running");
    // The last complete turn is settled, the running one only as far as it got.
    scene.complete(&[&session]);
    scene.env.run(["ingest", &path]).success();
    scene.complete(&[&session]);

    session.finish_turn();
    session.grow(1);
    fs::remove_file(mark).expect("it is ours");
    scene.end(&session);
    scene.settle();
    scene.complete_but_for_traces(&[&session]);
}

/// The id of a process that has ended.
fn dead_process() -> u32 {
    let mut child = Command::new(PROGRAM);
    let child = child.arg("--version").stdout(Stdio::null());
    let mut child = child.spawn().expect("it starts");
    child.wait().expect("it ends");
    child.id()
}

#[test]
fn a_session_that_ran_while_sending_was_off_is_not_sent_when_it_is_on_again() {
    let scene = Scene::new();
    let first = Session::write(&scene.env, 1, 1);
    scene.end(&first);
    scene.settle();
    let off = [
        ("POSTHOG_LLMA_CC_ENABLED", "false"),
        ("POSTHOG_API_KEY", ""),
    ];
    let mut sessions = Vec::new();
    for (number, (variable, value)) in (2..).zip(off) {
        let session = Session::write(&scene.env, number, 1);
        let hook = scene.hook(&session).env(variable, value);
        hook.run().success().silent();
        session.age(Duration::from_hours(2));
        sessions.push(session);
    }
    scene.start();
    scene.complete(&[&first]);
    for session in &sessions {
        assert_eq!(scene.posthog.of_session(&session.id).len(), 0);
    }
    // One that goes on is sent as a whole when it ends.
    let [one, _] = &sessions[..] else { panic!() };
    scene.end(one);
    scene.settle();
    scene.complete(&[&first, one]);
}
