//! The events of every fixture, reviewed by eye. `fixtures/README.md` explains each of them.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use posthog_llma::session::SessionState;
use posthog_llma::session::{Agent, Oddities};
use posthog_llma::sources;
use serde_json::{Value, json};

use crate::support::events::{readable, texts};
use crate::support::library::{Events, Run};
use crate::support::rendering;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/pi");

/// Every fixture: the first digits of its session id, and its name.
const CASES: &[(&str, &str)] = &[
    ("00000101", "plain_answer"),
    ("00000102", "tools"),
    ("00000103", "failed_calls"),
    ("00000104", "tree"),
    ("00000105", "fork"),
    ("00000106", "subagents"),
    ("00000107", "version_1"),
    ("00000108", "broken"),
    ("00000109", "silence"),
    ("00000110", "private_matters"),
    ("00000111", "subagents_in_files"),
    ("00000117", "stopped"),
];

pub(crate) fn transcript(number: &str) -> PathBuf {
    let mut found = sources::below(Path::new(FIXTURES)).found.into_iter();
    let found = found.find(|found| found.id.starts_with(number));
    let found = found.unwrap_or_else(|| panic!("no fixture {number}"));
    assert_eq!(found.agent, Agent::Pi, "{number}");
    found.locator.path()
}

fn of_case(name: &str) -> PathBuf {
    let case = CASES.iter().find(|(_, known)| *known == name);
    transcript(case.unwrap_or_else(|| panic!("no case {name}")).0)
}

fn review(name: &str, events: &Events) {
    rendering::is_shown(events);
    insta::with_settings!({
        omit_expression => true,
        prepend_module_to_snapshot => false,
        snapshot_path => "snapshots",
    }, {
        insta::assert_snapshot!(name, readable(events, Agent::Pi));
    });
}

#[test]
fn every_fixture_gives_the_reviewed_events() {
    for (number, name) in CASES {
        review(name, &Run::default().events(&transcript(number)));
    }
}

#[test]
fn with_session_grouping_a_trace_ends_in_a_long_silence() {
    let run = Run::with(&[("POSTHOG_TRACE_GROUPING", "session")]);
    for name in ["tree", "silence", "fork"] {
        review(&format!("{name}@by_session"), &run.events(&of_case(name)));
    }
    let patient = Run::with(&[
        ("POSTHOG_TRACE_GROUPING", "session"),
        ("POSTHOG_SESSION_WINDOW_MINUTES", "100"),
    ]);
    let traces = |run: &Run| {
        let events = run.events(&of_case("silence"));
        let traces = events.iter().filter(|it| it["event"] == "$ai_trace");
        traces.count()
    };
    assert_eq!((traces(&run), traces(&patient)), (2, 1));
}

#[test]
fn in_privacy_mode_numbers_and_names_are_left() {
    for variable in ["POSTHOG_PRIVACY_MODE", "POSTHOG_LLMA_PRIVACY_MODE"] {
        let run = Run::with(&[(variable, "true")]);
        let events = run.events(&of_case("private_matters"));
        let text = serde_json::to_string(&events).expect("events are JSON");
        assert!(!text.contains("rivate"), "{text}");
        review("private_matters@private", &events);
    }
}

#[test]
fn the_whole_input_is_the_path_to_the_answer() {
    let run = Run::with(&[("POSTHOG_LLMA_INPUT", "full")]);
    let inputs = |name: &str| -> Vec<Vec<String>> {
        let events = run.events(&of_case(name));
        let calls = events.iter().filter(|it| it["event"] == "$ai_generation");
        let calls = calls.filter(|it| it["properties"]["subagent_id"].is_null());
        calls
            .map(|call| texts(&call["properties"]["$ai_input"]))
            .collect()
    };
    let failed = inputs("failed_calls");
    assert_eq!(failed[2], ["Rename the module"], "what failed is forgotten");
    assert_eq!(
        failed[3],
        ["Rename the module", "Renamed.", "Write malware"]
    );
    let tree = inputs("tree");
    assert_eq!(
        tree[3],
        [
            "Ada builds a shelf view, rows only.",
            "Rows only.",
            "Add titles"
        ],
        "what was summed up is forgotten, but for what was kept"
    );
    let branch = tree.last().expect("a call");
    assert_eq!(
        branch[..],
        [
            "Plan the shelf view",
            "Rows, then columns.",
            "Tried rows only.",
            "Now columns"
        ],
        "the branch that was left is not in it"
    );
    let fork = inputs("fork");
    assert_eq!(fork.len(), 1, "copied calls are not sent");
    assert_eq!(
        fork[0][2..],
        [
            "What does the discount module do?",
            "It takes 10 % off orders of more than 50 euros.",
            "Thanks. And for members?",
            "15 %.",
            "And for students?"
        ],
        "and are still what the model was given"
    );
}

#[test]
fn a_call_has_the_same_identity_when_pi_writes_an_old_file_anew() {
    let old = fs::read_to_string(of_case("version_1")).expect("the fixture is there");
    let mut parent = Value::Null;
    let mut anew = String::new();
    for (number, line) in old.lines().enumerate() {
        let mut entry: Value = serde_json::from_str(line).expect("a line is JSON");
        if number == 0 {
            entry["version"] = json!(3);
        } else {
            let id = json!(format!("deadbee{number}"));
            entry["parentId"] = std::mem::replace(&mut parent, id.clone());
            entry["id"] = id;
        }
        anew += &entry.to_string();
        anew.push('\n');
    }
    let folder = tempfile::tempdir().expect("a temporary directory");
    let path = folder
        .path()
        .join(of_case("version_1").file_name().expect("a name"));
    fs::write(&path, anew).expect("it is writable");
    let run = Run::default();
    assert_eq!(run.events(&path), run.events(&of_case("version_1")));
}

