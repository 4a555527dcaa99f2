//! The events of every fixture, reviewed by eye. Each fixture is described in `fixtures/README.md`.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::library::{Events, Run, collect};
use crate::support::rendering;
use posthog_llma::session::Oddities;
use posthog_llma::session::SessionState;
use posthog_llma::sources;
use serde_json::Value;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/sessions");

/// Every fixture: the beginning of its session id, and its subject.
const CASES: &[(&str, &str)] = &[
    ("00000001", "plain_answer"),
    ("00000002", "parallel_tools"),
    ("00000003", "growing_output"),
    ("00000004", "nested_subagents"),
    ("00000005", "background_subagent"),
    ("00000006", "subagent_of_version_2_0"),
    ("00000007", "subagent_of_version_1_0"),
    ("00000008", "api_error"),
    ("00000009", "no_call"),
    ("00000010", "queued_prompt"),
    ("00000011", "commands"),
    ("00000012", "resumed"),
    ("00000013", "fork_original"),
    ("00000014", "fork_copy"),
    ("00000015", "history_written_again"),
    ("00000016", "compaction"),
    ("00000017", "rewind"),
    ("00000018", "teammate_repeated"),
    ("00000019", "special_blocks"),
    ("00000020", "broken_lines"),
    ("00000021", "tools_out_of_order"),
    ("00000022", "cache_split"),
    ("00000023", "branches"),
    ("00000024", "request_records"),
    ("00000025", "clouds"),
    ("00000026", "titles"),
    ("00000027", "private_matters"),
    ("00000029", "work"),
    ("00000030", "identities"),
    ("00000031", "odd_fields"),
    ("00000032", "told_beside"),
    ("00000033", "prompt_snapshot"),
    ("00000034", "with_lines_of_another"),
    ("00000035", "lines_elsewhere"),
    ("00000036", "told_of_the_session"),
    ("00000037", "subagent_alone"),
    ("00000040", "waiting"),
    ("00000041", "tools_seen_to_begin"),
    ("00000042", "subagents_in_progress_lines"),
    ("00000050", "rates"),
];

fn transcript(number: &str) -> PathBuf {
    let found = sources::below(Path::new(FIXTURES)).found;
    let found = found.into_iter().find(|it| it.id.starts_with(number));
    found
        .unwrap_or_else(|| panic!("no fixture {number}"))
        .locator
        .path()
}

/// One event after the other, without the properties that are the same in all.
fn readable(events: &Events) -> String {
    const ALWAYS: [(&str, &str); 6] = [
        ("$ai_lib", "posthog-llma"),
        ("$ai_lib_version", env!("CARGO_PKG_VERSION")),
        ("$lib", "posthog-llma"),
        ("$lib_version", env!("CARGO_PKG_VERSION")),
        ("$ai_framework", "claude-code"),
        ("distinct_id", "ada@example.com"),
    ];
    let mut text = String::new();
    for event in events {
        let mut event = event.clone();
        for (name, expected) in ALWAYS {
            let place = if name == "distinct_id" {
                &mut event
            } else {
                &mut event["properties"]
            };
            let found = place
                .as_object_mut()
                .and_then(|object| object.shift_remove(name));
            assert_eq!(
                found.as_ref().and_then(Value::as_str),
                Some(expected),
                "{name}"
            );
        }
        assert_eq!(event["properties"]["$geoip_disable"], true);
        text += &serde_json::to_string_pretty(&event).expect("an event is JSON");
        text.push('\n');
    }
    text
}

fn check(run: &Run, cases: &[(&str, &str)], suffix: &str) {
    for (number, name) in cases {
        review(&format!("{name}{suffix}"), &run.events(&transcript(number)));
    }
}

fn review(name: &str, events: &Events) {
    rendering::is_shown(events);
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!(name, readable(events));
    });
}

fn some(names: &[&str]) -> Vec<(&'static str, &'static str)> {
    let cases = CASES.iter().filter(|(_, name)| names.contains(name));
    cases.copied().collect()
}

#[test]
fn every_fixture_gives_the_reviewed_events() {
    check(&Run::default(), CASES, "");
}

#[test]
fn a_fork_sends_only_what_its_original_did_not() {
    let run = Run::default();
    let original = run.events(&transcript("00000013"));
    let fork = run.events_after(&transcript("00000014"), &original);
    review("fork_copy@after_its_original", &fork);
}

#[test]
fn with_message_grouping_every_prompt_is_a_trace() {
    let cases = some(&["background_subagent", "commands", "resumed"]);
    check(&Run::by_message(), &cases, "@by_message");
}

#[test]
fn without_turn_spans_generations_hang_on_the_trace() {
    let cases = some(&["parallel_tools", "nested_subagents"]);
    check(&Run::without_turns(), &cases, "@without_turns");
}

#[test]
fn in_privacy_mode_numbers_and_names_are_left() {
    let cases = some(&["private_matters", "api_error", "titles"]);
    check(&Run::private(), &cases, "@private");
}

#[test]
fn unusable_lines_are_counted() {
    let oddities = |number| {
        let collected = collect(&transcript(number), SessionState::Ended);
        collected.expect("a session").session.oddities
    };
    let broken = oddities("00000020");
    assert_eq!(broken.malformed_lines, 3, "comment, torn line, array");
    assert_eq!(broken.unknown_types.get("constellation"), Some(&1));
    let odd = oddities("00000031");
    assert_eq!(odd.malformed_lines, 1, "a run of NUL bytes");
    assert_eq!((odd.untimed_lines, odd.responses_without_usage), (2, 1));
    let are_odd = ["broken_lines", "odd_fields"];
    for (number, name) in CASES.iter().filter(|(_, name)| !are_odd.contains(name)) {
        assert_eq!(oddities(number), Oddities::default(), "{name}");
    }
}

#[test]
fn every_fixture_has_a_case_and_a_line_in_the_readme() {
    let readme =
        fs::read_to_string(Path::new(FIXTURES).with_file_name("README.md")).expect("it is there");
    let numbers: HashSet<&str> = CASES.iter().map(|(number, _)| *number).collect();
    for found in sources::below(Path::new(FIXTURES)).found {
        let number = &found.id[..8];
        assert!(numbers.contains(number), "{number} has no case");
        assert!(
            readme.contains(&format!("`{number}`")),
            "{number} is not explained"
        );
    }
}
