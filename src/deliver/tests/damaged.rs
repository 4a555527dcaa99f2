//! Events that were damaged in the outbox.

use rusqlite::Connection;

use super::*;

/// Damages done to the outbox, and the expected reason for the event concerned.
const DAMAGES: [(&str, &str); 4] = [
    ("DELETE FROM bodies WHERE seq = 2", "is missing"),
    (
        "UPDATE bodies SET body = CAST(replace(CAST(body AS TEXT), 'x', 'y') AS BLOB) WHERE seq = 2",
        "was changed",
    ),
    ("UPDATE bodies SET body = x'' WHERE seq = 2", "was changed"),
    (
        "UPDATE bodies SET body = (SELECT body FROM bodies WHERE seq = 3) WHERE seq = 2",
        "was changed",
    ),
];

fn damage(scene: &Scene, statement: &str) {
    let database = Connection::open(scene.directory.path().join("outbox.db")).unwrap();
    assert_eq!(database.execute(statement, []).unwrap(), 1, "{statement}");
}

#[test]
fn a_damaged_event_is_set_aside_and_the_others_are_sent() {
    for (statement, reason) in DAMAGES {
        let scene = Scene::with(3);
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
fn an_event_that_alone_is_damaged_does_not_stop_the_sender() {
    let scene = Scene::with(1);
    damage(&scene, "DELETE FROM bodies");
    let drained = scene.drain();
    assert_eq!((drained.sent, drained.parked, drained.waiting), (0, 1, 0));
    scene.enqueue([event(2, "x")].into_iter());
    assert_eq!(scene.drain().sent, 1);
}

#[test]
fn a_damaged_event_is_sent_when_its_session_was_read_again() {
    for (statement, _) in DAMAGES {
        let scene = Scene::with(3);
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
