//! Batches that were damaged in the outbox.

use rusqlite::Connection;

use super::*;

/// Damages done to the second of three batches, and the expected reason.
const DAMAGES: [(&str, &str); 6] = [
    ("DELETE FROM batches WHERE id = 2", "is missing"),
    (
        "UPDATE batches SET segment = substr(segment, 2) WHERE id = 2",
        "was changed",
    ),
    (
        "UPDATE batches SET segment = x'' WHERE id = 2",
        "was changed",
    ),
    (
        "UPDATE batches SET segment = (SELECT segment FROM batches WHERE id = 3) WHERE id = 2",
        "was changed",
    ),
    (
        "UPDATE batches SET crc = crc - 1 WHERE id = 2",
        "was changed",
    ),
    (
        "UPDATE batches SET bytes = bytes + 1 WHERE id = 2",
        "was changed",
    ),
];

/// A scene with three batches of one event each.
fn three_batches() -> Scene {
    let scene = Scene::new();
    for number in 1..=3 {
        scene.enqueue([event(number, "x")].into_iter());
    }
    scene
}

fn damage(scene: &Scene, statement: &str) {
    let database = Connection::open(scene.directory.path().join("outbox.db")).unwrap();
    assert_eq!(database.execute(statement, []).unwrap(), 1, "{statement}");
}

#[test]
fn a_damaged_batch_is_set_aside_and_the_others_are_sent() {
    for (statement, reason) in DAMAGES {
        let scene = three_batches();
        damage(&scene, statement);
        let drained = scene.drain();
        assert_eq!((drained.sent, drained.parked, drained.waiting), (2, 1, 0));
        assert!(drained.last_error.unwrap().contains(reason));
        let arrived = scene.server.events();
        let numbers = arrived.iter().map(|it| &it["properties"]["number"]);
        assert_eq!(numbers.collect::<Vec<_>>(), ["1", "3"], "{statement}");
        let status = scene.outbox.status().unwrap();
        assert_eq!((status.parked_total, status.damaged_total), (1, 1));
        let parked = &status.parked[0];
        assert_eq!(parked.uuid, Uuid::from_u128(2));
        assert!(parked.is_damaged && parked.reason.contains(reason));
    }
}

#[test]
fn a_batch_that_alone_is_damaged_does_not_stop_the_sender() {
    let scene = Scene::with(1);
    damage(&scene, "DELETE FROM batches");
    let drained = scene.drain();
    assert_eq!((drained.sent, drained.parked, drained.waiting), (0, 1, 0));
    scene.enqueue([event(2, "x")].into_iter());
    assert_eq!(scene.drain().sent, 1);
}

#[test]
fn the_events_of_a_damaged_batch_are_sent_when_their_session_was_read_again() {
    for (statement, _) in DAMAGES {
        let scene = three_batches();
        damage(&scene, statement);
        scene.drain();
        let session = scene.outbox.session("claude-code", "session").unwrap();
        assert_eq!(session.unwrap().checkpoint, None);
        scene.enqueue((1..=3).map(|number| event(number, "x")));
        assert_eq!(scene.drain().sent, 1, "{statement}");
        scene.complete(3);
        assert_eq!(scene.outbox.check().unwrap(), [""; 0]);
    }
}

#[test]
fn a_batch_that_is_damaged_where_only_unpacking_shows_it_is_set_aside() {
    let scene = Scene::with(3);
    damage(&scene, "UPDATE events SET start = 9000 WHERE seq = 3");
    // A batch is unpacked only if it is split.
    scene.server.then(Fault::status(413));
    let drained = scene.drain();
    assert_eq!((drained.sent, drained.parked, drained.waiting), (0, 3, 0));
    assert_eq!(scene.outbox.status().unwrap().damaged_total, 3);
    assert_eq!(scene.outbox.check().unwrap(), [""; 0]);
}
