//! Inputs of calls, compared with independently assembled requests: from plain JSON, without any
//! code of the program.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::Path;

use posthog_llma::session::SessionState;
use posthog_llma::session::{Block, Generation, Message, Role};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::corpus::{corpus_or_skip, sessions};
use crate::support::independent::files;
use crate::support::library::Run;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/sessions");

#[test]
fn calls_of_the_fixtures_add_what_their_requests_say() {
    let mut checked = 0;
    for transcript in sessions(Path::new(FIXTURES)) {
        checked += check(&transcript);
    }
    assert_eq!(checked, 5);
}

#[test]
fn calls_of_real_sessions_add_what_their_requests_say() {
    let Some(root) = corpus_or_skip() else { return };
    let mut checked = 0;
    for transcript in sessions(&root.join("lab-2.1.329")) {
        checked += check(&transcript);
    }
    // In five more, a message was changed when paths were removed from these sessions.
    assert!(checked >= 26, "{checked}");
}

/// Checks every call whose request can be reconstructed, and returns their number.
fn check(transcript: &Path) -> usize {
    let run = Run::with(&[("POSTHOG_LLMA_INPUT", "full")]);
    let Some(collected) = run.collect(transcript, None, SessionState::Ended) else {
        return 0;
    };
    let generations = collected.session.all_generations();
    let found: HashMap<&str, &Generation> = generations
        .into_iter()
        .map(|generation| (generation.id.as_str(), generation))
        .collect();
    let mut checked = 0;
    for path in files(transcript) {
        let mut said = Vec::new();
        let mut responses = HashSet::new();
        for call in calls(&path) {
            let at = format!("{} {}", path.display(), call.id);
            let Some(given) = call.given else {
                responses.insert(call.response.to_string());
                continue;
            };
            let is_response = |message: &Value| responses.contains(&message.to_string());
            let same = given.iter().zip(&said).take_while(|(a, b)| a == b).count();
            // The calls before a fork were made elsewhere.
            let last = given.iter().rposition(is_response);
            let old = if said.is_empty() {
                last.map_or(0, |last| last + 1)
            } else {
                same
            };
            let new = given[old..].iter().filter(|message| !is_response(message));
            let new: Vec<Value> = new.cloned().collect();
            let is_known = |message: &Value| message.is_array();
            if let Some(generation) = found.get(call.id.as_str())
                && new.iter().all(is_known)
            {
                assert_eq!(plain(&generation.input), new, "{at}: added");
                checked += 1;
                let whole = generation.whole_input.iter().flatten();
                let whole: Vec<Message> = whole.map(|message| (**message).clone()).collect();
                if given.iter().all(is_known) {
                    assert_eq!(plain(&whole), given, "{at}: all of it");
                }
            }
            said = given;
            responses.insert(call.response.to_string());
            said.push(call.response);
        }
    }
    checked
}

/// A call, and its request if it is recorded.
struct Call {
    id: String,
    /// Its input; a message that is in no line is represented by its hash.
    given: Option<Vec<Value>>,
    response: Value,
}

/// The hash by which requests name a message.
fn hash_of(kind: &str, content: &[Value]) -> String {
    let mut whole = json!({ "role": kind, "content": content });
    whole.sort_all_objects();
    let hash = Sha256::digest(whole.to_string());
    let hash = hash.iter().map(|byte| format!("{byte:02x}"));
    hash.collect::<Vec<_>>().concat()
}

/// The lines of a file that are JSON.
fn json_lines(path: &Path) -> Vec<Value> {
    let text = fs::read(path).expect("it can be read");
    let text = String::from_utf8_lossy(&text);
    let lines = text.lines();
    let lines = lines.filter_map(|line| serde_json::from_str(line).ok());
    lines.collect()
}

