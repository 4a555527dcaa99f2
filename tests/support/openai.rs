//! A stand-in for OpenAI's API for chats and embeddings, so that the real libraries run without a
//! network.
//!
//! The last user text of a request scripts the answer:
//!
//! | marker    | answer |
//! |-----------|--------|
//! | `FAIL429` | 429, too many requests |
//! | `FAIL500` | 500 |
//! | `TOOL`    | a call of the first tool that the request offers; after its result a text |
//! | `PRIVATE` | what the others get, and the text holds the marker |
//!
//! A request for JSON gets an object, anything else a text. A stream keeps its client waiting
//! before the first part, [`FIRST`], and before the last one, [`REST`].

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

use super::http::{Connection, Head, Next, Server};

/// Time before the first part of a stream.
pub(crate) const FIRST: Duration = Duration::from_millis(120);
/// Time between the first part of a stream and the last.
pub(crate) const REST: Duration = Duration::from_millis(100);
/// Arguments of every tool call.
pub(crate) const ARGUMENTS: &str = r#"{"city":"Oslo"}"#;
const MAX_BODY: usize = 16 * 1024 * 1024;

/// One request and its answer.
#[derive(Clone, Debug)]
pub(crate) struct Answered {
    pub(crate) asked: String,
    /// The model that answered, or else the one that was requested.
    pub(crate) model: String,
    pub(crate) status: u16,
    pub(crate) usage: Usage,
    pub(crate) content: Content,
    pub(crate) is_stream: bool,
    pub(crate) is_private: bool,
}

/// Tokens of an answer, as OpenAI counts: the first two include the last two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    pub(crate) input: u64,
    pub(crate) output: u64,
    pub(crate) cached: u64,
    pub(crate) reasoning: u64,
}

/// Content of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    Text(String),
    /// JSON text.
    Object(String),
    /// Id and name of the tool.
    Call(String, String),
    Vectors,
    Nothing,
}

/// The tokens of the n-th answer. Every count is unique, over answers and kinds.
const fn usage_of(answer: u64) -> Usage {
    Usage {
        input: 1_000 + 10 * answer,
        output: 300 + 2 * answer,
        cached: 500 + 10 * answer + 1,
        reasoning: 100 + 2 * answer + 1,
    }
}

/// The running stand-in.
pub(crate) struct OpenAi {
    server: Server,
    answered: Arc<Mutex<Vec<Answered>>>,
}

impl OpenAi {
    pub(crate) fn start() -> Self {
        let answered = Arc::<Mutex<Vec<Answered>>>::default();
        let log = Arc::clone(&answered);
        let server = Server::start(move |head, connection| serve(&log, head, connection));
        Self { server, answered }
    }

    /// Base address for clients.
    pub(crate) fn url(&self) -> String {
        self.server.url() + "/v1"
    }

