//! A writer of transcripts, in the line format of a current Claude Code, that counts what it
//! writes. The expected events come from here, never from the program.
//!
//! Every turn is a prompt, a response that calls two tools, their results and a final response.
//! Each thing is recognised by a label: a response by its number of output tokens, which no other
//! response of any session has, a tool by its call, a turn by its prompt, a trace by its session.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};

use super::env::TestEnv;

/// Tools that every turn calls.
const TOOLS: u64 = 2;
/// Events of a turn: two responses, their tools, the turn itself.
pub(crate) const EVENTS_OF_TURN: u64 = 2 + TOOLS + 1;
/// Room for the responses of one session.
const RESPONSES: u64 = 100_000;

/// A session on disk and what is in it.
pub(crate) struct Session {
    pub(crate) id: String,
    pub(crate) path: PathBuf,
    cwd: PathBuf,
    number: u64,
    turns: u64,
    responses: u64,
    now: DateTime<Utc>,
    parent: Option<String>,
    /// The labels of a turn that is not finished.
    open: Vec<String>,
    /// The written lines.
    lines: Vec<Value>,
    /// Number of lines in the file.
    flushed: usize,
    labels: BTreeSet<String>,
    output_tokens: u64,
}

impl Session {
    /// Writes a session of complete turns; `number` distinguishes it from others of the test.
    pub(crate) fn write(env: &TestEnv, number: u64, turns: u64) -> Self {
        Self::write_ago(Duration::ZERO, env, number, turns)
    }

    /// Writes a session with lines from that long ago.
    pub(crate) fn write_ago(ago: Duration, env: &TestEnv, number: u64, turns: u64) -> Self {
        let mut session = Self::empty(env, number, Utc::now() - ago);
        session.grow(turns);
        session.age(ago);
        session
    }

    fn empty(env: &TestEnv, number: u64, now: DateTime<Utc>) -> Self {
        let id = format!("00000000-0000-4000-8000-{number:012}");
        let cwd = env.project();
        let slug: String = cwd
            .to_string_lossy()
            .chars()
            .map(|character| match character {
                'a'..='z' | 'A'..='Z' | '0'..='9' => character,
                _ => '-',
            })
            .collect();
        let folder = env.claude().join("projects").join(slug);
        fs::create_dir_all(&folder).expect("the temporary directory is writable");
        Self {
            path: folder.join(format!("{id}.jsonl")),
            labels: BTreeSet::from([format!("trace {id}")]),
            id,
            cwd,
            number,
            turns: 0,
            responses: 0,
            now,
            parent: None,
            open: Vec::new(),
            lines: Vec::new(),
            flushed: 0,
            output_tokens: 0,
        }
    }

    /// Adds complete turns and an end, as a session that is resumed does.
    pub(crate) fn grow(&mut self, turns: u64) {
        for _ in 0..turns {
            self.begin_turn();
            self.finish_turn();
        }
        let end = json!({ "type": "cost-state", "sessionId": self.id, "modelUsage": {} });
        self.lines.push(end);
        self.flush();
    }

    /// Adds a prompt and the response that calls the tools, which keep running. Until they end,
    /// nothing of it is settled: even the response may get another line.
    pub(crate) fn begin_turn(&mut self) {
        self.turns += 1;
        let prompt = format!("prompt {} of session {}", self.turns, self.number);
        let uuid = self.line(json!({
            "type": "user",
            "promptId": format!("prompt-{}-{}", self.number, self.turns),
            "permissionMode": "default",
            "message": { "role": "user", "content": prompt },
        }));
        let mut blocks = vec![json!({ "type": "text", "text": format!("I look at {uuid}.") })];
        blocks.extend((0..TOOLS).map(|tool| {
            json!({
                "type": "tool_use",
                "id": self.call(tool),
                "name": "Bash",
                "input": { "command": format!("echo {tool}") },
            })
        }));
        let response = self.response(&blocks, "tool_use");
        self.open = vec![response, format!("turn {prompt}")];
        self.flush();
    }

    /// Adds the results of the tools and the final response.
    pub(crate) fn finish_turn(&mut self) {
        self.labels.extend(self.open.drain(..));
        for tool in 0..TOOLS {
            let call = self.call(tool);
            self.labels.insert(format!("tool {call}"));
            self.line(json!({
                "type": "user",
                "message": { "role": "user", "content": [{
                    "type": "tool_result",
                    "tool_use_id": call,
                    "content": format!("{tool}\n"),
                    "is_error": false,
                }] },
                "toolUseResult": { "stdout": format!("{tool}\n"), "stderr": "", "durationMs": 7 },
            }));
        }
        let response = self.response(&[json!({ "type": "text", "text": "Done." })], "end_turn");
        self.labels.insert(response);
        self.flush();
    }

