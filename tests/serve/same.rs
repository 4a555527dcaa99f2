//! The same trace in every form, in any order and however often: the same events at PostHog.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use super::support::Serving;
use crate::otlp::support::forms::{FORMS, Request, telemetry_of};
use crate::otlp::traces::events_below;
use crate::support::env::TestEnv;
use crate::support::library::Run;
use crate::support::posthog::PostHog;
use crate::support::stop::Stop;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/otlp");

/// Forms that are sent to a process. The tests of `otlp` send all forms to a receiver.
const SENT: [&str; 3] = [
    "protobuf, compressed, in chunks",
    "twice",
    "one by one, backwards",
];

/// Events by their identity.
fn by_uuid(events: Vec<Value>) -> BTreeMap<String, Value> {
    let events = events.into_iter();
    let named = events.map(|it| (it["uuid"].as_str().expect("an id").to_owned(), it));
    named.collect()
}

/// The events at PostHog after these requests were posted and everything was sent.
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
    assert_eq!(serving.stop(Stop::Terminate).code(), Some(0));
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
    let telemetry = telemetry_of(file);
    let forms = FORMS.into_iter().filter(|(form, _)| SENT.contains(form));
    for (form, encode) in forms {
        let events = events_of(&encode(&telemetry));
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

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("it can be listed");
    let mut files: Vec<PathBuf> = entries.map(|it| it.expect("a file").path()).collect();
    files.sort();
    assert!(!files.is_empty());
    files
}
