//! Requests of real emitters, counted by independent means.
//!
//! They are outside the project, in the folder named by `POSTHOG_LLMA_OTLP`.

use std::fs::{self, File};
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use posthog_llma::otlp::files::{Requests, recognise};
use posthog_llma::otlp::{Attributes, Losses, Span, Telemetry, Value, stored};
use prost::Message;
use serde_json::Value as Json;

use super::support::wire::{Request, WireLog, WireSpan};
use super::support::{assert_same, decode_json, wire};

/// Counts of the items in a request.
#[derive(Debug, PartialEq, Default)]
struct Counts {
    spans: usize,
    logs: usize,
    events: usize,
    /// Number of attributes of spans, log records, events and links.
    attributes: usize,
    metrics: u64,
}

/// The files below the folder of captures.
fn captures() -> Vec<PathBuf> {
    files_below("POSTHOG_LLMA_OTLP", "../shared/otlp")
}

/// The files below the folder that a variable names. Empty if it is missing, with a message.
fn files_below(variable: &str, default: &str) -> Vec<PathBuf> {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join(default);
    let folder = std::env::var_os(variable).map_or(default, PathBuf::from);
    let mut files = Vec::new();
    let mut folders = vec![folder.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.expect("it can be listed").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it != "md") {
                files.push(path);
            }
        }
    }
    if files.is_empty() {
        // Written past the capture of the test harness.
        let _ = writeln!(io::stderr(), "skipped: no files in {}", folder.display());
    }
    files.sort();
    files
}

fn bytes_of(path: &Path) -> Vec<u8> {
    let bytes = fs::read(path).expect("it can be read");
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return bytes;
    }
    let mut inflated = Vec::new();
    GzDecoder::new(&bytes[..])
        .read_to_end(&mut inflated)
        .expect("it is whole");
    inflated
}

/// A whole file as one piece of telemetry.
fn read(path: &Path) -> Telemetry {
    let file = File::open(path).expect("it can be opened");
    let requests = Requests::new(file).expect("it can be read");
    let mut requests = requests.unwrap_or_else(|| panic!("{} is not recognised", path.display()));
    let mut all = Telemetry::default();
    while let Some(telemetry) = requests.next_request().expect("it can be read") {
        all.spans.extend(telemetry.spans);
        all.logs.extend(telemetry.logs);
        all.losses.merge(&telemetry.losses);
    }
    assert_eq!(
        requests.damage(),
        posthog_llma::otlp::files::Damage::default(),
        "{}",
        path.display()
    );
    all
}

fn counts_of(telemetry: &Telemetry) -> Counts {
    let events = || telemetry.spans.iter().flat_map(|span| &span.events);
    let links = telemetry.spans.iter().flat_map(|span| &span.links);
    let of_spans = telemetry.spans.iter().map(|span| &span.attributes);
    let of_logs = telemetry.logs.iter().map(|log| &log.attributes);
    let of_events = events().map(|event| &event.attributes);
    let all = of_spans
        .chain(of_logs)
        .chain(of_events)
        .chain(links.map(|link| &link.attributes));
    Counts {
        spans: telemetry.spans.len(),
        logs: telemetry.logs.len(),
        events: events().count(),
        attributes: all.map(Attributes::len).sum(),
        metrics: telemetry.losses.metrics,
    }
}

/// Counts by walking through the JSON, without knowing its types.
fn counts_of_json(request: &Json) -> Counts {
    let list = |value: &Json, name: &str| value[name].as_array().cloned().unwrap_or_default();
    let lists = |values: &[Json], name: &str| -> Vec<Json> {
        values.iter().flat_map(|value| list(value, name)).collect()
    };
    let spans = lists(
        &lists(&list(request, "resourceSpans"), "scopeSpans"),
        "spans",
    );
    let logs = lists(
        &lists(&list(request, "resourceLogs"), "scopeLogs"),
        "logRecords",
    );
    let (events, links) = (lists(&spans, "events"), lists(&spans, "links"));
    let attributes = [&spans, &logs, &events, &links];
    Counts {
        spans: spans.len(),
        logs: logs.len(),
        events: events.len(),
        attributes: attributes
            .map(|it| lists(it, "attributes").len())
            .iter()
            .sum(),
        metrics: list(request, "resourceMetrics").len() as u64,
    }
}

