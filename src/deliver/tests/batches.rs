//! Stored batches, and the requests composed of them.

use super::*;
use crate::outbox::{Cause, Exclusion};

/// A trace with a text.
fn trace(text: &str) -> Redacted<Written> {
    let mut event = event(99, text).into_inner();
    event.name = EventName::Trace;
    Redacted::trusted(event)
}

/// The numbers of the events in each accepted request.
fn requests(scene: &Scene) -> Vec<Vec<String>> {
    let numbers = |body: serde_json::Value| {
        let events = body["batch"].as_array().unwrap().clone();
        let number =
            |event: serde_json::Value| event["properties"]["number"].as_str().unwrap().to_owned();
        events.into_iter().map(number).collect()
    };
    let mut requests = scene.server.requests();
    requests.retain(|request| request.verdict == Verdict::Accepted);
    requests
        .into_iter()
        .map(|one| numbers(one.body.unwrap()))
        .collect()
}

#[test]
fn what_was_stored_is_sent_as_it_lies() {
    let scene = Scene::with(100);
    let stored = scene
        .outbox
        .claim(1, usize::MAX, &NONE)
        .unwrap()
        .batches
        .remove(0);
    scene.drain();
    scene.complete(100);
    let sent = scene.server.requests().remove(0).raw;
    let segment = &stored.segment.deflated[..];
    assert!(sent.windows(segment.len()).any(|part| part == segment));
}

#[test]
fn small_batches_go_in_one_request_and_are_deleted() {
    let scene = Scene::new();
    for number in 1..=5 {
        scene.enqueue([event(number, "x")].into_iter());
    }
    assert_eq!(scene.drain().sent, 5);
    scene.complete(5);
    assert_eq!(requests(&scene), [["1", "2", "3", "4", "5"]]);
    assert_eq!(
        scene.outbox.claim(1, usize::MAX, &NONE).unwrap().batches,
        []
    );
    assert_eq!(scene.outbox.check().unwrap(), [""; 0]);
}

#[test]
fn a_trace_that_grew_before_it_was_sent_is_sent_once_with_its_last_sums() {
    let scene = Scene::new();
    scene.enqueue([event(1, "x"), trace("small")].into_iter());
    scene.enqueue([event(2, "x"), trace("large")].into_iter());
    assert_eq!(scene.drain().sent, 3);
    scene.complete(3);
    assert_eq!(requests(&scene), [["1", "2", "99"]]);
    let text = &scene.server.events()[2]["properties"]["text"];
    assert_eq!(text, "large");
}

#[test]
fn a_part_of_a_batch_that_was_accepted_is_not_sent_again() {
    let scene = Scene::with(4);
    // The batch is too large; its first half is accepted; then the server is in trouble.
    scene
        .server
        .then(Fault::status(413))
        .then(Fault::Slow(Duration::ZERO))
        .then(Fault::status(503));
    assert_eq!(scene.drain_by(HASTY).sent, 2);
    scene.flush();
    scene.complete(4);
    assert_eq!(requests(&scene), [["1", "2"], ["3", "4"]]);
}

#[test]
fn nothing_of_a_session_is_sent_again_once_the_user_excluded_it() {
    // The request is tried again after a failure, or its second half is still to be sent.
    for (fault, sent) in [(503, 0), (413, 2)] {
        let scene = Scene::with(4);
        scene.server.then(Fault::status(fault));
        let exclude = || {
            let exclusion = Exclusion {
                agent: "claude-code".into(),
                session: "session".into(),
                cause: Cause::Forgotten,
                since: scene.clock.now(),
            };
            scene.outbox.exclusions().add(&exclusion).unwrap();
        };
        let stop = || {
            if fault == 503 && scene.server.requests().len() == 1 {
                exclude();
            }
            false
        };
        let policy = Policy {
            stop: &stop,
            ..POLICY
        };
        let drained = drain(
            &scene.outbox,
            &transport(),
            &scene.clock,
            policy,
            &mut |_| exclude(),
        );
        assert_eq!(drained.unwrap().sent, sent);
        assert_eq!(scene.server.events().len() as u64, sent);
        let receipt = scene.outbox.receipt("claude-code", "session").unwrap();
        assert_eq!((receipt.acknowledged, receipt.withdrawn), (sent, 4 - sent));
    }
}