    /// All requests, in the order of arrival.
    pub(crate) fn answered(&self) -> Vec<Answered> {
        let answered = self.answered.lock();
        answered.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn serve(log: &Mutex<Vec<Answered>>, head: &Head, connection: &mut Connection) -> io::Result<Next> {
    let raw = connection.read_body(MAX_BODY)?;
    let body: Value = serde_json::from_slice(&raw).map_err(io::Error::other)?;
    let (number, answered) = {
        let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
        let number = log.len() as u64 + 1;
        let answered = script(head, &body, number);
        log.push(answered.clone());
        (number, answered)
    };
    match (answered.status, &answered.content) {
        (200, Content::Vectors) => respond(connection, 200, &vectors(&body, &answered)),
        (200, _) if answered.is_stream => stream(connection, number, &answered),
        (200, _) => respond(connection, 200, &completion(number, &answered)),
        (status, _) => {
            let (message, kind) = match status {
                429 => ("Rate limit reached for stand-in-1", "rate_limit_error"),
                _ => ("The server had an error", "server_error"),
            };
            let error = json!({ "message": message, "type": kind });
            respond(connection, status, &json!({ "error": error }))
        }
    }
}

fn script(head: &Head, body: &Value, number: u64) -> Answered {
    let messages = body["messages"].as_array();
    let messages = messages.map(Vec::as_slice).unwrap_or_default();
    let mut prompts = messages.iter().filter(|it| it["role"] == "user");
    let prompt = prompts.next_back().map(|it| it["content"].to_string());
    let prompt = prompt.unwrap_or_default();
    let has_result = messages.iter().any(|it| it["role"] == "tool");
    let is_private = prompt.contains("PRIVATE");
    let tool = body["tools"][0]["function"]["name"].as_str();
    let asked = body["model"].as_str().unwrap_or_default();
    let mut answered = Answered {
        asked: asked.to_owned(),
        model: format!("{asked}-2026-01-01"),
        status: 200,
        usage: usage_of(number),
        content: Content::Nothing,
        is_stream: body["stream"] == true,
        is_private,
    };
    answered.content = if head.path.ends_with("/embeddings") {
        answered.usage = Usage {
            input: answered.usage.input,
            ..Usage::default()
        };
        Content::Vectors
    } else if let Some((_, status)) = [("FAIL429", 429), ("FAIL500", 500)]
        .into_iter()
        .find(|(marker, _)| prompt.contains(marker))
    {
        answered.status = status;
        answered.usage = Usage::default();
        asked.clone_into(&mut answered.model);
        Content::Nothing
    } else if let (true, false, Some(tool)) = (prompt.contains("TOOL"), has_result, tool) {
        Content::Call(format!("call_{number}"), tool.to_owned())
    } else if body["response_format"].is_object() {
        Content::Object(json!({ "name": "Spike", "age": number }).to_string())
    } else {
        let private = if is_private { " PRIVATE" } else { "" };
        Content::Text(format!("Fact {number}: hedgehogs have spines.{private}"))
    };
    answered
}

fn vectors(body: &Value, answered: &Answered) -> Value {
    let count = body["input"].as_array().map_or(1, Vec::len);
    let vector =
        |index| json!({ "object": "embedding", "index": index, "embedding": [0.125, 0.5] });
    let tokens = answered.usage.input;
    json!({
        "object": "list", "model": answered.model,
        "data": (0..count).map(vector).collect::<Vec<_>>(),
        "usage": { "prompt_tokens": tokens, "total_tokens": tokens },
    })
}

fn usage(usage: Usage) -> Value {
    json!({
        "prompt_tokens": usage.input,
        "completion_tokens": usage.output,
        "total_tokens": usage.input + usage.output,
        "prompt_tokens_details": { "cached_tokens": usage.cached },
        "completion_tokens_details": { "reasoning_tokens": usage.reasoning },
    })
}

/// The message of an answer and the reason why it ends.
fn message(content: &Content) -> (Value, &'static str) {
    match content {
        Content::Call(id, name) => {
            let function = json!({ "name": name, "arguments": ARGUMENTS });
            let call = json!({ "index": 0, "id": id, "type": "function", "function": function });
            let message = json!({ "role": "assistant", "content": null, "tool_calls": [call] });
            (message, "tool_calls")
        }
        Content::Text(text) | Content::Object(text) => {
            (json!({ "role": "assistant", "content": text }), "stop")
        }
        Content::Vectors | Content::Nothing => (Value::Null, "stop"),
    }
}

fn completion(number: u64, answered: &Answered) -> Value {
    let (message, reason) = message(&answered.content);
    json!({
        "id": format!("chatcmpl-{number}"), "object": "chat.completion",
        "created": 1_767_225_600, "model": answered.model,
        "choices": [{ "index": 0, "message": message, "finish_reason": reason }],
        "usage": usage(answered.usage),
    })
}

fn stream(connection: &mut Connection, number: u64, answered: &Answered) -> io::Result<Next> {
    let headers = [
        ("content-type", "text/event-stream"),
        ("connection", "close"),
    ];
    connection.respond_head(200, &headers)?;
    let (message, reason) = message(&answered.content);
    let part = |choices: Value, usage: Value| {
        let part = json!({
            "id": format!("chatcmpl-{number}"), "object": "chat.completion.chunk",
            "created": 1_767_225_600, "model": answered.model,
            "choices": choices, "usage": usage,
        });
        format!("data: {part}\n\n")
    };
    let choice = |delta: Value, reason: Value| json!([{ "index": 0, "delta": delta, "finish_reason": reason }]);
    connection.stall(FIRST);
    connection.write(part(choice(message, Value::Null), Value::Null).as_bytes())?;
    connection.stall(REST);
    connection.write(part(choice(json!({}), json!(reason)), Value::Null).as_bytes())?;
    connection.write(part(json!([]), usage(answered.usage)).as_bytes())?;
    connection.write(b"data: [DONE]\n\n")?;
    Ok(Next::Close)
}

fn respond(connection: &mut Connection, status: u16, body: &Value) -> io::Result<Next> {
    let headers = [("content-type", "application/json")];
    connection.respond(status, &headers, body.to_string().as_bytes())
}
