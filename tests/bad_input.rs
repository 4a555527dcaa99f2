//! Arbitrary content of files and command lines: a clear message and the promised exit code, never
//! a panic.

use std::path::PathBuf;
#[cfg(unix)]
use std::process::Command;
use std::time::Duration;

use crate::support::env::{Outcome, TestEnv};
#[cfg(unix)]
use crate::support::env::{PROGRAM, Run};
use posthog_llma::ui;
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(20);
const ONE: &str = "4f2a0000-0000-4000-8000-000000000001";
const OTHER: &str = "4f2b0000-0000-4000-8000-000000000002";

/// A session of one prompt and one answer.
fn session(id: &str, prompt: &str) -> String {
    let line = |kind: &str, second: u8, message: Value| {
        json!({
            "type": kind, "uuid": format!("{id}-{second}"), "sessionId": id,
            "timestamp": format!("2026-03-02T09:00:0{second}.000Z"),
            "cwd": "/home/ada/bücherladen", "version": "2.1.150", "message": message,
        })
        .to_string()
    };
    let prompt = line("user", 0, json!({ "role": "user", "content": prompt }));
    let answer = line(
        "assistant",
        2,
        answer(&json!([{ "type": "text", "text": "Done." }])),
    );
    let end = json!({ "type": "cost-state", "sessionId": id });
    format!("{prompt}\n{answer}\n{end}\n")
}

fn answer(content: &Value) -> Value {
    json!({
        "id": "msg_1", "role": "assistant", "model": "claude-sonnet-4-5", "content": content,
        "stop_reason": "end_turn", "usage": { "input_tokens": 1, "output_tokens": 2 },
    })
}

/// Claude Code's folder with two sessions.
fn with_sessions() -> TestEnv {
    let env = TestEnv::new();
    for (id, prompt) in [
        (ONE, "世界中の本を数えて、結果を表に書いてください"),
        (OTHER, "Lösche die Bücher aus dem Süden"),
    ] {
        env.write(transcript(id), session(id, prompt));
    }
    env
}

fn transcript(id: &str) -> PathBuf {
    PathBuf::from(format!("home/.claude/projects/-home-ada-shop/{id}.jsonl"))
}

/// Reads a file with this content.
#[track_caller]
fn read(content: impl AsRef<[u8]>) -> Outcome {
    let env = TestEnv::new();
    let path = env.write("session.jsonl", content);
    let outcome = env
        .command(["ingest", "--output", "-"])
        .argument(path)
        .run();
    outcome.within(SOON).never_mentions("panicked")
}

fn events(outcome: &Outcome) -> Vec<Value> {
    let lines = outcome.stdout.lines();
    lines
        .map(|line| serde_json::from_str(line).expect("a line is an event"))
        .collect()
}

/// A line of a session, at this many seconds after its beginning.
fn line(kind: &str, second: u8, message: &Value) -> Value {
    json!({
        "type": kind, "uuid": format!("{ONE}-{second}"), "sessionId": ONE,
        "timestamp": format!("2026-03-02T09:00:{second:02}.000Z"), "version": "2.1.150",
        "requestId": "req_1", "message": message,
    })
}

/// A response of one part for each of these contents and usages.
fn response(parts: &[(Value, Value)]) -> Vec<Value> {
    let mut lines = vec![line("user", 0, &json!({ "content": "Count the books" }))];
    for ((content, usage), second) in parts.iter().zip(2..) {
        let mut message = answer(content);
        message["usage"] = usage.clone();
        lines.push(line("assistant", second, &message));
    }
    lines
}

/// The events of a session with these lines that have this name.
fn events_of(lines: &[Value], name: &str) -> Vec<Value> {
    let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
    let outcome = read(lines.join("\n") + "\n");
    let events = events(&outcome).into_iter();
    let mut events: Vec<Value> = events.filter(|event| event["event"] == name).collect();
    events
        .iter_mut()
        .map(|it| it["properties"].take())
        .collect()
}

