//! A word, or a secret, planted in every place of a session where content can stand.

use std::path::PathBuf;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::library::Run;
use crate::support::posthog::Fault;
use crate::support::scene::Scene;

/// The places of a session, each with a word of its own.
const PLACES: [&str; 25] = [
    "prompt",
    "answer",
    "thinking",
    "tool-key",
    "tool-argument",
    "tool-result",
    "tool-failure",
    "api-error",
    "file-name",
    "branch",
    "title",
    "command-argument",
    "queued-prompt",
    "notification",
    "subagent-prompt",
    "subagent-answer",
    "compact-summary",
    "unknown-block",
    "system-prompt",
    "tool-description",
    "request-context",
    "request-system",
    "request-answer",
    "request-result",
    "attachment",
];

/// A word that stands nowhere else.
fn word(place: &str) -> String {
    format!("xylophone-{place}-quagga")
}

/// A session that says `at(place)` in every place.
fn session(at: &dyn Fn(&str) -> String) -> (TempDir, PathBuf) {
    let folder = TempDir::new().expect("a folder");
    let mut lines = Lines::default();
    lines.user(&json!(at("prompt")), &json!({}));
    lines.push(&json!({ "type": "api-request-shape", "shapeHash": "shape", "shape": {
        "system": [{ "type": "text", "text": at("system-prompt") }],
        "tools": [{ "name": "Read", "description": at("tool-description"), "input_schema": {} }] } }));
    lines.request("request-1", &[
        ("user", json!([{ "type": "text", "text": at("request-context") }, { "type": "text", "text": at("prompt") }])),
        ("system", json!(at("request-system"))),
        ("assistant", json!([{ "type": "text", "text": at("request-answer") }])),
    ]);
    lines.assistant("msg_1", &json!([
        { "type": "thinking", "thinking": at("thinking") },
        { "type": "text", "text": at("answer") },
        { "type": "tool_use", "id": "toolu_1", "name": "Read", "input": {
            at("tool-key"): 1, "file_path": format!("/{}.rs", at("file-name")), "x": [at("tool-argument")] } },
        { "type": "tool_use", "id": "toolu_2", "name": "Agent", "input": { "prompt": at("subagent-prompt") } },
        { "type": "server_tool_use", "id": "srv_1", "name": "web_search", "input": { "query": at("unknown-block") } },
    ]), &json!({ "gitBranch": at("branch"), "requestRef": "request-1" }));
    let failure = json!([{ "type": "tool_result", "tool_use_id": "toolu_1", "is_error": true,
        "content": [{ "type": "text", "text": at("tool-failure") }] }]);
    lines.user(&failure, &json!({}));
    let result =
        json!([{ "type": "tool_result", "tool_use_id": "toolu_2", "content": at("tool-result") }]);
    lines.user(&result, &json!({ "toolUseResult": { "agentId": "a1" } }));
    lines.push(&json!({ "type": "attachment", "attachment": {
        "type": "queued_command", "prompt": at("queued-prompt"), "commandMode": "prompt" } }));
    lines.push(&json!({ "type": "attachment", "attachment": { "type": "file", "content": at("attachment") } }));
    lines.request("request-2", &[
        ("user", json!([
            { "type": "tool_result", "tool_use_id": "toolu_1", "is_error": true, "content": at("tool-failure") },
            { "type": "tool_result", "tool_use_id": "toolu_2", "content": at("request-result") },
            { "type": "text", "text": at("queued-prompt") },
        ])),
    ]);
    lines.assistant(
        "msg_2",
        &json!([{ "type": "text", "text": at("answer") }]),
        &json!({ "requestRef": "request-2" }),
    );
    let command = format!(
        "<command-name>/review</command-name><command-args>{}</command-args>",
        at("command-argument")
    );
    lines.user(&json!(command), &json!({}));
    lines.assistant(
        "msg_3",
        &json!([{ "type": "text", "text": at("api-error") }]),
        &json!({
        "isApiErrorMessage": true, "error": "server_error", "apiErrorStatus": 529 }),
    );
    let notice = format!(
        "<task-notification><summary>{0}</summary>{0}</task-notification>",
        at("notification")
    );
    lines.user(
        &json!(notice),
        &json!({ "origin": { "kind": "task-notification" } }),
    );
    lines.user(
        &json!(at("compact-summary")),
        &json!({ "isCompactSummary": true }),
    );
    lines.assistant(
        "msg_4",
        &json!([{ "type": "text", "text": at("answer") }]),
        &json!({}),
    );
    lines.push(&json!({ "type": "ai-title", "aiTitle": at("title") }));
    let transcript = folder.path().join("session.jsonl");
    std::fs::write(&transcript, lines.text).expect("writable");

    let mut agent = Lines::default();
    agent.user(
        &json!(at("subagent-prompt")),
        &json!({ "isSidechain": true, "agentId": "a1" }),
    );
    let answer = json!([{ "type": "text", "text": at("subagent-answer") }]);
    agent.assistant(
        "msg_5",
        &answer,
        &json!({ "isSidechain": true, "agentId": "a1" }),
    );
    let agents = folder.path().join("session/subagents");
    std::fs::create_dir_all(&agents).expect("writable");
    std::fs::write(agents.join("agent-a1.jsonl"), agent.text).expect("writable");
    (folder, transcript)
}

