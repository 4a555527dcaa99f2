//! A count of calls and tokens that shares no code with the program: every line as a value of
//! `serde_json`, and maps.

mod files;

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::fs;
use std::ops::AddAssign;
use std::path::{Path, PathBuf};

use serde_json::Value;

pub(crate) use files::{files, of_sessions};
use files::{for_each_line, owner, text};

/// A number of responses and their usage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Tally {
    pub(crate) generations: u64,
    pub(crate) errors: u64,
    pub(crate) tools: u64,
    pub(crate) input: u64,
    pub(crate) output: u64,
    pub(crate) cache_read: u64,
    pub(crate) cache_write: u64,
    /// Of the tokens written to the cache, those kept for five minutes and for an hour.
    pub(crate) cache_write_5m: u64,
    pub(crate) cache_write_1h: u64,
    /// Of the generations, those whose output was counted before it was written.
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
        self.cache_write_5m += other.cache_write_5m;
        self.cache_write_1h += other.cache_write_1h;
        self.placeholders += other.placeholders;
    }
}

/// Everything that the files show.
#[derive(Debug, Default)]
pub(crate) struct Count {
    /// Responses by identity.
    pub(crate) responses: HashMap<String, Response>,
    /// The version of Claude Code that wrote each tool call, by response and id of the call.
    pub(crate) tools: HashMap<(String, String), String>,
    /// Times of lines and requests, by id.
    times: HashMap<String, String>,
    /// The response that a line belongs to, by the line's id and time.
    of_line: HashMap<String, String>,
    /// The responses so far with each message id.
    of_message: HashMap<String, Vec<String>>,
    /// Number of the user's messages so far.
    said: u64,
    /// Parts of subagents' responses in `progress` lines.
    reported: Vec<Value>,
}

/// Facts from the lines of one response.
#[derive(Debug, Default)]
pub(crate) struct Response {
    /// The id of the message, where no other response has it.
    pub(crate) message: Option<String>,
    /// The version of Claude Code that wrote its first line.
    pub(crate) version: String,
    pub(crate) is_error: bool,
    /// Usage of the line with the most output.
    usage: Usage,
    /// Usage of other models that the response asked.
    advisors: Vec<Usage>,
    has_stop_reason: bool,
    /// The record of its request, and the line that its first line follows.
    request: Option<String>,
    parent: Option<String>,
    /// The prompt before its last line.
    said: u64,
}

/// Input, output, read from the cache, written to it for five minutes and for an hour.
type Usage = [u64; 5];

impl Count {
    /// Counts over files; the copies of a response are one response.
    pub(crate) fn of(files: &[PathBuf]) -> Self {
        let mut count = Self::default();
        for path in files {
            for_each_line(path, |line| count.line(&line));
        }
        count.with_reported()
    }

    /// The count with the responses that are only in `progress` lines.
    fn with_reported(mut self) -> Self {
        let known: HashSet<String> = self.responses.keys().cloned().collect();
        for line in std::mem::take(&mut self.reported) {
            let name = self.name(&line);
            if !known.contains(&name) {
                self.part(&line);
            }
        }
        self
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
        match line["type"].as_str() {
            Some("user") => self.said += 1,
            Some("assistant") => self.part(line),
            Some("progress") if line["data"]["message"]["type"] == "assistant" => {
                let mut reported = line["data"]["message"].clone();
                reported["version"] = line["version"].clone();
                self.reported.push(reported);
            }
            _ => {}
        }
    }

