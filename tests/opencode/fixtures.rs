//! The events of every fixture, reviewed by eye. `fixtures/README.md` explains each of them.

use std::fs;
use std::path::{Path, PathBuf};

use posthog_llma::session::SessionState;
use posthog_llma::session::{Agent, Oddities};
use posthog_llma::sources;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::opencode::store::{FIXTURES, database, files, fixture};
use crate::support::events::{readable, texts};
use crate::support::library::{Events, Run};
use crate::support::rendering;

const CASES: [&str; 12] = [
    "agents",
    "broken",
    "compaction",
    "failed_calls",
    "fork",
    "next",
    "plain_answer",
    "private_matters",
    "silence",
    "subagents",
    "tools",
    "version_2",
];

/// A database with one fixture in it.
struct Case {
    session: PathBuf,
    _folder: TempDir,
}

fn case(name: &str) -> Case {
    let folder = tempfile::tempdir().expect("a temporary directory");
    Case {
        session: database(folder.path(), &fixture(name)),
        _folder: folder,
    }
}

fn events(name: &str, run: &Run) -> Events {
    run.events(&case(name).session)
}

fn review(name: &str, events: &Events) {
    rendering::is_shown(events);
    insta::with_settings!({
        omit_expression => true,
        prepend_module_to_snapshot => false,
        snapshot_path => "snapshots",
    }, {
        insta::assert_snapshot!(name, readable(events, Agent::OpenCode));
    });
}

#[test]
fn every_fixture_gives_the_reviewed_events() {
    for name in CASES {
        review(name, &events(name, &Run::default()));
    }
}

/// Sums of a session's calls: number, input tokens, output tokens.
fn figures(events: &Events) -> (usize, u64, u64) {
    let calls = events.iter().filter(|it| it["event"] == "$ai_generation");
    let sum = |name: &str| {
        let numbers = calls.clone().map(|it| it["properties"][name].as_u64());
        numbers.map(Option::unwrap_or_default).sum()
    };
    (
        calls.clone().count(),
        sum("$ai_input_tokens"),
        sum("$ai_output_tokens"),
    )
}

#[test]
fn sessions_of_version_2_are_read_alone_and_beside_those_of_version_1() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let path = database(folder.path(), &fixture("version_2"));
    let path = path.parent().expect("a database").to_owned();
    let run = Run::default();
    for others in [0, 1] {
        if others == 1 {
            database(folder.path(), &fixture("plain_answer"));
        }
        let found = sources::below(&path).found;
        assert_eq!(found.len(), 2 + others, "{found:?}");
        assert_eq!(
            figures(&run.events(&path.join("ses_0211"))),
            (6, 840, 69),
            "a subagent and a compaction are calls too"
        );
        assert_eq!(
            figures(&run.events(&path.join("ses_0213"))),
            (1, 210, 4),
            "what a fork copied is not its own"
        );
    }
}

#[test]
fn no_time_of_opencode_is_that_of_a_call() {
    for name in CASES {
        for event in events(name, &Run::default()) {
            if event["event"] == "$ai_generation" {
                let properties = &event["properties"];
                for time in ["$ai_latency", "$ai_time_to_first_token"] {
                    assert_eq!(properties[time], Value::Null, "{name}");
                }
            }
        }
    }
}

#[test]
fn a_database_may_have_any_name() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let session = database(folder.path(), &fixture("plain_answer"));
    let own = folder.path().join("sessions.sqlite");
    fs::rename(session.parent().expect("a database"), &own).expect("it is ours");
    let found = sources::below(&own).found;
    assert_eq!(found.len(), 1);
    let run = Run::default();
    assert_eq!(
        run.events(&own.join("ses_0201")),
        events("plain_answer", &run)
    );
}

#[test]
fn with_session_grouping_a_trace_ends_in_a_long_silence() {
    let run = Run::with(&[("POSTHOG_TRACE_GROUPING", "session")]);
    review("silence@by_session", &events("silence", &run));
    let patient = Run::with(&[
        ("POSTHOG_TRACE_GROUPING", "session"),
        ("POSTHOG_SESSION_WINDOW_MINUTES", "100"),
    ]);
    let traces = |run: &Run| {
        let events = events("silence", run);
        let traces = events.iter().filter(|it| it["event"] == "$ai_trace");
        traces.count()
    };
    assert_eq!((traces(&run), traces(&patient)), (2, 1));
}