#[test]
fn a_part_of_a_response_that_leaves_counts_out_takes_none_away() {
    let text = json!([{ "type": "text", "text": "One." }]);
    let all = json!({
        "input_tokens": 10, "output_tokens": 50, "cache_read_input_tokens": 1000,
        "cache_creation_input_tokens": 200,
    });
    for less in [
        json!({}),
        json!(null),
        json!({ "output_tokens": 50 }),
        json!("none"),
    ] {
        for usages in [[&all, &less], [&less, &all]] {
            let parts = usages.map(|usage| (text.clone(), usage.clone()));
            let generations = events_of(&response(&parts), "$ai_generation");
            let [generation] = generations.as_slice() else {
                panic!("{less}: {} generations", generations.len());
            };
            for (name, count) in [
                ("$ai_input_tokens", 10),
                ("$ai_output_tokens", 50),
                ("$ai_cache_read_input_tokens", 1000),
                ("$ai_cache_creation_input_tokens", 200),
            ] {
                assert_eq!(generation[name], count, "{name} beside {less}");
            }
        }
    }
}

#[test]
fn every_call_of_a_response_has_its_span_and_its_result_whatever_its_id_is() {
    for id in [json!("functions.Bash:0"), json!(""), json!(7), json!(null)] {
        let call = |command: &str| json!([{ "type": "tool_use", "id": id, "name": "Bash", "input": { "command": command } }]);
        let result = |content: &str| json!({ "content": [{ "type": "tool_result", "tool_use_id": id, "content": content }] });
        let usage = json!({ "input_tokens": 1, "output_tokens": 2 });
        let mut lines = response(&[(call("ls"), usage.clone()), (call("pwd"), usage)]);
        lines.push(line("user", 4, &result("a list")));
        lines.push(line("user", 5, &result("a folder")));
        let spans = events_of(&lines, "$ai_span");
        let calls = spans.iter().filter(|span| span["$ai_span_type"] == "tool");
        let calls: Vec<Value> = calls
            .map(|call| json!([call["$ai_input_state"]["command"], call["$ai_output_state"]]))
            .collect();
        assert_eq!(
            calls,
            [json!(["ls", "a list"]), json!(["pwd", "a folder"])],
            "{id}"
        );
    }
}

