//! Every way for a server or a network to fail, at the end of a session: the hook is quiet and
//! quick, the status tells the truth, and when the trouble is over every event arrives once.

use std::thread;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::support::env::TestEnv;
use crate::support::posthog::{Fault, PostHog, Verdict};
use crate::support::process::kill_all;
use crate::support::scene::{BUDGET, SOON, Scene};
use crate::support::session::Session;

/// A way to cause a fault, and the text of `status` once the sender has given up.
struct Case {
    name: &'static str,
    break_it: fn(&mut PostHog),
    /// Text of the error that the sender records when it stops trying; `None` while it still tries.
    said: Option<&'static str>,
}

const LASTING: [Case; 11] = [
    Case {
        name: "refused connection",
        break_it: PostHog::stop,
        said: None,
    },
    Case {
        name: "reset in mid body",
        break_it: |posthog| posthog.set(Fault::ResetMidBody),
        said: None,
    },
    Case {
        name: "no answer",
        break_it: |posthog| posthog.set(Fault::NoAnswer),
        said: None,
    },
    Case {
        name: "429 with Retry-After",
        break_it: |posthog| posthog.set(Fault::retry_after(429, 2)),
        said: None,
    },
    Case {
        name: "503",
        break_it: |posthog| posthog.set(Fault::status(503)),
        said: None,
    },
    Case {
        name: "no lane at all",
        break_it: |posthog| posthog.set(Fault::status(404)),
        said: Some("answered 404"),
    },
    Case {
        name: "401",
        break_it: |posthog| posthog.set(Fault::status(401)),
        said: Some("check POSTHOG_API_KEY"),
    },
    Case {
        name: "400 for everything",
        break_it: |posthog| posthog.set(Fault::status(400)),
        said: Some("refuses every event"),
    },
    Case {
        name: "login page",
        break_it: |posthog| posthog.set(Fault::LoginPage),
        said: Some("such as a login"),
    },
    Case {
        name: "redirect",
        break_it: |posthog| posthog.set(Fault::Redirect("https://example.com/".into())),
        said: Some("redirects are not followed"),
    },
    Case {
        name: "empty 200",
        break_it: |posthog| posthog.set(Fault::status(200)),
        said: Some("not from PostHog"),
    },
];

#[test]
fn trouble_that_lasts_keeps_everything_until_it_is_over() {
    at_once(LASTING, |case| {
        let mut scene = Scene::new();
        let session = Session::write(&scene.env, 1, 3);
        (case.break_it)(&mut scene.posthog);
        scene.end(&session);
        scene.wait_until_stored(&session);
        if let Some(said) = case.said {
            scene.settle();
            let error = scene.status()["destinations"][0]["last_error"].to_string();
            assert!(error.contains(said), "{}: {error}", case.name);
        }
        let all = session.events();
        assert_eq!(scene.receipt(&session), [all, 0, all, 0]);
        assert_eq!(scene.posthog.events().len(), 0);

        // A process that still waits for an answer notices that the server went away and came back.
        scene.posthog.stop();
        scene.posthog.heal();
        scene.posthog.restart();
        scene.flush().success();
        scene.settle();
        scene.complete(&[&session]);
        let [_, acknowledged, ..] = scene.receipt(&session);
        assert_eq!(acknowledged, all);
    });
}

#[test]
fn nobody_waits_longer_than_claude_code_does() {
    for case in LASTING {
        // One try may be slow because of other tests, but not three.
        let mut tries = (0..3).map(|_| {
            let mut scene = Scene::new();
            let session = Session::write(&scene.env, 1, 3);
            (case.break_it)(&mut scene.posthog);
            scene.end(&session).took
        });
        let quick = tries.find(|took| *took < BUDGET);
        let quick = quick.unwrap_or_else(|| panic!("{}: over {BUDGET:?} each time", case.name));
        println!("{:<22} {:>5} ms", case.name, quick.as_millis());
    }
}

