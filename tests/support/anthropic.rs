//! A stand-in for the Anthropic Messages API, so that the real Claude Code runs without a network.
//!
//! The last user text of a request scripts the answer, whatever else it says:
//!
//! | marker       | answer |
//! |--------------|--------|
//! | `TOOLS`      | thinking, text and three parallel tool calls; then one that fails; then a text |
//! | `SUBAGENT`   | a call of the agent tool, with a smaller model, whose prompt holds `TOOLS`; then a text |
//! | `BACKGROUND` | the same, with the agent in the background: its end starts one more turn |
//! | `DOOMED`     | an agent in the background whose first call is refused; its end starts one more turn |
//! | `TOUCH`      | a shell command that makes a file: Claude Code asks before it runs it |
//! | `LONG`       | a long text |
//! | `SLOW`       | a text, late |
//! | `HANG`       | after any tool calls, never an answer |
//! | `ERROR400`   | 400, the prompt is too long |
//! | `ERROR529`   | 529, overloaded |
//! | `FLAKY`      | 529 the first time, then a text |
//!
//! Tools are called by the names that the request offers: those of Claude Code, of Pi or of OpenCode.
//! A request that wants a title gets one, whatever the text. Anything else gets a short thinking block and a short text. Every answer reports tokens of its
//! own, see [`usage_of`].

use std::io;
use std::mem;
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use uuid::Uuid;

use super::http::{Connection, Head, Next, Server};
use super::posthog::Tokens;

/// Model calls of a session with the prompt `TOOLS`.
pub(crate) const CALLS_OF_TOOLS: usize = 3;
/// Model calls of a session with the prompt `SUBAGENT`, those of the subagent included.
pub(crate) const CALLS_OF_SUBAGENT: usize = 2 + CALLS_OF_TOOLS;
/// Model calls of a session with the prompt `BACKGROUND`.
pub(crate) const CALLS_OF_BACKGROUND: usize = 3 + CALLS_OF_TOOLS;
/// A secret in the output of a tool, which must be found nowhere else.
pub(crate) const SECRET: &str = "sk-ant-api03-abcdefghijklmnopqrstuvwxyz0123456789";

const CACHE_CREATION_5M: u64 = 1_400;
const CACHE_CREATION_1H: u64 = 2_000;
const MAX_BODY: usize = 64 * 1024 * 1024;
const SLOWNESS: Duration = Duration::from_secs(3);
const FOREVER: Duration = Duration::from_hours(1);

/// The tokens of the n-th answer, counted from 1. Every count is unique, over answers and kinds, so
/// that a missing, doubled or mistaken call shows.
pub(crate) const fn usage_of(answer: u64) -> Tokens {
    Tokens {
        input: 100 + answer,
        output: 300 + 2 * answer,
        cache_read: 15_000 + 10 * answer,
        cache_creation: CACHE_CREATION_5M + CACHE_CREATION_1H + 100 * answer,
    }
}

/// Usage that the stand-in reported for a call.
#[derive(Clone, Debug)]
pub(crate) struct Answered {
    pub(crate) model: String,
    pub(crate) tokens: Tokens,
}

/// The running stand-in.
pub(crate) struct Anthropic {
    server: Server,
    calls: Arc<Calls>,
}

#[derive(Default)]
struct Calls {
    bodies: Mutex<Vec<Value>>,
    arrived: Condvar,
    answers: Mutex<Vec<Answered>>,
}

impl Anthropic {
    pub(crate) fn start() -> Self {
        let calls = Arc::new(Calls::default());
        let log = Arc::clone(&calls);
        let server = Server::start(move |head, connection| serve(&log, head, connection));
        Self { server, calls }
    }

    pub(crate) fn url(&self) -> String {
        self.server.url()
    }

    /// The bodies of all model calls, in the order of arrival.
    pub(crate) fn calls(&self) -> Vec<Value> {
        self.calls.lock().clone()
    }

    /// The answers without errors, in order.
    pub(crate) fn answered(&self) -> Vec<Answered> {
        self.calls.answers().clone()
    }