#[test]
fn without_both_of_its_times_a_call_has_no_latency() {
    let call = json!([{ "type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {} }]);
    let result = json!({
        "content": [{ "type": "tool_result", "tool_use_id": "toolu_1", "content": "done" }],
    });
    let usage = json!({ "input_tokens": 1, "output_tokens": 2 });
    let mut whole = response(&[(call, usage)]);
    whole.push(line("user", 3, &result));
    let times = |lines: &[Value]| {
        let spans = events_of(lines, "$ai_span");
        let span = spans.iter().find(|span| span["$ai_span_type"] == "tool");
        span.expect("a call has a span")["$ai_latency"].clone()
    };
    assert_eq!(times(&whole), 1.0);
    for (place, time) in [
        (1, json!(null)),
        (2, json!(0)),
        (2, whole[0]["timestamp"].clone()),
    ] {
        let mut lines = whole.clone();
        lines[place]["timestamp"] = time.clone();
        assert_eq!(times(&lines), Value::Null, "line {place} at {time}");
    }
}

#[test]
fn a_wrong_name_gets_the_nearest_candidates() {
    let env = with_sessions();
    for (name, shown) in [
        ("nothing.jsonl", "newest"),
        ("4f2c", "nearest"),
        ("/does/not/exist", "newest"),
    ] {
        env.run(["ingest", name])
            .code(2)
            .complains(&format!("no session or file \"{name}\"; the {shown} are:"))
            .complains(ONE);
    }
    env.run(["ingest", "4f2"])
        .code(2)
        .complains("2 sessions begin with \"4f2\"")
        .complains(ONE)
        .complains(OTHER);
    env.run(["ingest", "4F2A", "--dry-run"])
        .success()
        .says("1 session,");
    TestEnv::new()
        .run(["ingest", "4f2a"])
        .code(2)
        .complains("no sessions were found");
}

#[test]
fn without_a_session_the_message_says_what_to_do() {
    let env = TestEnv::new();
    env.run(["ingest"])
        .code(2)
        .complains("no session found")
        .complains("`posthog-llma doctor` says where");
    env.run(["ingest", "."])
        .code(2)
        .complains("no transcripts (*.jsonl)");
    env.run(["ingest", "--list"])
        .success()
        .complains("no sessions");
    env.run(["ingest", "--all", "--dry-run"])
        .success()
        .complains("no sessions were found");
}

#[test]
fn files_that_hold_no_session_are_said_to_hold_none() {
    let garbage: Vec<u8> = (0..100_000_u32)
        .map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()[1])
        .collect();
    for content in [
        garbage,
        b"hello\nyou\n".to_vec(),
        b"null\n[]\n3\n\"x\"\n{}\n".to_vec(),
        b"hello\n".to_vec(),
        b"{".to_vec(),
        vec![b'['; 200_000],
        vec![0; 10_000],
    ] {
        let outcome = read(content).code(1).complains("not a transcript");
        assert_eq!(events(&outcome).len(), 0);
    }
    for content in [
        Vec::new(),
        b"\n\n\n".to_vec(),
        br#"{"type":"user","timestamp":"yesterday","message":{"content":"x"}}"#.to_vec(),
    ] {
        let outcome = read(content).success().complains("nothing in");
        assert_eq!(events(&outcome).len(), 0);
    }
}

#[test]
fn a_line_of_five_megabytes_is_read_and_its_event_fits() {
    let outcome = read(session(ONE, &"long ".repeat(1 << 20))).success();
    assert_eq!(events(&outcome).len(), 3);
    assert!(outcome.stdout.lines().all(|line| line.len() < 8 << 20));
}

#[test]
fn a_transcript_cut_in_mid_line_gives_what_is_whole() {
    let whole = session(ONE, "Count");
    let first_line = whole.find('\n').expect("a line end");
    for cut in (0..whole.len()).step_by(97) {
        // Of a file with half a line, nothing can be read.
        let has_nothing = (1..first_line).contains(&cut);
        read(&whole[..cut]).code(i32::from(has_nothing));
    }
    let outcome = read(&whole[..first_line + 200]).success();
    assert_eq!(outcome.stderr, "");
}

#[test]
fn deep_nesting_costs_neither_the_stack_nor_the_call() {
    let deep =
        |open: &str, close: &str| format!("{}1{}", open.repeat(50_000), close.repeat(50_000));
    let nested = deep(r#"{"a":"#, "}");
    let results = format!(
        r#"{}"x"{}"#,
        r#"[{"type":"tool_result","tool_use_id":"t","content":"#.repeat(5_000),
        "}]".repeat(5_000)
    );
    let line = |kind: &str, second: u8, content: &str, rest: &str| {
        format!(
            r#"{{"type":"{kind}","uuid":"u{second}","sessionId":"s","timestamp":"2026-03-02T09:00:0{second}.000Z","message":{{"id":"msg_1","model":"m","content":{content}}}{rest}}}"#
        )
    };
    let call = format!(r#"[{{"type":"tool_use","id":"t","name":"Read","input":{nested}}}]"#);
    let content = [
        line("user", 0, r#""go""#, ""),
        line("assistant", 1, &call, &format!(r#","extra":{nested}"#)),
        line(
            "user",
            2,
            &results,
            &format!(r#","toolUseResult":{nested}"#),
        ),
        line("assistant", 3, &deep("[", "]"), ""),
        nested,
    ]
    .join("\n");
    let outcome = read(content).success();
    let tools = events(&outcome)
        .into_iter()
        .filter(|event| event["properties"]["$ai_span_name"] == "Read")
        .count();
    assert_eq!(tools, 1);
}

#[test]
fn without_a_home_named_files_are_still_read() {
    let env = TestEnv::new()
        .without("HOME")
        .without("USERPROFILE")
        .without("CLAUDE_CONFIG_DIR")
        .without("POSTHOG_LLMA_STATE_DIR");
    let path = env.write("session.jsonl", session(ONE, "Count"));
    env.command(["ingest", "--dry-run"])
        .argument(path)
        .run()
        .success()
        .says("1 session,");
    let nowhere = env.with("HOME", "/does/not/exist");
    nowhere
        .run(["ingest", "--all", "--dry-run"])
        .success()
        .complains("no sessions were found");
}

#[cfg(unix)]
#[test]
fn what_is_no_regular_file_is_passed_over() {
    use std::os::unix::fs::symlink;
    let env = with_sessions();
    let projects = env.claude().join("projects");
    let pipe = projects.join("-home-ada-shop/pipe.jsonl");
    let made = Command::new("mkfifo").arg(&pipe).status();
    assert!(
        made.is_ok_and(|status| status.success()),
        "a pipe can be made"
    );
    symlink(&projects, projects.join("-home-ada-shop/loop")).expect("a link can be made");
    symlink("/does/not/exist", projects.join("broken.jsonl")).expect("a link can be made");
    env.run(["ingest", "--all", "--dry-run"])
        .success()
        .within(SOON)
        .says("2 sessions");
    env.run(["ingest", "--list"]).success().within(SOON);
    for path in [pipe, PathBuf::from("/dev/null")] {
        env.command(["ingest", "--dry-run"])
            .argument(&path)
            .run()
            .within(SOON)
            .code(1)
            .complains("is not a regular file");
    }
}

#[cfg(unix)]
#[test]
fn a_file_that_may_not_be_read_does_not_stop_the_others() {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt as _;
    let env = with_sessions();
    let locked = env.root().join(transcript(ONE));
    fs::set_permissions(&locked, Permissions::from_mode(0o0)).expect("it is ours");
    if fs::read(&locked).is_ok() {
        // Nothing is locked to root.
        return;
    }
    env.run(["ingest", "--all", "--dry-run"])
        .code(1)
        .complains("cannot read")
        .complains("denied")
        .says("1 session,");
}

#[test]
fn an_output_that_cannot_be_written_is_named() {
    let env = with_sessions();
    for target in ["/does/not/exist/events.jsonl", "."] {
        env.run(["ingest", "--all", "--output", target])
            .code(1)
            .complains(&format!("cannot write {target}"));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error() {
    with_sessions()
        .run(["ingest", "--all", "--output", "/dev/full"])
        .code(1)
        .complains("cannot write /dev/full");
}

#[cfg(unix)]
#[test]
fn a_reader_that_stops_reading_is_no_error() {
    let env = TestEnv::new();
    for number in 0..40 {
        let id = format!("{number:08}-0000-4000-8000-000000000000");
        env.write(transcript(&id), session(&id, &"many words ".repeat(500)));
    }
    let script =
        format!("{{ '{PROGRAM}' ingest --all --output -; echo \"exit $?\" >&2; }} | head -n 1");
    let mut shell = Command::new("sh");
    shell
        .args(["-c", &script])
        .env("CLAUDE_CONFIG_DIR", env.claude())
        .env("HOME", env.home());
    let outcome = Run::of(shell, env.root()).run();
    assert_eq!(outcome.stderr, "exit 0\n", "{}", outcome.report());
}

#[test]
fn a_setting_that_cannot_be_used_is_named() {
    for (variable, value) in [
        ("POSTHOG_API_KEY", "phx_personal"),
        ("POSTHOG_LLMA_CC_ENABLED", "perhaps"),
        ("POSTHOG_LLMA_PRIVACY_MODE", "ture"),
        ("POSTHOG_LLMA_DISTINCT_ID", "anonymous"),
        ("POSTHOG_LLMA_TRACE_GROUPING", "hourly"),
        ("POSTHOG_LLMA_TURN_SPANS", "maybe"),
        ("POSTHOG_LLMA_MAX_ATTRIBUTE_LENGTH", "-1"),
        ("POSTHOG_TAGS", "no-colon"),
        ("POSTHOG_LLMA_CUSTOM_PROPERTIES", "{"),
    ] {
        with_sessions()
            .with(variable, value)
            .run(["ingest", "--all", "--dry-run"])
            .code(2)
            .complains(variable);
    }
}

#[test]
fn flags_that_contradict_each_other_are_wrong_use() {
    let env = with_sessions();
    for flags in [
        &["--all", "4f2a"][..],
        &["--all", "--list"],
        &["--list", "4f2a"],
        &["--dry-run", "--output", "-"],
        &["--list", "--output", "-"],
        &["--nonsense"],
        &["--output"],
    ] {
        env.run(["ingest"].iter().chain(flags))
            .code(2)
            .complains("--help");
    }
}

#[test]
fn tables_fit_a_terminal_of_eighty_columns() {
    let env = with_sessions();
    for arguments in [["ingest", "--list", ""], ["ingest", "--all", "--dry-run"]] {
        let arguments = arguments.iter().filter(|argument| !argument.is_empty());
        let outcome = env.run(arguments).success();
        assert!(outcome.stdout.lines().count() > 2, "{}", outcome.report());
        for line in outcome.stdout.lines() {
            assert!(
                ui::columns(line) <= 80,
                "{} columns: {line}",
                ui::columns(line)
            );
        }
    }
}
