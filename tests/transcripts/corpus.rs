//! The sessions, and a run of the library over one of them.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use chrono::{DateTime, Utc};
use posthog_llma::config::Config;
use posthog_llma::events::limits::AI_LANE_EVENT as LARGEST;
use posthog_llma::events::{Frozen, Progress};
use posthog_llma::host::Host;
use posthog_llma::pipeline::{self, Collected, Pipeline};
use posthog_llma::redact::{Counts, RedactionKey, Redactor};
use posthog_llma::sources;
use serde_json::Value;

/// Events as they would be sent.
pub(crate) type Events = Vec<Value>;

/// Where the sessions are, or a word on stderr why the tests do nothing.
pub(crate) fn corpus_or_skip() -> Option<PathBuf> {
    static SAID: Once = Once::new();
    let root = std::env::var_os("POSTHOG_LLMA_TRANSCRIPTS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/transcripts"),
        PathBuf::from,
    );
    if root.is_dir() {
        return Some(root);
    }
    // Written past the capture of the test harness, which hides what passing tests print.
    SAID.call_once(|| {
        let _ = io::stderr().write_all(
            b"skipped: no real sessions in ../shared/transcripts or POSTHOG_LLMA_TRANSCRIPTS\n",
        );
    });
    None
}

/// The transcripts of all sessions below a folder, subagents left out.
pub(crate) fn sessions(root: &Path) -> Vec<PathBuf> {
    let found = sources::below(root);
    assert!(!found.is_empty(), "sessions in {}", root.display());
    found.into_iter().map(|found| found.path).collect()
}

/// The same for every session, on all processors.
pub(crate) fn in_parallel<T: Send>(
    sessions: &[PathBuf],
    each: impl Fn(&Path) -> T + Sync,
) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut results = Vec::new();
        while let Some(session) = sessions.get(next.fetch_add(1, Ordering::Relaxed)) {
            results.push(each(session));
        }
        results
    };
    let workers = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        workers
            .into_iter()
            .flat_map(|worker| {
                worker
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })
            .collect()
    })
}

/// Settings of a run.
pub(crate) struct Run {
    config: Config,
    redactor: Redactor,
}

impl Default for Run {
    fn default() -> Self {
        Self::with(&[])
    }
}

impl Run {
    fn with(variables: &[(&str, &str)]) -> Self {
        let host = variables.iter().fold(
            Host::bare(now).with("POSTHOG_LLMA_DISTINCT_ID", "ada@example.com"),
            |host, (name, value)| host.with(name, value),
        );
        let (config, problems) = Config::from_host(&host);
        assert_eq!(problems, []);
        Self {
            config,
            redactor: Redactor::new(RedactionKey([7; 32])),
        }
    }

    pub(crate) fn by_message() -> Self {
        Self::with(&[("POSTHOG_LLMA_TRACE_GROUPING", "message")])
    }

    pub(crate) fn without_turns() -> Self {
        Self::with(&[("POSTHOG_LLMA_TURN_SPANS", "false")])
    }

    pub(crate) fn private() -> Self {
        Self::with(&[("POSTHOG_LLMA_PRIVACY_MODE", "true")])
    }

    /// What the session would send when it has ended.
    pub(crate) fn events(&self, transcript: &Path) -> Events {
        let collected = pipeline::collect(transcript, None, Some(Progress::Ended), now());
        let collected = collected.expect("the session can be read");
        collected.map_or_else(Vec::new, |collected| {
            self.events_of(&collected, self.freeze(&collected))
        })
    }

    /// The decisions that hold from a session's first send on.
    pub(crate) fn freeze(&self, collected: &Collected) -> Frozen {
        Pipeline::new(&self.config, &self.redactor, LARGEST).freeze(&collected.session)
    }

    pub(crate) fn events_of(&self, collected: &Collected, frozen: Frozen) -> Events {
        let mut events = Vec::new();
        self.hand_out(collected, frozen, &mut |event| {
            events.push(serde_json::from_slice(&event).expect("an event is JSON"));
        });
        events
    }

    /// What the session would send, to the byte.
    pub(crate) fn lines(&self, transcript: &Path) -> Vec<u8> {
        let collected = pipeline::collect(transcript, None, Some(Progress::Ended), now());
        let mut lines = Vec::new();
        if let Some(collected) = collected.expect("the session can be read") {
            self.hand_out(&collected, self.freeze(&collected), &mut |event| {
                lines.extend(event);
                lines.push(b'\n');
            });
        }
        lines
    }

    fn hand_out(&self, collected: &Collected, frozen: Frozen, sink: &mut dyn FnMut(Vec<u8>)) {
        let mut pipeline = Pipeline::new(&self.config, &self.redactor, LARGEST);
        let mut counts = Counts::default();
        pipeline
            .events(collected, frozen, &|_| false, &mut counts, &mut |event| {
                sink(serde_json::to_vec(event.get())?);
                Ok(())
            })
            .expect("the sink takes everything");
    }
}

/// Long after every session.
pub(crate) fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(2_000_000_000, 0).expect("a time")
}

/// The files of a session: its transcript, then those of its subagents wherever a version kept
/// them. Written here once more, independently of the program.
pub(crate) fn files(transcript: &Path) -> Vec<PathBuf> {
    let mut files = vec![transcript.to_owned()];
    let own = transcript.with_extension("").join("subagents");
    let mut folders = vec![own];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "jsonl") {
                files.push(path);
            }
        }
    }
    files
}
