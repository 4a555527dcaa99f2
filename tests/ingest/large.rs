//! Backfills larger than the outbox holds, or than a user may expect.

use std::fs::File;
use std::thread;
use std::time::{Duration, Instant};

use crate::support::posthog::Fault;
use crate::support::scene::{SOON, Scene};
use crate::support::session::Session;

/// Smallest possible limit of an outbox, in bytes.
const LIMIT: u64 = 1 << 20;

/// Sessions whose events take several times the limit.
pub(crate) fn history(scene: &Scene) -> Vec<Session> {
    (1..=12)
        .map(|number| Session::write(&scene.env, number, 60))
        .collect()
}

/// A machine with a small outbox.
pub(crate) fn small() -> Scene {
    Scene::on(|env| env.with("POSTHOG_LLMA_MAX_OUTBOX_BYTES", LIMIT.to_string()))
}

#[track_caller]
fn complete(scene: &Scene, sessions: &[Session]) {
    let sessions: Vec<&Session> = sessions.iter().collect();
    scene.complete_but_for_traces(&sessions);
    let dropped = &scene.status()["dropped"];
    assert_eq!(dropped["by_size"], 0, "{dropped}");
}

#[test]
fn more_than_the_outbox_holds_is_sent_in_turn_and_nothing_is_dropped() {
    let scene = small();
    let sessions = history(&scene);
    let outcome = scene.env.run(["ingest", "--all"]).success();
    outcome.says("12 read").complains("of 12 sessions read");
    complete(&scene, &sessions);
    let events = scene.posthog.events();
    let bytes: usize = events.iter().map(|event| event.to_string().len()).sum();
    assert!(bytes as u64 > 2 * LIMIT, "{bytes} bytes prove nothing");
}

#[test]
fn a_session_that_is_read_in_parts_is_sent_whole_and_once() {
    let scene = Scene::new();
    let session = Session::write(&scene.env, 1, 5000);
    let bytes = session.path.metadata().expect("it was written").len();
    assert!(bytes > 9 << 20, "{bytes} bytes are read at once");
    let exported = scene.env.run(["ingest", "--all", "--output", "-"]);
    let exported = exported.success().stdout.lines().count();
    scene.env.run(["ingest", "--all"]).success();
    scene.complete(&[&session]);
    assert_eq!(exported, scene.posthog.events().len());
    scene.env.run(["ingest", "--all", "--dry-run"]).success();
}

#[test]
fn storing_goes_on_while_an_answer_is_late() {
    // Three of the sessions are worth sending, and all of them may wait.
    let scene = Scene::on(|env| env.with("POSTHOG_LLMA_MAX_OUTBOX_BYTES", (8 * LIMIT).to_string()));
    let sessions = history(&scene);
    scene.posthog.set(Fault::LateAnswer(Duration::from_secs(2)));
    let mut child = scene.env.command(["ingest", "--all"]).spawn();
    scene.posthog.wait_until(SOON, |events| !events.is_empty());
    // The batch in flight waits for its answer; further events were stored meanwhile.
    let on_its_way = scene.posthog.events().len() as u64;
    let deadline = Instant::now() + Duration::from_millis(1900);
    while waiting(&scene) <= on_its_way {
        assert!(Instant::now() < deadline, "nothing more was stored");
        thread::sleep(Duration::from_millis(10));
    }
    scene.posthog.heal();
    let status = child.wait().expect("the process can be waited for");
    assert!(status.success(), "{status}");
    complete(&scene, &sessions);
}

fn waiting(scene: &Scene) -> u64 {
    let status = scene.status();
    let of_sessions = status["sessions"].as_array().expect("a list");
    let waiting = of_sessions.iter().filter_map(|it| it["waiting"].as_u64());
    waiting.sum()
}

#[test]
fn a_destination_in_trouble_stops_the_backfill_before_anything_is_dropped() {
    let scene = small();
    let sessions = history(&scene);
    scene.posthog.set(Fault::status(401));
    let outcome = scene.env.run(["ingest", "--all"]).code(1);
    outcome
        .complains("stopped:")
        .complains("check POSTHOG_API_KEY")
        .complains("the same command goes on from here")
        .says("not reached");
    scene.posthog.heal();
    scene.env.run(["ingest", "--all"]).success();
    complete(&scene, &sessions);
}

#[test]
fn a_project_over_its_quota_is_not_fed_with_what_it_drops() {
    let scene = small();
    history(&scene);
    let body = r#"{"status":"Ok","quota_limited":["llm_events"]}"#;
    let json = vec![("content-type", "application/json".to_owned())];
    scene.posthog.set(Fault::Status(200, json, body.to_owned()));
    let outcome = scene.env.run(["ingest", "--all"]).code(1);
    outcome.complains("quota").says("not reached");
    assert_eq!(scene.posthog.count(), 1);
}

#[test]
fn many_events_are_sent_only_when_the_user_agrees() {
    let scene = Scene::new();
    let session = Session::write(&scene.env, 1, 1);
    // A file of this size, but without a session.
    let path = session.path.with_file_name("large.jsonl");
    File::create(&path)
        .and_then(|file| file.set_len(80_000_000))
        .expect("the temporary directory is writable");
    let outcome = scene.env.run(["ingest", "--all"]).code(2);
    outcome
        .complains("about 12,000 events of 2 sessions (80MB of transcripts) would be sent")
        .complains("--yes")
        .complains("--dry-run");
    assert_eq!(scene.posthog.count(), 0);
    scene.env.run(["ingest", "--all", "--yes"]).success();
    scene.complete(&[&session]);
}
