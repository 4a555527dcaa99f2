//! `--output`: the events written are those that are sent, and no file of the user's is lost for
//! it.

use std::fs;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use chrono::{SecondsFormat, TimeDelta, Utc};
use flate2::read::GzDecoder;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::support::env::{Outcome, TestEnv};
use crate::support::posthog::{Request, Verdict};
use crate::support::scene::Scene;
use crate::support::session::Session;

/// Bytes of an event: more than `/batch/` accepts, less than the AI lane.
const HUGE: usize = 2_000_000;

fn output(env: &TestEnv, file: &Path, more: &[&str]) -> Outcome {
    let run = env.command(["ingest", "--all", "--output"]);
    let mut run = run.argument(file);
    for argument in more {
        run = run.argument(argument);
    }
    run.run()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the folder is there");
    entries
        .map(|entry| entry.expect("readable").path())
        .collect()
}

#[test]
fn a_new_file_is_the_users_alone_and_is_said_to_be_written() {
    let env = TestEnv::new();
    let session = Session::write(&env, 1, 2);
    let file = env.root().join("out/events.jsonl");
    fs::create_dir_all(env.root().join("out")).expect("writable");
    let outcome = output(&env, &file, &[]).success();
    let text = fs::read_to_string(&file).expect("it was written");
    assert_eq!(text.lines().count() as u64, session.events());
    let bytes = text.len().to_string();
    let bytes = [&bytes[..bytes.len() - 3], &bytes[bytes.len() - 3..]].join(",");
    let expected = format!(
        "wrote {}: {} events of 1 session, {bytes} bytes",
        file.display(),
        session.events()
    );
    outcome.complains(&expected);
    let mode = file.metadata().expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(entries(&env.root().join("out")), [file]);
}

#[test]
fn a_file_that_is_there_is_replaced_by_force_alone() {
    let env = TestEnv::new();
    let session = Session::write(&env, 1, 1);
    let file = env.write("out/events.jsonl", "mine");
    output(&env, &file, &[])
        .code(2)
        .complains("is there already")
        .complains("--force");
    assert_eq!(fs::read_to_string(&file).expect("it is there"), "mine");
    output(&env, &file, &["--force"]).success();
    let text = fs::read_to_string(&file).expect("it is there");
    assert_eq!(text.lines().count() as u64, session.events());
    assert_eq!(entries(&env.root().join("out")), [file]);
    let alone = env.run(["ingest", "--all", "--force"]).code(2);
    alone.complains("--output");
}

#[test]
fn pipes_are_written_to_as_they_are() {
    let env = TestEnv::new();
    let session = Session::write(&env, 1, 1);
    let pipe = env.root().join("pipe");
    let made = Command::new("mkfifo").arg(&pipe).status();
    assert!(made.expect("mkfifo is there").success());
    let reader = pipe.clone();
    let reader = thread::spawn(move || fs::read_to_string(reader).expect("readable"));
    output(&env, &pipe, &[]).success();
    let text = reader.join().expect("it was read");
    assert_eq!(text.lines().count() as u64, session.events());
    for name in ["-", "/dev/stdout"] {
        let text = output(&env, Path::new(name), &[]).success().stdout;
        assert_eq!(text.lines().count() as u64, session.events(), "{name}");
    }
}

/// Writes a session with a prompt, an answer and a result of a tool that are huge.
fn write_huge(env: &TestEnv, number: u64) -> String {
    let id = format!("00000000-0000-4000-8000-{number:012}");
    let start = Utc::now() - TimeDelta::minutes(number.cast_signed());
    let huge = |word: &str| format!("{word}{number}\u{e4}\"\n ").repeat(HUGE / 10);
    let mut lines = String::new();
    for (second, (kind, message)) in (0..).zip([
        ("user", json!({ "role": "user", "content": huge("prompt") })),
        (
            "assistant",
            json!({ "role": "assistant", "id": format!("msg_{number}_1"), "model": "claude-opus-4-8",
                "content": [
                    { "type": "text", "text": huge("answer") },
                    { "type": "tool_use", "id": "toolu_1", "name": "Read", "input": { "path": huge("path") } },
                ],
                "stop_reason": "tool_use", "usage": { "input_tokens": 1, "output_tokens": 50 } }),
        ),
        (
            "user",
            json!({ "role": "user", "content": [
                { "type": "tool_result", "tool_use_id": "toolu_1", "content": huge("result") },
            ] }),
        ),
        (
            "assistant",
            json!({ "role": "assistant", "id": format!("msg_{number}_2"), "model": "claude-opus-4-8",
                "content": [{ "type": "text", "text": huge("end") }],
                "stop_reason": "end_turn", "usage": { "input_tokens": 1, "output_tokens": 51 } }),
        ),
    ]) {
        let at = start + TimeDelta::seconds(second);
        let line = json!({
            "type": kind, "uuid": format!("{id}-{second}"), "sessionId": id, "message": message,
            "cwd": env.project(), "timestamp": at.to_rfc3339_opts(SecondsFormat::Millis, true),
        });
        lines += &line.to_string();
        lines.push('\n');
    }
    env.write(format!("home/.claude/projects/p/{id}.jsonl"), lines);
    id
}

