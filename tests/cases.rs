//! Small transcripts that were counted wrongly once, and their right values.

use std::path::{Path, PathBuf};

use crate::support::independent::{by_claude_code, tally};
use crate::support::library::{Events, Run};
use crate::support::shared::shared_or_skip;
use posthog_llma::session::SessionState;
use posthog_llma::sources;
use serde_json::{Value, json};

/// Sessions of the real Claude Code beside the cases.
const LABS: [&str; 3] = ["lab-2.1.270", "lab-2.1.285", "lab-2.1.332"];

/// Counts of the events of a case: responses, failed calls, tools; tokens in, out, read from the
/// cache and written to it.
type Figures = (u64, u64, u64, [u64; 4]);

const RIGHT: &[(&str, Figures)] = &[
    ("02-gateway-same-id", (6, 0, 1, [514, 100, 0, 0])),
    (
        "03-api-same-id-under-load",
        (7, 0, 6, [35, 645, 40_500, 350]),
    ),
    ("04-no-message-id", (3, 0, 1, [360, 70, 0, 0])),
    ("05-empty-message-id", (3, 0, 0, [300, 60, 0, 0])),
    ("06-null-message-id", (3, 0, 0, [300, 60, 0, 0])),
    ("76-duplicate-uuids", (3, 0, 1, [33, 180, 3300, 630])),
    ("80-no-uuids", (3, 0, 1, [33, 180, 3300, 630])),
    (
        "93-kimi-k3-turn-scoped-tool-ids",
        (6, 0, 3, [60, 300, 6000, 1200]),
    ),
    ("94-tool-id-per-session-counter", (6, 0, 3, [63, 123, 0, 0])),
    (
        "134-subagent-never-final-usage",
        (4, 0, 2, [26, 132, 2018, 418]),
    ),
    (
        "01-advisor-iterations",
        (3, 0, 0, [159_431, 8346, 227_584, 8053]),
    ),
    (
        "01b-advisor-with-books",
        (2, 0, 0, [159_421, 8296, 226_584, 7853]),
    ),
    ("110-missing-result", (2, 0, 3, [20, 100, 2000, 400])),
    ("111-server-tools", (1, 0, 0, [10, 50, 1000, 200])),
    (
        "122-usage-one-odd-field-cache_creation",
        (1, 0, 0, [10, 50, 1000, 200]),
    ),
    (
        "124b-usage-output_details_number",
        (1, 0, 0, [10, 50, 1000, 200]),
    ),
    (
        "127-usage-cache_creation-string",
        (1, 0, 0, [10, 50, 1000, 200]),
    ),
    ("40-surrogates", (3, 0, 2, [30, 150, 3000, 600])),
    ("43-main-missing", (1, 0, 0, [7, 11, 100, 10])),
    ("53-nul-run-then-record", (3, 0, 1, [33, 180, 3300, 630])),
    ("72-odd-timestamps", (3, 0, 1, [33, 180, 3300, 630])),
    ("d-books-without-split", (1, 0, 0, [8, 30, 38_506, 9149])),
    ("d-error-then-answer", (1, 1, 0, [8, 30, 38_506, 191])),
    (
        "d-local-command-while-answering",
        (2, 0, 1, [16, 335, 77_012, 382]),
    ),
    ("d-new-line-types", (1, 0, 0, [8, 30, 38_506, 191])),
    ("d-prompt-snapshot", (1, 0, 0, [8, 30, 38_506, 191])),
    (
        "d-queued-prompt-before-attachments",
        (2, 0, 1, [16, 60, 77_012, 382]),
    ),
    ("32-model-arn", (1, 0, 0, [10, 50, 1000, 200])),
    ("106-fast-mode", (1, 0, 0, [10, 50, 1000, 200])),
    ("107-images", (2, 0, 1, [20, 100, 2000, 400])),
    ("114-openrouter", (2, 0, 0, [2000, 100, 1600, 0])),
    ("62-cross-session-lines", (4, 0, 0, [202, 202, 0, 0])),
    (
        "63-same-session-two-folders",
        (4, 0, 1, [46, 260, 3300, 630]),
    ),
    ("64-cowork", (2, 0, 1, [21, 1100, 0, 0])),
    // Without a time in any line, there is no session.
    ("70-no-timestamps", (0, 0, 0, [0, 0, 0, 0])),
    ("100-worktree-project-name", (1, 0, 0, [10, 50, 1000, 200])),
];

