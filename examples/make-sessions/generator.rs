//! Made-up sessions.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use fastrand::Rng;
use serde_json::{Value, json};

/// Writes `sessions` sessions, with `megabytes` together.
pub(crate) fn write(folder: &Path, sessions: u64, megabytes: f64, seed: u64) -> io::Result<Tally> {
    let mut random = Rng::with_seed(seed);
    let mut tally = Tally::default();
    #[expect(clippy::cast_precision_loss, reason = "numbers of sessions are small")]
    let mean = megabytes * 1e6 / sessions as f64;
    for number in 0..sessions {
        // As in reality, most sessions are small and few are large; the mean stays the same.
        let share = if sessions == 1 {
            1.0
        } else {
            -(1.0 - random.f64()).ln()
        };
        let bytes = (mean * share).max(2_000.0);
        Session::new(folder, number, &mut random).write(bytes, &mut tally)?;
        tally.sessions += 1;
    }
    Ok(tally)
}

/// Counts of what was written.
#[derive(Default)]
pub(crate) struct Tally {
    sessions: u64,
    bytes: u64,
    turns: u64,
    responses: u64,
    tools: u64,
    input: u64,
    output: u64,
    cache_read: u64,
    cache_write: u64,
}

impl Tally {
    pub(crate) fn as_json(&self) -> Value {
        json!({
            "sessions": self.sessions,
            "bytes": self.bytes,
            "turns": self.turns,
            "responses": self.responses,
            "tools": self.tools,
            "input": self.input,
            "output": self.output,
            "cache_read": self.cache_read,
            "cache_write": self.cache_write,
        })
    }
}

/// A transcript that is being written.
struct Transcript {
    out: BufWriter<File>,
    path: PathBuf,
    bytes: u64,
    agent: Option<String>,
    parent: Option<String>,
}

struct Session<'a> {
    id: String,
    project: String,
    folder: PathBuf,
    now: DateTime<Utc>,
    random: &'a mut Rng,
}

/// Words of code, prose and logs.
const WORDS: &[&str] = &[
    "fn",
    "let",
    "mut",
    "return",
    "import",
    "const",
    "async",
    "await",
    "self",
    "config",
    "request",
    "response",
    "handler",
    "buffer",
    "the",
    "a",
    "of",
    "test",
    "passed",
    "error:",
    "warning:",
    "src/pipeline/worker.rs",
    "README.md",
    "=>",
    "{",
    "}",
    "();",
    "&&",
    "||",
    "\"name\":",
    "42",
    "\t\t",
    "größer",
    "日本",
    "→",
    "https://example.com/docs",
    "0x1f",
    "null,",
    "true",
    "//",
];

impl<'a> Session<'a> {
    fn new(folder: &Path, number: u64, random: &'a mut Rng) -> Self {
        let project = format!("/home/ada/project-{}", number % 40);
        let start = DateTime::from_timestamp(1_767_225_600, 0).unwrap_or_default();
        #[expect(clippy::cast_possible_wrap, reason = "numbers of sessions are small")]
        let now = start + TimeDelta::minutes(7 * number as i64);
        Self {
            id: uuid(random),
            folder: folder.join(project.replace('/', "-")),
            project,
            now,
            random,
        }
    }

