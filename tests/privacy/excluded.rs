//! Paused and forgotten sessions: none of their events is sent until that is revoked.

use std::fs;
use std::time::Duration;

use crate::support::env::Outcome;
use crate::support::posthog::Fault;
use crate::support::scene::Scene;
use crate::support::session::Session;

const TWO_HOURS: Duration = Duration::from_hours(2);

/// Runs `pause` as Claude Code does in a session.
fn pause(scene: &Scene, session: &str) -> Outcome {
    let run = scene.env.command(["pause"]).env("CLAUDECODE", "1");
    run.env("CLAUDE_CODE_SESSION_ID", session).run().success()
}

#[test]
fn a_paused_session_is_sent_by_nothing_until_it_is_resumed() {
    let scene = Scene::new();
    let other = Session::write(&scene.env, 2, 1);
    scene.end(&other);
    let session = Session::write(&scene.env, 1, 2);
    pause(&scene, &session.id)
        .complains(&format!(
            "session {} of Claude Code is paused",
            &session.id[..8]
        ))
        .complains("posthog-llma resume");
    scene.end(&session);
    scene.settle();
    session.age(TWO_HOURS);
    scene.start();
    scene.env.run(["ingest", "--all"]).success();
    let ingest = scene.env.run(["ingest", &session.id]).success();
    ingest
        .says("")
        .complains("is left alone: it is paused (undo with posthog-llma resume");
    for arguments in [&["--output", "-"][..], &["--dry-run"]] {
        let all = [&["ingest", &session.id], arguments].concat();
        let outcome = scene.env.run(all).success();
        outcome.complains("is left alone: it is paused");
    }
    assert_eq!(scene.posthog.of_session(&session.id).len(), 0);
    scene
        .env
        .run(["show", &session.id])
        .success()
        .complains("it is paused");
    let status = scene.status();
    assert_eq!(status["excluded"][0]["session"], session.id.as_str());
    assert_eq!(status["excluded"][0]["cause"], "paused");
    scene.env.run(["status"]).says("is paused since today");
    let doctor = scene.env.run(["doctor"]);
    doctor.says("1 session: 1 paused, 0 forgotten");

    scene
        .env
        .run(["resume"])
        .success()
        .complains("is no longer paused");
    scene.env.run(["ingest", &session.id]).success();
    scene.complete(&[&session, &other]);
    scene
        .env
        .run(["resume"])
        .code(2)
        .complains("no session is paused");
}

#[test]
fn a_session_can_be_paused_before_there_is_a_transcript_or_an_outbox() {
    let scene = Scene::new();
    let id = "00000000-0000-4000-8000-000000000001";
    pause(&scene, id).complains("is paused");
    let held = fs::read_dir(scene.env.state()).expect("it is there");
    let names: Vec<_> = held.flatten().map(|it| it.file_name()).collect();
    assert_eq!(names, ["excluded"]);
    let session = Session::write(&scene.env, 1, 2);
    assert_eq!(session.id, id);
    scene.end(&session);
    scene.settle();
    assert_eq!(scene.posthog.requests().len(), 0);
}

#[test]
fn without_a_session_of_its_own_the_newest_of_the_project_is_paused() {
    let scene = Scene::new();
    let session = Session::write(&scene.env, 1, 1);
    let outcome = scene.env.run(["pause"]).success();
    outcome.complains(&session.id[..8]);
    scene.end(&session);
    scene.settle();
    assert_eq!(scene.posthog.requests().len(), 0);
}

