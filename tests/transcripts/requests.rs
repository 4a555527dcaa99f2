//! Calls with recorded requests: with damaged records, in a continued reading, and in a fork.

use std::fs;
use std::path::{Path, PathBuf};

use posthog_llma::pipeline::Pipeline;
use posthog_llma::redact::Counts;
use posthog_llma::session::SessionState;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::library::{Events, Run, host, redactors, settings_of};

/// The fixture with recorded requests: four calls, the last one on the next day.
const RECORDED: &str = "-home-ada-weather/00000024-0000-4000-8000-000000000000.jsonl";

/// A fixture without recorded requests, compacted after its first call.
const COMPACTED: &str = "-home-ada-bookshop/00000016-0000-4000-8000-000000000000.jsonl";

fn fixture(name: &str) -> PathBuf {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/sessions");
    fixtures.join(name)
}

fn full() -> Run {
    Run::with(&[("POSTHOG_LLMA_INPUT", "full")])
}

/// `$ai_input` of every call of the main conversation, each message as its role and first words.
fn inputs(events: &Events) -> Vec<Vec<String>> {
    let calls = events
        .iter()
        .filter(|event| event["event"] == "$ai_generation");
    let inputs = calls.map(|call| {
        let messages = call["properties"]["$ai_input"].as_array();
        messages.expect("a list").iter().map(brief).collect()
    });
    inputs.collect()
}

fn brief(message: &Value) -> String {
    let last = message["content"].as_array().and_then(|all| all.last());
    let said = match last.unwrap_or(&message["content"]) {
        Value::String(text) => text,
        part => ["/text", "/thinking", "/function/name"]
            .into_iter()
            .find_map(|place| part.pointer(place)?.as_str())
            .unwrap_or_default(),
    };
    let role = message["role"].as_str().expect("a role");
    format!("{role}: {}", said.lines().next().unwrap_or_default())
}

/// Whether a line is removed.
type Gone<'a> = &'a dyn Fn(&Value) -> bool;

/// The fixture with each line changed by `change`; lines without a result are removed.
fn changed(change: impl Fn(Value) -> Option<Value>) -> (TempDir, PathBuf) {
    let text = fs::read_to_string(fixture(RECORDED)).expect("readable");
    let lines = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"));
    let changed: Vec<String> = lines
        .filter_map(change)
        .map(|line| line.to_string() + "\n")
        .collect();
    let folder = TempDir::new().expect("a folder");
    let transcript = folder.path().join("session.jsonl");
    fs::write(&transcript, changed.concat()).expect("writable");
    (folder, transcript)
}