    /// A copy under another id, as `--fork-session` makes one: no line marks it as a copy.
    pub(crate) fn fork(&self, env: &TestEnv, number: u64) -> Self {
        let mut fork = Self::empty(env, number, self.now);
        fork.lines.clone_from(&self.lines);
        for line in &mut fork.lines {
            line["sessionId"] = json!(fork.id);
        }
        fork.turns = self.turns;
        fork.parent.clone_from(&self.parent);
        let copied = self
            .labels
            .iter()
            .filter(|label| !label.starts_with("trace "));
        fork.labels.extend(copied.cloned());
        fork.flush();
        fork
    }

    /// Labels of the events that PostHog should hold. A copied event has the same label in all
    /// copies.
    pub(crate) fn labels(&self) -> &BTreeSet<String> {
        &self.labels
    }

    /// Number of its events.
    pub(crate) fn events(&self) -> u64 {
        self.labels.len() as u64
    }

    /// Output tokens of all responses that were written here, not copied.
    pub(crate) fn output_tokens(&self) -> u64 {
        self.output_tokens
    }

    /// The JSON that Claude Code passes to its hooks.
    pub(crate) fn hook_input(&self, event: &str) -> String {
        json!({
            "session_id": self.id,
            "transcript_path": self.path,
            "cwd": self.cwd,
            "hook_event_name": event,
            "reason": "other",
        })
        .to_string()
    }

    /// Makes the session look as if it was last written to that long ago.
    pub(crate) fn age(&self, by: Duration) {
        let file = File::options().append(true).open(&self.path);
        file.and_then(|file| file.set_modified(SystemTime::now() - by))
            .expect("the transcript is ours");
    }

    /// Marks the session as open in a process, as Claude Code does.
    pub(crate) fn open_in_process(&self, env: &TestEnv, pid: u32) -> PathBuf {
        let entry = json!({ "pid": pid, "sessionId": self.id, "cwd": self.cwd });
        let path = env.claude().join(format!("sessions/{pid}.json"));
        env.write(path, entry.to_string())
    }

    fn call(&self, tool: u64) -> String {
        format!("toolu_{}_{}_{tool}", self.number, self.turns)
    }

    /// Adds a line for each block, all with the id of the response; only the last one has the
    /// number of tokens. Returns the label.
    fn response(&mut self, blocks: &[Value], stop_reason: &str) -> String {
        self.responses += 1;
        let tokens = self.number * RESPONSES + self.responses;
        self.output_tokens += tokens;
        for (index, block) in blocks.iter().enumerate() {
            let is_last = index + 1 == blocks.len();
            self.line(json!({
                "type": "assistant",
                "requestId": format!("req_{tokens}"),
                "message": {
                    "id": format!("msg_{tokens}"),
                    "type": "message",
                    "role": "assistant",
                    "model": "claude-sonnet-5",
                    "content": [block],
                    "stop_reason": is_last.then_some(stop_reason),
                    "stop_sequence": null,
                    "usage": {
                        "input_tokens": 3,
                        "cache_creation_input_tokens": 5,
                        "cache_read_input_tokens": 7,
                        "output_tokens": if is_last { tokens } else { 1 },
                        "service_tier": "standard",
                    },
                },
            }));
        }
        format!("response {tokens}")
    }

    /// Adds the fields that all lines have; returns the line's uuid.
    fn line(&mut self, mut line: Value) -> String {
        self.now += TimeDelta::milliseconds(5);
        let uuid = format!(
            "{:08x}-0000-4000-9000-{:012x}",
            self.number,
            self.lines.len()
        );
        let all = json!({
            "uuid": uuid,
            "parentUuid": self.parent,
            "isSidechain": false,
            "userType": "external",
            "entrypoint": "cli",
            "cwd": self.cwd,
            "sessionId": self.id,
            "version": "2.1.329",
            "gitBranch": "main",
            "timestamp": self.now.to_rfc3339_opts(SecondsFormat::Millis, true),
        });
        let all = all.as_object().expect("it is an object").clone();
        line.as_object_mut().expect("it is an object").extend(all);
        self.lines.push(line);
        self.parent = Some(uuid.clone());
        uuid
    }

    /// Appends the unwritten lines to the file.
    fn flush(&mut self) {
        let mut text = String::new();
        for line in &self.lines[self.flushed..] {
            let _ = writeln!(text, "{line}");
        }
        self.flushed = self.lines.len();
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.path);
        file.and_then(|mut file| file.write_all(text.as_bytes()))
            .expect("the temporary directory is writable");
    }
}

/// The label of an event at the double.
pub(crate) fn label(event: &Value) -> String {
    let properties = &event["properties"];
    let text = |name: &str| properties[name].as_str().unwrap_or("?").to_owned();
    match (
        event["event"].as_str(),
        properties["$ai_span_type"].as_str(),
    ) {
        (Some("$ai_generation"), _) => format!("response {}", properties["$ai_output_tokens"]),
        (Some("$ai_span"), Some("tool")) => format!("tool {}", text("$ai_tool_call_id")),
        (Some("$ai_span"), Some("turn")) => format!("turn {}", text("$ai_span_name")),
        (Some("$ai_trace"), _) => format!("trace {}", text("$ai_session_id")),
        _ => format!("unexpected {event}"),
    }
}
