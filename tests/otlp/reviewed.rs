//! The events of every fixture, reviewed by eye, and of every capture, judged by the double.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::traces::{events_below, named};
use crate::support::library::{Events, Run};
use crate::support::rendering;
use crate::support::shared::shared_or_skip;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/otlp");

/// The events without the properties that are the same in all.
fn readable(events: &Events) -> String {
    let same = [
        "$ai_lib",
        "$ai_lib_version",
        "$lib",
        "$lib_version",
        "$geoip_disable",
    ];
    let mut text = String::new();
    for event in events {
        let mut event = event.clone();
        let properties = event["properties"].as_object_mut().expect("an object");
        properties.retain(|name, _| !same.contains(&name.as_str()));
        text += &serde_json::to_string_pretty(&event).expect("an event is JSON");
        text.push('\n');
    }
    text
}

fn cases() -> Vec<PathBuf> {
    let entries = fs::read_dir(FIXTURES).expect("fixtures");
    let mut cases: Vec<PathBuf> = entries.map(|it| it.expect("a fixture").path()).collect();
    cases.sort();
    assert!(!cases.is_empty());
    cases
}

#[test]
fn every_fixture_gives_the_reviewed_events() {
    let readme =
        fs::read_to_string(Path::new(FIXTURES).with_file_name("README.md")).expect("it is there");
    for case in cases() {
        let name = case
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        assert!(
            readme.contains(&format!("`otlp/{name}`")),
            "{name} is not explained"
        );
        let events = events_below(&case, &Run::default());
        rendering::is_shown(&events);
        insta::with_settings!({
            omit_expression => true,
            prepend_module_to_snapshot => false,
            snapshot_path => "snapshots",
        }, {
            insta::assert_snapshot!(name, readable(&events));
        });
    }
}

/// Asserts that every event is in a trace that is sent, under a parent that is sent.
fn hangs_together(events: &Events, context: &str) {
    let text = |event: &Value, name: &str| event["properties"][name].as_str().map(str::to_owned);
    let spans: Vec<_> = events
        .iter()
        .filter_map(|it| text(it, "$ai_span_id"))
        .collect();
    for event in events {
        let parent = text(event, "$ai_parent_id");
        let is_placed =
            event["event"] == "$ai_trace" || parent.is_some_and(|it| spans.contains(&it));
        assert!(is_placed, "{context}: {event:#}");
    }
}

#[test]
fn every_capture_is_taken_and_hangs_together() {
    let Some(root) = shared_or_skip("POSTHOG_LLMA_OTLP", "otlp", "") else {
        return;
    };
    let mut folders = vec![root];
    let mut calls = 0;
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).expect("a folder");
        folders.extend(
            entries
                .map(|it| it.expect("an entry").path())
                .filter(|it| it.is_dir()),
        );
        let files = fs::read_dir(&folder)
            .expect("a folder")
            .map(|it| it.expect("an entry").path());
        for file in files.filter(|it| it.is_file() && it.extension().is_some_and(|it| it != "md")) {
            let events = events_below(&file, &Run::default());
            hangs_together(&events, &file.display().to_string());
            rendering::is_shown(&events);
            calls += named(&events, "$ai_generation").len();
        }
    }
    assert!(calls > 100, "{calls} calls");
}

/// Figures of the stand-in model behind the captures: tokens of each call.
#[test]
fn the_figures_of_the_captures_are_those_of_the_stand_in() {
    let Some(root) = shared_or_skip("POSTHOG_LLMA_OTLP", "otlp", "") else {
        return;
    };
    for version in ["v5", "v6", "v7", "v7legacy"] {
        let events = events_below(
            &root.join("aisdk").join(version).join("toolloop.json"),
            &Run::default(),
        );
        let calls = named(&events, "$ai_generation");
        let tokens: Vec<Value> = calls
            .iter()
            .map(|it| {
                let of = &it["properties"];
                json!([
                    of["$ai_input_tokens"],
                    of["$ai_output_tokens"],
                    of["$ai_stop_reason"]
                ])
            })
            .collect();
        assert_eq!(
            tokens,
            [json!([120, 30, "tool_calls"]), json!([160, 30, "stop"])],
            "{version}"
        );
        assert_eq!(named(&events, "$ai_span").len(), 1, "{version}: the tool");
        assert_eq!(named(&events, "$ai_trace").len(), 1, "{version}");
    }
    for emitter in ["openllmetry", "openinference"] {
        for file in ["anthropic-tool-traces.json", "anthropic-stream-traces.json"] {
            let events = events_below(
                &root.join("python").join(emitter).join(file),
                &Run::default(),
            );
            let calls = named(&events, "$ai_generation");
            assert_eq!(calls.len(), 1, "{emitter} {file}: two spans a call");
            let of = &calls[0]["properties"];
            let figures = json!([
                of["$ai_input_tokens"],
                of["$ai_output_tokens"],
                of["$ai_cache_read_input_tokens"],
                of["$ai_cache_creation_5m_input_tokens"],
                of["$ai_cache_creation_1h_input_tokens"]
            ]);
            assert_eq!(figures, json!([1020, 25, 900, 60, 40]), "{emitter} {file}");
        }
    }
}
