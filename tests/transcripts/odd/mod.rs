//! Small sessions with something odd in them: usage is counted once and in full, however often they
//! are read while they are written, and unknown times are not shown.

mod agents;
mod figures;
mod progress;
mod times;

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::resumed::{self, Copy, by_uuid, read_in_parts};
use crate::support::library::{Events, Run};

const ID: &str = "5e550000-0000-4000-8000-000000000001";

/// A session on disk.
struct Session {
    folder: TempDir,
    transcript: PathBuf,
}

impl Session {
    fn of(lines: &[Value]) -> Self {
        Self::of_text(text(lines))
    }

    fn of_text(text: impl AsRef<[u8]>) -> Self {
        let folder = tempfile::tempdir().expect("a temporary directory can be made");
        let transcript = folder.path().join(format!("{ID}.jsonl"));
        fs::write(&transcript, text).expect("it is writable");
        Self { folder, transcript }
    }

    /// Adds the transcript of a subagent, with its metadata file.
    fn with_agent(self, id: &str, meta: &str, lines: &[Value]) -> Self {
        let agents = self.folder.path().join(ID).join("subagents");
        fs::create_dir_all(&agents).expect("it is writable");
        let write = |name: String, text: &str| fs::write(agents.join(name), text);
        write(format!("agent-{id}.jsonl"), &text(lines)).expect("it is writable");
        if !meta.is_empty() {
            write(format!("agent-{id}.meta.json"), meta).expect("it is writable");
        }
        self
    }

    fn events(&self) -> Events {
        Run::default().events(&self.transcript)
    }

    /// Its generations, after checking that two earlier readings at any places change nothing.
    #[track_caller]
    fn generations(&self) -> Vec<Value> {
        let copy = Copy::of(&self.transcript);
        let lines = copy.lines();
        for run in [Run::default(), Run::by_message()] {
            let whole = by_uuid(run.events(&self.transcript));
            for first in 0..=lines {
                for second in first..=lines {
                    let parts = read_in_parts(&run, &copy, &[first, second]);
                    let at = format!("after {first} and {second} lines");
                    resumed::compare(&parts, &whole, &at);
                }
            }
        }
        properties(&self.events(), "$ai_generation")
    }
}

fn text(lines: &[Value]) -> String {
    let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
    lines.join("\n") + "\n"
}

fn properties(events: &Events, name: &str) -> Vec<Value> {
    let named = events.iter().filter(|event| event["event"] == name);
    named.map(|event| event["properties"].clone()).collect()
}

fn tools(events: &Events) -> Vec<Value> {
    let mut spans = properties(events, "$ai_span");
    spans.retain(|span| span["$ai_span_type"] == "tool");
    spans
}

fn time(second: u32) -> String {
    format!("2026-03-02T09:{:02}:{:02}.000Z", second / 60, second % 60)
}

/// A line of a conversation, this many seconds after nine o'clock.
fn line(kind: &str, second: u32, message: &Value) -> Value {
    json!({
        "type": kind, "uuid": format!("line-{second}"), "sessionId": ID, "cwd": "/home/ada/shop",
        "timestamp": time(second), "version": "2.1.150", "message": message,
    })
}

fn prompt(second: u32, text: &str) -> Value {
    line("user", second, &json!({ "role": "user", "content": text }))
}

fn usage(output: u64) -> Value {
    json!({ "input_tokens": 10, "output_tokens": output, "cache_read_input_tokens": 100 })
}

/// A line of the response `name`, which answers the line of second `parent`.
fn part(second: u32, parent: u32, name: &str, content: &Value, used: &Value) -> Value {
    let mut line = line(
        "assistant",
        second,
        &json!({
            "id": format!("msg_{name}"), "role": "assistant", "model": "claude-sonnet-4-5",
            "content": [content], "stop_reason": null, "usage": used,
        }),
    );
    line["requestId"] = json!(format!("req_{name}"));
    line["parentUuid"] = json!(format!("line-{parent}"));
    line
}

fn says(text: &str) -> Value {
    json!({ "type": "text", "text": text })
}

fn calls(id: &str, tool: &str, input: &Value) -> Value {
    json!({ "type": "tool_use", "id": id, "name": tool, "input": input })
}

fn result(second: u32, call: &str, facts: &Value) -> Value {
    let content = json!([{ "type": "tool_result", "tool_use_id": call, "content": "done" }]);
    let mut line = line(
        "user",
        second,
        &json!({ "role": "user", "content": content }),
    );
    line["toolUseResult"] = facts.clone();
    line
}

fn numbers(of: &[Value], name: &str) -> Vec<u64> {
    let mut numbers: Vec<u64> = of.iter().filter_map(|it| it[name].as_u64()).collect();
    numbers.sort_unstable();
    numbers
}