/// The folder of the cases; without it, a message on stderr says that the tests are skipped.
fn cases_or_skip() -> Option<PathBuf> {
    shared_or_skip("POSTHOG_LLMA_CASES", "cases", "claude-code")
}

/// The events of all sessions of a case, in order.
fn events(case: &Path) -> Events {
    let run = Run::default();
    let mut found = sources::below(case).found;
    found.sort_by_key(|found| found.locator.path());
    let mut events = Events::new();
    for session in found {
        let is_session = run
            .collect(&session.locator.path(), None, SessionState::Ended)
            .is_some();
        if is_session {
            events.extend(run.events_after(&session.locator.path(), &events));
        }
    }
    events
}

fn figures(events: &Events) -> Figures {
    let (mut responses, mut errors, mut tools, mut tokens) = (0, 0, 0, [0; 4]);
    for event in events {
        let properties = &event["properties"];
        match event["event"].as_str() {
            Some("$ai_generation") if properties["$ai_is_error"] == true => errors += 1,
            Some("$ai_generation") => responses += 1,
            Some("$ai_span") if properties["$ai_span_type"] == "tool" => tools += 1,
            _ => {}
        }
        let names = [
            "input",
            "output",
            "cache_read_input",
            "cache_creation_input",
        ];
        for (sum, name) in tokens.iter_mut().zip(names) {
            *sum += properties[format!("$ai_{name}_tokens")]
                .as_u64()
                .unwrap_or(0);
        }
    }
    (responses, errors, tools, tokens)
}

#[test]
fn every_case_has_its_right_figures() {
    let Some(root) = cases_or_skip() else { return };
    let cases = RIGHT
        .iter()
        .map(|(case, _)| (*case, figures(&events(&root.join(case)))));
    let found: Vec<_> = cases.collect();
    assert_eq!(found.as_slice(), RIGHT);
}

/// The properties of the last event of a case that the filter accepts.
fn last(root: &Path, case: &str, is_such: impl Fn(&Value) -> bool) -> Value {
    let events = events(&root.join(case));
    let found = events.iter().rfind(|event| is_such(event));
    found.unwrap_or_else(|| panic!("{case} has no such event"))["properties"].clone()
}

fn is_response(event: &Value) -> bool {
    event["event"] == "$ai_generation"
}

fn is_trace(event: &Value) -> bool {
    event["event"] == "$ai_trace"
}

#[test]
fn every_case_has_its_expected_result() {
    let Some(root) = cases_or_skip() else { return };
    for (case, name, right) in [
        ("111-server-tools", "web_fetch_count", json!(3)),
        (
            "d-local-command-while-answering",
            "$ai_latency",
            json!(9.084),
        ),
        ("d-error-then-answer", "$ai_latency", json!(9.84)),
        ("76-duplicate-uuids", "$ai_user_prompt", json!("more")),
        ("80-no-uuids", "$ai_user_prompt", json!("more")),
        (
            "d-queued-prompt-before-attachments",
            "$ai_user_prompt",
            json!("stop, use cargo instead"),
        ),
    ] {
        assert_eq!(last(&root, case, is_response)[name], right, "{case}");
    }
    for (case, name, right) in [
        (
            "43-main-missing",
            "$ai_session_id",
            json!("e0000000-0000-4000-8000-000000000043"),
        ),
        ("53-nul-run-then-record", "broken_line_count", json!(1)),
        ("72-odd-timestamps", "untimed_line_count", json!(1)),
        ("d-new-line-types", "unknown_line_count", Value::Null),
    ] {
        assert_eq!(last(&root, case, is_trace)[name], right, "{case}");
    }
}