#[test]
fn trouble_that_passes_is_sat_out_in_the_background() {
    type Trouble = fn(&PostHog);
    let table: [(&str, Trouble); 5] = [
        ("503 then 200", |posthog| {
            posthog.then(Fault::status(503)).then(Fault::status(503));
        }),
        ("429 then 200", |posthog| {
            posthog.then(Fault::retry_after(429, 1));
        }),
        ("reset then 200", |posthog| {
            posthog.then(Fault::ResetMidBody);
        }),
        ("413 for the whole batch", |posthog| {
            posthog.then(Fault::status(413));
        }),
        ("a slow answer", |posthog| {
            posthog.then(Fault::Slow(Duration::from_secs(2)));
        }),
    ];
    at_once(table, |(_, break_it)| {
        let scene = Scene::new();
        let session = Session::write(&scene.env, 1, 3);
        break_it(&scene.posthog);
        scene.end(&session);
        scene.settle();
        scene.complete(&[&session]);
    });
}

#[test]
fn a_lost_answer_brings_the_same_bytes_again() {
    let scene = Scene::new();
    let session = Session::write(&scene.env, 1, 3);
    scene.posthog.then(Fault::ResetAfterAccepting);
    scene.end(&session);
    scene.settle();
    scene.complete_with_copies(&[&session]);
    let requests = scene.posthog.requests();
    let verdicts: Vec<_> = requests.iter().map(|one| one.verdict.clone()).collect();
    assert_eq!(verdicts, [Verdict::AnswerLost, Verdict::Accepted]);
    assert_eq!(requests[0].raw, requests[1].raw);
    let all = session.events();
    assert_eq!(scene.receipt(&session), [all, all, 0, 0]);
}

#[test]
fn an_answer_lost_with_its_sender_brings_the_same_events_again() {
    let scene = Scene::new();
    let session = Session::write(&scene.env, 1, 3);
    // Accepted at once, and answered after the sender has gone.
    scene.posthog.then(Fault::ResetAfterAccepting);
    scene.posthog.set(Fault::NoAnswer);
    scene.end(&session);
    scene.posthog.wait_until(SOON, |events| !events.is_empty());
    kill_all(&scene.env.state());
    let all = session.events();
    assert_eq!(scene.receipt(&session), [all, 0, all, 0]);
    scene.posthog.heal();
    scene.flush().success();
    scene.complete_with_copies(&[&session]);
    assert_eq!(scene.posthog.events().len() as u64, 2 * all);
}

#[test]
fn a_poisoned_event_is_refused_alone() {
    let scene = Scene::new();
    let session = Session::write(&scene.env, 1, 3);
    let path = session.path.to_str().expect("it is UTF-8");
    let shown = scene.env.run(["ingest", path, "--output", "-"]).success();
    let poisoned: serde_json::Value = shown
        .stdout
        .lines()
        .nth(4)
        .and_then(|line| serde_json::from_str(line).ok())
        .expect("an event a line");
    let uuid = poisoned["uuid"].as_str().expect("it has one").to_owned();

    scene.posthog.set(Fault::RefuseUuid(uuid.clone()));
    scene.end(&session);
    scene.settle();
    let all = session.events();
    assert_eq!(scene.receipt(&session), [all, all - 1, 0, 1]);
    let refused = &scene.status()["refused"][0];
    assert_eq!(refused["uuid"], uuid.as_str());
    assert!(
        refused["reason"]
            .to_string()
            .contains("could not be processed")
    );
    // No further request is sent.
    let requests = scene.posthog.requests().len();
    scene.end(&session);
    scene.flush();
    scene.settle();
    assert_eq!(scene.posthog.requests().len(), requests);
    assert_eq!(scene.posthog.events().len() as u64, all - 1);
    assert_eq!(scene.posthog.duplicates(), [""; 0]);

    // The reason is gone, and the user says so.
    scene.posthog.heal();
    let flush = scene.env.run(["flush", "--refused"]).success();
    flush.complains("1 refused event to be sent again");
    scene.complete(&[&session]);
    let flush = scene.env.run(["flush", "--refused"]).success();
    flush.complains("0 refused events to be sent again");
}