#[test]
fn a_session_read_after_every_line_sends_nothing_twice_that_differs() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    for name in ["tools", "failed_calls", "tree", "subagents"] {
        let whole = fs::read_to_string(of_case(name)).expect("the fixture is there");
        let path = folder
            .path()
            .join(of_case(name).file_name().expect("a name"));
        let run = Run::default();
        let expected = run.events(&of_case(name));
        let mut read = String::new();
        for line in whole.lines() {
            read += line;
            read.push('\n');
            fs::write(&path, &read).expect("it is writable");
            let Some(collected) = run.collect(&path, None, SessionState::Running) else {
                continue;
            };
            for event in run.events_of(&collected, run.freeze(&collected)) {
                if event["event"] != "$ai_trace" {
                    assert!(expected.contains(&event), "{name}: {event:#}");
                }
            }
        }
    }
}

#[test]
fn a_subagents_file_is_part_of_the_session_that_started_it() {
    let events = Run::default().events(&of_case("subagents_in_files"));
    let calls = events.iter().filter(|it| it["event"] == "$ai_generation");
    let calls = calls.map(|it| &it["properties"]);
    let agents: Vec<_> = calls
        .clone()
        .map(|it| (it["$ai_agent_name"].clone(), it["$ai_input_tokens"].clone()))
        .collect();
    for expected in [
        ("bookshop/scout", 50),
        ("bookshop/reader", 30),
        ("bookshop/scout", 160),
        ("bookshop/critic", 190),
        ("bookshop/scout", 40),
    ] {
        let found = agents
            .iter()
            .filter(|it| **it == (json!(expected.0), json!(expected.1)));
        assert_eq!(found.count(), 1, "{expected:?} in {agents:?}");
    }
    assert_eq!(agents.len(), 4 + 6, "what forks copied is counted once");
    let traces: HashSet<String> = calls.map(|it| it["$ai_trace_id"].to_string()).collect();
    assert_eq!(traces.len(), 1);
    for found in sources::below(Path::new(FIXTURES)).found {
        let number = &found.session_id()[..8];
        let is_child = ("00000112".."00000117").contains(&number);
        assert!(!is_child, "{number} is listed as a session of its own");
    }
}

#[test]
fn one_id_in_two_projects_is_two_sessions() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let text = fs::read_to_string(of_case("plain_answer")).expect("the fixture is there");
    let id = "00000101-0000-7000-8000-000000000000";
    let told: Vec<(String, HashSet<String>)> = [("bookshop", "09:00"), ("weather", "10:00")]
        .into_iter()
        .map(|(project, time)| {
            let text = text.replace(id, "nightly").replace("bookshop", project);
            let text = text.replace("2026-03-02T09:00", &format!("2026-03-02T{time}"));
            // The same moment in milliseconds.
            let milliseconds = if time == "10:00" {
                "17724456"
            } else {
                "17724420"
            };
            let text = text.replace("17724420", milliseconds);
            let path = folder.path().join(project).join("2026_nightly.jsonl");
            fs::create_dir_all(path.parent().expect("a folder")).expect("it is writable");
            fs::write(&path, text).expect("it is writable");
            let collected = Run::default().collect(&path, None, SessionState::Ended);
            let session = collected.expect("a session").session;
            let found = sources::SessionRef::at(&path).expect("a session");
            assert_eq!(session.id, "nightly");
            assert_eq!(session.key, found.session_key());
            let mut told = HashSet::new();
            for run in [Run::default(), Run::by_message(), Run::without_turns()] {
                for event in run.events(&path) {
                    let properties = &event["properties"];
                    assert_eq!(properties["$ai_session_id"], session.key);
                    told.insert(properties["$ai_trace_id"].to_string());
                    told.insert(event["uuid"].to_string());
                }
            }
            (session.key, told)
        })
        .collect();
    assert_ne!(told[0].0, told[1].0);
    assert!(told[0].1.is_disjoint(&told[1].1), "{told:#?}");
}

#[test]
fn unusable_lines_are_counted() {
    for (number, name) in CASES {
        let collected = Run::default().collect(&transcript(number), None, SessionState::Ended);
        let session = collected.expect("a session").session;
        if *name == "broken" {
            let oddities = session.oddities;
            assert_eq!(oddities.malformed_lines, 2, "a torn line, an array");
            let unknown: Vec<&String> = oddities.unknown_types.keys().collect();
            assert_eq!(unknown, ["constellation", "message oracle"]);
            assert_eq!(oddities.results_without_call, 1);
            assert_eq!(oddities.responses_without_usage, 1);
            assert!(session.is_cut_off);
        } else {
            assert_eq!(session.oddities, Oddities::default(), "{name}");
        }
    }
}

#[test]
fn every_fixture_has_a_case_and_a_line_in_the_readme() {
    let readme = Path::new(FIXTURES).with_file_name("README.md");
    let readme = fs::read_to_string(readme).expect("it is there");
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