#[test]
fn every_call_of_a_case_has_the_recorded_input() {
    let Some(root) = cases_or_skip() else { return };
    for (case, said) in [
        ("d-error-then-answer", "Review PR #36"),
        (
            "d-queued-prompt-before-attachments",
            "stop, use cargo instead",
        ),
        ("d-prompt-snapshot", "SYSTEM-PROMPT-MARK"),
        ("d-prompt-snapshot", "PLATFORM-LINUX-MARK"),
    ] {
        let input = last(&root, case, is_response)["$ai_input"].to_string();
        assert!(input.contains(said), "{case}: {input}");
    }
    let tools = last(&root, "d-prompt-snapshot", is_response)["$ai_tools"].clone();
    assert_eq!(tools[0]["input_schema"]["type"], "object", "{tools}");
}

#[test]
fn a_line_belongs_to_the_session_that_it_names() {
    let Some(root) = cases_or_skip() else { return };
    let events = events(&root.join("62-cross-session-lines"));
    let of = |session: &str| {
        let is_own = |event: &&Value| {
            let id = event["properties"]["$ai_session_id"].as_str();
            is_response(event) && id.is_some_and(|id| id.starts_with(session))
        };
        let own = events.iter().filter(is_own);
        let output = own.map(|event| event["properties"]["$ai_output_tokens"].as_u64());
        output.flatten().collect::<Vec<_>>()
    };
    assert_eq!((of("aaaa"), of("bbbb")), (vec![1, 1], vec![100, 100]));
    let totals = events.iter().filter(|event| is_trace(event));
    let totals = totals.map(|event| &event["properties"]["$ai_total_output_tokens"]);
    assert_eq!(totals.collect::<Vec<_>>(), [2, 200]);
}

#[test]
fn sessions_of_the_real_claude_code_match_their_lines_and_books() {
    let Some(root) = cases_or_skip() else { return };
    let mut sessions = 0;
    for lab in LABS {
        for session in sources::below(&root.join("..").join(lab)).found {
            let at = session.locator.to_string();
            let events = Run::default().events(&session.locator.path());
            let is_booked = |event: &&Value| event["properties"]["from_agent_books"] == true;
            let (booked, in_lines): (Vec<&Value>, _) = events.iter().partition(is_booked);
            let counted = tally(&session.locator.path());
            let of_lines = |name: &str| -> u64 {
                let generations = in_lines.iter().filter(|event| is_response(event));
                generations
                    .filter_map(|event| event["properties"][format!("$ai_{name}_tokens")].as_u64())
                    .sum()
            };
            let found = [
                of_lines("input"),
                of_lines("output"),
                of_lines("cache_read_input"),
                of_lines("cache_creation_5m_input"),
                of_lines("cache_creation_1h_input"),
            ];
            let expected = [
                counted.input,
                counted.output,
                counted.cache_read,
                counted.cache_write_5m,
                counted.cache_write_1h,
            ];
            assert_eq!(found, expected, "{at}");
            if let Some(books) = by_claude_code(&session.locator.path()) {
                let (_, _, _, all) = figures(&events);
                assert_eq!(all, books, "{at}: {booked:#?}");
            }
            sessions += 1;
        }
    }
    assert_eq!(sessions, 11);
}

#[test]
fn usage_of_advisors_and_missing_responses_is_reported() {
    let Some(root) = cases_or_skip() else { return };
    let is_advice = |event: &Value| event["properties"]["$ai_span_name"] == "advisor";
    for case in ["01-advisor-iterations", "01b-advisor-with-books"] {
        let advice = last(&root, case, is_advice);
        assert_eq!(advice["$ai_model"], "claude-opus-4-7");
        assert_eq!(advice["$ai_input_tokens"], 159_419);
        assert_eq!(advice["$ai_latency"], Value::Null);
    }
    let is_unfinished = |event: &Value| event["properties"]["unfinished"] == true;
    let call = last(&root, "110-missing-result", is_unfinished);
    let right = "no result: none was written, though the session went on";
    assert_eq!(call["$ai_error"], right);
}