    fn part(&mut self, line: &Value) {
        let message = &line["message"];
        let is_error = line["isApiErrorMessage"] == true;
        if !message.is_object() || message["model"] == "<synthetic>" && !is_error {
            return;
        }
        let name = self.name(line);
        let version = line["version"].as_str().unwrap_or("unknown");
        // A newer version repeats lines that an older one wrote first.
        let is_older = |known: &str| known.is_empty() || by_number(version) < by_number(known);
        let of_message = text(&message["id"]).map(str::to_owned);
        let of_message = of_message.filter(|id| self.of_message[id].len() == 1);
        let response = self.responses.entry(name.clone()).or_default();
        response.message = response.message.take().or(of_message);
        if is_older(&response.version) {
            version.clone_into(&mut response.version);
            response.request = line["requestRef"].as_str().map(str::to_owned);
            response.parent = line["parentUuid"].as_str().map(str::to_owned);
        }
        response.is_error |= is_error;
        response.has_stop_reason |= !message["stop_reason"].is_null();
        response.said = self.said;
        let used = usage(&message["usage"]);
        if used[1] >= response.usage[1] {
            response.usage = used;
            let iterations = message["usage"]["iterations"].as_array();
            let iterations = iterations.into_iter().flatten();
            let advisors = iterations.filter(|it| it["type"] == "advisor_message");
            response.advisors = advisors.map(usage).collect();
        }
        for block in message["content"].as_array().into_iter().flatten() {
            if let Some(id) = block["id"].as_str().filter(|_| block["type"] == "tool_use") {
                let known = self.tools.entry((name.clone(), id.to_owned())).or_default();
                if is_older(known) {
                    version.clone_into(known);
                }
            }
        }
    }

    /// The identity of a line's response: the id of its message together with that of its request.
    /// A line with an id and without a request belongs to the last response with that id, unless
    /// that had ended and the user has said something since; an id drawn at random is unique,
    /// however. Without an id it is the request, else the line. A copied line is the same line.
    fn name(&mut self, line: &Value) -> String {
        let id = text(&line["message"]["id"]);
        let request = text(&line["requestId"]);
        let own = text(&line["uuid"]).map_or_else(
            || format!("{} in line {}", line["timestamp"], self.said),
            |uuid| format!("{uuid} {} {id:?} {request:?}", line["timestamp"]),
        );
        if let Some(known) = self.of_line.get(&own) {
            return known.clone();
        }
        let of_message = id.and_then(|id| self.of_message.get(id));
        let last = of_message.and_then(|names| names.last());
        let goes_on = |name: &&String| {
            let last = &self.responses[*name];
            let is_answered = last.has_stop_reason && last.said != self.said;
            !is_answered || id.is_some_and(is_random)
        };
        let name = match (id, request) {
            (Some(id), Some(request)) => format!("{id} {request}"),
            (None, Some(request)) => request.to_owned(),
            (Some(_), None) => last.filter(goes_on).unwrap_or(&own).clone(),
            (None, None) => own.clone(),
        };
        self.of_line.insert(own, name.clone());
        let names = id.map(|id| self.of_message.entry(id.to_owned()).or_default());
        if let Some(names) = names.filter(|names| !names.contains(&name)) {
            names.push(name.clone());
        }
        name
    }

    /// The time at which a response was requested, by its own record.
    pub(crate) fn requested_at(&self, response: &Response) -> Option<&str> {
        let request = response.request.as_ref()?;
        self.times.get(request).map(String::as_str)
    }

    /// The time of the line that a response follows.
    pub(crate) fn follows(&self, response: &Response) -> Option<&str> {
        let parent = response.parent.as_ref()?;
        self.times.get(parent).map(String::as_str)
    }

    /// Number of responses that are only in the other count.
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
            for advisor in response.advisors() {
                sum += advisor;
            }
        }
        sum
    }
}

impl Response {
    /// The response without the calls of other models.
    pub(crate) fn tally(&self) -> Tally {
        if self.is_error {
            return Tally {
                errors: 1,
                ..Tally::default()
            };
        }
        let [_, output, ..] = self.usage;
        Tally {
            placeholders: u64::from(!self.has_stop_reason && output <= 10),
            ..of_call(self.usage)
        }
    }

    /// The calls of other models.
    pub(crate) fn advisors(&self) -> impl Iterator<Item = Tally> {
        self.advisors.iter().copied().map(of_call)
    }
}

