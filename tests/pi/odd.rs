//! Entries of Pi in unusual forms: paid usage is counted in all of them.

use std::fs;

use serde_json::{Value, json};

use crate::support::library::Run;

/// A session with one ordinary call (100 tokens in, 10 out), and these entries after it.
fn calls_with(entries: &[Value]) -> Vec<Value> {
    let header = json!({ "type": "session", "version": 3, "cwd": "/home/ada/bookshop",
        "id": "0a000000-0000-4000-8000-000000000001", "timestamp": "2026-03-02T09:30:00.000Z" });
    let prompt = json!({ "type": "message", "id": "a1", "parentId": null,
        "timestamp": "2026-03-02T09:30:01.000Z",
        "message": { "role": "user", "content": "hello", "timestamp": 1_772_443_801_000_u64 } });
    let mut lines = vec![header, prompt, answer("a2", "a1", 5, 100)];
    lines.extend(entries.iter().cloned());
    let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
    let text = lines.join("\n") + "\n";
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder
        .path()
        .join("2026-03-02T09-30-00-000Z_0a000000-0000-4000-8000-000000000001.jsonl");
    fs::write(&path, text).expect("it is writable");
    let events = Run::default().events(&path);
    let calls = events.iter().filter(|it| it["event"] == "$ai_generation");
    calls.map(|it| it["properties"].clone()).collect()
}

/// An answer, with its time in seconds after the start of the session.
fn answer(id: &str, parent: &str, second: u64, input: u64) -> Value {
    json!({ "type": "message", "id": id, "parentId": parent,
        "timestamp": format!("2026-03-02T09:30:{second:02}.000Z"),
        "message": {
            "role": "assistant", "content": [{ "type": "text", "text": "hi" }],
            "provider": "anthropic", "model": "claude-sonnet-4-5", "stopReason": "stop",
            "timestamp": 1_772_443_800_000 + second * 1000 - 500,
            "usage": { "input": input, "output": 10 },
        } })
}

#[test]
fn entries_in_unusual_forms_are_counted() {
    let mut shouted = answer("a3", "a2", 9, 7);
    shouted["message"]["role"] = json!("Assistant");
    let mut untold = answer("a3", "a2", 9, 7);
    untold["message"]["role"] = json!("critic");
    for (name, entry) in [
        ("an id that another answer has", answer("a2", "a1", 9, 7)),
        ("a role in another spelling", shouted),
        ("an unknown role", untold),
        (
            "an unknown type of entry",
            json!({ "type": "reflection", "id": "a3", "parentId": "a2",
                "timestamp": "2026-03-02T09:30:09.000Z", "usage": { "input": 7, "output": 1 } }),
        ),
    ] {
        let calls = calls_with(&[entry]);
        let input: Vec<u64> = calls
            .iter()
            .filter_map(|call| call["$ai_input_tokens"].as_u64())
            .collect();
        assert_eq!(input, [100, 7], "{name}");
    }
}

#[test]
fn a_repeated_entry_is_counted_once() {
    assert_eq!(calls_with(&[answer("a2", "a1", 5, 100)]).len(), 1);
}

#[test]
fn a_cost_may_be_a_number_alone() {
    for cost in [json!(0.25), json!("0.25"), json!({ "total": 0.25 })] {
        let mut paid = answer("a3", "a2", 9, 7);
        paid["message"]["usage"]["cost"] = cost.clone();
        let calls = calls_with(&[paid]);
        assert_eq!(calls[1]["$ai_total_cost_usd"], json!(0.25), "{cost}");
    }
}