    /// Waits for this number of model calls in total; panics after `patience`.
    #[track_caller]
    pub(crate) fn wait_for_calls(&self, count: usize, patience: Duration) {
        let (bodies, waited) = self
            .calls
            .arrived
            .wait_timeout_while(self.calls.lock(), patience, |bodies| bodies.len() < count)
            .unwrap_or_else(PoisonError::into_inner);
        let seen = bodies.len();
        assert!(!waited.timed_out(), "{seen} of {count} calls came");
    }
}

impl Calls {
    fn lock(&self) -> MutexGuard<'_, Vec<Value>> {
        self.bodies.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answers(&self) -> MutexGuard<'_, Vec<Answered>> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The tokens of the next answer.
    fn bill(&self, body: &Value) -> Tokens {
        let mut answers = self.answers();
        let tokens = usage_of(answers.len() as u64 + 1);
        let model = body["model"].as_str().unwrap_or_default().to_owned();
        answers.push(Answered { model, tokens });
        tokens
    }
}

fn serve(calls: &Calls, head: &Head, connection: &mut Connection) -> io::Result<Next> {
    let raw = connection.read_body(MAX_BODY)?;
    let path = head.path.split('?').next().unwrap_or_default();
    match (head.method.as_str(), path) {
        ("HEAD", _) => connection.respond(200, &[], b""),
        ("POST", "/v1/messages/count_tokens") => {
            respond_json(connection, 200, &json!({"input_tokens": 1_000}))
        }
        ("POST", "/v1/messages") => {
            let body: Value = serde_json::from_slice(&raw).map_err(io::Error::other)?;
            let mut earlier = calls.lock();
            let reply = script(&body, &earlier);
            earlier.push(body.clone());
            drop(earlier);
            calls.arrived.notify_all();
            answer(calls, connection, &body, reply)
        }
        _ => connection.respond(404, &[], b""),
    }
}

#[derive(Debug)]
enum Reply {
    Message(Vec<Block>),
    Late(Vec<Block>),
    Error(u16, &'static str, &'static str),
    Silence,
}

