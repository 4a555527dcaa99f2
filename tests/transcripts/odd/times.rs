//! Times, and the forms that a file may have.

use posthog_llma::pipeline;
use posthog_llma::session::SessionState;
use posthog_llma::session::Wanted;
use posthog_llma::sources::SessionRef;
use serde_json::{Value, json};

use super::{
    Session, calls, numbers, part, prompt, properties, result, says, text, time, tools, usage,
};
use crate::support::library::{self, Events};

/// A session of a prompt, a call, its result and an answer, with times as `at` writes them.
fn timed(at: impl Fn(u32) -> Value) -> Vec<Value> {
    let mut lines = vec![
        prompt(0, "count the books"),
        part(
            2,
            0,
            "one",
            &calls("toolu_1", "Bash", &json!({})),
            &usage(5),
        ),
        result(3, "toolu_1", &json!({})),
        part(7, 3, "two", &says("Two"), &usage(7)),
    ];
    for (line, second) in lines.iter_mut().zip([0, 2, 3, 7]) {
        line["timestamp"] = at(second);
    }
    lines
}

fn latencies(events: &Events) -> Vec<Option<f64>> {
    let named = events.iter();
    named
        .map(|it| it["properties"]["$ai_latency"].as_f64())
        .collect()
}

#[test]
fn times_are_parsed_in_every_unit() {
    let usual = Session::of(&timed(|second| json!(time(second)))).events();
    let first = chrono::DateTime::parse_from_rfc3339(&time(0))
        .expect("a time")
        .timestamp();
    for unit in [1_000, 1_000_000, 1_000_000_000_i64] {
        let of_unit = |second: u32| json!((first + i64::from(second)) * unit);
        let events = Session::of(&timed(of_unit)).events();
        assert_eq!(events, usual, "{unit} in a second");
    }
}

#[test]
fn a_session_whose_times_are_all_unreadable_is_sent_and_shows_no_latency() {
    assert_eq!(
        Session::of(&timed(|_| json!(null))).events(),
        [Value::Null; 0]
    );
    for odd in [json!("yesterday"), json!("0001-01-01T00:00:00Z")] {
        let session = Session::of(&timed(|_| odd.clone()));
        let events = session.events();
        assert_eq!(
            numbers(&properties(&events, "$ai_generation"), "$ai_output_tokens"),
            [5, 7],
            "{odd}"
        );
        assert_eq!(tools(&events).len(), 1, "{odd}");
        assert!(
            latencies(&events).iter().all(Option::is_none),
            "{odd}: {events:#?}"
        );
        let day = |event: &Value| event["timestamp"].as_str().map(|at| at[..4].to_owned());
        assert!(
            events.iter().all(|it| day(it) > Some("2020".to_owned())),
            "{odd}"
        );
    }
}

#[test]
fn an_impossible_time_is_none() {
    for odd in [
        "0001-01-01T00:00:00Z",
        "1969-07-20T20:17:40Z",
        "9999-12-31T23:59:59Z",
    ] {
        for place in 0..4 {
            let mut lines = timed(|second| json!(time(second)));
            lines[place]["timestamp"] = json!(odd);
            let events = Session::of(&lines).events();
            for event in &events {
                let at = event["timestamp"].as_str().expect("a time");
                assert!(
                    at.starts_with("2026-03-02"),
                    "{odd} in line {place}: {event}"
                );
            }
            let generations = properties(&events, "$ai_generation");
            let known = generations
                .iter()
                .filter(|it| !it["$ai_latency"].is_null())
                .count();
            assert_eq!(known, 1, "{odd} in line {place}");
        }
    }
}

#[test]
fn a_measured_time_is_not_longer_than_from_call_to_result() {
    for (duration, shown) in [(900.0, json!(0.9)), (1e18, json!(1.0)), (1e300, json!(1.0))] {
        let mut lines = timed(|second| json!(time(second)));
        lines[2]["toolUseResult"] = json!({ "durationMs": duration });
        let tools = tools(&Session::of(&lines).events());
        assert_eq!(tools[0]["$ai_latency"], shown, "{duration}");
        lines[2]["timestamp"] = json!(null);
        let tools = self::tools(&Session::of(&lines).events());
        let shown = if duration < 1e3 { shown } else { Value::Null };
        assert_eq!(tools[0]["$ai_latency"], shown, "{duration} without a time");
    }
}

#[test]
fn a_file_other_than_a_transcript_is_refused_with_the_reason() {
    let lines = timed(|second| json!(time(second)));
    let pretty = serde_json::to_string_pretty(&lines).expect("it is JSON");
    let utf_16 = |order: fn(u16) -> [u8; 2]| -> Vec<u8> {
        let units = "\u{feff}"
            .encode_utf16()
            .chain(text(&lines).encode_utf16().collect::<Vec<_>>());
        units.flat_map(order).collect()
    };
    for (bytes, reason) in [
        (utf_16(u16::to_le_bytes), "it is UTF-16"),
        (utf_16(u16::to_be_bytes), "it is UTF-16"),
        (pretty.into_bytes(), "not JSON objects"),
        (b"hello\nyou\n".to_vec(), "not JSON objects"),
    ] {
        let session = Session::of_text(bytes);
        let found = SessionRef::at(&session.transcript).expect("it is there");
        let host = library::host();
        let progress = Some(SessionState::Ended);
        let read = pipeline::collect(&found, None, progress, Wanted::Numbers, &host);
        let error = format!("{:#}", read.expect_err(reason));
        assert!(error.contains(reason), "{error}");
    }
}

#[test]
fn an_array_of_lines_is_read_as_its_lines() {
    let lines = timed(|second| json!(time(second)));
    let usual = Session::of(&lines).events();
    let array = json!(lines).to_string();
    let by_line: Vec<String> = lines.iter().map(|line| format!("[{line}]\n")).collect();
    let apart = format!("[\n{}]\n", text(&lines).replace("}\n", "},\n"));
    for text in [array.clone() + "\n", array, by_line.concat()] {
        assert_eq!(Session::of_text(&text).events(), usual, "{text}");
    }
    let generations = properties(&Session::of_text(apart).events(), "$ai_generation");
    assert_eq!(generations.len(), 2);
}
