//! The same trace in every form, in any order and however often: the same events at PostHog.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use posthog_llma::otlp::Batch;
use posthog_llma::otlp::files::Requests;
use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

use super::support::Serving;
use crate::otlp::support::{json, wire};
use crate::otlp::traces::events_below;
use crate::receive::support::made::{chunked, gzip};
use crate::support::env::TestEnv;
use crate::support::library::Run;
use crate::support::posthog::PostHog;
use crate::support::shared::shared_or_skip;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/otlp");

const JSON: &str = "Content-Type: application/json";
const PROTOBUF: &str = "Content-Type: application/x-protobuf";
const GZIP: &str = "Content-Encoding: gzip";
const CHUNKED: &str = "Transfer-Encoding: chunked";

/// A request: path, headers, body.
type Request = (&'static str, Vec<&'static str>, Vec<u8>);

/// How batches become requests.
type Form = fn(&[Batch]) -> Vec<Request>;

const FORMS: [(&str, Form); 6] = [
    ("protobuf", |batches| {
        batches.iter().flat_map(in_protobuf).collect()
    }),
    ("JSON, compressed", |batches| {
        let requests = batches.iter().flat_map(in_json);
        let gzip = |(path, _, body): Request| (path, vec![JSON, GZIP], gzip(&body));
        requests.map(gzip).collect()
    }),
    ("in chunks", |batches| {
        let requests = batches.iter().flat_map(in_json);
        let chunk = |(path, _, body): Request| (path, vec![JSON, CHUNKED], chunked(&body, 1000));
        requests.map(chunk).collect()
    }),
    ("in halves", |batches| {
        let halves: Vec<Batch> = batches.iter().flat_map(halved).collect();
        halves.iter().flat_map(in_protobuf).collect()
    }),
    ("twice", |batches| {
        let twice = [batches, batches].concat();
        twice.iter().flat_map(in_json).collect()
    }),
    ("backwards", |batches| {
        let halves: Vec<Batch> = batches.iter().flat_map(halved).collect();
        halves.iter().rev().flat_map(in_json).collect()
    }),
];

fn in_protobuf(batch: &Batch) -> Vec<Request> {
    let [traces, logs] = wire::encode(batch);
    requests(PROTOBUF, traces, logs)
}

fn in_json(batch: &Batch) -> Vec<Request> {
    let only = |batch: Batch| match batch.spans.len() + batch.logs.len() {
        0 => Vec::new(),
        _ => json::STRICT.encode(&batch),
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

fn batches_of(file: &Path) -> Vec<Batch> {
    let file = File::open(file).expect("it can be read");
    let requests = Requests::new(file).expect("it can be read");
    let mut requests = requests.expect("it holds requests");
    let mut batches = Vec::new();
    while let Some(batch) = requests.next_batch().expect("it can be read") {
        batches.push(batch);
    }
    batches
}

/// Events by their identity.
fn by_uuid(events: Vec<Value>) -> BTreeMap<String, Value> {
    let events = events.into_iter();
    let named = events.map(|it| (it["uuid"].as_str().expect("an id").to_owned(), it));
    named.collect()
}

/// What PostHog gets when these requests are posted and everything is sent.
fn events_of(requests: &[Request]) -> BTreeMap<String, Value> {
    let posthog = PostHog::start();
    // While Claude Code's own hooks are on, its traces are left alone.
    let env = TestEnv::sending_to(&posthog)
        .with("POSTHOG_LLMA_DISTINCT_ID", "ada@example.com")
        .without("POSTHOG_LLMA_CC_ENABLED");
    let serving = Serving::start(&env);
    let mut client = serving.client();
    for (path, headers, body) in requests {
        let answer = client.ask(&format!("POST {path}"), headers, body);
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    assert_eq!(serving.stop(Signal::TERM).code(), Some(0));
    env.run(["flush"]).success();
    assert_eq!(posthog.duplicates(), Vec::<String>::new());
    by_uuid(posthog.merged())
}

#[track_caller]
fn is_same(what: &str, file: &Path) {
    let folder = TempDir::new().expect("a temporary folder");
    let alone = folder.path().join(file.file_name().expect("a name"));
    fs::copy(file, alone).expect("it can be copied");
    let expected = by_uuid(events_below(folder.path(), &Run::with(&[])));
    let batches = batches_of(file);
    for (form, encode) in FORMS {
        let events = events_of(&encode(&batches));
        let ids = |events: &BTreeMap<String, Value>| events.keys().cloned().collect::<Vec<_>>();
        assert_eq!(ids(&events), ids(&expected), "{what}, {form}");
        for (uuid, event) in &events {
            assert_eq!(event, &expected[uuid], "{what}, {form}");
        }
    }
}

#[test]
fn every_fixture_gives_the_same_events_however_it_is_sent() {
    for file in files_below(Path::new(FIXTURES)) {
        is_same(&file.display().to_string(), &file);
    }
}

/// One export of each emitter that is not among the fixtures.
#[test]
fn captures_of_real_emitters_give_the_same_events_however_they_are_sent() {
    for name in [
        "aisdk/v5/toolloop.json",
        "aisdk/v6/stream.json",
        "aisdk/v7/toolloop.json",
        "aisdk/v7/embed.json",
        "aisdk/v7/error429.json",
    ] {
        if let Some(file) = shared_or_skip("POSTHOG_LLMA_OTLP", "otlp", name) {
            is_same(name, &file);
        }
    }
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("it can be listed");
    let mut files: Vec<PathBuf> = entries.map(|it| it.expect("a file").path()).collect();
    files.sort();
    assert!(!files.is_empty());
    files
}
