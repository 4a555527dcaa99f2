//! Facts about sessions other than their conversations, counted from the lines without the
//! program's code.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::independent::files;
use crate::support::library::Events;

/// Facts of a session's trace that are not zero.
pub(crate) type Facts = BTreeMap<&'static str, u64>;

const NAMES: [&str; 6] = [
    "commit_count",
    "interruption_count",
    "compaction_count",
    "lines_added",
    "lines_removed",
    "tool_error_count",
];

/// The facts in the trace.
pub(crate) fn shown(events: &Events) -> Facts {
    let trace = events.iter().find(|event| event["event"] == "$ai_trace");
    let properties = trace.map_or(&Value::Null, |trace| &trace["properties"]);
    let number = |name| (name, properties[name].as_u64().unwrap_or(0));
    let pull_requests = properties["pull_requests"].as_array().map_or(0, Vec::len) as u64;
    let retries = events
        .iter()
        .filter_map(|event| event["properties"]["retry_count"].as_u64());
    let mut facts: Facts = NAMES.map(number).into();
    facts.insert("pull_requests", pull_requests);
    facts.insert("retries", retries.sum());
    facts.retain(|_, number| *number > 0);
    facts
}

/// The facts in the lines.
pub(crate) fn counted(transcript: &Path) -> Facts {
    let mut facts = Facts::new();
    let mut add = |name, number: usize| *facts.entry(name).or_default() += number as u64;
    let mut seen = HashSet::new();
    let mut results = HashSet::new();
    let mut commits = BTreeSet::new();
    let mut pull_requests = BTreeSet::new();
    let calls = calls(transcript);
    for (path, lines) in all_lines(transcript) {
        let is_main = path == transcript;
        for line in lines {
            // History that was written again has new ids and the old times.
            let is_copy = line["uuid"].is_string()
                && line["message"]["content"][0]["type"] != "tool_result"
                && !seen.insert(
                    [&line["timestamp"], &line["type"], &line["message"]].map(Value::to_string),
                );
            if is_copy {
                continue;
            }
            match line["type"].as_str() {
                Some("pr-link") => drop(pull_requests.insert(line["prUrl"].to_string())),
                Some("system") if line["subtype"] == "api_error" => add("retries", 1),
                Some("system") if line["subtype"] == "compact_boundary" && is_main => {
                    add("compaction_count", 1);
                }
                Some("user") if is_main && is_interruption(&line) => add("interruption_count", 1),
                _ => {}
            }
            let Some(block) = line["message"]["content"]
                .as_array()
                .into_iter()
                .flatten()
                .find(|block| block["type"] == "tool_result")
            else {
                continue;
            };
            let call = block["tool_use_id"].to_string();
            if !calls.contains(&call) || !results.insert(call) {
                continue;
            }
            add("tool_error_count", usize::from(block["is_error"] == true));
            let result = &line["toolUseResult"];
            let done = &result["gitOperation"];
            commits.extend(done["commit"]["sha"].as_str().map(str::to_owned));
            pull_requests.extend(done["pr"]["url"].as_str().map(|url| format!("\"{url}\"")));
            let [added, removed] = changed_lines(result);
            add("lines_added", added);
            add("lines_removed", removed);
        }
    }
    add("commit_count", commits.len());
    add("pull_requests", pull_requests.len());
    facts.retain(|_, number| *number > 0);
    facts
}

/// Lines that a tool added to files, and lines that it removed.
fn changed_lines(result: &Value) -> [usize; 2] {
    let hunks = result["structuredPatch"].as_array();
    let patch: Vec<&str> = hunks
        .into_iter()
        .flatten()
        .flat_map(|hunk| hunk["lines"].as_array().into_iter().flatten())
        .filter_map(Value::as_str)
        .collect();
    if result["type"] == "create" && patch.is_empty() {
        let content = result["content"].as_str().unwrap_or_default();
        return [content.lines().count(), 0];
    }
    ['+', '-'].map(|sign| patch.iter().filter(|line| line.starts_with(sign)).count())
}

/// The calls whose response is in a line.
fn calls(transcript: &Path) -> HashSet<String> {
    let mut calls = HashSet::new();
    let all = all_lines(transcript).into_iter();
    for line in all.flat_map(|(_, lines)| lines) {
        if line["type"] == "assistant" {
            let blocks = line["message"]["content"].as_array().into_iter().flatten();
            let ids = blocks.filter(|block| block["type"] == "tool_use");
            calls.extend(ids.map(|block| block["id"].to_string()));
        }
    }
    calls
}

fn is_interruption(line: &Value) -> bool {
    let content = &line["message"]["content"];
    let text = content.as_str().or_else(|| content[0]["text"].as_str());
    text.is_some_and(|text| text.starts_with("[Request interrupted by user"))
}

/// The lines of a session by file, then the messages of subagents that `progress` lines hold.
fn all_lines(transcript: &Path) -> Vec<(PathBuf, Vec<Value>)> {
    let each = files(transcript).into_iter();
    let mut all: Vec<_> = each.map(|path| (path.clone(), lines(&path))).collect();
    let reported = lines(transcript).into_iter();
    let reported = reported.filter(|line| line["type"] == "progress");
    let messages = reported.map(|line| line["data"]["message"].clone());
    all.push((PathBuf::new(), messages.collect()));
    all
}

pub(crate) fn lines(path: &Path) -> Vec<Value> {
    let bytes = fs::read(path).expect("the transcript can be read");
    bytes
        .split(|byte| *byte == b'\n')
        .filter_map(|line| serde_json::from_slice(line).ok())
        .collect()
}