#[derive(Debug)]
enum Block {
    Thinking(&'static str),
    Text(String),
    ToolUse(&'static str, Value),
}

fn script(body: &Value, earlier: &[Value]) -> Reply {
    let (prompt, rounds) = last_prompt(&body["messages"]);
    let offers = |name: &str| {
        let tools = body["tools"].as_array();
        tools.is_some_and(|tools| tools.iter().any(|tool| tool["name"] == name))
    };
    let says = |marker: &str| prompt.contains(marker);
    let is_first = || {
        let mut prompts = earlier.iter().map(|call| last_prompt(&call["messages"]).0);
        prompts.all(|earlier| earlier != prompt)
    };
    let agents = ["Agent", "subagent", "task"];
    let agent = agents.into_iter().find(|name| offers(name));
    let agent = agent.unwrap_or("Task");
    let shells = ["Bash", "bash"];
    let shell = shells.into_iter().find(|name| offers(name));

    if body["output_config"]["format"]["schema"]["properties"]["title"].is_object() {
        Reply::Message(vec![Block::Text(
            json!({"title": "A greeting"}).to_string(),
        )])
    } else if says("ERROR400") {
        let message = "prompt is too long: 210000 tokens > 200000 maximum";
        Reply::Error(400, "invalid_request_error", message)
    } else if says("ERROR529") || (says("FLAKY") && is_first()) {
        Reply::Error(529, "overloaded_error", "Overloaded")
    } else if let (true, 0, Some(shell)) = (says("TOOLS"), rounds, shell) {
        let path = if offers("task") { "filePath" } else { "path" };
        Reply::Message(look_around(shell, path))
    } else if says("HANG") {
        Reply::Silence
    } else if let (true, 1, Some(shell)) = (says("TOOLS"), rounds, shell) {
        let call = json!({"command": "exit 3", "description": "Fail"});
        Reply::Message(vec![Block::ToolUse(shell, call)])
    } else if (says("SUBAGENT") || says("BACKGROUND")) && rounds == 0 && offers(agent) {
        Reply::Message(start_agent(agent, says("BACKGROUND")))
    } else if says("DOOMED") && rounds == 0 && offers(agent) {
        let call = json!({
            "description": "Look at files",
            "prompt": "ERROR400 please look around",
            "subagent_type": "general-purpose",
            "run_in_background": true,
        });
        Reply::Message(vec![Block::ToolUse(agent, call)])
    } else if let (true, 0, Some(shell)) = (says("TOUCH"), rounds, shell) {
        let call = json!({"command": "touch made.txt", "description": "Make a file"});
        Reply::Message(vec![Block::ToolUse(shell, call)])
    } else if says("LONG") {
        Reply::Message(vec![Block::Text("word ".repeat(2_000))])
    } else {
        let start: String = prompt.chars().take(60).collect();
        let text = format!("Done after {rounds} rounds of tools: {start}");
        let blocks = vec![Block::Thinking("That is easy."), Block::Text(text)];
        if says("SLOW") {
            Reply::Late(blocks)
        } else {
            Reply::Message(blocks)
        }
    }
}

/// The call that starts a subagent, in the form of the coding agent.
fn start_agent(agent: &'static str, in_background: bool) -> Vec<Block> {
    if agent == "subagent" {
        let call = json!({"agent": "scout", "task": "TOOLS please look around"});
        return vec![Block::ToolUse(agent, call)];
    }
    let call = json!({
        "description": "Look at files",
        "prompt": "TOOLS please look around",
        "subagent_type": if agent == "task" { "general" } else { "general-purpose" },
        "model": "haiku",
        "run_in_background": in_background,
    });
    vec![
        Block::Text("This is work for an agent.".into()),
        Block::ToolUse(agent, call),
    ]
}

fn look_around(shell: &'static str, path: &'static str) -> Vec<Block> {
    let (read, path) = match shell {
        "Bash" => ("Read", "file_path"),
        _ => ("read", path),
    };
    let list = format!("ls -la && echo API_KEY={SECRET}");
    vec![
        Block::Thinking("List the files and read one, at the same time."),
        Block::Text("Let me look around.".into()),
        Block::ToolUse(shell, json!({"command": list, "description": "List"})),
        Block::ToolUse(
            shell,
            json!({"command": "cat hello.txt", "description": "Show"}),
        ),
        Block::ToolUse(read, json!({path: "hello.txt"})),
    ]
}

/// The last text of the user, and the number of rounds of tool results after it.
fn last_prompt(messages: &Value) -> (String, usize) {
    let mut prompt = String::new();
    let mut rounds = 0;
    let messages = messages.as_array().map(Vec::as_slice).unwrap_or_default();
    for message in messages.iter().filter(|message| message["role"] == "user") {
        let content = &message["content"];
        let blocks = content.as_array().map(Vec::as_slice).unwrap_or_default();
        if blocks.iter().any(|block| block["type"] == "tool_result") {
            rounds += 1;
            continue;
        }
        let texts = blocks.iter().filter_map(|block| block["text"].as_str());
        let text = texts
            .chain(content.as_str())
            .rfind(|text| !text.starts_with("<system-reminder>"));
        if let Some(text) = text {
            text.clone_into(&mut prompt);
            rounds = 0;
        }
    }
    (prompt, rounds)
}

fn answer(
    calls: &Calls,
    connection: &mut Connection,
    body: &Value,
    reply: Reply,
) -> io::Result<Next> {
    let blocks = match reply {
        Reply::Message(blocks) => blocks,
        Reply::Late(blocks) => {
            connection.stall(SLOWNESS);
            blocks
        }
        Reply::Error(status, kind, message) => {
            let error = json!({"type": "error", "error": {"type": kind, "message": message}});
            return respond_json(connection, status, &error);
        }
        Reply::Silence => {
            connection.stall(FOREVER);
            return Ok(Next::Close);
        }
    };
    let calls_tools = matches!(blocks.last(), Some(Block::ToolUse(..)));
    let stop_reason = if calls_tools { "tool_use" } else { "end_turn" };
    let content: Vec<Value> = blocks.into_iter().map(Block::into_json).collect();
    let usage = calls.bill(body);
    let mut message = json!({
        "id": identifier("msg_01"),
        "type": "message",
        "role": "assistant",
        "model": body["model"],
        "content": content,
        "stop_reason": stop_reason,
        "stop_sequence": null,
        "usage": {
            "input_tokens": usage.input,
            "cache_creation_input_tokens": usage.cache_creation,
            "cache_read_input_tokens": usage.cache_read,
            "cache_creation": {
                "ephemeral_5m_input_tokens": usage.cache_creation - CACHE_CREATION_1H,
                "ephemeral_1h_input_tokens": CACHE_CREATION_1H,
            },
            "output_tokens": usage.output,
            "service_tier": "standard",
        },
    });
    if body["stream"] == true {
        stream(connection, &mut message)
    } else {
        respond_json(connection, 200, &message)
    }
}

impl Block {
    fn into_json(self) -> Value {
        match self {
            Self::Thinking(thinking) => {
                json!({"type": "thinking", "thinking": thinking, "signature": "EqQBsig"})
            }
            Self::Text(text) => json!({"type": "text", "text": text}),
            Self::ToolUse(name, input) => {
                let id = identifier("toolu_01");
                json!({"type": "tool_use", "id": id, "name": name, "input": input})
            }
        }
    }
}

/// Sends a message as server-sent events: each block starts empty and is filled by deltas, and the
/// true output count comes last.
fn stream(connection: &mut Connection, message: &mut Value) -> io::Result<Next> {
    let request_id = identifier("req_01");
    let headers = [
        ("content-type", "text/event-stream"),
        ("request-id", &request_id),
        ("connection", "close"),
    ];
    connection.respond_head(200, &headers)?;
    let content = message["content"].take();
    let stop_reason = message["stop_reason"].take();
    message["content"] = json!([]);
    let output_tokens = mem::replace(&mut message["usage"]["output_tokens"], json!(1));
    send(connection, "message_start", json!({"message": message}))?;
    let blocks = content.as_array().map(Vec::as_slice).unwrap_or_default();
    for (index, block) in blocks.iter().enumerate() {
        let (start, deltas) = split(block);
        let start = json!({"index": index, "content_block": start});
        send(connection, "content_block_start", start)?;
        for delta in deltas {
            let delta = json!({"index": index, "delta": delta});
            send(connection, "content_block_delta", delta)?;
        }
        send(connection, "content_block_stop", json!({"index": index}))?;
    }
    let end = json!({
        "delta": {"stop_reason": stop_reason, "stop_sequence": null},
        "usage": {"output_tokens": output_tokens},
    });
    send(connection, "message_delta", end)?;
    send(connection, "message_stop", json!({}))?;
    Ok(Next::Close)
}

fn split(block: &Value) -> (Value, Vec<Value>) {
    let mut start = block.clone();
    let deltas = match block["type"].as_str() {
        Some("thinking") => {
            start["thinking"] = json!("");
            start["signature"] = json!("");
            vec![
                json!({"type": "thinking_delta", "thinking": block["thinking"]}),
                json!({"type": "signature_delta", "signature": block["signature"]}),
            ]
        }
        Some("tool_use") => {
            start["input"] = json!({});
            let input = block["input"].to_string();
            vec![json!({"type": "input_json_delta", "partial_json": input})]
        }
        _ => {
            start["text"] = json!("");
            vec![json!({"type": "text_delta", "text": block["text"]})]
        }
    };
    (start, deltas)
}

fn send(connection: &mut Connection, kind: &str, mut data: Value) -> io::Result<()> {
    data["type"] = json!(kind);
    connection.write(format!("event: {kind}\ndata: {data}\n\n").as_bytes())
}

fn respond_json(connection: &mut Connection, status: u16, body: &Value) -> io::Result<Next> {
    let headers = [("content-type", "application/json")];
    connection.respond(status, &headers, body.to_string().as_bytes())
}

/// A unique id, even between two runs at once.
fn identifier(prefix: &str) -> String {
    static ISSUED: AtomicU64 = AtomicU64::new(0);
    let number = ISSUED.fetch_add(1, Ordering::Relaxed);
    let name = format!("{}-{number}", process::id());
    let digits = Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes()).simple();
    format!("{prefix}{}", &digits.to_string()[..22])
}
