//! A count of calls and tokens that shares no code with the program.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::ops::AddAssign;
use std::path::Path;

use serde_json::Value;

use super::corpus::files;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) generations: u64,
    pub(crate) errors: u64,
    pub(crate) tools: u64,
    pub(crate) input: u64,
    pub(crate) output: u64,
    pub(crate) cache_read: u64,
    pub(crate) cache_write: u64,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.generations += other.generations;
        self.errors += other.errors;
        self.tools += other.tools;
        self.input += other.input;
        self.output += other.output;
        self.cache_read += other.cache_read;
        self.cache_write += other.cache_write;
    }
}

/// Counts over all files of a session.
pub(crate) fn tally(transcript: &Path) -> Tally {
    let mut usages: HashMap<String, [u64; 4]> = HashMap::new();
    let mut errors = HashSet::new();
    let mut tools = HashSet::new();
    for line in files(transcript).iter().flat_map(|path| lines(path)) {
        let message = &line["message"];
        let Some(id) = message["id"]
            .as_str()
            .filter(|_| line["type"] == "assistant")
        else {
            continue;
        };
        if line["isApiErrorMessage"] == true {
            errors.insert(id.to_owned());
            continue;
        }
        if message["model"] == "<synthetic>" {
            continue;
        }
        for block in message["content"].as_array().into_iter().flatten() {
            if block["type"] == "tool_use" {
                tools.insert(block["id"].to_string());
            }
        }
        let usage = usage(&message["usage"]);
        let known = usages.entry(id.to_owned()).or_default();
        if usage[1] >= known[1] {
            *known = usage;
        }
    }
    let sum = |index: usize| usages.values().map(|usage| usage[index]).sum();
    Tally {
        generations: usages.len() as u64,
        errors: errors.len() as u64,
        tools: tools.len() as u64,
        input: sum(0),
        output: sum(1),
        cache_read: sum(2),
        cache_write: sum(3),
    }
}

fn usage(usage: &Value) -> [u64; 4] {
    let number = |value: &Value| value.as_u64().unwrap_or(0);
    let split = usage["cache_creation"].as_object();
    let by_lifetime: u64 = split.map_or(0, |split| split.values().map(number).sum());
    [
        number(&usage["input_tokens"]),
        number(&usage["output_tokens"]),
        number(&usage["cache_read_input_tokens"]),
        number(&usage["cache_creation_input_tokens"]).max(by_lifetime),
    ]
}

/// Claude Code's own sums at its last exit.
pub(crate) fn by_claude_code(transcript: &Path) -> Option<Tally> {
    let mut backwards = lines(transcript).into_iter().rev();
    let last = backwards.find(|line| line["type"] == "cost-state")?;
    let mut tally = Tally::default();
    for model in last["modelUsage"].as_object()?.values() {
        let number = |name: &str| model[name].as_u64().unwrap_or(0);
        tally.input += number("inputTokens");
        tally.output += number("outputTokens");
        tally.cache_read += number("cacheReadInputTokens");
        tally.cache_write += number("cacheCreationInputTokens");
    }
    Some(tally)
}

fn lines(path: &Path) -> Vec<Value> {
    let bytes = fs::read(path).expect("the transcript can be read");
    bytes
        .split(|byte| *byte == b'\n')
        .filter_map(|line| serde_json::from_slice(line).ok())
        .collect()
}
