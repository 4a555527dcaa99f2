//! A session of Claude Code with a planted text in every place that can hold content.

use std::path::PathBuf;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Holds, Place};

/// Every place, with the kind of its content.
pub(crate) const PLACES: &[Place] = &[
    ("prompt", Holds::Input),
    ("answer", Holds::Output),
    ("thinking", Holds::Output),
    ("tool-name", Holds::Name),
    ("tool-key", Holds::Input),
    ("tool-argument", Holds::Input),
    ("tool-command", Holds::Input),
    ("tool-plan", Holds::Input),
    ("tool-search", Holds::Input),
    ("tool-result", Holds::Output),
    ("tool-result-block", Holds::Output),
    ("tool-failure", Holds::Output),
    ("api-error", Holds::Output),
    ("api-error-kind", Holds::Nothing),
    ("file-name", Holds::Input),
    ("branch", Holds::Name),
    ("title", Holds::Both),
    ("command-argument", Holds::Input),
    ("queued-prompt", Holds::Input),
    ("queued-notification", Holds::Both),
    ("notification", Holds::Both),
    ("teammate", Holds::Both),
    ("peer", Holds::Both),
    ("bash-input", Holds::Input),
    ("bash-output", Holds::Both),
    ("subagent-prompt", Holds::Input),
    ("subagent-answer", Holds::Output),
    ("compact-summary", Holds::Both),
    ("server-call", Holds::Both),
    ("server-result", Holds::Output),
    ("unknown-block", Holds::Both),
    ("system-prompt", Holds::Input),
    ("tool-description", Holds::Input),
    ("request-context", Holds::Input),
    ("request-system", Holds::Input),
    ("request-answer", Holds::Both),
    ("request-result", Holds::Both),
    ("request-summary", Holds::Both),
    ("context-edit", Holds::Input),
    ("tool-choice", Holds::Input),
    ("beta", Holds::Input),
    ("thinking-setting", Holds::Input),
    ("effort", Holds::Input),
    ("service-tier", Holds::Input),
    ("stop-reason", Holds::Both),
    ("attachment", Holds::Nothing),
];

