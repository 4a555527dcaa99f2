//! Bytes of OTLP requests: nothing panics, and an independent decoder agrees.

use std::fs;
use std::io::Cursor;
use std::path::Path;

use fastrand::Rng;
use posthog_llma::otlp::files::Requests;
use posthog_llma::otlp::{Limits, Losses, Signal, Telemetry, json, protobuf, stored};
use proptest::prelude::{Just, any};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngSeed, TestRunner};
use prost::Message;
use serde_json::Value as Json;

use super::engine::{Input, fuzz};
use crate::otlp::support::json::{STRICT, dialects};
use crate::otlp::support::made::any_telemetry;
use crate::otlp::support::wire::{Request, WireLog, WireSpan};
use crate::otlp::support::{assert_same, decode_json, wire};

/// The bytes of a request or of a file.
#[derive(Clone, Debug)]
struct Bytes(Vec<u8>);

impl Input for Bytes {
    fn keep(&self, path: &Path) {
        fs::create_dir_all(path.parent().expect("a file has a folder")).expect("it is writable");
        fs::write(path, &self.0).expect("it is writable");
    }

    fn kept(path: &Path) -> Self {
        Self(fs::read(path).expect("it can be read"))
    }
}

/// Requests to start from: as protobuf of spans and of log records, and as JSON in a dialect.
fn seeds() -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
    let mut runner = TestRunner::new(Config {
        rng_seed: RngSeed::Fixed(1),
        ..Config::default()
    });
    let (mut in_protobuf, mut in_json) = (Vec::new(), Vec::new());
    for _ in 0..100 {
        let made = (any_telemetry(), dialects())
            .new_tree(&mut runner)
            .expect("nothing is rejected");
        let (telemetry, dialect) = made.current();
        in_protobuf.extend(
            wire::encode(&telemetry)
                .into_iter()
                .filter(|it| !it.is_empty()),
        );
        in_json.push(dialect.encode(&telemetry));
    }
    (in_protobuf, in_json)
}

/// Protobuf is decoded as prost decodes it, for both signals.
fn fuzz_protobuf(Bytes(body): &Bytes) {
    let decode = |signal| protobuf::decode(body, signal, &Limits::default());
    if let Ok(request) = Request::<WireSpan>::decode(&body[..])
        && let Some(spans) = wire::spans(&request)
    {
        let telemetry = decode(Signal::Traces).expect("prost decodes it");
        agree(
            &telemetry,
            &Telemetry {
                spans,
                ..Telemetry::default()
            },
        );
    }
    if let Ok(request) = Request::<WireLog>::decode(&body[..])
        && let Some(logs) = wire::logs(&request)
    {
        let telemetry = decode(Signal::Logs).expect("prost decodes it");
        agree(
            &telemetry,
            &Telemetry {
                logs,
                ..Telemetry::default()
            },
        );
    }
    for signal in [Signal::Traces, Signal::Logs, Signal::Metrics] {
        if let Ok(telemetry) = decode(signal) {
            hold_together(&telemetry);
        }
    }
}

/// Compares telemetry. Only this program omits empty records.
fn agree(telemetry: &Telemetry, expected: &Telemetry) {
    let is_empty = |losses: &Losses| losses.logs.total() > 0;
    if !is_empty(&telemetry.losses) {
        let telemetry = Telemetry {
            losses: Losses::default(),
            ..telemetry.clone()
        };
        assert_same(&telemetry, expected, "prost");
    }
}

/// JSON that another decoder accepts is accepted, and no span of it is lost without a count.
/// Written as the specification requires, it decodes to the same telemetry.
fn fuzz_json(Bytes(body): &Bytes) {
    let decoded = json::decode(body, &Limits::default());
    if let Ok(request @ Json::Object(_)) = serde_json::from_slice(body) {
        let telemetry = decoded.as_ref().expect("serde_json decodes it");
        let found = telemetry.spans.len() as u64 + telemetry.losses.spans.total();
        // If a list occurs twice, serde_json keeps only the last.
        assert!(found >= spans_of(&request), "{found} spans");
    }
    if let Ok(telemetry) = decoded {
        hold_together(&telemetry);
        // A record without a time may be empty, and is then omitted.
        if telemetry.logs.iter().all(|log| log.observed > 0) {
            let again = decode_json(&STRICT.encode(&telemetry));
            let again = Telemetry {
                losses: telemetry.losses.clone(),
                ..again
            };
            assert_same(&again, &telemetry, "written again");
        }
    }
}