    fn write(mut self, bytes: f64, tally: &mut Tally) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        let path = self.folder.join(format!("{}.jsonl", self.id));
        let mut main = Transcript::create(path, None)?;
        let has_agent = self.random.u8(..10) == 0;
        let of_main = if has_agent { bytes * 0.8 } else { bytes };
        #[expect(clippy::cast_precision_loss, reason = "files are far below 2^53 bytes")]
        while (main.bytes as f64) < of_main {
            let calls = self.random.u64(1..12);
            self.turn(&mut main, calls, tally)?;
        }
        tally.bytes += main.finish()?;
        if has_agent {
            self.agent(bytes * 0.2, tally)?;
        }
        Ok(())
    }

    fn agent(&mut self, bytes: f64, tally: &mut Tally) -> io::Result<()> {
        let folder = self.folder.join(&self.id).join("subagents");
        fs::create_dir_all(&folder)?;
        let id = format!("a{:016x}", self.random.u64(..));
        let path = folder.join(format!("agent-{id}.jsonl"));
        fs::write(
            path.with_extension("meta.json"),
            r#"{"agentType":"Explore"}"#,
        )?;
        let mut agent = Transcript::create(path, Some(id))?;
        #[expect(clippy::cast_precision_loss, reason = "files are far below 2^53 bytes")]
        while (agent.bytes as f64) < bytes {
            self.response(&mut agent, true, tally)?;
        }
        tally.bytes += agent.finish()?;
        Ok(())
    }

    fn turn(&mut self, to: &mut Transcript, calls: u64, tally: &mut Tally) -> io::Result<()> {
        let prompt = self.text(40, 600);
        let content = json!({ "role": "user", "content": prompt });
        self.line(
            to,
            "user",
            json!({ "message": content, "permissionMode": "default" }),
        )?;
        for _ in 1..calls {
            self.response(to, true, tally)?;
        }
        self.response(to, false, tally)?;
        tally.turns += 1;
        Ok(())
    }

    /// A response in its lines, and the results of the tools that it calls.
    fn response(
        &mut self,
        to: &mut Transcript,
        with_tools: bool,
        tally: &mut Tally,
    ) -> io::Result<()> {
        let tools: Vec<String> = match (with_tools, self.random.u8(..5)) {
            (false, _) => Vec::new(),
            (true, 0) => (0..3).map(|_| self.id("toolu_")).collect(),
            (true, _) => vec![self.id("toolu_")],
        };
        let mut blocks = Vec::new();
        if self.random.bool() {
            blocks.push(
                json!({ "type": "thinking", "thinking": self.text(100, 900), "signature": "c2ln" }),
            );
        }
        blocks.push(json!({ "type": "text", "text": self.text(60, 700) }));
        for id in &tools {
            let input = json!({ "command": self.text(30, 500), "description": "Look" });
            blocks.push(json!({ "type": "tool_use", "id": id, "name": "Bash", "input": input }));
        }
        let message = self.id("msg_");
        let request = self.id("req_");
        let usage = [
            self.random.u64(1..30),
            self.random.u64(20..2_000),
            self.random.u64(8_000..150_000),
            self.random.u64(0..9_000),
        ];
        for block in blocks {
            let line = json!({
                "message": {
                    "id": message, "type": "message", "role": "assistant", "model": "claude-sonnet-4-5",
                    "content": [block],
                    "stop_reason": if with_tools { "tool_use" } else { "end_turn" },
                    "usage": {
                        "input_tokens": usage[0], "output_tokens": usage[1],
                        "cache_read_input_tokens": usage[2], "cache_creation_input_tokens": usage[3],
                        "cache_creation": { "ephemeral_5m_input_tokens": usage[3], "ephemeral_1h_input_tokens": 0 },
                        "service_tier": "standard",
                    },
                },
                "requestId": request,
            });
            self.line(to, "assistant", line)?;
        }
        for id in &tools {
            self.tool_result(to, id)?;
        }
        tally.responses += 1;
        tally.tools += tools.len() as u64;
        let [input, output, read, write] = usage;
        tally.input += input;
        tally.output += output;
        tally.cache_read += read;
        tally.cache_write += write;
        Ok(())
    }

    /// The result of a tool, after its progress.
    fn tool_result(&mut self, to: &mut Transcript, id: &str) -> io::Result<()> {
        if self.random.bool() {
            let progress = json!({ "data": { "type": "bash_progress", "output": self.text(200, 1_800) }, "toolUseID": id });
            self.line(to, "progress", progress)?;
        }
        // Length with which a call or a tool takes as many bytes as in real sessions, 6.9 KB.
        let length = if self.random.u8(..20) == 0 {
            40_000
        } else {
            7_500
        };
        let output = self.text(100, length);
        let content = json!([{ "type": "tool_result", "tool_use_id": id, "content": output, "is_error": false }]);
        let result =
            json!({ "stdout": output, "stderr": "", "interrupted": false, "isImage": false });
        self.line(
            to,
            "user",
            json!({ "message": { "role": "user", "content": content }, "toolUseResult": result }),
        )
    }

    fn line(&mut self, to: &mut Transcript, kind: &str, content: Value) -> io::Result<()> {
        self.now += TimeDelta::milliseconds(self.random.i64(50..4_000));
        let id = uuid(self.random);
        let mut line = json!({
            "parentUuid": to.parent.replace(id.clone()),
            "isSidechain": to.agent.is_some(),
            "userType": "external",
            "cwd": self.project,
            "sessionId": self.id,
            "version": "2.1.150",
            "gitBranch": "main",
            "entrypoint": "cli",
        });
        if let (Value::Object(line), Value::Object(content)) = (&mut line, content) {
            line.extend(to.agent.iter().map(|id| ("agentId".to_owned(), json!(id))));
            line.insert("type".to_owned(), json!(kind));
            line.extend(content);
            line.insert("uuid".to_owned(), json!(id));
            line.insert(
                "timestamp".to_owned(),
                json!(self.now.to_rfc3339_opts(SecondsFormat::Millis, true)),
            );
        }
        to.line(&line)
    }

    /// Text of `shortest` to `longest` bytes, in lines.
    fn text(&mut self, shortest: usize, longest: usize) -> String {
        let length = self.random.usize(shortest..longest);
        let mut text = String::with_capacity(length + 16);
        while text.len() < length {
            text.push_str(WORDS[self.random.usize(..WORDS.len())]);
            text.push(if self.random.u8(..9) == 0 { '\n' } else { ' ' });
        }
        text
    }

    fn id(&mut self, prefix: &str) -> String {
        format!(
            "{prefix}{:016x}{:08x}",
            self.random.u64(..),
            self.random.u32(..)
        )
    }
}

impl Transcript {
    fn create(path: PathBuf, agent: Option<String>) -> io::Result<Self> {
        Ok(Self {
            out: BufWriter::with_capacity(1 << 20, File::create(&path)?),
            path,
            bytes: 0,
            agent,
            parent: None,
        })
    }

    fn line(&mut self, line: &Value) -> io::Result<()> {
        let line = line.to_string();
        self.bytes += line.len() as u64 + 1;
        self.out.write_all(line.as_bytes())?;
        self.out.write_all(b"\n")
    }

    fn finish(mut self) -> io::Result<u64> {
        self.out.flush()?;
        Ok(fs::metadata(&self.path)?.len())
    }
}

fn uuid(random: &mut Rng) -> String {
    uuid::Builder::from_random_bytes(random.u128(..).to_le_bytes())
        .into_uuid()
        .to_string()
}
