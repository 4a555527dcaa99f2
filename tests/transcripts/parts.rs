//! A large session, read in parts, sends the same events as one that is read whole.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use serde_json::Value;

use super::corpus::{corpus_or_skip, in_parallel, sessions};
use crate::support::library::{Events, Run};

pub(crate) const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/sessions");

#[test]
fn every_fixture_sends_the_same_however_large_its_parts() {
    let fixtures = sessions(Path::new(FIXTURES));
    let mut parts = 0;
    for transcript in &fixtures {
        for bytes in [1, 700, 1500, 4000] {
            parts += compare(transcript, bytes);
        }
    }
    let readings = 2 * 4 * fixtures.len();
    assert!(parts > readings, "{parts} parts of {readings} readings");
}

#[test]
fn real_sessions_send_the_same_in_parts() {
    let Some(root) = corpus_or_skip() else { return };
    let sessions = sessions(&root);
    let sizes = [20 << 10, 300 << 10];
    let parts = in_parallel(&sessions, |transcript| {
        let parts = sizes.iter().map(|bytes| compare(transcript, *bytes));
        parts.sum::<usize>()
    });
    let parts: usize = parts.into_iter().sum();
    let readings = 2 * sizes.len() * sessions.len();
    assert!(
        parts > readings * 3 / 2,
        "{parts} parts of {readings} readings"
    );
}

#[test]
fn a_fork_sends_the_same_in_parts() {
    let fixtures = sessions(Path::new(FIXTURES));
    let run = Run::default();
    let mut forks = 0;
    for original in &fixtures {
        let sent = run.events(original);
        for fork in fixtures.iter().filter(|fork| *fork != original) {
            let whole = run.events_after(fork, &sent);
            if whole.len() < run.events(fork).len() {
                let at = fork.display().to_string();
                let parts = run.events_in_parts(fork, 1, &sent);
                let whole = vec![(true, whole)];
                assert_eq!(by_uuid(&at, parts), by_uuid(&at, whole), "{at}");
                forks += 1;
            }
        }
    }
    assert!(forks > 0);
}

/// Compares the events of parts of this size with those of the whole session, and returns the
/// number of parts.
#[track_caller]
fn compare(transcript: &Path, bytes: u64) -> usize {
    let mut count = 0;
    for run in [Run::default(), Run::by_message()] {
        let at = format!("{} in {bytes} bytes", transcript.display());
        let whole = by_uuid(&at, vec![(true, run.events(transcript))]);
        let parts = run.events_in_parts(transcript, bytes, &Events::new());
        count += parts.len();
        let parts = by_uuid(&at, parts);
        for (uuid, event) in &whole {
            let part = parts.get(uuid).unwrap_or(&Value::Null);
            assert_eq!(part, event, "{at}");
        }
        assert_eq!(parts.len(), whole.len(), "{at}");
    }
    count
}

/// The events by uuid. No event is sent twice, unless a session with history that was written again
/// is read again: then both are equal.
fn by_uuid(at: &str, parts: Vec<(bool, Events)>) -> BTreeMap<String, Value> {
    let (mut known, mut sent) = (BTreeMap::new(), HashSet::new());
    for (is_first, events) in parts {
        if is_first {
            sent.clear();
        }
        for event in events {
            let uuid = event["uuid"].to_string();
            assert!(sent.insert(uuid.clone()), "{uuid} twice: {at}");
            let before = known.entry(uuid).or_insert_with(|| event.clone());
            assert_eq!(before, &event, "twice: {at}");
        }
    }
    known
}
