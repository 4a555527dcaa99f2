//! Decisions that the user makes while events are sent.

use super::*;

/// An event with content.
fn told(number: u128) -> Redacted<Written> {
    let mut event = event(number, "x").into_inner();
    let json = String::from_utf8(event.json).unwrap();
    event.json = json.replace("\"text\"", "\"$ai_input\"").into_bytes();
    Redacted::trusted(event)
}

/// Drains under `decide` after the first request failed.
fn drain_after(
    scene: &Scene,
    fault: Fault,
    decide: &dyn Fn(&StoredSession) -> Decision,
) -> Drained {
    scene.server.then(fault);
    scene.drain_by(Policy { decide, ..POLICY })
}

#[test]
fn a_request_is_not_repeated_against_a_new_decision() {
    for fault in [503, 413] {
        for decision in [
            Decision::Withdrawn,
            Decision::Held(Recording::Full, "settings.json cannot be read".into()),
            Decision::Sent(Recording::Nothing),
        ] {
            let scene = Scene::with(4);
            let decide = |_: &StoredSession| match scene.server.requests().len() {
                0 => Decision::Sent(Recording::Full),
                _ => decision.clone(),
            };
            let drained = drain_after(&scene, Fault::status(fault), &decide);
            let receipt = scene.outbox.receipt("claude-code", "session").unwrap();
            let states = (receipt.acknowledged, receipt.withdrawn, receipt.waiting);
            let case = format!("{fault} {decision:?}");
            match decision {
                Decision::Withdrawn => assert_eq!(states, (0, 4, 0), "{case}"),
                Decision::Held(..) => {
                    assert_eq!(states, (0, 0, 4), "{case}");
                    let key = ("claude-code".to_owned(), "session".to_owned());
                    assert_eq!(drained.held[&key], "settings.json cannot be read");
                    assert_eq!(scene.flush().sent, 4, "when it is clear");
                }
                Decision::Sent(_) => assert_eq!(states, (4, 0, 0), "{case}"),
            }
            assert_eq!(scene.outbox.check().unwrap(), [""; 0], "{case}");
        }
    }
}

#[test]
fn what_another_process_took_back_is_not_sent_from_memory() {
    for forgotten in [true, false] {
        let scene = Scene::new();
        scene.enqueue((1..=4).map(told));
        let other = Outbox::open(scene.directory.path()).unwrap();
        let decide = |_: &StoredSession| {
            if scene.server.requests().len() == 1 {
                // The other process decides; this one finds nothing left to do.
                if forgotten {
                    other
                        .withdraw("claude-code", "session", scene.clock.now())
                        .unwrap();
                } else {
                    let held = other.undecided().unwrap();
                    let batches: Vec<i64> = held.iter().map(|(_, batch, _)| *batch).collect();
                    other
                        .withhold(held[0].0, &batches, scene.clock.now())
                        .unwrap();
                }
            }
            Decision::Sent(Recording::Full)
        };
        let drained = drain_after(&scene, Fault::status(503), &decide);
        assert_eq!(drained.sent, if forgotten { 0 } else { 4 });
        assert!(!json!(scene.server.events()).to_string().contains("\"x\""));
        let requests = scene.server.requests();
        let bodies: Vec<_> = requests.iter().map(|one| &one.raw).collect();
        assert_eq!(bodies.len(), if forgotten { 1 } else { 2 });
        assert!(bodies.last() != bodies.first() || forgotten);
    }
}

#[test]
fn sessions_that_are_held_do_not_keep_others_waiting() {
    let scene = Scene::with(2);
    let held = |_: &StoredSession| Decision::Held(Recording::Full, "not clear".into());
    let drained = scene.drain_by(Policy {
        decide: &held,
        ..POLICY
    });
    assert_eq!((drained.sent, drained.waiting), (0, 2));
    assert_eq!(scene.server.requests().len(), 0);
    scene.enqueue_as("other", [event(3, "x")].into_iter());
    let of_one = |session: &StoredSession| match session.id.as_str() {
        "session" => Decision::Held(Recording::Full, "not clear".into()),
        _ => Decision::Sent(Recording::Full),
    };
    let drained = scene.drain_by(Policy {
        decide: &of_one,
        ..POLICY
    });
    assert_eq!((drained.sent, drained.waiting), (1, 2));
    assert_eq!(scene.drain().sent, 2);
}