/// A session with `at(place)` in every place.
pub(crate) fn session(at: &dyn Fn(&str) -> String) -> (TempDir, PathBuf) {
    let folder = TempDir::new().expect("a folder");
    let mut lines = Lines::default();
    with_requests(&mut lines, at);
    without_requests(&mut lines, at);
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

/// A turn whose requests are recorded.
fn with_requests(lines: &mut Lines, at: &dyn Fn(&str) -> String) {
    lines.user(&json!(at("prompt")), &json!({}));
    lines.push(&json!({ "type": "api-request-shape", "shapeHash": "shape", "shape": {
        "system": [{ "type": "text", "text": at("system-prompt") }],
        "tools": [{ "name": "Read", "description": at("tool-description"), "input_schema": {} }] } }));
    lines.request("request-1", &[
        ("user", json!([{ "type": "text", "text": at("request-context") }, { "type": "text", "text": at("prompt") }])),
        ("system", json!(at("request-system"))),
        ("assistant", json!([{ "type": "text", "text": at("request-answer") }])),
        ("user", json!([{ "type": "text", "text": format!(
            "This session is being continued from a previous conversation: {}", at("request-summary")) }])),
    ], &json!({
        "max_tokens": 1000,
        "betas": [at("beta")],
        "context_management": { "edits": [{ "type": "clear", "keep": at("context-edit") }] },
        "tool_choice": { "type": "tool", "name": at("tool-choice") },
        "thinking": { "type": "enabled", "note": at("thinking-setting") },
        "output_config": { "effort": at("effort") },
    }));
    lines.assistant("msg_1", &json!([
        { "type": "thinking", "thinking": at("thinking") },
        { "type": "text", "text": at("answer") },
        { "type": "tool_use", "id": "toolu_1", "name": "Read", "input": {
            at("tool-key"): 1, "file_path": format!("/{}.rs", at("file-name")), "x": [at("tool-argument")] } },
        { "type": "tool_use", "id": "toolu_2", "name": "Agent", "input": { "prompt": at("subagent-prompt") } },
        { "type": "tool_use", "id": "toolu_3", "name": "Bash", "input": { "command": at("tool-command") } },
        { "type": "tool_use", "id": "toolu_4", "name": "ExitPlanMode", "input": { "plan": at("tool-plan") } },
        { "type": "tool_use", "id": "toolu_5", "name": "WebSearch", "input": { "query": at("tool-search") } },
        { "type": "tool_use", "id": "toolu_6", "name": at("tool-name"), "input": {} },
        { "type": "server_tool_use", "id": "srv_1", "name": "web_search", "input": { "query": at("server-call") } },
        { "type": "web_search_tool_result", "tool_use_id": "srv_1", "content": [{ "title": at("server-result") }] },
        { "type": "not_yet_known", "content": at("unknown-block") },
    ]), &json!({ "gitBranch": at("branch"), "requestRef": "request-1" }));
    let failure = json!([{ "type": "tool_result", "tool_use_id": "toolu_1", "is_error": true,
        "content": [{ "type": "text", "text": at("tool-failure") }] }]);
    lines.user(&failure, &json!({}));
    let result =
        json!([{ "type": "tool_result", "tool_use_id": "toolu_2", "content": at("tool-result") }]);
    lines.user(&result, &json!({ "toolUseResult": { "agentId": "a1" } }));
    let result = json!([{ "type": "tool_result", "tool_use_id": "toolu_3",
        "content": [{ "type": "not_yet_known", "content": at("tool-result-block") }] }]);
    lines.user(&result, &json!({}));
    lines.push(&json!({ "type": "attachment", "attachment": {
        "type": "queued_command", "prompt": at("queued-prompt"), "commandMode": "prompt" } }));
    lines.push(&json!({ "type": "attachment", "attachment": { "type": "file", "content": at("attachment") } }));
    lines.request("request-2", &[
        ("user", json!([
            { "type": "tool_result", "tool_use_id": "toolu_1", "is_error": true, "content": at("tool-failure") },
            { "type": "tool_result", "tool_use_id": "toolu_2", "content": at("request-result") },
            { "type": "text", "text": at("queued-prompt") },
        ])),
    ], &json!({}));
    lines.assistant(
        "msg_2",
        &json!([{ "type": "text", "text": at("answer") }]),
        &json!({ "requestRef": "request-2" }),
    );
}

/// Turns that are recorded in lines only.
fn without_requests(lines: &mut Lines, at: &dyn Fn(&str) -> String) {
    for (tag, place) in [("bash-input", "bash-input"), ("bash-stdout", "bash-output")] {
        lines.user(&json!(format!("<{tag}>{}</{tag}>", at(place))), &json!({}));
    }
    let command = format!(
        "<command-name>/review</command-name><command-args>{}</command-args>",
        at("command-argument")
    );
    lines.user(&json!(command), &json!({}));
    lines.assistant(
        "msg_3",
        &json!([{ "type": "text", "text": at("api-error") }]),
        &json!({
        "isApiErrorMessage": true, "error": at("api-error-kind"), "apiErrorStatus": 529 }),
    );
    let notice = format!(
        "<task-notification><summary>{0}</summary>{0}</task-notification>",
        at("notification")
    );
    lines.user(
        &json!(notice),
        &json!({ "origin": { "kind": "task-notification" } }),
    );
    lines.push(&json!({ "type": "attachment", "attachment": {
        "type": "queued_command", "prompt": at("queued-notification"), "commandMode": "task-notification" } }));
    let teammate = format!("<teammate-message>{}</teammate-message>", at("teammate"));
    lines.user(&json!(teammate), &json!({}));
    lines.assistant(
        "msg_6",
        &json!([{ "type": "text", "text": at("answer") }]),
        &json!({ "message": { "stop_reason": at("stop-reason"), "usage": {
            "input_tokens": 1, "output_tokens": 50, "service_tier": at("service-tier") } } }),
    );
    lines.user(&json!(at("peer")), &json!({ "origin": { "kind": "peer" } }));
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
    fn request(&mut self, id: &str, messages: &[(&str, Value)], params: &Value) {
        let hash = |index: usize| format!("{:032x}{index:032x}", self.count as usize + index);
        let hashes: Vec<String> = (0..messages.len()).map(hash).collect();
        for ((role, content), hash) in messages.iter().zip(&hashes) {
            self.push(&json!({ "type": "api-request-blob", "hash": hash,
                "message": { "role": role, "content": content } }));
        }
        self.push(
            &json!({ "type": "api-request", "id": id, "shapeHash": "shape",
            "params": params, "keep": 0, "tail": hashes }),
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
        match (&mut line[name], value) {
            (Value::Object(_), Value::Object(_)) => merge(&mut line[name], value),
            (field, value) => *field = value.clone(),
        }
    }
}
