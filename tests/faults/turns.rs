//! The hook of a machine that is about to be removed waits for its turn to send.

use std::fs::{self, File};
use std::time::Duration;

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::support::posthog::{Fault, PostHog};
use crate::support::process::{Process, kill_all, wait_for};
use crate::support::scene::{CROWDED, SOON, Scene};
use crate::support::session::Session;

/// Time that Claude Code gives all hooks in these tests.
const PATIENCE: Duration = Duration::from_secs(30);

/// A machine whose Claude Code gives hooks a long time.
fn patient() -> Scene {
    let budget = PATIENCE.as_millis().to_string();
    Scene::on(|env| env.with("CLAUDE_CODE_SESSIONEND_HOOKS_TIMEOUT_MS", budget))
}

/// Ends a session without a hook that waits.
fn end_unattended(scene: &Scene, session: &Session) {
    let hook = scene.hook(session).env("POSTHOG_LLMA_WAIT", "never");
    hook.run().success().silent().within(CROWDED);
    scene.wait_until_stored(session);
}

/// Stores the events of a session, and kills the processes that would send them.
pub(super) fn stored_and_killed(scene: &Scene, session: &Session, fault: Fault) {
    scene.posthog.set(fault);
    end_unattended(scene, session);
    wait_for("a request was made", SOON, || {
        (scene.posthog.count() > 0).then_some(())
    });
    kill_all(&scene.env.state());
}

pub(super) fn change_outbox(scene: &Scene, statement: &str) {
    let database = Connection::open(scene.env.state().join("outbox.db")).expect("it is there");
    database.execute_batch(statement).expect("it is writable");
}

/// Makes the last failure of the destination one that may pass, with a pause that ends in
/// `seconds`.
fn pause_for(scene: &Scene, seconds: i64) {
    let now = chrono::Utc::now().timestamp_millis();
    let until = now + seconds * 1_000;
    change_outbox(
        scene,
        &format!(
            "UPDATE destinations SET failures = 6, refused = 0, last_error = 'gone',
             last_error_at = {now}, not_before = {until}"
        ),
    );
}

#[test]
fn a_machine_that_goes_away_waits_while_another_process_sends() {
    let scene = patient();
    let sessions = [1, 2].map(|number| Session::write(&scene.env, number, 1));
    scene.posthog.set(Fault::Slow(Duration::from_secs(1)));
    end_unattended(&scene, &sessions[0]);
    scene.hook(&sessions[1]).run().success().within(PATIENCE);
    let events = sessions.iter().map(Session::events).sum::<u64>();
    assert_eq!(scene.posthog.events().len() as u64, events);
}

#[test]
fn a_machine_that_goes_away_waits_for_a_pause_that_ends_in_time() {
    for (seconds, is_sent) in [(2, true), (3_600, false)] {
        let scene = patient();
        let sessions = [1, 2].map(|number| Session::write(&scene.env, number, 1));
        stored_and_killed(&scene, &sessions[0], Fault::status(503));
        scene.posthog.heal();
        pause_for(&scene, seconds);
        let hook = scene.hook(&sessions[1]).run().success();
        assert!(hook.took < PATIENCE / 2, "{seconds} s: {:?}", hook.took);
        let sent = scene.posthog.events().len() as u64;
        let events = sessions.iter().map(Session::events).sum::<u64>();
        assert_eq!(sent, if is_sent { events } else { 0 }, "{seconds} s");
    }
}

#[test]
fn the_destination_of_the_settings_does_not_wait_for_another_that_is_silent() {
    let scene = patient();
    let silent = PostHog::start();
    silent.set(Fault::NoAnswer);
    let [earlier, now] = [1, 2].map(|number| Session::write(&scene.env, number, 1));
    let hook = scene.hook(&earlier).env("POSTHOG_HOST", silent.url());
    hook.env("POSTHOG_LLMA_WAIT", "never").run().success();
    scene.wait_until_stored(&earlier);
    kill_all(&scene.env.state());
    let hook = scene.hook(&now).run().success();
    assert!(hook.took < PATIENCE / 2, "{:?}", hook.took);
    assert_eq!(scene.posthog.events().len() as u64, now.events());
}

