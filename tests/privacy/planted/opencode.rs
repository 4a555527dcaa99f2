//! A session of OpenCode with a planted text in every place that can hold content.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Holds, Place};

/// Every place, with the kind of its content.
pub(crate) const PLACES: &[Place] = &[
    ("prompt", Holds::Input),
    ("synthetic-prompt", Holds::Input),
    ("subtask", Holds::Input),
    ("answer", Holds::Output),
    ("reasoning", Holds::Output),
    ("tool-name", Holds::Name),
    ("refused-tool-name", Holds::Name),
    ("tool-key", Holds::Input),
    ("tool-argument", Holds::Input),
    ("tool-result", Holds::Output),
    ("tool-failure", Holds::Output),
    ("api-error", Holds::Output),
    ("api-error-kind", Holds::Nothing),
    ("stop-reason", Holds::Both),
    ("title", Holds::Both),
    ("variant", Holds::Input),
    ("user-command", Holds::Both),
    ("user-command-output", Holds::Both),
    ("subagent-prompt", Holds::Input),
    ("subagent-answer", Holds::Output),
    ("summary", Holds::Output),
];

const START: i64 = 1_772_445_600_000;

/// A session with `at(place)` in every place.
pub(crate) fn session(at: &dyn Fn(&str) -> String) -> (TempDir, PathBuf) {
    let folder = TempDir::new().expect("a folder");
    let mut store = Store {
        storage: folder.path().join("storage"),
        count: 0,
    };
    let session = store.session("ses_1", None, &at("title"));
    store.session("ses_2", Some("ses_1"), "child");
    store.user(
        "ses_1",
        &json!([
            { "type": "text", "text": at("prompt") },
            { "type": "text", "text": at("synthetic-prompt"), "synthetic": true },
            { "type": "subtask", "prompt": at("subtask") },
        ]),
    );
    let arguments = json!({ at("tool-key"): [at("tool-argument")] });
    store.answer("ses_1", &json!({ "variant": at("variant") }), &json!([
        { "type": "step-start" },
        { "type": "reasoning", "text": at("reasoning") },
        { "type": "text", "text": at("answer") },
        tool("call-1", &at("tool-name"), json!({ "status": "completed", "input": arguments, "output": at("tool-result") })),
        tool("call-2", "bash", json!({ "status": "error", "input": {}, "error": at("tool-failure") })),
        tool("call-3", "invalid", json!({ "status": "completed", "input": { "tool": at("refused-tool-name") }, "output": "no" })),
        tool("call-4", "task", json!({ "status": "completed", "input": {}, "output": "done", "metadata": { "sessionId": "ses_2" } })),
        { "type": "step-finish", "reason": at("stop-reason"), "tokens": { "input": 1, "output": 50 } },
    ]));
    store.user(
        "ses_2",
        &json!([{ "type": "text", "text": at("subagent-prompt") }]),
    );
    store.answer("ses_2", &json!({}), &saying(&at("subagent-answer")));
    store.user(
        "ses_1",
        &json!([{ "type": "text", "text": "a command", "synthetic": true }]),
    );
    let command = json!({ "status": "completed", "input": { "command": at("user-command") },
        "output": at("user-command-output") });
    store.answer(
        "ses_1",
        &json!({}),
        &json!([tool("call-5", "bash", command)]),
    );
    store.user("ses_1", &json!([{ "type": "text", "text": at("prompt") }]));
    let failure = json!({ "name": at("api-error-kind"), "data": { "message": at("api-error"), "statusCode": 529 } });
    store.answer(
        "ses_1",
        &json!({ "error": failure }),
        &json!([{ "type": "step-start" }]),
    );
    store.user("ses_1", &json!([{ "type": "compaction" }]));
    store.answer(
        "ses_1",
        &json!({ "summary": true }),
        &saying(&at("summary")),
    );
    store.user("ses_1", &json!([{ "type": "text", "text": at("prompt") }]));
    store.answer("ses_1", &json!({}), &saying(&at("answer")));
    (folder, session)
}

/// A part with a call of a tool.
fn tool(id: &str, name: &str, mut state: Value) -> Value {
    let mut part = json!({ "type": "tool", "tool": name, "callID": id });
    state["time"] = json!({ "start": START + 1, "end": START + 2 });
    part["state"] = state;
    part
}

/// The parts of an answer with a text.
fn saying(text: &str) -> Value {
    json!([
        { "type": "step-start" },
        { "type": "text", "text": text },
        { "type": "step-finish", "reason": "stop", "tokens": { "input": 1, "output": 50 } },
    ])
}

/// The files of sessions, as versions before 1.2 wrote them.
struct Store {
    storage: PathBuf,
    count: u32,
}

impl Store {
    fn write(&self, path: impl AsRef<Path>, value: &Value) -> PathBuf {
        let path = self.storage.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("writable");
        fs::write(&path, value.to_string()).expect("writable");
        path
    }

    fn session(&self, id: &str, parent: Option<&str>, title: &str) -> PathBuf {
        let info = json!({ "id": id, "parentID": parent, "directory": "/nowhere/bookshop",
            "title": title, "version": "1.1.0", "time": { "created": START } });
        self.write(format!("session/project/{id}.json"), &info)
    }

    /// The next message of a session, ten seconds after the one before.
    fn message(&mut self, session: &str, mut info: Value, parts: &Value) {
        self.count += 1;
        let id = format!("msg_{:03}", self.count);
        let created = START + i64::from(self.count) * 10_000;
        info["id"] = json!(id);
        info["time"] = json!({ "created": created, "completed": created + 1000 });
        self.write(format!("message/{session}/{id}.json"), &info);
        for (number, part) in parts.as_array().expect("parts").iter().enumerate() {
            self.write(format!("part/{id}/prt_{number:03}.json"), part);
        }
    }

    fn user(&mut self, session: &str, parts: &Value) {
        self.message(session, json!({ "role": "user" }), parts);
    }

    fn answer(&mut self, session: &str, special: &Value, parts: &Value) {
        let mut info =
            json!({ "role": "assistant", "modelID": "claude-opus-4-5", "providerID": "anthropic" });
        for (name, value) in special.as_object().expect("an object") {
            info[name] = value.clone();
        }
        self.message(session, info, parts);
    }
}