/// Number of spans in a request, valid or not.
fn spans_of(request: &Json) -> u64 {
    let items = |values: Vec<Json>, names: &[&str]| -> Vec<Json> {
        let lists = values
            .iter()
            .flat_map(|value| names.iter().map(|name| &value[*name]));
        lists
            .filter_map(Json::as_array)
            .flatten()
            .cloned()
            .collect()
    };
    let groups = items(vec![request.clone()], &["resourceSpans", "resource_spans"]);
    let scopes = [
        "scopeSpans",
        "scope_spans",
        "instrumentationLibrarySpans",
        "instrumentation_library_spans",
    ];
    let spans = items(items(groups, &scopes), &["spans"]);
    spans.iter().filter(|span| !span.is_null()).count() as u64
}

/// Asserts that decoded data can be stored and read, and that every text of them is visited.
fn hold_together(telemetry: &Telemetry) {
    let bytes = stored::write(&telemetry.spans, &telemetry.logs).expect("it can be written");
    let (spans, logs) = stored::read(&bytes).expect("it can be read");
    let losses = telemetry.losses.clone();
    assert_same(
        &Telemetry {
            spans,
            logs,
            losses,
        },
        telemetry,
        "stored",
    );
    let mut emptied = telemetry.clone();
    emptied.for_each_text(&mut |_, text| text.clear());
    emptied.for_each_text(&mut |place, text| assert!(text.is_empty(), "{place:?}"));
}

/// A file of any content is read to its end.
fn fuzz_files(Bytes(file): &Bytes) {
    let Ok(Some(mut requests)) = Requests::new(Cursor::new(file.clone())) else {
        return;
    };
    let mut spans = 0;
    while let Ok(Some(telemetry)) = requests.next_request() {
        spans += telemetry.spans.len();
    }
    assert!(spans <= file.len());
}

/// Seeds, and damaged ones.
fn damaged(seeds: Vec<Vec<u8>>) -> impl Strategy<Value = Bytes> {
    (Just(seeds), any::<u64>()).prop_map(|(seeds, seed)| {
        let mut rng = Rng::with_seed(seed);
        Bytes(damaged_one(&seeds, &mut rng))
    })
}

/// A seed with one to four damages.
fn damaged_one(seeds: &[Vec<u8>], rng: &mut Rng) -> Vec<u8> {
    let mut bytes = seeds[rng.usize(..seeds.len())].clone();
    for _ in 0..rng.usize(1..5) {
        if bytes.is_empty() {
            break;
        }
        let at = rng.usize(..bytes.len());
        let end = (at + rng.usize(1..16)).min(bytes.len());
        match rng.u8(..8) {
            0 => bytes[at] ^= 1 << rng.u8(..8),
            1 => bytes[at] = rng.u8(..),
            2 => bytes[at] = *rng.choice(b"\0\x7f\x80\xff\"\\{}[],:0-\n").expect("some"),
            3 => drop(bytes.drain(at..end)),
            4 => {
                let piece = bytes[at..end].to_vec();
                let to = rng.usize(..=bytes.len());
                bytes.splice(to..to, piece);
            }
            5 => bytes.truncate(at),
            6 => bytes.insert(at, rng.u8(..)),
            _ => {
                let other = &seeds[rng.usize(..seeds.len())];
                let from = rng.usize(..=other.len());
                bytes.truncate(at);
                bytes.extend(&other[from..]);
            }
        }
    }
    bytes
}

#[test]
fn protobuf_of_any_content_is_decoded_as_prost_does() {
    fuzz("protobuf", &damaged(seeds().0), fuzz_protobuf);
}

#[test]
fn json_of_any_content_is_decoded_without_a_contradiction() {
    fuzz("json", &damaged(seeds().1), fuzz_json);
}

#[test]
fn files_of_any_content_are_read_to_their_end() {
    let (in_protobuf, in_json) = seeds();
    let framed = in_protobuf.iter().map(|request| {
        let length = u32::try_from(request.len())
            .expect("a short request")
            .to_be_bytes();
        [&length, &request[..]].concat().repeat(2)
    });
    let lines = in_json
        .iter()
        .map(|request| [request, &b"\n"[..]].concat().repeat(2));
    let files: Vec<_> = framed
        .chain(lines)
        .chain(in_protobuf.iter().cloned())
        .collect();
    fuzz("files", &damaged(files), fuzz_files);
}