/// The calls of a file, in its order.
fn calls(path: &Path) -> Vec<Call> {
    let lines = json_lines(path);
    let mut messages: HashMap<String, Value> = HashMap::new();
    let mut requests: HashMap<&str, Vec<String>> = HashMap::new();
    let mut responses: Vec<(String, &str, Vec<Value>)> = Vec::new();
    let mut run: (String, Vec<Value>) = Default::default();
    for line in &lines {
        let message = &line["message"];
        match line["type"].as_str() {
            Some("api-request-blob") => {
                let hash = line["hash"].as_str().expect("a hash");
                messages.insert(hash.to_owned(), as_said(&message["role"], &blocks(message)));
            }
            Some(kind @ ("user" | "assistant")) => {
                let speaker = format!("{kind} {}", message["id"]);
                if run.0 != speaker {
                    run = (speaker, Vec::new());
                }
                run.1.extend(blocks(message));
                messages
                    .entry(hash_of(kind, &run.1))
                    .or_insert(as_said(&json!(kind), &run.1));
                let Some(request) = line["requestRef"].as_str() else {
                    continue;
                };
                let id = message["id"].as_str().expect("an id").to_owned();
                match responses.iter_mut().find(|(known, ..)| *known == id) {
                    Some((_, _, all)) => all.extend(blocks(message)),
                    None => responses.push((id, request, blocks(message))),
                }
            }
            Some("api-request") => {
                let base = line["base"].as_str().and_then(|base| requests.get(base));
                let keep = line["keep"].as_u64().map(usize::try_from);
                let keep = keep.expect("a number").expect("a small one");
                let kept = base.into_iter().flatten().take(keep);
                let tail = line["tail"].as_array().expect("a list");
                let tail = tail.iter().filter_map(Value::as_str).map(str::to_owned);
                let all = kept.cloned().chain(tail).collect();
                requests.insert(line["id"].as_str().expect("an id"), all);
            }
            _ => {}
        }
    }
    let calls = responses.into_iter().map(|(id, request, said)| {
        let read = |hash: &String| messages.get(hash).cloned().unwrap_or_else(|| json!(hash));
        let given = requests.get(request).map(|hashes| {
            let given = hashes.iter().map(read);
            given.filter(|message| message[1] != json!([])).collect()
        });
        let response = as_said(&json!("assistant"), &said);
        Call {
            id,
            given,
            response,
        }
    });
    calls.collect()
}

fn blocks(message: &Value) -> Vec<Value> {
    match &message["content"] {
        Value::Array(blocks) => blocks.clone(),
        text => vec![json!({ "type": "text", "text": text })],
    }
}

/// Role and content of a message, without fields that are not shown.
fn as_said(role: &Value, content: &[Value]) -> Value {
    let content: Vec<Value> = content.iter().map(block_as_said).collect();
    json!([role, content])
}

fn block_as_said(block: &Value) -> Value {
    match block["type"].as_str().unwrap_or_default() {
        "text" => json!(["text", block["text"]]),
        "thinking" => json!(["thinking", block["thinking"]]),
        "tool_use" => json!(["call", block["id"], block["name"]]),
        "tool_result" => {
            let parts = self::blocks(block);
            let parts: Vec<Value> = parts.iter().map(block_as_said).collect();
            json!([
                "result",
                block["tool_use_id"],
                block["is_error"] == true,
                parts
            ])
        }
        other => json!([other]),
    }
}

/// The same for a message that the program read.
fn plain(messages: &[Message]) -> Vec<Value> {
    let plain = messages.iter().map(|message| {
        let role = match message.role {
            Role::User => "user",
            Role::Assistant => "assistant",
            Role::System => "system",
        };
        json!([
            role,
            message.content.iter().map(plain_block).collect::<Vec<_>>()
        ])
    });
    plain.collect()
}

fn plain_block(block: &Block) -> Value {
    match block {
        Block::Text(text) | Block::Report(text) => json!(["text", text]),
        Block::Thinking(text) => json!(["thinking", text]),
        Block::ToolCall(call) => json!(["call", call.id, call.name]),
        Block::ToolResult { call_id, result } => {
            let parts: Vec<Value> = result.content.iter().map(plain_block).collect();
            json!(["result", call_id, result.is_error, parts])
        }
        Block::Media { kind, .. } => json!([kind]),
        Block::Json(value) => json!(["json", value]),
        Block::Other(value) => json!([value["type"]]),
    }
}