/// Lines of a transcript, a second apart.
#[derive(Default)]
struct Lines {
    text: String,
    count: u32,
}

impl Lines {
    fn push(&mut self, special: &Value) {
        self.count += 1;
        let mut line = json!({
            "uuid": format!("line-{}", self.count),
            "sessionId": "session",
            "timestamp": format!("2026-05-01T10:00:{:02}.000Z", self.count),
            "cwd": "/nowhere/project",
            "gitBranch": "main",
            "version": "2.1.200",
        });
        for (name, value) in special.as_object().expect("an object") {
            line[name] = value.clone();
        }
        self.text += &line.to_string();
        self.text.push('\n');
    }

    /// A request that adds these messages to those of the request before.
    fn request(&mut self, id: &str, messages: &[(&str, Value)]) {
        let hash = |index: usize| format!("{:032x}{index:032x}", self.count as usize + index);
        let hashes: Vec<String> = (0..messages.len()).map(hash).collect();
        for ((role, content), hash) in messages.iter().zip(&hashes) {
            self.push(&json!({ "type": "api-request-blob", "hash": hash,
                "message": { "role": role, "content": content } }));
        }
        self.push(
            &json!({ "type": "api-request", "id": id, "shapeHash": "shape",
            "params": { "max_tokens": 1000 }, "keep": 0, "tail": hashes }),
        );
    }

    fn user(&mut self, content: &Value, special: &Value) {
        let mut line = json!({ "type": "user", "message": { "role": "user", "content": content } });
        merge(&mut line, special);
        self.push(&line);
    }

    fn assistant(&mut self, id: &str, content: &Value, special: &Value) {
        let usage = json!({ "input_tokens": 1, "output_tokens": 50 });
        let mut line = json!({ "type": "assistant", "message": {
            "role": "assistant", "id": id, "model": "claude-opus-4-8", "content": content,
            "stop_reason": "tool_use", "usage": usage } });
        merge(&mut line, special);
        self.push(&line);
    }
}

fn merge(line: &mut Value, special: &Value) {
    for (name, value) in special.as_object().expect("an object") {
        line[name] = value.clone();
    }
}

/// The places whose words are in what a run sends.
fn found(run: &Run) -> Vec<&'static str> {
    let (_folder, transcript) = session(&word);
    let sent = String::from_utf8(run.lines(&transcript)).expect("JSON");
    PLACES
        .into_iter()
        .filter(|place| sent.contains(&word(place)))
        .collect()
}

#[test]
fn everything_is_found_where_content_is_wanted() {
    let missing: Vec<_> = {
        let found = found(&Run::default());
        PLACES
            .into_iter()
            .filter(|place| !found.contains(place))
            .collect()
    };
    // What a file holds that was opened beside the prompt is not sent at all.
    assert_eq!(missing, ["attachment"]);
}

#[test]
fn in_privacy_mode_no_planted_word_is_sent_but_the_branch() {
    for run in [
        Run::private(),
        Run::with(&[
            ("POSTHOG_LLMA_PRIVACY_MODE", "true"),
            ("POSTHOG_LLMA_TRACE_GROUPING", "message"),
        ]),
        Run::with(&[
            ("POSTHOG_LLMA_PRIVACY_MODE", "true"),
            ("POSTHOG_LLMA_INPUT", "full"),
        ]),
        Run::with(&[
            ("POSTHOG_LLMA_RECORD_INPUTS", "false"),
            ("POSTHOG_LLMA_RECORD_OUTPUTS", "false"),
        ]),
    ] {
        assert_eq!(found(&run), ["branch"]);
    }
}

