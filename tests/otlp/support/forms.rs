//! Forms in which exporters send the same spans and log records.

use std::fs::File;
use std::path::Path;

use posthog_llma::otlp::Telemetry;
use posthog_llma::otlp::files::Requests;

use super::json::{Dialect, STRICT, Spelling};
use super::wire;
use crate::receive::support::made::{chunked, gzip};

const JSON: &str = "Content-Type: application/json";
const PROTOBUF: &str = "Content-Type: application/x-protobuf";
const GZIP: &str = "Content-Encoding: gzip";
const CHUNKED: &str = "Transfer-Encoding: chunked";

/// A request: path, headers, body.
pub(crate) type Request = (&'static str, Vec<&'static str>, Vec<u8>);

/// Converts telemetry to requests.
pub(crate) type Form = fn(&[Telemetry]) -> Vec<Request>;

/// All forms, by name.
pub(crate) const FORMS: [(&str, Form); 10] = [
    ("JSON", |decoded| each(decoded, in_json)),
    ("JSON of another dialect", |decoded| {
        each(decoded, |telemetry| in_dialect(telemetry, OTHER))
    }),
    ("protobuf", |decoded| each(decoded, in_protobuf)),
    ("JSON, compressed", |decoded| {
        let compress = |(path, _, body): Request| (path, vec![JSON, GZIP], gzip(&body));
        each(decoded, in_json).into_iter().map(compress).collect()
    }),
    ("protobuf, compressed, in chunks", |decoded| {
        let compress = |(path, _, body): Request| {
            let body = chunked(&gzip(&body), 100);
            (path, vec![PROTOBUF, GZIP, CHUNKED], body)
        };
        each(decoded, in_protobuf)
            .into_iter()
            .map(compress)
            .collect()
    }),
    ("in chunks", |decoded| {
        let chunk = |(path, _, body): Request| (path, vec![JSON, CHUNKED], chunked(&body, 1000));
        each(decoded, in_json).into_iter().map(chunk).collect()
    }),
    ("in halves", |decoded| {
        let halves: Vec<Telemetry> = decoded.iter().flat_map(halved).collect();
        each(&halves, in_protobuf)
    }),
    ("twice", |decoded| {
        each(&[decoded, decoded].concat(), in_json)
    }),
    ("one by one", |decoded| {
        each(&one_by_one(decoded), in_protobuf)
    }),
    ("one by one, backwards", |decoded| {
        let mut single = one_by_one(decoded);
        single.reverse();
        each(&single, in_json)
    }),
];

/// A dialect that differs from the specification in every respect.
const OTHER: Dialect = Dialect {
    has_underscores: true,
    has_digits: false,
    has_names: true,
    ids: Spelling::Base64,
    has_nulls: true,
    has_libraries: true,
    has_groups_last: true,
};

fn each(decoded: &[Telemetry], encode: impl Fn(&Telemetry) -> Vec<Request>) -> Vec<Request> {
    decoded.iter().flat_map(encode).collect()
}

fn in_protobuf(telemetry: &Telemetry) -> Vec<Request> {
    let [traces, logs] = wire::encode(telemetry);
    requests(PROTOBUF, traces, logs)
}

fn in_json(telemetry: &Telemetry) -> Vec<Request> {
    in_dialect(telemetry, STRICT)
}

fn in_dialect(telemetry: &Telemetry, dialect: Dialect) -> Vec<Request> {
    let only = |telemetry: Telemetry| match telemetry.spans.len() + telemetry.logs.len() {
        0 => Vec::new(),
        _ => dialect.encode(&telemetry),
    };
    let spans = Telemetry {
        spans: telemetry.spans.clone(),
        ..Telemetry::default()
    };
    let logs = Telemetry {
        logs: telemetry.logs.clone(),
        ..Telemetry::default()
    };
    requests(JSON, only(spans), only(logs))
}

fn requests(encoding: &'static str, traces: Vec<u8>, logs: Vec<u8>) -> Vec<Request> {
    let paths = ["/v1/traces", "/v1/logs"].into_iter();
    let requests = paths.zip([traces, logs]);
    requests
        .filter(|(_, body)| !body.is_empty())
        .map(|(path, body)| (path, vec![encoding], body))
        .collect()
}

fn halved(telemetry: &Telemetry) -> [Telemetry; 2] {
    let (spans, logs) = (&telemetry.spans, &telemetry.logs);
    let half = |spans: &[_], logs: &[_]| Telemetry {
        spans: spans.to_vec(),
        logs: logs.to_vec(),
        ..Telemetry::default()
    };
    let (first_spans, spans) = spans.split_at(spans.len() / 2);
    let (first_logs, logs) = logs.split_at(logs.len() / 2);
    [half(first_spans, first_logs), half(spans, logs)]
}

/// Every span and every log record in a request of its own.
fn one_by_one(decoded: &[Telemetry]) -> Vec<Telemetry> {
    let spans = decoded
        .iter()
        .flat_map(|it| &it.spans)
        .map(|span| Telemetry {
            spans: vec![span.clone()],
            ..Telemetry::default()
        });
    let logs = decoded.iter().flat_map(|it| &it.logs).map(|log| Telemetry {
        logs: vec![log.clone()],
        ..Telemetry::default()
    });
    spans.chain(logs).collect()
}

/// The requests in a file.
pub(crate) fn telemetry_of(file: &Path) -> Vec<Telemetry> {
    let file = File::open(file).expect("it can be read");
    let requests = Requests::new(file).expect("it can be read");
    let mut requests = requests.expect("it holds requests");
    let mut decoded = Vec::new();
    while let Some(telemetry) = requests.next_request().expect("it can be read") {
        decoded.push(telemetry);
    }
    decoded
}