#[test]
fn a_host_that_lost_the_ai_lane_gets_the_events_on_the_other_one() {
    let scene = Scene::new();
    let session = Session::write(&scene.env, 1, 3);
    scene.posthog.set(Fault::status(503));
    scene.end(&session);
    scene.wait_until_stored(&session);
    // On this machine, the lane is only tried after it was proved once.
    change(&scene.env, "UPDATE destinations SET ai_lane = 1");
    kill_all(&scene.env.state());
    scene.posthog.heal();
    scene.posthog.set(Fault::NoAiLane);
    let before = scene.posthog.requests().len();
    scene.flush().success();
    let requests = scene.posthog.requests();
    let paths: Vec<_> = requests[before..].iter().map(|one| &one.path).collect();
    assert_eq!(paths, ["/i/v0/ai/batch/", "/batch/"]);
    scene.complete(&[&session]);
}

#[test]
fn a_host_without_an_address_keeps_everything() {
    let scene = Scene::on(|env| env.with("POSTHOG_HOST", "https://posthog.invalid"));
    let session = Session::write(&scene.env, 1, 3);
    scene
        .env
        .run(["trust", "https://posthog.invalid"])
        .success();
    scene.end(&session);
    scene.wait_until_stored(&session);
    let all = session.events();
    assert_eq!(scene.receipt(&session), [all, 0, all, 0]);
    kill_all(&scene.env.state());
    // The name resolves again.
    let host = scene.posthog.url();
    change(
        &scene.env,
        &format!("UPDATE destinations SET host = '{host}'"),
    );
    let flush = scene.flush().success();
    flush.complains(&format!("waiting for {host} to take {all} events"));
    scene.complete(&[&session]);
}

/// Windows has a store of certificates, and no variable for more.
#[cfg(unix)]
#[test]
fn a_certificate_that_nobody_vouches_for_gets_nothing_until_it_is_trusted() {
    use crate::support::tls::TlsDoor;

    let scene = Scene::new();
    let session = Session::write(&scene.env, 1, 3);
    let door = TlsDoor::to(&scene.posthog.url());
    let hook = scene.hook(&session).env("POSTHOG_HOST", door.url());
    hook.run().success().silent();
    scene.wait_until_stored(&session);
    scene.settle();
    let error = scene.status()["destinations"][0]["last_error"].to_string();
    assert!(error.contains("certificate is not trusted"), "{error}");
    assert_eq!(scene.posthog.requests().len(), 0);

    let roots = scene.env.write("roots.pem", &door.certificate);
    let flush = scene.env.command(["flush"]).env("SSL_CERT_FILE", roots);
    flush.run().success();
    scene.complete(&[&session]);
}

#[test]
fn a_destination_in_trouble_costs_the_next_hooks_nothing() {
    let scene = Scene::new();
    let first = Session::write(&scene.env, 1, 1);
    let second = Session::write(&scene.env, 2, 1);
    scene.posthog.set(Fault::LoginPage);
    scene.end(&first);
    scene.settle();
    let asked = scene.posthog.requests().len();
    let start = Instant::now();
    scene.end(&second);
    assert!(start.elapsed() < Duration::from_secs(1), "it is not asked");
    scene.settle();
    assert_eq!(scene.posthog.requests().len(), asked);
    scene.posthog.heal();
    scene.flush().success();
    scene.complete(&[&first, &second]);
}

fn change(env: &TestEnv, sql: &str) {
    let database = Connection::open(env.state().join("outbox.db")).expect("it is there");
    database.busy_timeout(SOON).expect("it can wait");
    database.execute(sql, []).expect("it is ours");
}

/// Runs every case on a thread: they mostly wait.
fn at_once<T: Send + 'static>(cases: impl IntoIterator<Item = T>, test: impl Fn(T) + Copy + Send) {
    thread::scope(|scope| {
        for case in cases {
            scope.spawn(move || test(case));
        }
    });
}
