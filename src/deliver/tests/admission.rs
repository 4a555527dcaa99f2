//! The order of the destinations, and the wait for one that cannot be sent to now.

use super::*;
use crate::deliver::admission;

#[test]
fn while_another_sends_there_is_nothing_to_do_but_wait_for_the_turn() {
    let scene = Scene::with(3);
    let other = Outbox::open(scene.directory.path()).unwrap();
    let lock = other.try_lock_sender(1).unwrap().unwrap();
    let drained = scene.drain_by(WAITING);
    assert_eq!(
        (drained.busy, drained.sender),
        (true, Some(std::process::id()))
    );
    assert_eq!((drained.sent, drained.waiting), (0, 3));
    assert!(scene.clock.elapsed() <= WAITING.admission_wait);
    assert!(scene.clock.elapsed() + Duration::from_secs(1) >= WAITING.admission_wait);
    drop(lock);
    assert_eq!(scene.drain().sent, 3);
    scene.complete(3);
}

#[test]
fn a_pause_is_waited_for_if_it_ends_in_time() {
    for (wait, requests) in [(0, 1), (900, 1), (1_100, 2), (60_000, 2)] {
        let scene = Scene::with(3);
        scene.server.set(Fault::status(503));
        scene.drain_by(HASTY);
        let drained = scene.drain_by(Policy {
            admission_wait: Duration::from_millis(wait),
            ..HASTY
        });
        assert_eq!(scene.server.requests().len(), requests, "{wait} ms");
        let waited = scene.clock.elapsed().as_millis();
        assert_eq!(waited, if requests == 2 { 1_000 } else { 0 }, "{wait} ms");
        assert_eq!((drained.sent, drained.busy), (0, false), "{wait} ms");
    }
}

#[test]
fn the_destination_of_the_settings_is_first_and_one_that_failed_is_last() {
    let servers = [1, 2, 3].map(|_| PostHog::start());
    let scene = Scene::new();
    for (number, server) in (1..).zip(&servers) {
        scene.enqueue_for(&server.url(), [event(number, "x")].into_iter());
    }
    servers[0].set(Fault::status(503));
    scene.drain_by(HASTY);
    servers[0].heal();
    for (number, server) in (4..).zip(&servers) {
        scene.enqueue_for(&server.url(), [event(number, "x")].into_iter());
    }
    let mut records = scene
        .outbox
        .destinations_waiting(scene.clock.now(), true)
        .unwrap();
    let hosts = |records: &[DestinationRecord]| -> Vec<usize> {
        let place = |record: &DestinationRecord| {
            let mut urls = servers.iter().map(PostHog::url);
            urls.position(|url| url == record.destination.host).unwrap()
        };
        records.iter().map(place).collect()
    };
    admission::sort(&mut records, None);
    assert_eq!(hosts(&records), [1, 2, 0]);
    let own = records[1].destination.clone();
    admission::sort(&mut records, Some(&own));
    assert_eq!(hosts(&records), [2, 1, 0]);
}

#[test]
fn no_destination_waits_for_one_that_another_process_sends_to() {
    let scene = Scene::with(3);
    let other = PostHog::start();
    scene.enqueue_for(&other.url(), (4..=5).map(|number| event(number, "x")));
    let lock = scene.outbox.try_lock_sender(1).unwrap();
    let mut sent_at = Vec::new();
    let mut note = |_: &Drained| sent_at.push(scene.clock.elapsed());
    let drained = drain(
        &scene.outbox,
        &transport(),
        &scene.clock,
        WAITING,
        &mut note,
    );
    assert!(drained.unwrap().busy);
    assert_eq!(sent_at, [Duration::ZERO]);
    drop(lock);
}

#[test]
fn a_failure_that_may_pass_is_known_by_its_pause() {
    for (fault, expected) in [
        (Fault::status(503), true),
        (Fault::ResetMidBody, true),
        (Fault::LoginPage, false),
        (Fault::status(401), false),
        (Fault::status(302), false),
    ] {
        let scene = Scene::with(1);
        scene.server.set(fault.clone());
        for attempt in 1..12 {
            scene.drain_by(Policy {
                ignore_backoff: true,
                ..HASTY
            });
            let record = scene.status().record;
            assert_eq!(may_pass(&record), expected, "{fault:?} {attempt}");
        }
    }
}