/// The events of a request, byte for byte.
fn sent(request: &Request) -> Vec<String> {
    #[derive(Deserialize)]
    struct Body<'a> {
        #[serde(borrow)]
        batch: Vec<&'a RawValue>,
    }
    let mut text = String::new();
    let mut decoder = GzDecoder::new(request.raw.as_slice());
    decoder.read_to_string(&mut text).expect("it is gzip");
    let body: Body<'_> = serde_json::from_str(&text).expect("it is JSON");
    body.batch
        .iter()
        .map(|event| event.get().to_owned())
        .collect()
}

#[test]
fn the_file_holds_what_the_destination_receives_to_the_byte() {
    for (has_ai_lane, scope, largest) in [
        (None, "new", 900_000),
        (None, "full", 900_000),
        (Some(true), "new", 8 << 20),
        (Some(false), "new", 900_000),
    ] {
        let scene = Scene::on(|env| env.with("POSTHOG_LLMA_INPUT", scope));
        // Makes the destination and its lane known to the outbox.
        Session::write(&scene.env, 1, 1);
        scene.env.run(["ingest", "--all"]).success();
        let database = rusqlite::Connection::open(scene.env.state().join("outbox.db"));
        let database = database.expect("it is there");
        let update = "UPDATE destinations SET ai_lane = ?1";
        database.execute(update, [has_ai_lane]).expect("writable");
        drop(database);
        let id = write_huge(&scene.env, 2);
        let known = scene.posthog.requests().len();

        let file = scene.env.root().join("events.jsonl");
        let run = scene.env.command(["ingest", &id, "--output"]);
        run.argument(&file).run().success();
        scene.env.run(["ingest", &id]).success();

        let written = fs::read_to_string(&file).expect("it was written");
        let mut written: Vec<String> = written.lines().map(str::to_owned).collect();
        let requests = scene.posthog.requests();
        let accepted = requests[known..].iter();
        let accepted = accepted.filter(|request| request.verdict == Verdict::Accepted);
        let mut received: Vec<String> = accepted.flat_map(sent).collect();
        written.sort();
        received.sort();
        assert!(
            written == received,
            "{has_ai_lane:?}, {scope}: not the same bytes"
        );
        let longest = written.iter().map(String::len).max().unwrap_or(0);
        assert!(longest <= largest, "{longest} bytes");
        // Each of the prompt, the answer and the end is cut on one lane and whole on the other.
        assert!(longest > 800_000, "{longest} bytes prove nothing");
        assert_eq!(longest > 900_000, largest > 900_000, "{longest} bytes");
    }
}

#[test]
fn a_session_that_was_sent_is_written_as_it_was_sent() {
    let scene = Scene::new();
    let session = Session::write(&scene.env, 1, 1);
    scene.env.run(["ingest", "--all"]).success();
    let run = scene.env.command(["ingest", "--all", "--output", "-"]);
    let run = run.env("POSTHOG_LLMA_TRACE_GROUPING", "message");
    let written = run.run().success().stdout;
    let written = written.lines().map(serde_json::from_str::<Value>);
    let mut written: Vec<Value> = written.map(|event| event.expect("it is JSON")).collect();
    let mut sent = scene.posthog.of_session(&session.id);
    for events in [&mut written, &mut sent] {
        events.sort_by_key(|event| event["uuid"].to_string());
    }
    assert_eq!(written, sent);
}
