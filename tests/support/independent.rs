//! A count of calls and tokens that shares no code with the program: every line as a value of
//! `serde_json`, and maps.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::fs;
use std::ops::AddAssign;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// How many, and what they used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) generations: u64,
    pub(crate) errors: u64,
    pub(crate) tools: u64,
    pub(crate) input: u64,
    pub(crate) output: u64,
    pub(crate) cache_read: u64,
    pub(crate) cache_write: u64,
    /// Of the generations, those whose output was counted before they were written.
    pub(crate) placeholders: u64,
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
        self.placeholders += other.placeholders;
    }
}

/// Everything that the files show.
#[derive(Debug, Default)]
pub(crate) struct Count {
    /// Responses by the id of the message.
    pub(crate) responses: HashMap<String, Response>,
    /// The version of Claude Code that wrote each tool call, by the call's id.
    pub(crate) tools: HashMap<String, String>,
    /// When lines were written and requests sent, by their ids.
    times: HashMap<String, String>,
}

/// What the lines of one response say.
#[derive(Debug, Default)]
pub(crate) struct Response {
    /// The version of Claude Code that wrote the first of them.
    pub(crate) version: String,
    pub(crate) is_error: bool,
    /// Input, output, read from the cache, written to the cache: of the line with the most output.
    pub(crate) usage: [u64; 4],
    has_stop_reason: bool,
    /// The record of its request, and the line that its first line follows.
    request: Option<String>,
    parent: Option<String>,
}

impl Count {
    /// Counts over files; the copies of a response are one response.
    pub(crate) fn of(files: &[PathBuf]) -> Self {
        let mut count = Self::default();
        for path in files {
            for_each_line(path, |line| count.line(&line));
        }
        count
    }

    fn line(&mut self, line: &Value) {
        let id = if line["type"] == "api-request" {
            &line["id"]
        } else {
            &line["uuid"]
        };
        if let (Some(id), Some(time)) = (id.as_str(), line["timestamp"].as_str()) {
            self.times.insert(id.to_owned(), time.to_owned());
        }
        if line["type"] == "assistant" {
            self.part(line);
        }
    }

    fn part(&mut self, line: &Value) {
        let message = &line["message"];
        let is_error = line["isApiErrorMessage"] == true;
        let Some(id) = message["id"].as_str() else {
            return;
        };
        if message["model"] == "<synthetic>" && !is_error {
            return;
        }
        let version = line["version"].as_str().unwrap_or("unknown");
        // What a newer version wrote once more was written first by the older one.
        let is_older = |known: &str| known.is_empty() || by_number(version) < by_number(known);
        let response = self.responses.entry(id.to_owned()).or_default();
        if is_older(&response.version) {
            version.clone_into(&mut response.version);
            response.request = line["requestRef"].as_str().map(str::to_owned);
            response.parent = line["parentUuid"].as_str().map(str::to_owned);
        }
        response.is_error |= is_error;
        response.has_stop_reason |= !message["stop_reason"].is_null();
        let usage = usage(&message["usage"]);
        if usage[1] >= response.usage[1] {
            response.usage = usage;
        }
        for block in message["content"].as_array().into_iter().flatten() {
            if let Some(id) = block["id"].as_str().filter(|_| block["type"] == "tool_use") {
                let known = self.tools.entry(id.to_owned()).or_default();
                if is_older(known) {
                    version.clone_into(known);
                }
            }
        }
    }

    /// When the request of a response was sent, by its own record.
    pub(crate) fn requested_at(&self, response: &Response) -> Option<&str> {
        let request = response.request.as_ref()?;
        self.times.get(request).map(String::as_str)
    }

    /// When the line was written that a response follows.
    pub(crate) fn follows(&self, response: &Response) -> Option<&str> {
        let parent = response.parent.as_ref()?;
        self.times.get(parent).map(String::as_str)
    }

    /// How many responses only the other count knows.
    pub(crate) fn unknown(&self, other: &Self) -> u64 {
        let ids = other.responses.keys();
        ids.filter(|id| !self.responses.contains_key(*id)).count() as u64
    }

    pub(crate) fn sum(&self) -> Tally {
        let mut sum = Tally {
            tools: self.tools.len() as u64,
            ..Tally::default()
        };
        for response in self.responses.values() {
            sum += response.tally();
        }
        sum
    }
}

impl Response {
    pub(crate) fn tally(&self) -> Tally {
        if self.is_error {
            return Tally {
                errors: 1,
                ..Tally::default()
            };
        }
        let [input, output, cache_read, cache_write] = self.usage;
        Tally {
            generations: 1,
            input,
            output,
            cache_read,
            cache_write,
            placeholders: u64::from(!self.has_stop_reason && output <= 10),
            ..Tally::default()
        }
    }
}

/// Counts over all files of a session.
pub(crate) fn tally(transcript: &Path) -> Tally {
    Count::of(&files(transcript)).sum()
}

/// Versions in the order in which they appeared; what is no version comes last.
pub(crate) fn by_number(version: &str) -> (Reverse<bool>, Vec<u64>) {
    let numbers: Option<Vec<u64>> = version.split('.').map(|part| part.parse().ok()).collect();
    (Reverse(numbers.is_some()), numbers.unwrap_or_default())
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

/// Claude Code's own sums at the last exit of a session: input, output, read from the cache,
/// written to the cache.
pub(crate) fn by_claude_code(transcript: &Path) -> Option<[u64; 4]> {
    let mut last = None;
    for_each_line(transcript, |line| {
        if line["type"] == "cost-state" {
            last = Some(line);
        }
    });
    let mut sums = [0; 4];
    for model in last?["modelUsage"].as_object()?.values() {
        let names = [
            "inputTokens",
            "outputTokens",
            "cacheReadInputTokens",
            "cacheCreationInputTokens",
        ];
        for (sum, name) in sums.iter_mut().zip(names) {
            *sum += model[name].as_u64().unwrap_or(0);
        }
    }
    Some(sums)
}

/// The files of a session: its transcript, then those of its subagents wherever a version kept
/// them.
pub(crate) fn files(transcript: &Path) -> Vec<PathBuf> {
    let mut files = vec![transcript.to_owned()];
    let beside = transcript.parent().expect("a file has a directory");
    for entry in fs::read_dir(beside).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with("agent-") {
            files.push(entry.path());
        }
    }
    files.extend(all_below(&transcript.with_extension("").join("subagents")));
    files
}

/// The files of all sessions at or below a folder, and those of subagents without a session.
pub(crate) fn of_sessions(folder: &Path) -> (Vec<PathBuf>, Vec<PathBuf>) {
    let all = all_below(folder);
    let is_agent = |path: &Path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("agent-") || path.iter().any(|part| part == "subagents")
    };
    let sessions = all.iter().filter(|path| !is_agent(path));
    let theirs: HashSet<PathBuf> = sessions.flat_map(|path| files(path)).collect();
    all.into_iter().partition(|path| theirs.contains(path))
}

/// Every transcript at or below a folder, those of subagents included.
fn all_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|kind| kind == "jsonl") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

/// Hands out the objects of a file; two may stand on one line.
fn for_each_line(path: &Path, mut each: impl FnMut(Value)) {
    let bytes = fs::read(path).expect("the transcript can be read");
    for line in bytes.split(|byte| *byte == b'\n') {
        let objects = serde_json::Deserializer::from_slice(line).into_iter();
        objects.map_while(Result::ok).for_each(&mut each);
    }
}