#[test]
fn missing_records_cost_only_the_calls_that_need_them() {
    let whole = inputs(&Run::default().events(&fixture(RECORDED)));
    let by_lines = [
        ["user: Name the endpoints"],
        ["tool: route(\"/now\")"],
        ["user: And the German names?"],
        ["user: Thank you"],
    ];
    let is = |line: &Value, kind: &str, text: &str| {
        line["type"] == kind && line.to_string().contains(text)
    };
    // The removed lines, and the calls that then have the input in the lines before them.
    let cases: [(Gone<'_>, &[usize]); 5] = [
        (&|_| false, &[]),
        (&|line| is(line, "api-request-blob", "You work in"), &[0]),
        (&|line| is(line, "api-request-blob", "The tool Read"), &[2]),
        (
            &|line| is(line, "api-request", "cccc-4000-8000-000000000003"),
            &[2],
        ),
        (
            &|line| {
                line["type"]
                    .as_str()
                    .is_some_and(|kind| kind.starts_with("api-request"))
            },
            &[0, 1, 2, 3],
        ),
    ];
    for (number, (is_gone, fallen_back)) in cases.into_iter().enumerate() {
        let (_folder, transcript) = changed(|line| Some(line).filter(|line| !is_gone(line)));
        let found = inputs(&Run::default().events(&transcript));
        for (call, input) in found.iter().enumerate() {
            let said: Vec<&String> = input.iter().filter(|said| !is_setup(said)).collect();
            if fallen_back.contains(&call) {
                assert_eq!(said, by_lines[call], "case {number}, call {call}");
            } else {
                let expected: Vec<&String> =
                    whole[call].iter().filter(|said| !is_setup(said)).collect();
                assert_eq!(said, expected, "case {number}, call {call}");
            }
        }
        assert_eq!(found.len(), 4, "case {number}");
    }
}

fn is_setup(said: &str) -> bool {
    said == "system: You help with the weather service."
}

#[test]
fn records_of_another_kind_are_none() {
    for odd in [
        json!(null),
        json!("text"),
        json!(-1),
        json!(u64::MAX),
        json!([1, null]),
        json!({ "a": [] }),
    ] {
        for field in [
            "tail",
            "base",
            "keep",
            "params",
            "hash",
            "message",
            "shape",
            "shapeHash",
            "id",
        ] {
            let (_folder, transcript) = changed(|mut line| {
                let is_record = line["type"].as_str()?.starts_with("api-request");
                if is_record && line.get(field).is_some() {
                    line[field] = odd.clone();
                }
                Some(line)
            });
            let events = Run::default().events(&transcript);
            let last = inputs(&events).pop().expect("a call");
            assert_eq!(
                last.last().expect("a message"),
                "user: Thank you",
                "{field}: {odd}"
            );
        }
    }
}

#[test]
fn a_resumed_session_is_read_on_from_its_checkpoint() {
    let text = fs::read_to_string(fixture(RECORDED)).expect("readable");
    let first_day = text.find("\"2026-03-04").expect("a second day");
    let first_day = text[..first_day].rfind('\n').expect("a line") + 1;
    let folder = TempDir::new().expect("a folder");
    let transcript = folder.path().join("session.jsonl");
    fs::write(&transcript, &text[..first_day]).expect("writable");
    let run = Run::default();
    let read = |checkpoint| {
        let read = run.collect(&transcript, checkpoint, SessionState::Ended);
        read.expect("a session")
    };
    let checkpoint = read(None).checkpoint();
    assert!(checkpoint.is_some());
    fs::write(&transcript, &text).expect("writable");
    // The last prompt of the first day and that of the second.
    let on = read(checkpoint);
    assert_eq!(on.session.turns.len(), 2);
    let events = run.events_of(&on, run.freeze(&on));
    let whole = run.events(&transcript);
    assert_eq!(inputs(&events), inputs(&whole)[2..]);
    let first_of_next = events
        .iter()
        .rfind(|event| event["event"] == "$ai_generation");
    let first_of_next = first_of_next.expect("a call");
    assert!(first_of_next["properties"].get("$ai_tools").is_none());
}

#[test]
fn on_request_every_call_has_the_whole_conversation() {
    let recorded = inputs(&full().events(&fixture(RECORDED)));
    let said = [
        "system: You help with the weather service.",
        "user: Name the endpoints",
        "system: You work in /home/ada/weather.",
        "assistant: They are in routes.rs.",
        "assistant: Grep",
        "tool: route(\"/now\")",
        "assistant: /now and /forecast",
        "user: And the German names?",
        "system: The tool Read is there now.",
        "assistant: /jetzt und /vorhersage",
        "user: Thank you",
    ];
    for (call, messages) in [3, 6, 9, 11].into_iter().enumerate() {
        assert_eq!(recorded[call], said[..messages], "call {call}");
    }
}

#[test]
fn without_records_the_lines_tell_the_conversation_since_it_was_summed_up() {
    let new = inputs(&Run::default().events(&fixture(COMPACTED)));
    let full = inputs(&full().events(&fixture(COMPACTED)));
    assert_eq!(full.len(), new.len());
    for (new, full) in new.iter().zip(&full) {
        assert!(full.ends_with(new), "{full:?} does not end with {new:?}");
    }
    let after = full.last().expect("a call");
    assert_eq!(after.len(), 4, "{after:?}");
    assert!(after[1].starts_with("user: This session is being continued"));
}

#[test]
fn of_a_conversation_that_is_too_long_the_oldest_messages_go_first() {
    const LIMIT: usize = 2_300;
    let run = full();
    let collected = run.collect(&fixture(RECORDED), None, SessionState::Ended);
    let collected = collected.expect("a session");
    let (config, _) = settings_of(&host().with("POSTHOG_LLMA_INPUT", "full"));
    let redactors = redactors();
    let pipeline = Pipeline::new(&config, &redactors, LIMIT);
    let frozen = pipeline
        .freeze(&collected)
        .expect("there are no rules")
        .into_inner();
    let limits = pipeline.limits(collected.session.agent);
    let mut events = Vec::new();
    pipeline
        .events(&collected, frozen, &mut Counts::default(), &mut |event| {
            let event = event.written(&limits).into_inner().json;
            assert!(event.len() <= LIMIT, "{}", event.len());
            events.push(serde_json::from_slice(&event)?);
            Ok(())
        })
        .expect("the sink takes everything");
    let last = inputs(&events).pop().expect("a call");
    let expected = [
        "system: You help with the weather service.",
        "system: [6 earlier messages left out]",
        "user: And the German names?",
        "system: The tool Read is there now.",
        "assistant: /jetzt und /vorhersage",
        "user: Thank you",
    ];
    assert_eq!(last, expected);
}
