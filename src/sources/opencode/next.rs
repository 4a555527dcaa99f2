//! Converts messages of OpenCode 2, and of the second interface of version 1.18, to messages and
//! parts of version 1. They are single rows that contain their parts.

use serde_json::{Value, json};

use super::record::{PartRecord, Record};

/// Error message of OpenCode 2 when the user stopped it.
const STOPPED: &str = "Step interrupted";

/// Converts a row; `None` for one without a message, such as the choice of a model. A row that
/// cannot be parsed is passed on, so that the reader counts it.
pub(super) fn record(id: String, kind: &str, created: i64, data: &str) -> Option<Record> {
    let record = |data: String, parts: Vec<Value>| Record {
        id,
        created,
        data,
        parts: parts.into_iter().enumerate().map(part).collect(),
        ..Record::default()
    };
    let Ok(mut message @ Value::Object(_)) = serde_json::from_str(data) else {
        return Some(record(String::new(), Vec::new()));
    };
    let (role, parts) = match kind {
        "user" => ("user", of_user(&mut message)),
        // A message of OpenCode in the user's name.
        "synthetic" | "system" | "skill" => {
            let text = take(&mut message, "/text");
            let part = json!({"type": "text", "synthetic": true, "text": text});
            ("user", vec![part])
        }
        "assistant" => ("assistant", of_assistant(&mut message)),
        "shell" => ("assistant", vec![shell(&mut message)]),
        "compaction" => ("assistant", compaction(&mut message)?),
        _ => return None,
    };
    message["role"] = json!(role);
    message["modelID"] = take(&mut message, "/model/id");
    message["providerID"] = take(&mut message, "/model/providerID");
    message["error"] = failure(take(&mut message, "/error"));
    Some(record(message.to_string(), parts))
}

fn part((number, part): (usize, Value)) -> PartRecord {
    PartRecord {
        id: format!("{number:06}"),
        created: None,
        data: part.to_string(),
    }
}

/// Takes the value at a place of a message; null when there is none.
fn take(value: &mut Value, place: &str) -> Value {
    value
        .pointer_mut(place)
        .map(Value::take)
        .unwrap_or_default()
}

/// Takes the first of several values that is not null.
fn first_of(value: &mut Value, places: &[&str]) -> Value {
    let found = places.iter().map(|place| take(value, place));
    found
        .into_iter()
        .find(|it| !it.is_null())
        .unwrap_or_default()
}

fn of_user(message: &mut Value) -> Vec<Value> {
    let mut parts = vec![json!({"type": "text", "text": take(message, "/text")})];
    if let Value::Array(files) = take(message, "/files") {
        parts.extend(files.into_iter().map(|mut file| {
            let url = first_of(&mut file, &["/url", "/uri"]);
            json!({"type": "file", "mime": take(&mut file, "/mime"), "url": url})
        }));
    }
    parts
}

/// A command that the user ran: a tool without a call of the model.
fn shell(message: &mut Value) -> Value {
    json!({
        "type": "tool",
        "tool": "bash",
        "state": {
            "status": "completed",
            "input": {"command": take(message, "/command")},
            "output": first_of(message, &["/output/output", "/output"]),
        },
    })
}

/// The call that summarised the conversation; `None` while it runs, and if it failed without being
/// paid for.
fn compaction(message: &mut Value) -> Option<Vec<Value>> {
    let finish = match message.get("status").and_then(Value::as_str) {
        Some("completed") => "stop",
        Some("failed") if message.get("tokens").is_some_and(Value::is_object) => "error",
        _ => return None,
    };
    let text = take(message, "/summary");
    message["content"] = json!([{"type": "text", "text": text}]);
    message["summary"] = json!(true);
    message["finish"] = json!(finish);
    Some(of_assistant(message))
}

fn of_assistant(message: &mut Value) -> Vec<Value> {
    let mut parts = vec![json!({"type": "step-start"})];
    if let Value::Array(content) = take(message, "/content") {
        parts.extend(content.into_iter().map(|part| {
            if part.get("type").is_some_and(|kind| kind == "tool") {
                tool(part)
            } else {
                part
            }
        }));
    }
    if message.get("finish").is_some_and(Value::is_string) {
        let end = answered(message, &parts);
        parts.push(json!({
            "type": "step-finish",
            "time": {"end": end},
            "reason": message.get("finish"),
            "cost": message.get("cost"),
            "tokens": message.get("tokens"),
        }));
    }
    parts
}

