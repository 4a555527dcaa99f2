//! Ctrl-C in the middle of a backfill.

use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use crate::ingest::large::{history, small};
use crate::support::posthog::Fault;
use crate::support::scene::{SOON, Scene};
use crate::support::session::Session;
use crate::support::stop::Stop;

fn start(scene: &Scene) -> Child {
    scene.env.command(["ingest", "--all"]).spawn()
}

#[track_caller]
fn ends(mut child: Child) {
    let status = child.wait().expect("the process can be waited for");
    assert_eq!(status.code(), Some(130), "{status}");
}

#[track_caller]
fn goes_on(scene: &Scene, sessions: &[Session]) {
    scene.env.run(["ingest", "--all"]).success();
    let sessions: Vec<&Session> = sessions.iter().collect();
    scene.complete_but_for_traces(&sessions);
    assert_eq!(scene.posthog.duplicates(), Vec::<String>::new());
    let dropped = &scene.status()["dropped"];
    assert_eq!(dropped["by_size"], 0, "{dropped}");
}

#[test]
fn what_is_on_its_way_arrives_and_the_next_run_goes_on() {
    let scene = small();
    let sessions = history(&scene);
    scene.posthog.set(Fault::LateAnswer(Duration::from_secs(1)));
    let child = start(&scene);
    scene.posthog.wait_until(SOON, |events| !events.is_empty());
    Stop::Interrupt.ask(&child);
    ends(child);
    let events: u64 = sessions.iter().map(Session::events).sum();
    let arrived = scene.posthog.events().len() as u64;
    assert!(arrived < events, "it was not stopped half-way");
    // Accepted events are recorded as accepted.
    let status = scene.status();
    let of_sessions = status["sessions"].as_array().expect("a list");
    let acknowledged = of_sessions
        .iter()
        .filter_map(|it| it["acknowledged"].as_u64());
    assert_eq!(acknowledged.sum::<u64>(), arrived);
    scene.posthog.heal();
    goes_on(&scene, &sessions);
}

#[test]
fn a_second_one_waits_for_nothing() {
    let mut scene = small();
    let sessions = history(&scene);
    scene.posthog.set(Fault::NoAnswer);
    let mut child = start(&scene);
    scene.posthog.wait_for_more_than(0, SOON);
    let asked = Instant::now();
    // Signals in close succession count as one, so they are sent until two have arrived.
    while child.try_wait().is_ok_and(|ended| ended.is_none()) {
        assert!(asked.elapsed() < Duration::from_secs(5), "it goes on");
        Stop::Interrupt.ask(&child);
        thread::sleep(Duration::from_millis(50));
    }
    ends(child);
    scene.posthog.stop();
    scene.posthog.heal();
    scene.posthog.restart();
    goes_on(&scene, &sessions);
}
