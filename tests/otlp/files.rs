//! Files of requests in every format.

use std::io::{self, Cursor, Read, Write as _};
use std::sync::Arc;

use flate2::Compression;
use flate2::write::GzEncoder;
use posthog_llma::otlp::files::{Damage, Format, MAX_REQUEST, Requests, recognise};
use posthog_llma::otlp::{SpanKind, StatusCode, Telemetry, Value};
use serde_json::{Value as Json, json};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

fn request(name: &str) -> Json {
    let span = json!({
        "traceId": TRACE, "spanId": "00f067aa0ba902b7", "name": name,
        "startTimeUnixNano": "1", "endTimeUnixNano": "2",
    });
    json!({ "resourceSpans": [{ "scopeSpans": [{ "spans": [span] }] }] })
}

/// A request for one span in protobuf.
fn protobuf(name: &str) -> Vec<u8> {
    let field = |number: u8, content: &[u8]| {
        let length = u8::try_from(content.len()).expect("a short message");
        [&[(number << 3) | 2, length], content].concat()
    };
    let times = [
        &[0x39][..],
        &1_u64.to_le_bytes(),
        &[0x41],
        &2_u64.to_le_bytes(),
    ]
    .concat();
    let ids = [field(1, &[1; 16]), field(2, &[2; 8])].concat();
    let span = [ids, field(5, name.as_bytes()), times].concat();
    field(1, &field(2, &field(2, &span)))
}

fn framed(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).expect("a short message");
    [&length.to_be_bytes(), message].concat()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

/// A file that comes in pieces of a few bytes.
struct InPieces(Cursor<Vec<u8>>, usize);

impl Read for InPieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = buffer.len().min(self.1);
        self.0.read(&mut buffer[..length])
    }
}

#[track_caller]
fn read_in_pieces(file: &[u8], size: usize) -> (Vec<Telemetry>, Format, Damage) {
    let pieces = InPieces(Cursor::new(file.to_vec()), size);
    let requests = Requests::new(pieces).expect("it can be read");
    let mut requests = requests.expect("it is recognised");
    let mut decoded = Vec::new();
    while let Some(telemetry) = requests.next_request().expect("it can be read") {
        decoded.push(telemetry);
    }
    (decoded, requests.format(), requests.damage())
}

/// The names of the spans in a file, read at once, in pieces, and compressed.
#[track_caller]
fn names(file: &[u8]) -> (Vec<String>, Format, Damage) {
    let read = |file: &[u8], size| {
        let (decoded, format, damage) = read_in_pieces(file, size);
        let spans = decoded.into_iter().flat_map(|telemetry| telemetry.spans);
        (spans.map(|span| span.name).collect(), format, damage)
    };
    let expected = read(file, usize::MAX);
    for size in [1, 7, 4096] {
        assert_eq!(read(file, size), expected, "in pieces of {size} bytes");
    }
    assert_eq!(read(&gzip(file), usize::MAX), expected, "compressed");
    assert_eq!(recognise(file), Some(expected.1));
    assert_eq!(recognise(&gzip(file)), Some(expected.1));
    expected
}

fn undamaged(names: &[&str], format: Format) -> (Vec<String>, Format, Damage) {
    (
        names.iter().map(|name| (*name).to_owned()).collect(),
        format,
        Damage::default(),
    )
}

#[test]
fn json_documents_and_lines_are_read_with_any_line_ends() {
    let (a, b) = (request("a").to_string(), request("b").to_string());
    let pretty = |name: &str| serde_json::to_string_pretty(&request(name)).expect("it is JSON");
    let expected = undamaged(&["a", "b"], Format::JsonRequests);
    for file in [
        format!("{a}\n{b}\n"),
        format!("{a}\n{b}"),
        format!("{a}\r\n{b}\r\n"),
        format!("\u{feff}{a}\n\n{b}\n"),
        format!("{a}{b}"),
        format!("\n[{a},\n {b}]\n"),
        format!("{}\n{}", pretty("a"), pretty("b")),
        pretty("a").replace('\n', "\r\n") + &pretty("b"),
        format!("{{}}\n{a}\n{b}\n"),
        // A request over several lines, whose groups begin lines.
        format!("{}\n{b}", a.replace("[{", "[\n{")),
    ] {
        assert_eq!(names(file.as_bytes()), expected, "{file}");
    }
}

