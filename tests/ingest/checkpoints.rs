//! Checkpoints of another version of this program.

use rusqlite::Connection;
use serde_json::Value;

use crate::support::scene::Scene;
use crate::support::session::Session;

/// Changes the checkpoint of the only session.
fn change_checkpoint(scene: &Scene, change: impl FnOnce(&mut Value)) {
    let outbox = Connection::open(scene.env.state().join("outbox.db")).expect("it is there");
    let kept = outbox.query_row("SELECT checkpoint FROM sessions", [], |row| {
        row.get::<_, Vec<u8>>(0)
    });
    let mut kept = serde_json::from_slice(&kept.expect("it is there")).expect("it is JSON");
    change(&mut kept);
    let kept = serde_json::to_vec(&kept).expect("it is JSON");
    let changed = outbox.execute("UPDATE sessions SET checkpoint = ?1", [kept]);
    assert_eq!(changed.expect("it can be written"), 1);
}

#[test]
fn a_checkpoint_of_another_format_is_not_used_and_nothing_is_sent_twice() {
    for format in [None, Some(0), Some(u32::MAX)] {
        let scene = Scene::new();
        let mut session = Session::write(&scene.env, 1, 3);
        scene.env.run(["ingest", "--all"]).success();
        scene.complete(&[&session]);
        change_checkpoint(&scene, |kept| {
            let kept = kept.as_object_mut().expect("an object");
            kept.remove("format").expect("it has one");
            match format {
                Some(format) => kept.insert("format".to_owned(), format.into()),
                None => kept.insert("version".to_owned(), env!("CARGO_PKG_VERSION").into()),
            };
            // An older version counted differently.
            kept["earlier"]["totals"]["output"] = 1_000_000.into();
        });
        session.grow(1);
        scene.env.run(["ingest", "--all"]).success();
        scene.complete_but_for_traces(&[&session]);
        let traces = scene.posthog.named("$ai_trace");
        let total = &traces.last().expect("one")["properties"]["$ai_total_output_tokens"];
        assert_eq!(*total, session.output_tokens(), "format {format:?}");
    }
}
