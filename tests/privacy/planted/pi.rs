//! A session of Pi with a planted text in every place that can hold content.

use std::fs;
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
    ("tool-result", Holds::Output),
    ("tool-failure", Holds::Output),
    ("api-error", Holds::Output),
    ("api-error-kind", Holds::Output),
    ("raw-stop-reason", Holds::Both),
    ("stop-reason", Holds::Both),
    ("title", Holds::Both),
    ("system-prompt", Holds::Input),
    ("system-section", Holds::Input),
    ("tool-description", Holds::Input),
    ("thinking-level", Holds::Input),
    ("extension", Holds::Input),
    ("user-command", Holds::Both),
    ("user-command-output", Holds::Both),
    ("subagent-task", Holds::Input),
    ("subagent-prompt", Holds::Input),
    ("subagent-answer", Holds::Output),
    ("subagent-command", Holds::Input),
    ("summary", Holds::Both),
    ("branch-summary", Holds::Both),
    ("unknown-block", Holds::Both),
];

/// A session with `at(place)` in every place.
pub(crate) fn session(at: &dyn Fn(&str) -> String) -> (TempDir, PathBuf) {
    let mut lines = Lines::default();
    lines.header();
    lines.say(&json!({ "role": "system", "content": at("system-prompt"),
        "sections": { "one": at("system-section") },
        "toolsAdded": [{ "name": "read", "description": at("tool-description") }] }));
    lines.entry(json!({ "type": "session_info", "name": at("title") }));
    lines.say(&json!({ "role": "user", "content": [{ "type": "text", "text": at("prompt") }] }));
    let call = |id: &str, name: String, arguments: Value| json!({ "type": "toolCall", "id": id, "name": name, "arguments": arguments });
    let arguments = json!({ at("tool-key"): [at("tool-argument")] });
    lines.answer(
        &json!([
            { "type": "thinking", "thinking": at("thinking") },
            { "type": "text", "text": at("answer") },
            { "type": "not_yet_known", "content": at("unknown-block") },
            call("call-1", at("tool-name"), arguments),
            call("call-2", "bash".to_owned(), json!({})),
            call("call-3", "subagent".to_owned(), json!({ "task": at("subagent-task") })),
        ]),
        &json!({ "stopReason": "toolUse", "thinkingLevel": at("thinking-level") }),
    );
    lines.result("call-1", &at("tool-result"), false, &json!({}));
    lines.result("call-2", &at("tool-failure"), true, &json!({}));
    lines.result("call-3", "done", false, &json!({ "results": [{ "agent": "scout", "messages": [
        { "role": "user", "content": at("subagent-prompt"), "timestamp": 1_772_445_600_000_i64 },
        { "role": "assistant", "model": "m", "provider": "anthropic", "usage": { "input": 1, "output": 9 },
          "content": [{ "type": "text", "text": at("subagent-answer") },
            call("call-4", "bash".to_owned(), json!({ "command": at("subagent-command") }))] },
    ] }] }));
    lines.say(
        &json!({ "role": "bashExecution", "command": at("user-command"),
        "output": at("user-command-output") }),
    );
    lines.say(&json!({ "role": "custom", "content": at("extension") }));
    lines.answer(
        &json!([{ "type": "text", "text": at("answer") }]),
        &json!({ "stopReason": at("stop-reason") }),
    );
    lines.entry(json!({ "type": "branch_summary", "summary": at("branch-summary") }));
    lines.answer(
        &json!([{ "type": "text", "text": at("answer") }]),
        &json!({ "stopReason": "stop" }),
    );
    lines.entry(json!({ "type": "compaction", "summary": at("summary"), "firstKeptEntryId": "" }));
    lines.say(&json!({ "role": "user", "content": at("prompt") }));
    let error = json!({ "error": { "type": at("api-error-kind"), "message": at("api-error") } });
    lines.answer(
        &json!([]),
        &json!({ "stopReason": "error", "errorMessage": format!("529 {error}") }),
    );
    lines.answer(
        &json!([]),
        &json!({ "stopReason": "error", "rawStopReason": at("raw-stop-reason"), "errorMessage": "lost" }),
    );
    let folder = TempDir::new().expect("a folder");
    let name = "2026-03-02T09-00-00-000Z_00000000-0000-7000-8000-000000000001.jsonl";
    let project = folder.path().join("sessions/--home-ada-bookshop--");
    fs::create_dir_all(&project).expect("writable");
    let transcript = project.join(name);
    fs::write(&transcript, lines.text).expect("writable");
    (folder, transcript)
}

/// Lines of a session, a second apart.
#[derive(Default)]
struct Lines {
    text: String,
    count: u32,
}

impl Lines {
    fn push(&mut self, line: &Value) {
        self.text += &line.to_string();
        self.text.push('\n');
    }

    fn header(&mut self) {
        self.push(
            &json!({ "type": "session", "version": 3, "timestamp": "2026-03-02T09:00:00.000Z",
            "id": "00000000-0000-7000-8000-000000000001", "cwd": "/nowhere/bookshop" }),
        );
    }

    /// An entry whose parent is the one before.
    fn entry(&mut self, mut line: Value) {
        if self.count > 0 {
            line["parentId"] = json!(format!("entry-{}", self.count));
        }
        self.count += 1;
        line["id"] = json!(format!("entry-{}", self.count));
        line["timestamp"] = json!(format!("2026-03-02T09:00:{:02}.000Z", self.count));
        self.push(&line);
    }

    fn say(&mut self, message: &Value) {
        self.entry(json!({ "type": "message", "message": message }));
    }

    fn answer(&mut self, content: &Value, special: &Value) {
        let mut message = json!({ "role": "assistant", "content": content, "provider": "anthropic",
            "model": "claude-opus-4-5", "usage": { "input": 1, "output": 50 } });
        for (name, value) in special.as_object().expect("an object") {
            message[name] = value.clone();
        }
        self.say(&message);
    }

    fn result(&mut self, call: &str, text: &str, is_error: bool, details: &Value) {
        self.say(
            &json!({ "role": "toolResult", "toolCallId": call, "isError": is_error,
            "content": [{ "type": "text", "text": text }], "details": details }),
        );
    }
}
