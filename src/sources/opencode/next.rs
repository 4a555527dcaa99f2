//! Messages as OpenCode's next interface keeps them (seen in 1.18, beside the other one): one row
//! with its parts inside. They are turned into the messages and parts of the other.

use serde_json::{Value, json};

use super::archive::{PartRecord, Record};

/// `None` for what is neither a prompt nor an answer.
pub(super) fn record(id: String, kind: &str, created: i64, data: &str) -> Option<Record> {
    let mut data: Value = serde_json::from_str(data).ok()?;
    let parts = match kind {
        "user" => vec![json!({"type": "text", "text": data["text"].take()})],
        "assistant" => parts_of(&mut data),
        _ => return None,
    };
    data["role"] = json!(kind);
    data["modelID"] = data["model"]["id"].take();
    data["providerID"] = data["model"]["providerID"].take();
    let part = |(number, part): (usize, Value)| PartRecord {
        id: format!("{number:06}"),
        created: None,
        data: part.to_string(),
    };
    Some(Record {
        id,
        created,
        data: data.to_string(),
        parts: parts.into_iter().enumerate().map(part).collect(),
        is_taken_back: false,
    })
}

fn parts_of(data: &mut Value) -> Vec<Value> {
    let mut parts = vec![json!({"type": "step-start"})];
    if let Some(content) = data["content"].as_array_mut() {
        parts.extend(content.iter_mut().map(|part| match part["type"].as_str() {
            Some("tool") => tool(part),
            _ => part.take(),
        }));
    }
    if data["finish"].is_string() {
        parts.push(json!({
            "type": "step-finish",
            "reason": data["finish"].clone(),
            "cost": data["cost"].clone(),
            "tokens": data["tokens"].clone(),
        }));
    }
    parts
}

fn tool(part: &mut Value) -> Value {
    let texts = part["state"]["content"].as_array().into_iter().flatten();
    let texts = texts.filter_map(|block| block["text"].as_str());
    let output: Vec<&str> = texts.collect();
    let output = output.concat();
    let time = &part["time"];
    let start = [&time["ran"], &time["created"]]
        .into_iter()
        .find(|it| it.is_number());
    let time = json!({"start": start, "end": time["completed"]});
    let error = part["state"]["error"].clone();
    let error = if error.is_object() {
        error["message"].clone()
    } else {
        error
    };
    json!({
        "type": "tool",
        "tool": part["name"].take(),
        "callID": part["id"].take(),
        "state": {
            "status": part["state"]["status"].take(),
            "input": part["state"]["input"].take(),
            "output": output,
            "error": error,
            "metadata": part["state"]["structured"].take(),
            "time": time,
        },
    })
}
