//! Damaged files and requests that are no strict JSON: what can be read is read, and the rest is
//! told.

use std::io::{Cursor, Write as _};

use flate2::Compression;
use flate2::write::GzEncoder;
use posthog_llma::otlp::Value;
use posthog_llma::otlp::files::{Damage, Requests};
use serde_json::json;

use super::support::decode_json;
use super::traces::{request, span};
use crate::support::env::{Outcome, TestEnv};

/// The line of a request for one call.
fn line(number: usize) -> String {
    let call = json!({
        "gen_ai.operation.name": "chat", "gen_ai.request.model": "m",
        "gen_ai.input.messages": format!("{number} {}", "words ".repeat(number % 100)),
    });
    let span = span(&number.to_string(), "chat", (0, 9), &call);
    format!("{}\n", request("shop", &format!("t{number}"), &[span]))
}

/// The line of a request for one call, with another attribute before those of the call.
fn line_with(attribute: &str) -> String {
    let before = r#""attributes":[{"key":"gen_ai"#;
    let after = format!(r#""attributes":[{attribute},{{"key":"gen_ai"#);
    let with = line(1).replacen(before, &after, 1);
    assert_ne!(with, line(1));
    with
}

/// The lines of `number` requests.
fn lines(number: usize) -> String {
    (1..=number).map(line).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

/// The number of requests in a file, and its damage.
fn read(file: Vec<u8>) -> (usize, Damage) {
    let requests = Requests::new(Cursor::new(file)).expect("it can be read");
    let mut requests = requests.expect("it is recognised");
    let mut number = 0;
    while requests.next_request().expect("it can be read").is_some() {
        number += 1;
    }
    (number, requests.damage())
}

#[test]
fn what_damaged_compression_still_gives_is_read() {
    const ALL: usize = 2000;
    let whole = gzip(lines(ALL).as_bytes());
    let with = |more: &[u8]| [&whole, more].concat();
    let flipped = |at: usize| {
        let mut flipped = whole.clone();
        flipped[at] ^= 0x10;
        flipped
    };
    let broken = Damage {
        is_compression_broken: true,
        ..Damage::default()
    };
    let none = Damage::default();
    // Padding is no damage, as for gzip itself, and another member may follow it.
    assert_eq!(read(with(&[0; 1024])), (ALL, none));
    assert_eq!(
        read([&with(&[0; 512]), whole.as_slice()].concat()),
        (2 * ALL, none)
    );
    // All was decoded, and is not what was written or not all of the file.
    assert_eq!(read(flipped(whole.len() - 6)), (ALL, broken));
    assert_eq!(read(with(b"text")), (ALL, broken));
    let (number, damage) = read(flipped(whole.len() * 9 / 10));
    assert!(damage.is_compression_broken, "{damage}");
    assert!((ALL * 8 / 10..=ALL).contains(&number), "{number}");
    let (number, damage) = read(whole[..whole.len() / 2].to_vec());
    assert_eq!((damage.torn, damage.is_compression_broken), (1, false));
    assert!((ALL * 4 / 10..ALL * 6 / 10).contains(&number), "{number}");
}

/// Reads a file for its events.
fn ingest(name: &str, bytes: impl AsRef<[u8]>) -> Outcome {
    let env = TestEnv::new();
    let file = env.write(name, bytes);
    let ingest = env.command(["ingest", "--output", "-"]);
    ingest.argument(&file).run()
}

#[test]
fn a_file_with_damage_is_told_by_text_and_exit_status() {
    let compressed = gzip(lines(3).as_bytes());
    let mut wrong_sum = compressed.clone();
    let sum = wrong_sum.len() - 6;
    wrong_sum[sum] ^= 1;
    let wrong = line(2).replacen(
        r#""attributes":[{"key":"gen_ai"#,
        r#""attributes":"text","x":[{"key":"gen_ai"#,
        1,
    );
    assert_ne!(wrong, line(2));
    for (name, bytes, told) in [
        ("a.json.gz", wrong_sum, "compression damaged"),
        (
            "a.jsonl",
            [
                line(1).into_bytes(),
                vec![0; 4096],
                b"\n".to_vec(),
                line(2).into_bytes(),
            ]
            .concat(),
            "1 not a request",
        ),
        (
            "a.jsonl",
            format!("{}{wrong}", line(1)).into_bytes(),
            "1 malformed within a request",
        ),
    ] {
        let outcome = ingest(name, bytes).code(1).complains(told);
        assert!(outcome.stdout.contains("$ai_generation"), "{told}");
        assert!(!outcome.stderr.contains(" 0 "), "{}", outcome.stderr);
    }
    let padded = ingest("a.json.gz", [compressed, vec![0; 100]].concat()).success();
    assert_eq!(padded.stdout.matches("$ai_generation").count(), 3);
}

#[test]
fn a_file_that_is_cut_before_its_first_request_is_told_and_is_no_wrong_use() {
    let plain = line(99);
    let compressed = gzip(plain.as_bytes());
    for length in [1, 3, 9, 10, 11, 30, compressed.len() / 2] {
        ingest("a.json.gz", &compressed[..length])
            .code(1)
            .complains("a.json.gz");
    }
    for length in [1, 5, 16, 200, plain.len() / 2] {
        ingest("a.json", &plain[..length])
            .code(1)
            .complains("a.json");
    }
    // A session that has just begun.
    ingest("a.json", "").success();
}

#[test]
fn words_of_other_languages_for_numbers_are_read_as_numbers() {
    let value = |written: &str| {
        let body = line_with(&format!(
            r#"{{"key":"it","value":{{"doubleValue":{written}}}}}"#
        ));
        let telemetry = decode_json(body.as_bytes());
        let spans = telemetry.spans.into_iter();
        let found = spans.filter_map(|it| it.attributes.get("it").cloned());
        match <[Value; 1]>::try_from(found.collect::<Vec<_>>()) {
            Ok([Value::Double(value)]) => value,
            other => panic!("{written}: {other:?}"),
        }
    };
    assert!(value("NaN").is_nan());
    for (written, expected) in [
        ("Infinity", f64::INFINITY),
        ("-Infinity", f64::NEG_INFINITY),
        ("1e400", f64::INFINITY),
        ("-1e400", f64::NEG_INFINITY),
    ] {
        assert_eq!(value(written).to_bits(), expected.to_bits(), "{written}");
    }
}

#[test]
fn control_characters_in_texts_are_read_as_such() {
    let text = "a\u{1}\tb\nc";
    let body = line(1).replacen("\"chat\"", &format!("\"{text}\""), 1);
    let telemetry = decode_json(body.as_bytes());
    let names = telemetry.spans.iter().any(|it| it.name == text);
    assert!(names, "{telemetry:?}");
}

#[test]
fn a_call_with_a_cost_that_is_no_number_is_sent_without_it() {
    let body = line_with(r#"{"key":"gen_ai.usage.cost","value":{"doubleValue":NaN}}"#);
    let outcome = ingest("a.json", body).success();
    assert!(outcome.stdout.contains("$ai_generation"));
    assert!(!outcome.stdout.contains("$ai_total_cost_usd"));
}
