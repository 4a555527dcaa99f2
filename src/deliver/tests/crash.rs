//! A process killed at any moment: nothing is lost, and an event that arrives twice is the same.

use std::collections::HashMap;
use std::env;
use std::process::{Command, Stdio};

use super::*;

const STATE: &str = "POSTHOG_LLMA_CRASH_TEST_STATE";
const URL: &str = "POSTHOG_LLMA_CRASH_TEST_URL";
const EVENTS: u64 = 400;
const KILLS: u64 = 15;

/// Enqueues the events of the crash test, ten at a time, and drains after each ten.
fn enqueue_and_drain(scene: &Scene, url: &str) -> Drained {
    let numbers: Vec<_> = (1..=EVENTS).collect();
    for ten in numbers.chunks(10) {
        scene.enqueue_for(
            url,
            ten.iter().map(|number| event(u128::from(*number), "x")),
        );
        scene.drain();
    }
    scene.flush()
}

#[test]
#[ignore = "is the process that the crash test kills"]
fn victim() {
    let (Ok(state), Ok(url)) = (env::var(STATE), env::var(URL)) else {
        return;
    };
    let scene = Scene {
        outbox: Outbox::open(state.as_ref()).unwrap(),
        ..Scene::new()
    };
    enqueue_and_drain(&scene, &url);
}

#[test]
fn a_process_killed_at_any_moment_loses_nothing() {
    let scene = Scene::new();
    // Grows until a process lives long enough to send, however slow the machine.
    let mut factor = 1;
    for kill in 0..KILLS {
        let mut victim = Command::new(env::current_exe().unwrap())
            .args(["--exact", "deliver::tests::crash::victim", "--ignored"])
            .env(STATE, scene.directory.path())
            .env(URL, scene.server.url())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // The only real waiting in these tests: they vary the moment of the kill.
        thread::sleep(Duration::from_millis(20 + kill * 37 % 200) * factor);
        victim.kill().unwrap();
        victim.wait().unwrap();
        if scene.server.merged().is_empty() {
            factor *= 2;
        }
    }
    let arrived_before = scene.server.merged().len();
    let drained = enqueue_and_drain(&scene, &scene.server.url());
    assert_eq!(drained.waiting, 0);
    assert_eq!(scene.server.merged().len() as u64, EVENTS);
    let mut bodies = HashMap::new();
    for event in scene.server.events() {
        let uuid = event["uuid"].to_string();
        assert_eq!(bodies.entry(uuid).or_insert_with(|| event.clone()), &event);
    }
    let receipt = scene.outbox.receipt("claude-code", "session").unwrap();
    assert_eq!(receipt.acknowledged, EVENTS);
    assert!(arrived_before > 0, "the victims did some of the work");
}
