//! A session that is read in parts, as it grows, sends the same events as one that is read whole.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use posthog_llma::session::SessionState;
use serde_json::Value;
use tempfile::TempDir;

use super::corpus::{corpus_or_skip, in_parallel, sessions};
use crate::support::independent::{files, mixed_with};
use crate::support::library::{Events, Run};

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/sessions");

/// Number of places at which a real session is cut.
const CUTS: usize = 5;

#[test]
fn every_fixture_can_be_cut_after_every_line() {
    let fixtures = sessions(Path::new(FIXTURES));
    // Only a transcript can be cut.
    let is_transcript = |path: &&PathBuf| path.iter().all(|part| part != "subagents");
    for transcript in fixtures.iter().filter(is_transcript) {
        let copy = Copy::of(transcript);
        for run in [Run::default(), Run::by_message()] {
            let whole = by_uuid(run.events(transcript));
            for lines in 0..=copy.lines() {
                let parts = read_in_parts(&run, &copy, &[lines]);
                let at = format!("{} after {lines} lines", transcript.display());
                compare(&parts, &whole, &at);
            }
        }
    }
}

#[test]
fn a_session_that_is_read_in_parts_sends_what_a_whole_reading_sends() {
    let Some(root) = corpus_or_skip() else { return };
    in_parallel(&sessions(&root), |transcript| {
        let copy = Copy::of(transcript);
        for (run, first) in [(Run::default(), 1), (Run::by_message(), 2)] {
            let whole = by_uuid(run.events(transcript));
            for cut in (first..=CUTS).step_by(2) {
                let lines = copy.lines() * cut / (CUTS + 1);
                let parts = read_in_parts(&run, &copy, &[lines]);
                let at = format!("{} after {lines} lines", transcript.display());
                compare(&parts, &whole, &at);
            }
        }
    });
}

#[track_caller]
pub(crate) fn compare(parts: &BTreeMap<String, Value>, whole: &BTreeMap<String, Value>, at: &str) {
    for (uuid, event) in whole {
        let part = parts.get(uuid).unwrap_or(&Value::Null);
        if part != event {
            let differing: Vec<_> = event["properties"]
                .as_object()
                .expect("an object")
                .iter()
                .filter(|(name, value)| part["properties"][name.as_str()] != **value)
                .map(|(name, value)| {
                    format!(
                        "{name}: {} instead of {value}",
                        part["properties"][name.as_str()]
                    )
                })
                .collect();
            panic!("{at}: {} {uuid}: {differing:#?}", event["event"]);
        }
    }
    for (uuid, event) in parts {
        assert!(whole.contains_key(uuid), "{at}: surplus {event}");
    }
}

/// Reads beginnings of the session while it is still running, each from the checkpoint of the one
/// before, then all of it. For a trace sent twice, the last counts; for all other events the first,
/// since a second is never sent.
pub(crate) fn read_in_parts(run: &Run, copy: &Copy, cuts: &[usize]) -> BTreeMap<String, Value> {
    let mut sent: BTreeMap<String, Value> = BTreeMap::new();
    let (mut checkpoint, mut frozen) = (None, None);
    let readings = cuts.iter().map(|lines| (*lines, SessionState::Running));
    for (lines, progress) in readings.chain([(copy.lines(), SessionState::Ended)]) {
        copy.write(lines);
        let Some(collected) = run.collect(&copy.transcript, checkpoint.clone(), progress) else {
            continue;
        };
        let decided = frozen.clone().unwrap_or_else(|| run.freeze(&collected));
        for (uuid, event) in by_uuid(run.events_of(&collected, decided.clone())) {
            frozen.get_or_insert_with(|| decided.clone());
            if event["event"] == "$ai_trace" {
                sent.insert(uuid, event);
            } else {
                sent.entry(uuid).or_insert(event);
            }
        }
        checkpoint = collected.checkpoint().or(checkpoint);
    }
    sent
}

pub(crate) fn by_uuid(events: Events) -> BTreeMap<String, Value> {
    let named = events
        .into_iter()
        .map(|event| (event["uuid"].to_string(), event));
    named.collect()
}

/// A copy of a session that can be cut.
pub(crate) struct Copy {
    _root: TempDir,
    transcript: PathBuf,
    files: Vec<(PathBuf, Vec<u8>)>,
}

impl Copy {
    pub(crate) fn of(transcript: &Path) -> Self {
        let root = tempfile::tempdir().expect("a temporary directory can be made");
        let from = transcript.parent().expect("a file has a directory");
        let place = |path: &Path| {
            let below = path
                .strip_prefix(from)
                .expect("it lies beside the transcript");
            root.path().join(below)
        };
        let mut copied = Vec::new();
        for path in files(transcript) {
            let meta = path.with_extension("meta.json");
            if let Ok(bytes) = fs::read(&meta) {
                let meta = place(&meta);
                fs::create_dir_all(meta.parent().expect("a directory")).expect("it is writable");
                fs::write(meta, bytes).expect("it is writable");
            }
            copied.push((place(&path), fs::read(&path).expect("it can be read")));
        }
        for other in mixed_with(transcript) {
            copied.push((place(&other), fs::read(&other).expect("it can be read")));
        }
        Self {
            transcript: place(transcript),
            _root: root,
            files: copied,
        }
    }

    /// The lines of the transcript.
    pub(crate) fn lines(&self) -> usize {
        let (_, transcript) = &self.files[0];
        transcript.split_inclusive(|byte| *byte == b'\n').count()
    }

    /// Writes the first lines of the transcript, and the lines of subagents and other sessions up
    /// to that time; with all of its lines, all of theirs.
    fn write(&self, lines: usize) {
        let (transcript, main) = &self.files[0];
        let kept: Vec<&[u8]> = main
            .split_inclusive(|byte| *byte == b'\n')
            .take(lines)
            .collect();
        let until = kept.iter().filter_map(|line| time(line)).max();
        fs::write(transcript, kept.concat()).expect("it is writable");
        for (path, bytes) in &self.files[1..] {
            let agent_lines = bytes.split_inclusive(|byte| *byte == b'\n');
            let there: Vec<&[u8]> = agent_lines
                .take_while(|line| lines == self.lines() || time(line) <= until)
                .collect();
            if there.is_empty() {
                let _ = fs::remove_file(path);
                continue;
            }
            fs::create_dir_all(path.parent().expect("a directory")).expect("it is writable");
            fs::write(path, there.concat()).expect("it is writable");
        }
    }
}

/// Times of one form compare as text.
fn time(line: &[u8]) -> Option<String> {
    let line: Value = serde_json::from_slice(line).ok()?;
    line["timestamp"].as_str().map(str::to_owned)
}
