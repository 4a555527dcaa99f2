//! The hook that the plugin starts, and its detached process, without OpenCode.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use chrono::Utc;
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::opencode::store::{database, files, fixture};
use crate::support::env::{Outcome, Run};
use crate::support::scene::{CROWDED, Scene};

fn scene() -> Scene {
    Scene::on(|env| env.without("POSTHOG_LLMA_CC_ENABLED"))
}

/// Path of OpenCode's data below the home directory.
const DATA: &str = ".local/share/opencode";

#[track_caller]
fn hook(scene: &Scene, session: &str, more: &[&str]) -> Outcome {
    let words = ["hook", "--agent", "opencode", "--session", session];
    let run = scene.env.command(words);
    let run = more.iter().fold(run, Run::argument);
    let outcome = run.run().success().silent().within(CROWDED);
    scene.settle();
    outcome
}

fn named(scene: &Scene, name: &str) -> Vec<Value> {
    assert_eq!(scene.posthog.duplicates(), Vec::<String>::new());
    scene.posthog.named(name)
}

/// The first messages of a fixture's session.
fn beginning(name: &str, count: usize) -> Value {
    let mut session = fixture(name).remove(0);
    let messages = session["messages"].as_array_mut().expect("messages");
    messages.truncate(count);
    session
}

/// The name of this machine.
#[cfg(unix)]
fn machine_name() -> String {
    let host = rustix::system::uname();
    host.nodename().to_str().expect("a name").to_owned()
}

/// The name of this machine.
#[cfg(not(unix))]
fn machine_name() -> String {
    std::env::var("COMPUTERNAME").expect("Windows sets it")
}

#[test]
fn each_answer_is_sent_when_the_agent_is_idle_and_the_end_adds_only_new_events() {
    let scene = scene();
    let folder = scene.env.home().join(DATA);
    database(&folder, &[beginning("plain_answer", 2)]);
    hook(&scene, "ses_0201", &["--running"]);
    assert_eq!(named(&scene, "$ai_generation").len(), 1);
    database(&folder, &[beginning("plain_answer", 4)]);
    hook(&scene, "ses_0201", &["--running"]);
    let calls = named(&scene, "$ai_generation");
    assert_eq!(calls.len(), 2);
    let host = machine_name();
    assert_eq!(calls[0]["distinct_id"], host, "as PostHog's own plugin");
    let requests = scene.posthog.requests().len();
    hook(&scene, "ses_0201", &[]);
    assert_eq!(scene.posthog.requests().len(), requests, "nothing is new");
    let again = scene.env.run(["ingest", "--all"]).success();
    drop(again.says("(nothing new)"));
    let status = scene.status();
    assert_eq!(status["sessions"][0]["agent"], "opencode");
    assert_eq!(status["runs"][0]["error"], Value::Null, "{status:#}");
}

#[test]
fn an_idle_subagent_is_read_with_the_session_that_started_it() {
    for is_database in [true, false] {
        let scene = scene();
        let folder = scene.env.home().join(DATA);
        let store = if is_database { database } else { files };
        store(&folder, &fixture("subagents"));
        hook(&scene, "ses_0204y", &[]);
        let calls = named(&scene, "$ai_generation");
        assert_eq!(calls.len(), 6);
        let sessions = calls
            .iter()
            .map(|call| &call["properties"]["$ai_session_id"]);
        assert!(sessions.into_iter().all(|session| session == "ses_0204"));
    }
}

#[test]
fn nothing_happens_without_a_key_or_when_it_is_switched_off() {
    for special in ["POSTHOG_API_KEY", "POSTHOG_ENABLED"] {
        let scene = Scene::on(|env| match special {
            "POSTHOG_API_KEY" => env.without(special),
            _ => env.with(special, "false"),
        });
        database(&scene.env.home().join(DATA), &fixture("plain_answer"));
        hook(&scene, "ses_0201", &[]);
        assert!(scene.posthog.requests().is_empty(), "{special}");
        let state = fs::read_dir(scene.env.state()).expect("it is there");
        assert_eq!(state.count(), 0, "{special}: nothing is stored");
    }
}

#[test]
fn a_missing_session_is_reported() {
    let scene = scene();
    for is_there in [false, true] {
        if is_there {
            database(&scene.env.home().join(DATA), &fixture("plain_answer"));
        }
        hook(&scene, "ses_elsewhere", &["--running"]);
        let run = &scene.status()["runs"][0];
        let error = run["error"].to_string();
        assert!(
            error.contains("session ses_elsewhere is nowhere in"),
            "{run}"
        );
        assert_eq!(run["session"], "ses_elsewhere");
        assert!(scene.posthog.requests().is_empty());
    }
}

#[test]
fn a_session_in_the_database_and_in_files_is_sent_once() {
    let scene = scene();
    let folder = scene.env.home().join(DATA);
    files(&folder, &fixture("plain_answer"));
    files(&folder, &fixture("tools"));
    database(&folder, &fixture("plain_answer"));
    scene.env.run(["ingest", "--all", "--yes"]).success();
    assert_eq!(named(&scene, "$ai_generation").len(), 3 + 4);
    // After an upgrade, the other sessions move too.
    database(&folder, &fixture("tools"));
    scene.env.run(["ingest", "--all", "--yes"]).success();
    assert_eq!(named(&scene, "$ai_generation").len(), 3 + 4);
}

