//! Names of files, sessions and projects, prompts and errors that would control a terminal or hide
//! in it: none of them reaches it unchanged.

#![cfg(target_os = "linux")]

use std::process::Command;

use crate::support::env::PROGRAM;
use crate::support::scene::Scene;
use serde_json::{Value, json};

/// An escape sequence, a bell, text in reverse direction, a character without width, a tag, and the
/// short form of an escape sequence.
const HOSTILE: &str = "a\u{1b}[31m\u{7}\u{202e}b\u{200b}\u{e0041}\u{9b}1mc";
const ID: &str = "4f2a0000-0000-4000-8000-000000000001";

fn steers(character: char) -> bool {
    (character.is_control() && !matches!(character, '\n' | '\t'))
        || matches!(
            character,
            '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
                | '\u{feff}' | '\u{e0000}'..='\u{e0fff}'
        )
}

#[track_caller]
fn is_harmless(what: &str, text: &str) {
    if let Some(found) = text.chars().find(|it| steers(*it)) {
        panic!("{what}: {found:?} in {text:?}");
    }
}

/// A session with the hostile text wherever others choose the words.
fn session() -> String {
    let line = |kind: &str, second: u8, message: Value| {
        json!({
            "type": kind, "uuid": format!("{HOSTILE}{second}"), "sessionId": ID,
            "timestamp": format!("2026-03-02T09:00:0{second}.000Z"),
            "cwd": format!("/home/ada/{HOSTILE}"), "gitBranch": HOSTILE, "version": HOSTILE,
            "message": message,
        })
    };
    let answer = |id: &str, content: Value| {
        json!({ "id": id, "role": "assistant", "model": format!("claude-{HOSTILE}"),
            "content": content, "stop_reason": HOSTILE,
            "usage": { "input_tokens": 1, "output_tokens": 20 } })
    };
    let lines = [
        line("user", 0, json!({ "role": "user", "content": HOSTILE })),
        line(
            "assistant",
            1,
            answer(
                "msg_1",
                json!([
                    { "type": "text", "text": HOSTILE },
                    { "type": "tool_use", "id": "toolu_1", "name": HOSTILE, "input": { "command": HOSTILE } },
                ]),
            ),
        ),
        line(
            "user",
            2,
            json!({ "role": "user", "content": [
            { "type": "tool_result", "tool_use_id": "toolu_1", "is_error": true, "content": HOSTILE },
        ] }),
        ),
        json!({ "type": HOSTILE, "sessionId": ID, "timestamp": "2026-03-02T09:00:03.000Z", HOSTILE: 1 }),
        line(
            "assistant",
            4,
            answer("msg_2", json!([{ "type": "text", "text": HOSTILE }])),
        ),
        json!({ "type": "custom-title", "customTitle": HOSTILE, "sessionId": ID }),
    ];
    lines.map(|line| format!("{line}\n")).concat()
}

fn scene() -> Scene {
    let scene = Scene::new();
    let folder = format!("home/.claude/projects/{HOSTILE}");
    scene.env.write(format!("{folder}/{ID}.jsonl"), session());
    // An unreadable session with the text in its id, too.
    let broken = format!("{folder}/{HOSTILE}.jsonl");
    let broken = scene.env.root().join(broken);
    std::os::unix::fs::symlink("/proc/self/environ", &broken).expect("writable");
    let unreadable = scene.env.root().join(format!("{folder}/{ID}/subagents"));
    std::fs::create_dir_all(&unreadable).expect("writable");
    scene.env.write(
        unreadable.join(format!("agent-{HOSTILE}.jsonl")),
        format!("{HOSTILE}\n"),
    );
    scene
}

#[test]
fn nothing_that_steers_a_terminal_is_printed() {
    let scene = scene();
    let file = format!("{HOSTILE}.jsonl");
    let broken = format!("../home/.claude/projects/{HOSTILE}/{HOSTILE}.jsonl");
    let output = format!("{HOSTILE}/events");
    let option = format!("--{HOSTILE}");
    let commands: [&[&str]; 18] = [
        &["ingest", "--list"],
        &["show", ID],
        &["show", ID, "--json"],
        &["show", HOSTILE],
        &["show", &broken],
        &["ingest", "--all", "--dry-run"],
        &["ingest", &file],
        &["ingest", &broken],
        &["ingest", ID, "--output", &output],
        &["ingest", "--since", HOSTILE],
        &["ingest", "--project", HOSTILE],
        &[&option],
        &[HOSTILE],
        &["ingest", "--all"],
        &["status"],
        &["status", "--json"],
        &["doctor"],
        &["doctor", "--json"],
    ];
    for arguments in commands {
        let outcome = scene.env.run(arguments);
        is_harmless(&format!("{arguments:?}"), &outcome.stdout);
        is_harmless(&format!("{arguments:?}"), &outcome.stderr);
    }
    for name in ["POSTHOG_HOST", "POSTHOG_LLMA_REDACT_FILE", "POSTHOG_TAGS"] {
        for verb in ["status", "show", "flush"] {
            let outcome = scene.env.command([verb]).env(name, HOSTILE).run();
            is_harmless(&format!("{name} {verb}"), &outcome.stdout);
            is_harmless(&format!("{name} {verb}"), &outcome.stderr);
        }
    }
}

#[test]
fn json_that_is_printed_means_what_is_there() {
    let scene = scene();
    scene.env.run(["ingest", ID]).success();
    let session = &scene.status()["sessions"][0];
    assert_eq!(session["project"], HOSTILE, "{session}");
    let shown = scene.env.run(["show", ID, "--json"]).success();
    let shown: Value = serde_json::from_str(&shown.stdout).expect("it is JSON");
    let text = shown["traces"][0].to_string();
    let hostile = json!(HOSTILE).to_string();
    assert!(text.contains(hostile.trim_matches('"')), "{shown:#}");
}

#[test]
fn a_pipe_gets_the_bytes_that_are_sent_and_a_terminal_their_escapes() {
    let scene = scene();
    let run = scene.env.run(["ingest", ID, "--output", "-"]).success();
    assert!(run.stdout.contains('\u{202e}'), "{}", run.stdout);
    let command = format!("{PROGRAM} ingest {ID} --output -");
    let mut script = Command::new("script");
    script.args(["-qefc", &command, "/dev/null"]);
    let at_terminal = scene.env.other(script).run().success().stdout;
    // A terminal ends lines with both characters.
    let at_terminal = at_terminal.replace("\r\n", "\n");
    is_harmless("at a terminal", &at_terminal);
    let events = |text: &str| -> Vec<Value> {
        // A terminal also shows the messages.
        let lines = text.lines().filter(|line| line.starts_with('{'));
        let events = lines.map(serde_json::from_str);
        events.map(|event| event.expect("it is JSON")).collect()
    };
    assert_eq!(events(&at_terminal), events(&run.stdout));
}