#[test]
fn in_privacy_mode_numbers_and_names_are_left() {
    for variable in ["POSTHOG_PRIVACY_MODE", "POSTHOG_LLMA_PRIVACY_MODE"] {
        let run = Run::with(&[(variable, "true")]);
        let events = events("private_matters", &run);
        let text = serde_json::to_string(&events).expect("events are JSON");
        assert!(!text.contains("rivate"), "{text}");
        review("private_matters@private", &events);
    }
}

#[test]
fn the_provider_s_answer_to_a_failed_call_is_not_sent() {
    let text = serde_json::to_string(&events("failed_calls", &Run::default()));
    let text = text.expect("events are JSON");
    assert!(text.contains("rate: too many tokens"));
    assert!(!text.contains("secret"), "{text}");
}

#[test]
fn the_whole_input_is_all_that_the_model_received() {
    let run = Run::with(&[("POSTHOG_LLMA_INPUT", "full")]);
    let inputs = |name: &str| -> Vec<Vec<String>> {
        let events = events(name, &run);
        let calls = events.iter().filter(|it| it["event"] == "$ai_generation");
        let calls = calls.filter(|it| it["properties"]["subagent_id"].is_null());
        calls
            .map(|call| texts(&call["properties"]["$ai_input"]))
            .collect()
    };
    let compacted = inputs("compaction");
    assert_eq!(
        compacted[1],
        [
            "Plan the shelf view",
            "Rows.",
            "The following tool was executed by the user",
            "$ git status\nclean\n",
            "Add titles"
        ],
        "what the user ran is told to the model"
    );
    let summed_up = [
        "Ada builds a shelf view with titles.",
        "Continue if you have next steps.",
    ];
    assert_eq!(compacted[2], summed_up, "what was summed up is forgotten");
    let last = compacted.last().expect("a call");
    assert_eq!(
        last[summed_up.len()..],
        ["Nothing is left to do.", "Paint it green"],
        "what was taken back is not in it"
    );
    let fork = inputs("fork");
    assert_eq!(fork.len(), 1, "copied calls are not sent");
    assert_eq!(
        fork[0][..2],
        ["Plan the shelf view", "Rows, then columns."],
        "and are still what the model was given"
    );
}

/// The events without times, which files record less exactly.
fn without_times(events: &Events) -> Vec<Value> {
    let mut events = events.clone();
    for event in &mut events {
        event["timestamp"] = Value::Null;
        for name in [
            "$ai_latency",
            "$ai_time_to_first_token",
            "latency_is_upper_bound",
        ] {
            event["properties"]
                .as_object_mut()
                .expect("an object")
                .shift_remove(name);
        }
    }
    events.sort_by_key(|event| event["uuid"].to_string());
    events
}

#[test]
fn files_and_database_hold_the_same_session() {
    let run = Run::default();
    for name in [
        "failed_calls",
        "fork",
        "plain_answer",
        "silence",
        "subagents",
        "tools",
    ] {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let session = files(folder.path(), &fixture(name));
        assert_eq!(
            without_times(&run.events(&session)),
            without_times(&events(name, &run)),
            "{name}"
        );
    }
}

#[test]
fn a_session_read_after_every_message_sends_nothing_twice_that_differs() {
    let run = Run::default();
    for name in ["tools", "failed_calls", "plain_answer"] {
        let whole = fixture(name);
        let expected = events(name, &run);
        let messages = whole[0]["messages"].as_array().expect("messages");
        let folder = tempfile::tempdir().expect("a temporary directory");
        for count in 0..messages.len() {
            let mut session = whole[0].clone();
            session["messages"] = json!(messages[..count]);
            let path = database(folder.path(), &[session]);
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
fn unusable_lines_are_counted() {
    for name in CASES {
        let case = case(name);
        let collected = Run::default().collect(&case.session, None, SessionState::Ended);
        let oddities = collected.expect("a session").session.oddities;
        if name == "broken" {
            assert_eq!(oddities.malformed_lines, 1, "an array");
            let unknown: Vec<&String> = oddities.unknown_types.keys().collect();
            assert_eq!(unknown, ["message oracle", "part constellation"]);
        } else {
            assert_eq!(oddities, Oddities::default(), "{name}");
        }
    }
}

#[test]
fn every_fixture_has_a_case_and_a_line_in_the_readme() {
    let readme = Path::new(FIXTURES).with_file_name("README.md");
    let readme = fs::read_to_string(readme).expect("it is there");
    let found = fs::read_dir(FIXTURES).expect("fixtures");
    for entry in found {
        let path = entry.expect("a fixture").path();
        let name = path.file_stem().expect("a name").to_string_lossy();
        assert!(CASES.contains(&&*name), "{name} has no case");
        let line = format!("`opencode/{name}.json`");
        assert!(readme.contains(&line), "{name} is not explained");
    }
}