#[test]
fn a_database_that_cannot_be_read_is_reported_and_affects_nothing_else() {
    let scene = scene();
    let folder = scene.env.home().join(DATA);
    database(&folder, &fixture("plain_answer"));
    fs::write(folder.join("opencode-dev.db"), "no database").expect("the folder is ours");
    let outcome = scene.env.run(["ingest", "--all", "--yes"]).code(1);
    // As this system writes paths.
    let path: PathBuf = folder.join("opencode-dev.db").components().collect();
    let path = path.display().to_string();
    outcome.complains(&path).complains("file is not a database");
    assert_eq!(named(&scene, "$ai_generation").len(), 3);
    scene.env.run(["ingest", "--list"]).success();
    hook(&scene, "ses_0201", &[]);
    assert_eq!(scene.status()["runs"][0]["error"], Value::Null);
}

#[test]
fn sessions_are_listed_named_and_shown() {
    let scene = scene();
    let folder = scene.env.home().join(DATA);
    database(&folder, &fixture("plain_answer"));
    database(&folder, &fixture("subagents"));
    let list = scene.env.run(["ingest", "--list"]).success().stdout;
    assert_eq!(list.lines().count(), 1 + 2, "{list}");
    assert!(list.contains("opencode"), "{list}");
    for name in [
        "ses_0204",
        "0204",
        ".local/share/opencode/opencode.db/ses_0204",
    ] {
        let argument = if name.contains('/') {
            scene.env.home().join(name).to_string_lossy().into_owned()
        } else {
            name.to_owned()
        };
        let shown = scene.env.run(["show", &argument]).success().stdout;
        assert!(shown.contains("agent explore"), "{name}: {shown}");
    }
    let whole = scene.env.home().join(DATA).join("opencode.db");
    let dry = scene
        .env
        .run(["ingest", "--dry-run", &whole.to_string_lossy()]);
    let dry = dry.success().stdout;
    assert!(dry.contains("2 sessions"), "{dry}");
    let status = scene.env.run(["status"]).success().stdout;
    assert!(
        status.contains("opencode off: its plugin is not installed"),
        "{status}"
    );
}

#[test]
fn a_session_whose_end_was_missed_is_made_up_for_by_the_next_that_ends() {
    let scene = scene();
    let folder = scene.env.home().join(DATA);
    database(&folder, &fixture("plain_answer"));
    hook(&scene, "ses_0201", &[]);
    assert_eq!(named(&scene, "$ai_generation").len(), 3);
    // Written long before sending was switched on: never sent by itself.
    database(&folder, &fixture("silence"));
    // Written to two hours ago, after the outbox was made, and without an end.
    let mut killed = fixture("tools");
    let since = Utc::now().timestamp_millis() - 1_772_445_600_000 - 2 * 3_600_000;
    move_by(&mut killed[0], since);
    database(&folder, &killed);
    hook(&scene, "ses_0201", &[]);
    assert_eq!(
        named(&scene, "$ai_generation").len(),
        3,
        "older than the outbox"
    );
    let outbox = Connection::open(scene.env.state().join("outbox.db")).expect("an outbox");
    let yesterday = (Utc::now().timestamp_millis() - 24 * 3_600_000).to_be_bytes();
    let changed = outbox.execute(
        "UPDATE meta SET value = ?1 WHERE name = 'enabled_since opencode'",
        [yesterday],
    );
    assert_eq!(changed, Ok(1));
    drop(outbox);
    hook(&scene, "ses_0201", &[]);
    assert_eq!(named(&scene, "$ai_generation").len(), 3 + 4);
}

/// Moves every time in it by a number of milliseconds.
fn move_by(value: &mut Value, milliseconds: i64) {
    match value {
        Value::Number(number) => {
            if let Some(at) = number.as_i64().filter(|at| *at > 1_000_000_000_000) {
                *value = json!(at + milliseconds);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|it| move_by(it, milliseconds)),
        Value::Object(fields) => fields.values_mut().for_each(|it| move_by(it, milliseconds)),
        _ => {}
    }
}

/// Sets a flag when it goes out of scope.
struct Ending<'a>(&'a AtomicBool);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn the_database_is_read_while_it_is_written_to() {
    let scene = scene();
    let folder = scene.env.home().join(DATA);
    database(&folder, &fixture("plain_answer"));
    let is_done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            // Like OpenCode: many small transactions, and now and then a checkpoint of the log.
            let path = folder.join("opencode.db");
            let database = Connection::open(path).expect("a database");
            database.busy_timeout(CROWDED).expect("it is open");
            let mut number = 0;
            while !is_done.load(Ordering::Relaxed) {
                number += 1;
                let data = json!({"type": "text", "text": "x".repeat(5_000)}).to_string();
                let insert =
                    "INSERT INTO part VALUES (?1, 'msg_elsewhere', 'ses_other', ?2, ?2, ?3)";
                database
                    .execute(insert, (format!("prt_{number}"), number, data))
                    .expect("a row");
                if number % 50 == 0 {
                    let fold = "PRAGMA wal_checkpoint(TRUNCATE)";
                    let _ = database.query_row(fold, [], |_| Ok(()));
                }
            }
        });
        // A failed assertion also stops the writer, which would fill the disk.
        let _end = Ending(&is_done);
        for _ in 0..20 {
            let dry = scene.env.run(["ingest", "--all", "--dry-run"]).success();
            assert!(dry.stdout.contains("3 model calls"), "{}", dry.stdout);
            assert!(!dry.stderr.contains("cannot"), "{}", dry.stderr);
        }
        hook(&scene, "ses_0201", &[]);
    });
    assert_eq!(named(&scene, "$ai_generation").len(), 3);
    // The log beside the database contains everything: a reader that opens a copy of the database
    // alone sees nothing.
    let credential = Connection::open(folder.join("opencode.db")).expect("a database");
    let untouched: i64 = credential
        .query_row("SELECT count(*) FROM credential", [], |row| row.get(0))
        .expect("a count");
    assert_eq!(untouched, 0);
}
