//! An event that loses its content while it waits equals one built without it.

use std::path::Path;

use posthog_llma::{posthog, sources};
use serde_json::Value;

use super::corpus::{corpus_or_skip, in_parallel, sessions};
use crate::support::library::Run;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures");

/// Compares the events of a session. Returns their number.
fn compare(transcript: &Path) -> usize {
    let whole = Run::default().lines(transcript);
    let private = Run::private().lines(transcript);
    let lines = |bytes: &[u8]| -> Vec<Vec<u8>> {
        let lines = bytes.split(|byte| *byte == b'\n');
        lines
            .filter(|it| !it.is_empty())
            .map(<[u8]>::to_vec)
            .collect()
    };
    let (whole, private) = (lines(&whole), lines(&private));
    assert_eq!(whole.len(), private.len(), "{}", transcript.display());
    for (whole, private) in whole.iter().zip(&private) {
        let left = posthog::without_recording(whole).expect("it is an event");
        if left == *private {
            continue;
        }
        // Only the kind of an error may differ: it is lost with its text.
        let [mut left, mut private]: [Value; 2] =
            [&left, private].map(|it| serde_json::from_slice(it).expect("it is JSON"));
        for (event, expected) in [(&mut left, Some("api_error")), (&mut private, None)] {
            let properties = event["properties"]
                .as_object_mut()
                .expect("an event has some");
            let error = properties.shift_remove("$ai_error");
            let error = error.as_ref().and_then(Value::as_str);
            assert!(
                expected.is_none() || error.is_none() || error == expected,
                "{}",
                transcript.display()
            );
        }
        // The name of a trace may come from a prompt; that of an application's workflow is removed
        // with it.
        let is_trace = left["event"] == "$ai_trace";
        for name in ["$ai_trace_name", "$ai_span_name"] {
            assert!(!is_trace || left["properties"].get(name).is_none());
            let properties = private["properties"].as_object_mut();
            drop(
                properties
                    .filter(|_| is_trace)
                    .map(|it| it.shift_remove(name)),
            );
        }
        assert_eq!(left, private, "{}", transcript.display());
    }
    whole.len()
}

#[test]
fn fixtures_without_content_equal_those_that_never_had_it() {
    let fixtures = sources::below(Path::new(FIXTURES)).found;
    let events = fixtures.iter().map(|found| compare(&found.locator.path()));
    assert!(events.sum::<usize>() > 300);
}

#[test]
fn real_sessions_without_content_equal_those_that_never_had_it() {
    let Some(root) = corpus_or_skip() else { return };
    let events = in_parallel(&sessions(&root), compare);
    assert!(events.into_iter().sum::<usize>() > 10_000);
}