#[test]
fn a_process_waits_for_the_network_though_the_one_before_it_was_killed() {
    let scene = Scene::new();
    let sessions = [1, 2].map(|number| Session::write(&scene.env, number, 1));
    stored_and_killed(&scene, &sessions[0], Fault::status(503));
    scene.posthog.heal();
    pause_for(&scene, 6);
    end_unattended(&scene, &sessions[1]);
    scene.settle();
    scene.complete_but_for_traces(&sessions.iter().collect::<Vec<_>>());
}

/// A machine on which the hook of a session, with these variables, was killed before an outbox
/// existed.
fn killed_before_the_first_outbox(variables: &[(&str, &str)]) -> (Scene, Session) {
    let scene = Scene::new();
    let session = Session::write(&scene.env, 1, 3);
    fs::create_dir_all(scene.env.state()).expect("it is writable");
    // While another process creates the outbox, nothing is stored.
    let creating = File::create(scene.env.state().join("outbox.lock")).expect("it is writable");
    creating.lock().expect("it is free");
    let mut hook = scene.hook(&session);
    for (name, value) in variables {
        hook = hook.env(name, value);
    }
    hook.run().success().silent().within(CROWDED);
    // The hook may have returned before.
    wait_for("the note is written", SOON, || {
        let note = fs::read(notes(&scene).first()?).ok()?;
        serde_json::from_slice::<Value>(&note).ok().map(|_| ())
    });
    kill_all(&scene.env.state());
    assert!(!scene.env.state().join("outbox.db").exists());
    (scene, session)
}

fn notes(scene: &Scene) -> Vec<std::path::PathBuf> {
    let folder = fs::read_dir(scene.env.state().join("endings"));
    let folder = folder.into_iter().flatten();
    folder.map(|note| note.expect("readable").path()).collect()
}

#[test]
fn a_session_whose_hook_was_killed_is_stored_however_late_and_without_an_outbox() {
    let (scene, session) = killed_before_the_first_outbox(&[]);
    let long_ago = Duration::from_hours(50);
    session.age(long_ago);
    let note = File::options().write(true).open(&notes(&scene)[0]);
    let note = note.expect("it is there");
    let at = std::time::SystemTime::now() - long_ago;
    note.set_modified(at).expect("it is ours");
    // On Windows, a file that is open stays until it is closed.
    drop(note);
    scene.start();
    scene.complete(&[&session]);
    assert_eq!(notes(&scene).len(), 0);
}

#[test]
fn a_start_waits_for_the_last_write_of_a_hook_that_was_killed() {
    let (scene, session) = killed_before_the_first_outbox(&[]);
    let note = File::open(&notes(&scene)[0]).expect("it is there");
    note.lock().expect("it is free");
    let input = r#"{"session_id":"next","hook_event_name":"SessionStart","source":"startup"}"#;
    let start = scene.env.command(["hook"]).stdin(input).run();
    start.success().silent();
    wait_for("the start has an outbox", SOON, || {
        let has_one = scene.env.state().join("outbox.db").exists();
        (has_one && !Process::none(&scene.env.state())).then_some(())
    });
    drop(note);
    scene.settle();
    scene.complete(&[&session]);
}

#[test]
fn a_session_whose_hook_was_killed_keeps_the_privacy_of_its_shell() {
    let privacy = [("POSTHOG_LLMA_PRIVACY_MODE", "true")];
    for (variables, has_content) in [(&[][..], true), (&privacy, false)] {
        let (scene, session) = killed_before_the_first_outbox(variables);
        scene.start();
        let events = scene.posthog.events();
        let number = events.len() as u64;
        assert_eq!(number, session.events(), "{:#}", scene.status());
        let text = json!(events).to_string();
        assert_eq!(text.contains("prompt 1 of session 1"), has_content);
    }
}

#[test]
fn a_session_whose_hook_was_killed_goes_where_its_shell_sends_it() {
    let other = PostHog::start();
    let url = other.url();
    let (scene, session) = killed_before_the_first_outbox(&[("POSTHOG_HOST", &url)]);
    session.age(Duration::from_hours(2));
    scene.start();
    assert_eq!(scene.posthog.events().len(), 0);
    let input = r#"{"session_id":"next","hook_event_name":"SessionStart","source":"startup"}"#;
    let start = scene.env.command(["hook"]).stdin(input);
    start.env("POSTHOG_HOST", &url).run().success();
    scene.settle();
    assert_eq!(scene.posthog.events().len(), 0);
    assert_eq!(other.events().len() as u64, session.events());
}
