//! The sessions, and work on all of them at once.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use posthog_llma::sources;

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

/// The files of a session: its transcript, then those of its subagents wherever a version kept
/// them. Written here once more, independently of the program.
pub(crate) fn files(transcript: &Path) -> Vec<PathBuf> {
    let mut files = vec![transcript.to_owned()];
    let beside = transcript.parent().expect("a file has a directory");
    for entry in fs::read_dir(beside).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with("agent-") {
            files.push(entry.path());
        }
    }
    let own = transcript.with_extension("").join("subagents");
    let mut folders = vec![own];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path
                .extension()
                .is_some_and(|extension| extension == "jsonl")
            {
                files.push(path);
            }
        }
    }
    files
}
