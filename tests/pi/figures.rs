//! Sessions of the real Pi: the sent usage equals that of an independent count.

use std::fs;
use std::path::{Path, PathBuf};

use posthog_llma::session::Oddities;
use posthog_llma::session::SessionState;
use posthog_llma::sources;
use serde_json::{Value, json};

use crate::support::capture::{Lane, judge};
use crate::support::env::API_KEY;
use crate::support::events::hangs_together;
use crate::support::library::{Events, Run};
use crate::support::shared::shared_or_skip;

/// Calls, input, output, read from the cache, written to it, thousandths of a cent.
type Figures = [u64; 6];

fn sessions_or_skip() -> Option<Vec<PathBuf>> {
    let root = shared_or_skip("POSTHOG_LLMA_PI_SESSIONS", "agents/pi", "")?;
    let found = sources::below(&root)
        .found
        .into_iter()
        .map(|found| found.locator.path());
    let found: Vec<PathBuf> = found.collect();
    assert!(!found.is_empty(), "sessions in {}", root.display());
    Some(found)
}

fn sent(events: &Events) -> Figures {
    let calls = events.iter().filter(|it| it["event"] == "$ai_generation");
    let mut figures = [0; 6];
    for call in calls {
        let number = |name: &str| call["properties"][name].as_u64().unwrap_or(0);
        add(
            &mut figures,
            [
                1,
                number("$ai_input_tokens"),
                number("$ai_output_tokens"),
                number("$ai_cache_read_input_tokens"),
                number("$ai_cache_creation_input_tokens"),
                small_change(&call["properties"]["$ai_total_cost_usd"]),
            ],
        );
    }
    figures
}

/// Counts every answer and any other paid usage, anywhere in a line, without the program's code.
fn counted(transcript: &Path) -> Figures {
    let text = fs::read_to_string(transcript).expect("the session is text");
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("a line is JSON"))
        .collect();
    let began = &lines[0]["timestamp"];
    let is_fork = lines[0].get("parentSession").is_some();
    let mut figures = [0; 6];
    for line in &lines[1..] {
        let is_copy = is_fork && line["timestamp"].as_str() < began.as_str();
        if !is_copy {
            count(line, &mut figures);
        }
    }
    figures
}

fn count(value: &Value, figures: &mut Figures) {
    let is_answer = value["role"] == "assistant" && !is_stopped_before_a_request(value);
    let kinds = ["compaction", "branch_summary", "usage"];
    let is_other = kinds.iter().any(|kind| value["type"] == *kind);
    let usage = &value["usage"];
    if is_answer || (is_other && usage["cost"].is_object()) {
        let number = |name: &str| usage[name].as_u64().unwrap_or(0);
        let cost = small_change(&usage["cost"]["total"]);
        let counts = [
            1,
            number("input"),
            number("output"),
            number("cacheRead"),
            number("cacheWrite"),
            cost,
        ];
        add(figures, counts);
    }
    match value {
        Value::Array(items) => items.iter().for_each(|item| count(item, figures)),
        Value::Object(fields) => fields.values().for_each(|field| count(field, figures)),
        _ => {}
    }
}

/// Whether the user stopped Pi before any request; it writes an answer all the same.
fn is_stopped_before_a_request(answer: &Value) -> bool {
    let is_empty = answer["content"] == json!([]) && answer["responseId"].is_null();
    let took = answer["durationMs"].as_u64();
    answer["stopReason"] == "aborted" && is_empty && took.is_some_and(|it| it < 50)
}

fn add(sum: &mut Figures, more: Figures) {
    for (sum, more) in sum.iter_mut().zip(more) {
        *sum += more;
    }
}

/// Converts dollars to thousandths of a cent, since whole numbers can be compared.
fn small_change(dollars: &Value) -> u64 {
    let thousandths = dollars.as_f64().unwrap_or(0.0) * 1e5;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "small and positive"
    )]
    let thousandths = (thousandths * 1e3).round() as u64;
    thousandths
}

#[test]
fn every_session_has_the_calls_tokens_and_cost_of_an_independent_count() {
    let Some(sessions) = sessions_or_skip() else {
        return;
    };
    let mut sum = [0; 6];
    for transcript in &sessions {
        let name = transcript.display();
        for run in [
            Run::default(),
            Run::with(&[("POSTHOG_TRACE_GROUPING", "session")]),
        ] {
            let events = run.events(transcript);
            assert_eq!(sent(&events), counted(transcript), "{name}");
            hangs_together(&events);
            let batch = json!({ "api_key": API_KEY, "batch": events });
            let verdict = judge(Lane::Ai, &batch);
            assert!(verdict.is_ok(), "{name}: {verdict:?}");
            assert_eq!(run.lines(transcript), run.lines(transcript), "{name}");
        }
        let collected = Run::default().collect(transcript, None, SessionState::Ended);
        let oddities = collected.expect("a session").session.oddities;
        assert_eq!(oddities, Oddities::default(), "{name}");
        add(&mut sum, counted(transcript));
    }
    assert!(sum[0] >= 90, "{sum:?}");
}

#[test]
fn known_runs_have_their_known_figures() {
    let Some(sessions) = sessions_or_skip() else {
        return;
    };
    let of = |prompt: &str, version: &str| -> Figures {
        let is_meant = |path: &&PathBuf| {
            let text = fs::read_to_string(path).expect("the session is text");
            let prompts = text
                .lines()
                .filter(|line| line.contains(r#""message":{"role":"user""#));
            let mut prompts = prompts.filter(|_| path.to_string_lossy().contains(version));
            prompts
                .next_back()
                .is_some_and(|line| line.contains(prompt))
        };
        let mut found = sessions.iter().filter(is_meant);
        let found = found
            .next()
            .unwrap_or_else(|| panic!("no session of {prompt}"));
        sent(&Run::default().events(found))
    };
    for (prompt, expected) in [
        ("What is two plus two?\"", [1, 120, 14, 0, 0, 57_000]),
        ("two plus two? [[cache]]", [1, 120, 14, 5000, 0, 207_000]),
        ("ls]] [[cache]]", [2, 300, 28, 10_000, 1400, 957_000]),
        ("Two tools [[par]]", [2, 300, 28, 0, 0, 132_000]),
        ("Failing tool", [2, 300, 28, 0, 0, 132_000]),
        ("[[err400]]", [1, 0, 0, 0, 0, 0]),
        ("[[err529]]", [4, 0, 0, 0, 0, 0]),
        ("[[refuse]]", [1, 120, 14, 0, 0, 57_000]),
        ("[[errstream]]", [4, 480, 4, 0, 0, 150_000]),
        ("[[cut]]", [4, 480, 4, 0, 0, 150_000]),
        ("Third turn", [4, 540, 56, 0, 0, 246_000]),
        ("A forked turn", [1, 120, 14, 0, 0, 57_000]),
    ] {
        assert_eq!(of(prompt, "v1.5.2-print"), expected, "{prompt}");
    }
    for (prompt, expected) in [
        ("Child task", [3, 420, 42, 0, 0, 189_000]),
        ("Delegate par", [5, 720, 70, 0, 0, 321_000]),
    ] {
        assert_eq!(of(prompt, "subagent"), expected, "{prompt}");
    }
}
