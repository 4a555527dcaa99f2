//! A session that is read in parts, as it grows, sends what a reading of the whole sends.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use posthog_llma::events::Progress;
use posthog_llma::pipeline;
use serde_json::Value;
use tempfile::TempDir;

use super::corpus::{corpus_or_skip, files, in_parallel, sessions};
use super::support::library::{Events, Run, host};

/// How often each session is cut.
const CUTS: usize = 5;

#[test]
fn a_session_that_is_read_in_parts_sends_what_a_whole_reading_sends() {
    let Some(root) = corpus_or_skip() else { return };
    in_parallel(&sessions(&root), |transcript| {
        for (run, first) in [(Run::default(), 1), (Run::by_message(), 2)] {
            let whole = by_uuid(run.events(transcript));
            for cut in (first..=CUTS).step_by(2) {
                let parts = read_in_parts(&run, transcript, cut);
                compare(
                    &parts,
                    &whole,
                    &format!("{} cut {cut}", transcript.display()),
                );
            }
        }
    });
}

#[track_caller]
fn compare(parts: &BTreeMap<String, Value>, whole: &BTreeMap<String, Value>, at: &str) {
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

/// Reads a beginning of the session while it is still running, then all of it from the
/// checkpoint on. Of an event that was sent twice, a trace, the last counts; of all others the
/// first, since a second is never sent.
fn read_in_parts(run: &Run, transcript: &Path, cut: usize) -> BTreeMap<String, Value> {
    let copy = Copy::of(transcript);
    copy.write(cut);
    let collect = |checkpoint, progress| {
        pipeline::collect(&copy.transcript, checkpoint, Some(progress), &host())
            .expect("the session can be read")
    };
    let mut sent = BTreeMap::new();
    let mut checkpoint = None;
    let mut frozen = None;
    if let Some(collected) = collect(None, Progress::Running) {
        let decided = run.freeze(&collected);
        sent = by_uuid(run.events_of(&collected, decided.clone()));
        frozen = Some(decided).filter(|_| !sent.is_empty());
        checkpoint = collected.checkpoint(&|_| false);
    }
    copy.write(CUTS + 1);
    if let Some(collected) = collect(checkpoint, Progress::Ended) {
        let frozen = frozen.unwrap_or_else(|| run.freeze(&collected));
        for (uuid, event) in by_uuid(run.events_of(&collected, frozen)) {
            if event["event"] == "$ai_trace" {
                sent.insert(uuid, event);
            } else {
                sent.entry(uuid).or_insert(event);
            }
        }
    }
    sent
}

fn by_uuid(events: Events) -> BTreeMap<String, Value> {
    let named = events
        .into_iter()
        .map(|event| (event["uuid"].to_string(), event));
    named.collect()
}

/// A copy of a session that can be cut.
struct Copy {
    _root: TempDir,
    transcript: PathBuf,
    files: Vec<(PathBuf, Vec<u8>)>,
}

impl Copy {
    fn of(transcript: &Path) -> Self {
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
        Self {
            transcript: place(transcript),
            _root: root,
            files: copied,
        }
    }

    /// Writes the beginning of the transcript, cut at a line end, and of the subagents what was
    /// there at that time. One more than [`CUTS`] is all of it.
    fn write(&self, cut: usize) {
        let (_, main) = &self.files[0];
        let lines: Vec<&[u8]> = main.split_inclusive(|byte| *byte == b'\n').collect();
        let kept = lines.len() * cut / (CUTS + 1);
        let until = lines[..kept].iter().filter_map(|line| time(line)).max();
        for (index, (path, bytes)) in self.files.iter().enumerate() {
            let beginning = if cut > CUTS {
                bytes.clone()
            } else if index == 0 {
                lines[..kept].concat()
            } else {
                let lines = bytes.split_inclusive(|byte| *byte == b'\n');
                lines
                    .take_while(|line| time(line) <= until)
                    .flatten()
                    .copied()
                    .collect()
            };
            if beginning.is_empty() && index > 0 {
                continue;
            }
            fs::create_dir_all(path.parent().expect("a directory")).expect("it is writable");
            fs::write(path, beginning).expect("it is writable");
        }
    }
}

/// Times of one form compare as text.
fn time(line: &[u8]) -> Option<String> {
    let line: Value = serde_json::from_slice(line).ok()?;
    line["timestamp"].as_str().map(str::to_owned)
}