fn of_call(usage: Usage) -> Tally {
    let [input, output, cache_read, five_minutes, one_hour] = usage;
    Tally {
        generations: 1,
        input,
        output,
        cache_read,
        cache_write: five_minutes + one_hour,
        cache_write_5m: five_minutes,
        cache_write_1h: one_hour,
        ..Tally::default()
    }
}

/// Whether an id is long enough to be random.
fn is_random(id: &str) -> bool {
    id.len() >= 20 && id.contains(|it: char| it.is_ascii_digit())
}

/// Counts over all files of a session, and its lines in the transcripts beside it. Lines of another
/// session with a transcript there belong to that session.
pub(crate) fn tally(transcript: &Path) -> Tally {
    let own = owner(transcript);
    let others = beside(transcript);
    let is_foreign = |line: &Value| {
        let id = text(&line["sessionId"]).filter(|id| Some(*id) != own.as_deref());
        id.is_some_and(|id| others.iter().any(|other| is_named(other, id)))
    };
    let mut count = Count::default();
    for path in files(transcript) {
        let is_main = path == transcript;
        for_each_line(&path, |line| {
            if !is_main || !is_foreign(&line) {
                count.line(&line);
            }
        });
    }
    if let Some(own) = own.filter(|own| is_named(transcript, own)) {
        for other in &others {
            for_each_line(other, |line| {
                if line["sessionId"] == own {
                    count.line(&line);
                }
            });
        }
    }
    count.with_reported().sum()
}

/// The transcripts beside one that contain lines of its session, or whose lines it contains.
pub(crate) fn mixed_with(transcript: &Path) -> Vec<PathBuf> {
    let holds = |path: &Path, id: &str| {
        let mut found = false;
        for_each_line(path, |line| found |= line["sessionId"] == id);
        found
    };
    let mut others = beside(transcript);
    others.retain(|other| {
        let theirs = owner(other).is_some_and(|id| is_named(other, &id) && holds(transcript, &id));
        let ours = owner(transcript);
        theirs || ours.is_some_and(|id| is_named(transcript, &id) && holds(other, &id))
    });
    others
}

fn is_named(transcript: &Path, session: &str) -> bool {
    transcript.file_stem() == Some(OsStr::new(session))
}

/// The transcripts of other sessions in the same folder.
fn beside(transcript: &Path) -> Vec<PathBuf> {
    let folder = transcript.parent().expect("a file has a directory");
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    let is_other = |path: &PathBuf| {
        let is_agent = path.to_string_lossy().contains("agent-");
        let is_transcript = path.extension().is_some_and(|kind| kind == "jsonl");
        path != transcript && is_transcript && !is_agent && owner(path) != owner(transcript)
    };
    paths.filter(is_other).collect()
}

/// Versions in the order of their release; texts that are not versions come last.
pub(crate) fn by_number(version: &str) -> (Reverse<bool>, Vec<u64>) {
    let numbers: Option<Vec<u64>> = version.split('.').map(|part| part.parse().ok()).collect();
    (Reverse(numbers.is_some()), numbers.unwrap_or_default())
}

/// Every count separately: an odd one affects no other.
fn usage(usage: &Value) -> Usage {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "counts are small and not negative"
    )]
    let number = |value: &Value| {
        let text = || value.as_str().and_then(|text| text.parse().ok());
        value.as_f64().or_else(text).unwrap_or(0.0) as u64
    };
    let split = &usage["cache_creation"];
    let [five_minutes, one_hour] =
        ["5m", "1h"].map(|time| number(&split[format!("ephemeral_{time}_input_tokens")]));
    let written = number(&usage["cache_creation_input_tokens"]).max(five_minutes + one_hour);
    [
        number(&usage["input_tokens"]),
        number(&usage["output_tokens"]),
        number(&usage["cache_read_input_tokens"]),
        // The API keeps it for five minutes by default.
        written - one_hour,
        one_hour,
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