#[test]
fn every_capture_is_recognised_and_nothing_of_it_is_lost() {
    for path in captures() {
        let telemetry = read(&path);
        let (bytes, name) = (bytes_of(&path), path.display().to_string());
        let lost = Losses {
            metrics: 0,
            ..telemetry.losses.clone()
        };
        assert_eq!(lost, Losses::default(), "{name}");
        if name.contains(".pb") {
            let telemetry = Telemetry {
                losses: Losses::default(),
                ..telemetry
            };
            let expected = if name.contains("logs") {
                let request = Request::<WireLog>::decode(&bytes[..]).expect("it is protobuf");
                let logs = wire::logs(&request).expect("it is valid");
                Telemetry {
                    logs,
                    ..Telemetry::default()
                }
            } else {
                let request = Request::<WireSpan>::decode(&bytes[..]).expect("it is protobuf");
                let spans = wire::spans(&request).expect("it is valid");
                Telemetry {
                    spans,
                    ..Telemetry::default()
                }
            };
            assert_same(&telemetry, &expected, &name);
        } else {
            let json = serde_json::from_slice(&bytes).expect("it is JSON");
            assert_eq!(counts_of(&telemetry), counts_of_json(&json), "{name}");
            assert_same(&telemetry, &decode_json(&bytes), &name);
        }
    }
}

#[test]
fn no_transcript_of_an_agent_is_taken_for_a_request() {
    for path in files_below("POSTHOG_LLMA_TRANSCRIPTS", "../shared/transcripts") {
        let mut head = Vec::new();
        let file = File::open(&path).expect("it can be opened");
        file.take(64 << 10)
            .read_to_end(&mut head)
            .expect("it can be read");
        assert_eq!(recognise(&head), None, "{}", path.display());
    }
}

#[test]
fn every_capture_is_stored_and_read_as_it_was() {
    for path in captures() {
        let telemetry = read(&path);
        let bytes = stored::write(&telemetry.spans, &telemetry.logs).expect("it can be written");
        let (spans, logs) = stored::read(&bytes).expect("it can be read");
        let read = Telemetry {
            spans,
            logs,
            losses: telemetry.losses.clone(),
        };
        assert_same(&read, &telemetry, &path.display().to_string());
    }
}

/// The span without ids, times and measured durations, which differ because the export was made
/// twice.
fn without_run(span: &Span) -> String {
    let attributes = span.attributes.iter().map(|it| match &it.value {
        Value::Text(text) if !text.contains("20") => format!("{}={text}", it.key),
        Value::Double(_) => format!("{}=double", it.key),
        Value::Text(_) => format!("{}=text", it.key),
        other => format!("{}={other:?}", it.key),
    });
    let attributes: Vec<String> = attributes.collect();
    let scope = &span.scope.name;
    let resource = &span.resource;
    format!(
        "{} {:?} {scope} {resource:?} {attributes:#?}",
        span.name, span.kind
    )
}

#[test]
fn the_four_forms_of_one_export_give_the_same_spans() {
    let of = |name: &str| {
        let path = captures().into_iter().find(|it| it.ends_with(name));
        path.map(|path| read(&path))
    };
    let Some(json) = of("wire/streamtool.json") else {
        return;
    };
    let protobuf = of("wire/streamtool.pb").expect("it is there");
    assert_same(
        &of("wire/streamtool.json.gz").expect("it is there"),
        &json,
        "JSON",
    );
    assert_same(
        &of("wire/streamtool.pb.gz").expect("it is there"),
        &protobuf,
        "protobuf",
    );
    let comparable = |telemetry: &Telemetry| {
        let mut spans: Vec<String> = telemetry.spans.iter().map(without_run).collect();
        spans.sort();
        spans
    };
    assert_eq!(comparable(&json), comparable(&protobuf));
    assert_eq!(json.spans.len(), 4);
}