#[test]
fn waiting_events_of_a_paused_session_are_withdrawn_and_return_on_resume() {
    let scene = Scene::new();
    scene.posthog.set(Fault::status(401));
    let [session, other] = [1, 2].map(|number| Session::write(&scene.env, number, 2));
    for session in [&session, &other] {
        scene.end(session);
        scene.wait_until_stored(session);
        scene.settle();
    }
    let events = session.events();
    pause(&scene, &session.id).complains(&format!("{events} events of it were waiting"));
    scene.posthog.heal();
    scene.flush().success();
    assert_eq!(scene.posthog.of_session(&session.id).len(), 0);
    let sent = scene.posthog.of_session(&other.id);
    assert_eq!(sent.len() as u64, other.events());

    scene.env.run(["resume", &session.id[..]]).success();
    scene.env.run(["ingest", &session.id]).success();
    scene.complete(&[&session, &other]);
}

#[test]
fn of_a_forgotten_session_nothing_is_sent_again_not_even_its_copies_in_a_fork() {
    let scene = Scene::new();
    let mut session = Session::write(&scene.env, 1, 2);
    scene.end(&session);
    scene.settle();
    let sent = scene.posthog.events().len();
    session.grow(1);
    scene.posthog.set(Fault::status(401));
    scene.end(&session);
    scene.wait_until_stored(&session);
    scene.settle();
    scene.posthog.heal();

    scene
        .env
        .run(["forget", &session.id])
        .success()
        .complains("PostHog keeps them")
        .complains("were waiting and are withdrawn")
        .complains("its transcript is Claude Code's and stays");
    scene.end(&session);
    scene.settle();
    scene
        .env
        .run(["ingest", &session.id])
        .complains("it is forgotten");
    let mut fork = session.fork(&scene.env, 2);
    fork.grow(1);
    scene.end(&fork);
    scene.settle();
    // Hooks do not send to a destination that refused the key.
    scene.flush().success();
    assert_eq!(scene.posthog.of_session(&session.id).len(), sent);
    let of_fork = scene.posthog.of_session(&fork.id).len() as u64;
    assert_eq!(
        of_fork,
        fork.events() - session.events() + 1,
        "its own turn and its trace"
    );

    // A bare `resume` ends a pause only.
    scene.env.run(["resume"]).code(2);
    pause(&scene, &session.id);
    assert_eq!(scene.status()["excluded"][0]["cause"], "forgotten");
    scene.env.run(["resume", &session.id[..]]).success();
    scene.env.run(["ingest", &session.id]).success();
    let of_session = scene.posthog.of_session(&session.id).len() as u64;
    assert!(of_session >= session.events(), "{of_session}");
}

#[test]
fn unreadable_exclusions_stop_sending_and_the_status_says_so() {
    let scene = Scene::new();
    let session = Session::write(&scene.env, 1, 1);
    pause(&scene, &session.id);
    let folder = scene.env.state().join("excluded");
    let mark = fs::read_dir(&folder).expect("it is there").flatten().next();
    fs::write(mark.expect("the session's").path(), "{").expect("it is ours");
    let other = Session::write(&scene.env, 2, 1);
    scene.end(&other);
    scene.settle();
    assert_eq!(scene.posthog.requests().len(), 0);
    let status = scene.env.run(["status"]).success();
    status.says("nothing is sent").says("mend it, or remove it");
    assert!(scene.status()["excluded"].is_null());
    fs::remove_dir_all(folder).expect("it is ours");
    scene.env.run(["ingest", "--all"]).success();
    scene.complete(&[&session, &other]);
}

#[test]
fn a_coding_agent_may_pause_and_neither_resume_nor_forget_nor_offer_again() {
    let scene = Scene::new();
    let session = Session::write(&scene.env, 1, 1);
    pause(&scene, &session.id);
    for variable in ["CLAUDECODE", "OPENCODE", "PI_CODING_AGENT"] {
        for arguments in [
            &["resume"][..],
            &["resume", &session.id],
            &["forget", &session.id],
            &["flush", "--refused"],
            &["pause", &session.id],
        ] {
            let outcome = scene.env.command(arguments).env(variable, "").run();
            outcome
                .code(2)
                .complains("in a terminal of your own")
                .complains(arguments[0]);
        }
    }
    assert_eq!(scene.status()["excluded"][0]["cause"], "paused");
}
