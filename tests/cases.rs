//! Small transcripts that were counted wrongly once, and their right values.
//!
//! They are not part of the project. They are looked for beside it, or where `POSTHOG_LLMA_CASES`
//! says; without them these tests pass and say so.

mod support;

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use posthog_llma::sources;
use serde_json::Value;
use support::library::{Events, Run};

/// What is sent of a case: responses, failed calls, tools; tokens in, out, read from the cache and
/// written to it.
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
];

/// Where the cases are, or a word on stderr why the tests do nothing.
fn cases_or_skip() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/cases");
    let root = std::env::var_os("POSTHOG_LLMA_CASES").map_or_else(beside, PathBuf::from);
    if root.is_dir() {
        return Some(root.join("claude-code"));
    }
    // Written past the capture of the test harness, which hides what passing tests print.
    let _ = io::stderr().write_all(b"skipped: no ../shared/cases or POSTHOG_LLMA_CASES\n");
    None
}

/// What all sessions of a case send, one after the other.
fn events(case: &Path) -> Events {
    let run = Run::default();
    let mut found = sources::below(case).found;
    found.sort_by(|a, b| a.path.cmp(&b.path));
    let mut events = Events::new();
    for session in found {
        let more = run.events_after(&session.path, &events);
        events.extend(more);
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
    assert_eq!(found, RIGHT);
}