#[test]
fn without_inputs_nothing_that_was_asked_is_sent() {
    for scope in ["new", "full"] {
        let found = found(&Run::with(&[
            ("POSTHOG_LLMA_RECORD_INPUTS", "false"),
            ("POSTHOG_LLMA_INPUT", scope),
        ]));
        for asked in [
            "prompt",
            "queued-prompt",
            "command-argument",
            "notification",
            "compact-summary",
            "system-prompt",
            "tool-description",
            "request-context",
            "request-system",
            "title",
        ] {
            assert!(!found.contains(&asked), "{asked}, {scope}");
        }
        for answered in [
            "answer",
            "thinking",
            "tool-result",
            "tool-failure",
            "api-error",
            "subagent-answer",
        ] {
            assert!(found.contains(&answered), "{answered}, {scope}");
        }
    }
}

#[test]
fn without_outputs_nothing_that_was_answered_is_sent() {
    for scope in ["new", "full"] {
        let found = found(&Run::with(&[
            ("POSTHOG_LLMA_RECORD_OUTPUTS", "false"),
            ("POSTHOG_LLMA_INPUT", scope),
        ]));
        for answered in [
            "answer",
            "thinking",
            "tool-result",
            "tool-failure",
            "api-error",
            "subagent-answer",
            "request-answer",
            "request-result",
            "title",
        ] {
            assert!(!found.contains(&answered), "{answered}, {scope}");
        }
        for asked in [
            "prompt",
            "queued-prompt",
            "command-argument",
            "notification",
            "system-prompt",
            "tool-description",
            "request-context",
            "request-system",
        ] {
            assert!(found.contains(&asked), "{asked}, {scope}");
        }
    }
}

#[test]
fn a_secret_in_any_place_of_a_session_is_replaced() {
    // Assembled, so that nobody takes it for a real one.
    let token = ["ghp", "_", "1B4kQ7mZt0Rr9Yw2Xc5Vb8Nn3Lk6Jh1Gf4Ds"].concat();
    let (_folder, transcript) = session(&|place| format!("{place} {token} end"));
    let custom = format!(r#"{{"note":"{token}","deep":{{"list":["{token}"]}}}}"#);
    for (grouping, scope) in [("session", "new"), ("message", "full")] {
        let run = Run::with(&[
            ("POSTHOG_LLMA_TRACE_GROUPING", grouping),
            ("POSTHOG_LLMA_INPUT", scope),
            ("POSTHOG_LLMA_CUSTOM_PROPERTIES", &custom),
            ("POSTHOG_TAGS", &format!("tag:{token}")),
            ("POSTHOG_PROJECT_NAME", &format!("project {token}")),
            ("POSTHOG_AGENT_NAME", &format!("agent {token}")),
            ("POSTHOG_AI_PURPOSE", &format!("purpose {token}")),
        ]);
        let events = run.events(&transcript);
        assert!(!events.is_empty());
        for event in &events {
            each_text(event, &mut |text| {
                assert!(!text.contains(&token), "{text} in {event}");
            });
        }
        assert!(
            events
                .iter()
                .any(|event| event.to_string().contains("[redacted:github-"))
        );
    }
}

/// Every string of a value, names of fields included.
fn each_text(value: &Value, check: &mut dyn FnMut(&str)) {
    match value {
        Value::String(text) => check(text),
        Value::Array(items) => items.iter().for_each(|item| each_text(item, check)),
        Value::Object(fields) => {
            for (name, field) in fields {
                check(name);
                each_text(field, check);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[test]
fn no_secret_of_a_session_is_written_to_the_state_directory() {
    let token = ["ghp", "_", "1B4kQ7mZt0Rr9Yw2Xc5Vb8Nn3Lk6Jh1Gf4Ds"].concat();
    let (_folder, transcript) = session(&|place| format!("{place} {token} end"));
    let scene = Scene::on(|env| env.with("POSTHOG_PROJECT_NAME", format!("project {token}")));
    // Nobody takes the events, so all of them stay in the outbox, and the checkpoint with them.
    scene.posthog.set(Fault::LoginPage);
    let ingest = scene
        .env
        .command(["ingest".as_ref(), transcript.as_os_str()]);
    ingest.run().code(1);
    let mut files = 0;
    for file in walkdir::WalkDir::new(scene.env.state())
        .into_iter()
        .filter_map(Result::ok)
    {
        if file.file_type().is_file() {
            let bytes = std::fs::read(file.path()).expect("readable");
            let found = memchr::memmem::find(&bytes, token.as_bytes());
            assert_eq!(found, None, "{}", file.path().display());
            files += 1;
        }
    }
    assert!(files > 0);
}
