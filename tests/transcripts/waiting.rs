//! Working and waiting, compared with the lines of the transcripts.

use std::collections::HashMap;
use std::path::Path;

use chrono::DateTime;
use serde_json::Value;

use super::corpus::{corpus_or_skip, in_parallel, sessions};
use super::facts::lines;
use crate::support::independent::files;
use crate::support::library::{Events, Run};

/// Tools that read or change a file, and their longest plausible time in seconds.
const QUICK: ([&str; 6], f64) = (["Read", "Grep", "Glob", "Edit", "Write", "TodoWrite"], 10.0);
/// Shell commands, and their longest plausible time in seconds.
const QUICK_COMMANDS: ([&str; 4], f64) = (["ls", "cat", "pwd", "git status"], 120.0);
/// Tolerated rounding in seconds: clocks of transcripts count milliseconds.
const ROUNDING: f64 = 0.002;

/// The times of a call in seconds, according to the lines.
#[derive(Debug, Default)]
struct Told {
    called_at: f64,
    returned_at: Option<f64>,
    /// The duration that Claude Code recorded.
    recorded: Option<f64>,
}

#[test]
fn no_time_is_shown_that_is_not_known() {
    let Some(root) = corpus_or_skip() else { return };
    let checked: usize = in_parallel(&sessions(&root), |transcript| {
        let told = told(transcript);
        let events = Run::default().events(transcript);
        for span in events.iter().filter(|event| is_tool(event)) {
            let at = || format!("{} in {}", span, transcript.display());
            let seconds = |name: &str| span["properties"][name].as_f64();
            let id = span["properties"]["$ai_tool_call_id"].as_str();
            let call = &told[id.expect("a span has the id of its call")];
            let Some(returned_at) = call.returned_at else {
                continue;
            };
            let (latency, mixed) = (seconds("$ai_latency"), seconds("elapsed_seconds"));
            assert!(latency.is_none() || mixed.is_none(), "{}", at());
            let waited = seconds("permission_wait_seconds").unwrap_or(0.0);
            if call.recorded.is_none() && !is_agent(span) {
                let interval = (returned_at - call.called_at).max(0.0);
                let shown = latency.or(mixed).unwrap_or(0.0) + waited;
                assert!(shown <= interval + ROUNDING, "{interval} s: {}", at());
                let longest = longest(span);
                assert!(latency.is_none_or(|it| it <= longest), "{}", at());
            }
        }
        add_up(&events, transcript);
        events.iter().filter(|event| is_tool(event)).count()
    })
    .into_iter()
    .sum();
    assert!(checked > 10_000, "{checked}");
}

/// Asserts that the waits of the tools add up to those of the turns, and these to those of the
/// trace.
fn add_up(events: &Events, transcript: &Path) {
    let sum = |events: &mut dyn Iterator<Item = &Value>, name: &str| -> f64 {
        let seconds = events.filter_map(|event| event["properties"][name].as_f64());
        seconds.sum()
    };
    let tools = || events.iter().filter(|event| is_tool(event));
    let waited = sum(&mut tools(), "permission_wait_seconds");
    let all = waited + sum(&mut tools(), "elapsed_seconds");
    for kind in ["$ai_trace", "turn"] {
        let of_kind = || {
            events.iter().filter(move |event| {
                event["event"] == kind || event["properties"]["$ai_span_type"] == kind
            })
        };
        let told = sum(&mut of_kind(), "waited_seconds");
        let rest = sum(&mut of_kind(), "unattributed_seconds");
        let at = format!("{kind} of {}: {told} + {rest}, {all}", transcript.display());
        assert!((told + rest - all).abs() < 0.1, "{at}");
        assert!(told > waited - 0.1, "{at}");
    }
}

fn is_tool(event: &Value) -> bool {
    event["properties"]["$ai_span_type"] == "tool"
}

/// Whether the time of a span is that of an agent: from its report, or from all that it did.
fn is_agent(span: &Value) -> bool {
    matches!(
        span["properties"]["$ai_span_name"].as_str(),
        Some("Agent" | "Task")
    )
}

/// Longest plausible time of a tool that does nothing else, in seconds.
fn longest(span: &Value) -> f64 {
    let properties = &span["properties"];
    let name = properties["$ai_span_name"].as_str().unwrap_or_default();
    if QUICK.0.contains(&name) {
        return QUICK.1;
    }
    let command = properties["$ai_input_state"]["command"].as_str();
    let command = command.unwrap_or_default().trim();
    let is_one = !command.contains(['|', ';', '&', '$', '\n']);
    let mut quick = QUICK_COMMANDS.0.iter();
    let is_quick = quick.any(|it| {
        let rest = command.strip_prefix(it);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
    });
    if name == "Bash" && is_one && is_quick {
        QUICK_COMMANDS.1
    } else {
        f64::INFINITY
    }
}

fn told(transcript: &Path) -> HashMap<String, Told> {
    let mut calls: HashMap<String, Told> = HashMap::new();
    let mut lines: Vec<Value> = files(transcript)
        .iter()
        .flat_map(|path| lines(path))
        .collect();
    // Some versions repeat a subagent's messages in lines about its progress.
    let repeated = lines.iter().filter(|it| it["type"] == "progress");
    let repeated = repeated.map(|it| it["data"]["message"].clone());
    let repeated: Vec<Value> = repeated.filter(Value::is_object).collect();
    lines.extend(repeated);
    for line in &lines {
        let Some(at) = time(line) else { continue };
        for block in blocks(line, "tool_use") {
            let id = block["id"].as_str().unwrap_or_default().to_owned();
            calls.entry(id).or_insert(Told {
                called_at: at,
                ..Told::default()
            });
        }
    }
    for line in &lines {
        let Some(at) = time(line) else { continue };
        for block in blocks(line, "tool_result") {
            let id = block["tool_use_id"].as_str().unwrap_or_default();
            if let Some(call) = calls.get_mut(id).filter(|it| it.returned_at.is_none()) {
                let result = &line["toolUseResult"];
                let milliseconds = ["durationMs", "totalDurationMs"]
                    .iter()
                    .find_map(|name| result[name].as_f64());
                let seconds = result["durationSeconds"].as_f64();
                call.recorded = milliseconds.map(|it| it / 1000.0).or(seconds);
                call.returned_at = Some(at);
            }
        }
    }
    calls
}

fn blocks<'a>(line: &'a Value, kind: &'a str) -> impl Iterator<Item = &'a Value> {
    let blocks = line["message"]["content"].as_array().into_iter().flatten();
    blocks.filter(move |block| block["type"] == kind)
}

fn time(line: &Value) -> Option<f64> {
    let at = DateTime::parse_from_rfc3339(line["timestamp"].as_str()?).ok()?;
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of now fit 2^53")]
    let milliseconds = at.timestamp_millis() as f64;
    Some(milliseconds / 1000.0)
}
