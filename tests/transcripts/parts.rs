//! A large session is read in parts, and sends what a small one of the same content sends.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::corpus::{corpus_or_skip, in_parallel, sessions};
use super::support::library::{Events, Run};

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/sessions");

#[test]
fn every_fixture_sends_the_same_however_large_its_parts() {
    for transcript in sessions(Path::new(FIXTURES)) {
        for bytes in [1, 700, 1500, 4000] {
            compare(&transcript, bytes);
        }
    }
}

#[test]
fn real_sessions_send_the_same_in_parts() {
    let Some(root) = corpus_or_skip() else { return };
    in_parallel(&sessions(&root), |transcript| {
        for bytes in [50 << 10, 300 << 10] {
            compare(transcript, bytes);
        }
    });
}

#[ignore]
#[test]
fn a_long_session_has_many_parts_and_a_short_one_has_one() {
    let transcript = Path::new(FIXTURES).join("PLACEHOLDER");
    let run = Run::default();
    assert!(run.events_in_parts(&transcript, 1).len() > 1);
    assert_eq!(run.events_in_parts(&transcript, 1 << 20).len(), 1);
}

#[track_caller]
fn compare(transcript: &Path, bytes: u64) {
    for run in [Run::default(), Run::by_message()] {
        let at = format!("{} in {bytes} bytes", transcript.display());
        let whole = by_uuid(&at, run.events(transcript));
        let parts = run.events_in_parts(transcript, bytes).concat();
        let parts = by_uuid(&at, parts);
        for (uuid, event) in &whole {
            let part = parts.get(uuid).unwrap_or(&Value::Null);
            assert_eq!(part, event, "{at}");
        }
        assert_eq!(parts.len(), whole.len(), "{at}");
    }
}

/// A session whose history was written again is read again: what comes twice is the same.
fn by_uuid(at: &str, events: Events) -> BTreeMap<String, Value> {
    let mut known = BTreeMap::new();
    for event in events {
        let first = known.entry(event["uuid"].to_string());
        assert_eq!(
            first.or_insert_with(|| event.clone()),
            &event,
            "twice: {at}"
        );
    }
    known
}
