//! Forms in which exporters send the same spans and log records.

use std::fs::File;
use std::path::Path;

use posthog_llma::otlp::Batch;
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

/// Converts batches to requests.
pub(crate) type Form = fn(&[Batch]) -> Vec<Request>;

/// All forms, by name.
pub(crate) const FORMS: [(&str, Form); 10] = [
    ("JSON", |batches| each(batches, in_json)),
    ("JSON of another dialect", |batches| {
        each(batches, |batch| in_dialect(batch, OTHER))
    }),
    ("protobuf", |batches| each(batches, in_protobuf)),
    ("JSON, compressed", |batches| {
        let compress = |(path, _, body): Request| (path, vec![JSON, GZIP], gzip(&body));
        each(batches, in_json).into_iter().map(compress).collect()
    }),
    ("protobuf, compressed, in chunks", |batches| {
        let compress = |(path, _, body): Request| {
            let body = chunked(&gzip(&body), 100);
            (path, vec![PROTOBUF, GZIP, CHUNKED], body)
        };
        each(batches, in_protobuf)
            .into_iter()
            .map(compress)
            .collect()
    }),
    ("in chunks", |batches| {
        let chunk = |(path, _, body): Request| (path, vec![JSON, CHUNKED], chunked(&body, 1000));
        each(batches, in_json).into_iter().map(chunk).collect()
    }),
    ("in halves", |batches| {
        let halves: Vec<Batch> = batches.iter().flat_map(halved).collect();
        each(&halves, in_protobuf)
    }),
    ("twice", |batches| {
        each(&[batches, batches].concat(), in_json)
    }),
    ("one by one", |batches| {
        each(&one_by_one(batches), in_protobuf)
    }),
    ("one by one, backwards", |batches| {
        let mut single = one_by_one(batches);
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

fn each(batches: &[Batch], encode: impl Fn(&Batch) -> Vec<Request>) -> Vec<Request> {
    batches.iter().flat_map(encode).collect()
}

fn in_protobuf(batch: &Batch) -> Vec<Request> {
    let [traces, logs] = wire::encode(batch);
    requests(PROTOBUF, traces, logs)
}

fn in_json(batch: &Batch) -> Vec<Request> {
    in_dialect(batch, STRICT)
}

fn in_dialect(batch: &Batch, dialect: Dialect) -> Vec<Request> {
    let only = |batch: Batch| match batch.spans.len() + batch.logs.len() {
        0 => Vec::new(),
        _ => dialect.encode(&batch),
    };
    let spans = Batch {
        spans: batch.spans.clone(),
        ..Batch::default()
    };
    let logs = Batch {
        logs: batch.logs.clone(),
        ..Batch::default()
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

fn halved(batch: &Batch) -> [Batch; 2] {
    let (spans, logs) = (&batch.spans, &batch.logs);
    let half = |spans: &[_], logs: &[_]| Batch {
        spans: spans.to_vec(),
        logs: logs.to_vec(),
        ..Batch::default()
    };
    let (first_spans, spans) = spans.split_at(spans.len() / 2);
    let (first_logs, logs) = logs.split_at(logs.len() / 2);
    [half(first_spans, first_logs), half(spans, logs)]
}

/// Every span and every log record in a request of its own.
fn one_by_one(batches: &[Batch]) -> Vec<Batch> {
    let spans = batches.iter().flat_map(|it| &it.spans).map(|span| Batch {
        spans: vec![span.clone()],
        ..Batch::default()
    });
    let logs = batches.iter().flat_map(|it| &it.logs).map(|log| Batch {
        logs: vec![log.clone()],
        ..Batch::default()
    });
    spans.chain(logs).collect()
}

/// The requests in a file.
pub(crate) fn batches_of(file: &Path) -> Vec<Batch> {
    let file = File::open(file).expect("it can be read");
    let requests = Requests::new(file).expect("it can be read");
    let mut requests = requests.expect("it holds requests");
    let mut batches = Vec::new();
    while let Some(batch) = requests.next_batch().expect("it can be read") {
        batches.push(batch);
    }
    batches
}