#[test]
fn torn_and_strange_places_are_counted_and_the_rest_is_read() {
    let (a, b) = (request("a").to_string(), request("b").to_string());
    let cut_in_name = &a[..=a.find("a\",").expect("it is there")];
    let cut_in_list = &a[..a.find("\"name").expect("it is there")];
    let counts = |torn, unreadable| Damage {
        torn,
        unreadable,
        ..Damage::default()
    };
    for (file, expected, damage) in [
        (
            format!("{a}\n{b}\n{cut_in_name}"),
            vec!["a", "b"],
            counts(1, 0),
        ),
        (
            format!("{a}\n{cut_in_name}\n{b}\n"),
            vec!["a", "b"],
            counts(1, 0),
        ),
        (
            format!("{a}\n{cut_in_list}\n{b}\n"),
            vec!["a", "b"],
            counts(1, 0),
        ),
        (format!("{a}\n{cut_in_name}\\"), vec!["a"], counts(1, 0)),
        (format!("{a}\nnoise\n{b}\n"), vec!["a", "b"], counts(0, 1)),
        (
            format!("{a}\n{{\"a\":tru}}\n{b}\n"),
            vec!["a", "b"],
            counts(0, 1),
        ),
        // A line of zero bytes, as a power failure leaves it.
        (format!("{a}\0\0\0\n{b}\n"), vec!["a", "b"], counts(0, 1)),
        (format!("{a}\n}}{b}\n"), vec!["a", "b"], counts(0, 1)),
    ] {
        let (names, _, found) = names(file.as_bytes());
        assert_eq!(
            (names, found),
            (expected.iter().map(|it| (*it).to_owned()).collect(), damage),
            "{file}"
        );
    }
}

/// A line for a span, with a kind as the SDK counts.
fn line(id: &str, kind: u8) -> Json {
    json!({
        "type": "span", "traceId": TRACE, "spanId": id, "parentSpanId": null,
        "name": "chat", "kind": kind,
        "startTime": [1_790_206_126, 197_000_001], "endTime": [1_790_206_127, 5],
        "attributes": { "gen_ai.usage.input_tokens": 19, "list": ["a", { "b": 0.5 }] },
        "status": { "code": 2, "message": "no" },
        "events": [{ "name": "exception", "time": [1, 2], "attributes": { "a": true } }],
        "resource": { "attributes": { "service.name": "an-agent" }, "schemaUrl": "" },
        "instrumentationScope": { "name": "agent", "version": "1.0" },
    })
}

#[test]
fn a_span_per_line_is_read_with_its_resource_and_scope() {
    let metric = json!({ "type": "metric", "name": "tokens", "dataPoints": [], "resource": {},
        "instrumentationScope": { "name": "agent" } });
    let (first, second) = (line("1111111111111111", 2), line("2222222222222222", 0));
    let file = format!("{metric}\n{first}\n{second}\n");
    let (decoded, format, damage) = read_in_pieces(file.as_bytes(), 50);
    assert_eq!(
        (decoded.len(), format, damage),
        (1, Format::JsonSpans, Damage::default())
    );
    let telemetry = &decoded[0];
    assert_eq!((telemetry.losses.metrics, telemetry.spans.len()), (1, 2));
    let span = &telemetry.spans[0];
    assert_eq!(
        (span.start, span.end),
        (1_790_206_126_197_000_001, 1_790_206_127_000_000_005)
    );
    assert_eq!(
        (span.kind, telemetry.spans[1].kind),
        (SpanKind::Client, SpanKind::Internal)
    );
    assert_eq!(
        (span.status.code, span.parent_span_id),
        (StatusCode::Error, None)
    );
    assert_eq!(
        span.attributes.get("gen_ai.usage.input_tokens"),
        Some(&Value::Int(19))
    );
    let map = Value::Map([("b", Value::Double(0.5))].into_iter().collect());
    let list = Value::Array(vec!["a".into(), map]);
    assert_eq!(span.attributes.get("list"), Some(&list));
    assert_eq!(span.events[0].time, 1_000_000_002);
    assert_eq!(
        span.resource.attributes.text("service.name"),
        Some("an-agent")
    );
    assert_eq!(
        (span.scope.name.as_str(), span.scope.version.as_str()),
        ("agent", "1.0")
    );
}

