//! Every fixture and every capture of a real emitter, received in every form: the same events as
//! from its files.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use posthog_llma::inbox;
use serde_json::Value;

use super::support::forms::{FORMS, Request, telemetry_of};
use super::traces::{events_below, judged};
use crate::receive::support::Server;
use crate::support::library::{Events, Run};
use crate::support::shared::shared_or_skip;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/otlp");

/// Name and files of an export: `tool-traces-01.json` and `tool-logs.json` are parts of one.
type Capture = (String, Vec<PathBuf>);

/// The captures of a folder and those in it.
fn captures(root: &Path) -> Vec<Capture> {
    let mut captures: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it != "md") {
                let name = path.strip_prefix(root).expect("it is below");
                let name = name.to_string_lossy();
                captures
                    .entry(export_of(&name).to_owned())
                    .or_default()
                    .push(path);
            }
        }
    }
    for files in captures.values_mut() {
        files.sort();
    }
    captures.into_iter().collect()
}

/// The name of an export, without signal and number.
fn export_of(name: &str) -> &str {
    let signals = ["-traces", "-logs", "-metrics"];
    let place = signals.iter().find_map(|signal| name.find(signal));
    place.map_or(name, |place| &name[..place])
}

/// Events by their identity.
fn by_uuid(events: Events) -> BTreeMap<String, Value> {
    let named = events
        .into_iter()
        .map(|it| (it["uuid"].as_str().expect("an id").to_owned(), it));
    named.collect()
}

/// The events of all traces in the inbox of a receiver, once these requests were posted to it.
fn received(requests: &[Request], context: &str) -> Events {
    let mut server = Server::start();
    let mut client = server.client();
    for (path, headers, body) in requests {
        let answer = client.ask(&format!("POST {path}"), headers, body);
        assert_eq!(answer.status, 200, "{context}: {}", answer.text());
    }
    drop(client);
    server.stop();
    let (database, run) = (inbox::database(server.directory()), Run::default());
    let traces = server.reader().traces(1000).expect("it can be read");
    let traces = traces.iter().filter(|it| !it.is_loose);
    let paths = traces.map(|it| {
        let key = &it.revision.key;
        let route = Some(key.route.name()).filter(|_| !key.route.is_main());
        let folder = route.map_or_else(|| database.clone(), |name| database.join(name));
        folder.join(key.trace_id.to_string())
    });
    judged(paths.flat_map(|path| run.events(&path)).collect())
}

/// Sends an export in every form. Returns the number of calls in it.
#[track_caller]
fn is_same(name: &str, files: &[PathBuf]) -> usize {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for file in files {
        let copy = folder.path().join(file.file_name().expect("a name"));
        fs::copy(file, copy).expect("it can be copied");
    }
    let expected = by_uuid(events_below(folder.path(), &Run::default()));
    let decoded: Vec<_> = files.iter().flat_map(|it| telemetry_of(it)).collect();
    for (form, encode) in FORMS {
        let context = format!("{name}, {form}");
        let events = by_uuid(received(&encode(&decoded), &context));
        let ids = |events: &BTreeMap<String, Value>| events.keys().cloned().collect::<Vec<_>>();
        assert_eq!(ids(&events), ids(&expected), "{context}");
        for (uuid, event) in &events {
            assert_eq!(event, &expected[uuid], "{context}");
        }
    }
    let calls = expected.values();
    calls.filter(|it| it["event"] == "$ai_generation").count()
}

#[test]
fn every_fixture_gives_the_same_events_however_it_is_sent() {
    for (name, files) in captures(Path::new(FIXTURES)) {
        is_same(&name, &files);
    }
}

#[test]
fn every_capture_gives_the_same_events_however_it_is_sent() {
    let Some(root) = shared_or_skip("POSTHOG_LLMA_OTLP", "otlp", "") else {
        return;
    };
    let captures = captures(&root);
    let calls = captures.iter().map(|(name, files)| is_same(name, files));
    let calls: usize = calls.sum();
    assert!(calls > 100, "{calls} calls");
}