/// When the answer was complete. Only its tools have times, and a message is completed when they
/// have ended.
fn answered(message: &Value, parts: &[Value]) -> Value {
    let time = |name: &str| message["time"][name].clone();
    let is_tool = |part: &Value| part["type"] == "tool";
    match time("streamed") {
        Value::Null if !parts.iter().any(is_tool) => time("completed"),
        streamed => streamed,
    }
}

fn tool(mut part: Value) -> Value {
    let output = match take(&mut part, "/state/content") {
        Value::Array(blocks) => blocks
            .iter()
            .filter_map(|block| block.get("text")?.as_str())
            .collect(),
        _ => String::new(),
    };
    let start = first_of(&mut part, &["/time/ran", "/time/created"]);
    json!({
        "type": "tool",
        "tool": take(&mut part, "/name"),
        "callID": take(&mut part, "/id"),
        "state": {
            "status": take(&mut part, "/state/status"),
            "input": take(&mut part, "/state/input"),
            "output": output,
            "error": first_of(&mut part, &["/state/error/message", "/state/error"]),
            "metadata": first_of(&mut part, &["/state/structured", "/state/metadata"]),
            "time": {"start": start, "end": take(&mut part, "/time/completed")},
        },
    })
}

/// The error of a failed call, in the format of version 1.
fn failure(mut error: Value) -> Value {
    if !error.is_object() || error.get("data").is_some() {
        return error;
    }
    let message = take(&mut error, "/message");
    let name = match first_of(&mut error, &["/name", "/type"]) {
        _ if message == STOPPED => json!("MessageAbortedError"),
        name => name,
    };
    let status = first_of(&mut error, &["/statusCode", "/status"]);
    json!({"name": name, "data": {"message": message, "statusCode": status}})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_ends_when_it_was_written_and_not_when_its_tools_were_done() {
        let tool = r#"{"type":"tool","time":{"created":30}}"#;
        let text = r#"{"type":"text","text":"Two."}"#;
        for (time, content, expected) in [
            (r#"{"created":1,"completed":90}"#, text, json!(90)),
            (
                r#"{"created":1,"streamed":40,"completed":90}"#,
                text,
                json!(40),
            ),
            (
                r#"{"created":1,"streamed":40,"completed":90}"#,
                tool,
                json!(40),
            ),
            // The first tool states it.
            (r#"{"created":1,"completed":90}"#, tool, Value::Null),
            (r#"{"created":1}"#, text, Value::Null),
        ] {
            let data = format!(r#"{{"time":{time},"content":[{content}],"finish":"stop"}}"#);
            let record = record(String::new(), "assistant", 1, &data).unwrap();
            let last = &record.parts.last().unwrap().data;
            let last: Value = serde_json::from_str(last).unwrap();
            assert_eq!(last["time"]["end"], expected, "{data}");
        }
    }

    #[test]
    fn a_row_of_any_other_form_is_counted_or_harmless() {
        for (kind, data) in [
            ("assistant", "{"),
            ("assistant", "[]"),
            ("assistant", "7"),
            (
                "assistant",
                r#"{"model":"x","content":["y",{"type":"tool","state":7}]}"#,
            ),
            ("assistant", r#"{"content":{},"error":"no","finish":7}"#),
            ("user", r#"{"text":7,"files":["x"]}"#),
            ("shell", r#"{"output":["x"]}"#),
            ("compaction", r#"{"status":"completed","summary":{}}"#),
        ] {
            assert!(
                record(String::new(), kind, 0, data).is_some(),
                "{kind} {data}"
            );
        }
        for (kind, data) in [
            ("model-switched", "{}"),
            ("idle", "{}"),
            ("compaction", r#"{"status":"running"}"#),
        ] {
            assert!(
                record(String::new(), kind, 0, data).is_none(),
                "{kind} {data}"
            );
        }
    }
}