#[test]
fn lines_of_single_spans_are_put_together_and_share_their_resource() {
    let line = line("1111111111111111", 2);
    let lines = format!("{line}\n").repeat(1200);
    let (decoded, ..) = read_in_pieces(lines.as_bytes(), usize::MAX);
    let sizes: Vec<usize> = decoded
        .iter()
        .map(|telemetry| telemetry.spans.len())
        .collect();
    assert_eq!(sizes, [512, 512, 176]);
    let [first, .., last] = &decoded[0].spans[..] else {
        panic!("there are several spans");
    };
    assert!(Arc::ptr_eq(&first.resource, &last.resource));
}

#[test]
fn protobuf_is_read_with_lengths_and_without() {
    let (a, b) = (protobuf("a"), protobuf("b"));
    let framed = [framed(&a), framed(&b)].concat();
    assert_eq!(
        names(&framed),
        undamaged(&["a", "b"], Format::ProtobufFrames)
    );
    // One request of two groups.
    assert_eq!(
        names(&[a, b].concat()),
        undamaged(&["a", "b"], Format::Protobuf)
    );
}

#[test]
fn protobuf_that_breaks_off_keeps_what_was_before() {
    let (a, b) = (protobuf("a"), protobuf("b"));
    let end = b.len() - 1;
    let torn = Damage {
        torn: 1,
        ..Damage::default()
    };
    for (file, damage) in [
        ([framed(&a), framed(&b)[..end].to_vec()].concat(), torn),
        ([framed(&a), vec![0, 0]].concat(), torn),
        ([framed(&a), vec![0xff; 9]].concat(), torn),
        ([a.clone(), b[..end].to_vec()].concat(), torn),
        (
            [a.clone(), vec![0x77, 1]].concat(),
            Damage {
                unreadable: 1,
                ..Damage::default()
            },
        ),
        (
            [framed(&a), framed(b"text")].concat(),
            Damage {
                unreadable: 1,
                ..Damage::default()
            },
        ),
    ] {
        let (names, _, found) = names(&file);
        assert_eq!((names, found), (vec!["a".to_owned()], damage), "{file:?}");
    }
}

#[test]
fn compression_that_breaks_off_keeps_what_was_before() {
    let lines = format!("{}\n", request("a")).repeat(5000);
    let compressed = gzip(lines.as_bytes());
    let (decoded, ..) = read_in_pieces(&compressed[..compressed.len() / 2], 999);
    assert!((1000..4999).contains(&decoded.len()), "{}", decoded.len());
    // Two runs appended to one file.
    let (decoded, ..) = read_in_pieces(&[compressed.clone(), compressed].concat(), 999);
    assert_eq!(decoded.len(), 10_000);
}

/// The intact part of a damaged file is sent, and the damage is reported.
#[test]
fn ingest_tells_which_files_are_damaged() {
    let whole = format!(
        "{}\n",
        super::traces::request(
            "shop",
            "x",
            &[super::traces::span(
                "1",
                "chat",
                (0, 9),
                &json!({ "gen_ai.operation.name": "chat", "gen_ai.request.model": "m" })
            )]
        )
    );
    let compressed = gzip(whole.repeat(3).as_bytes());
    for (name, bytes, part) in [
        (
            "cut.jsonl",
            [whole.as_bytes(), &whole.as_bytes()[..80]].concat(),
            "1 cut off",
        ),
        (
            "odd.jsonl",
            format!("{whole}[1]\n{whole}").into_bytes(),
            "1 not a request",
        ),
        (
            "cut.jsonl.gz",
            compressed[..compressed.len() - 4].to_vec(),
            "1 cut off",
        ),
    ] {
        let env = crate::support::env::TestEnv::new();
        let file = env.write(format!("traces/{name}"), bytes);
        let folder = file.parent().expect("a folder").to_owned();
        let outcome = env
            .command(["ingest", "--output", "-"])
            .argument(&folder)
            .run();
        let outcome = outcome
            .code(1)
            .complains(part)
            .complains("the rest is read");
        assert!(outcome.stdout.contains("$ai_generation"), "{name}");
    }
}

/// A file that is generated while it is read.
struct Made<F>(F, u64);

impl<F: FnMut(u64) -> Option<Vec<u8>>> Iterator for Made<F> {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        self.1 += 1;
        self.0(self.1 - 1)
    }
}

struct Chained<I>(I, Cursor<Vec<u8>>);

impl<I: Iterator<Item = Vec<u8>>> Read for Chained<I> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.1.read(buffer)? {
                0 => match self.0.next() {
                    Some(next) => self.1 = Cursor::new(next),
                    None => return Ok(0),
                },
                read => return Ok(read),
            }
        }
    }
}

#[test]
fn a_request_that_is_too_large_is_skipped_and_counted() {
    let before = format!("{}\n{{\"resourceSpans\":[{{\"a\":\"", request("a"));
    let pieces = (MAX_REQUEST >> 20) as u64 + 8;
    let made = Made(
        move |index| match index {
            0 => Some(before.clone().into_bytes()),
            index if index <= pieces => Some(vec![b'x'; 1 << 20]),
            index if index == pieces + 1 => {
                Some(format!("\"}}]}}\n{}\n", request("b")).into_bytes())
            }
            _ => None,
        },
        0,
    );
    let file = Chained(made, Cursor::new(Vec::new()));
    let mut requests = Requests::new(file)
        .expect("it can be read")
        .expect("it is recognised");
    let mut names = Vec::new();
    while let Some(telemetry) = requests.next_request().expect("it can be read") {
        names.extend(telemetry.spans.into_iter().map(|span| span.name));
    }
    assert_eq!(names, ["a", "b"]);
    assert_eq!(
        requests.damage(),
        Damage {
            too_large: 1,
            ..Damage::default()
        }
    );

    let large = u32::try_from(MAX_REQUEST + 1)
        .expect("it fits")
        .to_be_bytes();
    let file = [
        framed(&protobuf("a")),
        large.to_vec(),
        vec![0; MAX_REQUEST + 1],
        framed(&protobuf("b")),
    ];
    let (decoded, _, damage) = read_in_pieces(&file.concat(), usize::MAX);
    assert_eq!(
        (decoded.len(), damage),
        (
            2,
            Damage {
                too_large: 1,
                ..Damage::default()
            }
        )
    );
}

#[test]
fn other_files_are_left_to_others() {
    let others: [&[u8]; 13] = [
        b"",
        b"{}",
        b"[]",
        b"\n\n",
        b"text",
        b"# Title\n\ntext",
        b"\n# Title\n\ntext",
        b"{\"type\":\"user\",\"sessionId\":\"1\",\"message\":{\"content\":\"resourceSpans\"}}\n",
        b"{\"type\":\"session\",\"id\":\"1\",\"timestamp\":\"2026-01-01T00:00:00Z\"}\n",
        b"{\"data\":[{\"traceID\":\"1\",\"spans\":[]}]}",
        b"SQLite format 3\0",
        &[0; 64],
        &[0x1f, 0x8b, 8, 0, 0, 0],
    ];
    for file in others {
        let given = String::from_utf8_lossy(file);
        assert_eq!(recognise(file), None, "{given:?}");
        let requests = Requests::new(Cursor::new(file.to_vec())).expect("it can be read");
        assert!(requests.is_none(), "{given:?}");
    }
}
