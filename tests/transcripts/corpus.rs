//! The sessions, and work on all of them at once.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use posthog_llma::sources;

/// The folder of real sessions; `None`, with a line on stderr, when it does not exist.
pub(crate) fn corpus_or_skip() -> Option<PathBuf> {
    let named = std::env::var_os("POSTHOG_LLMA_TRANSCRIPTS");
    there_or_skip(named.map_or_else(public, PathBuf::from))
}

/// The public sessions, even if the variable names others.
pub(crate) fn public_or_skip() -> Option<PathBuf> {
    there_or_skip(public())
}

fn public() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/transcripts")
}

fn there_or_skip(root: PathBuf) -> Option<PathBuf> {
    static SAID: Once = Once::new();
    if root.is_dir() {
        return Some(root);
    }
    // Written past the test harness, which hides the output of passing tests.
    SAID.call_once(|| {
        let _ = io::stderr().write_all(
            b"skipped: no real sessions in ../shared/transcripts or POSTHOG_LLMA_TRANSCRIPTS\n",
        );
    });
    None
}

/// The transcripts of all sessions below a folder, subagents left out.
pub(crate) fn sessions(root: &Path) -> Vec<PathBuf> {
    let found = sources::below(root).found;
    assert!(!found.is_empty(), "sessions in {}", root.display());
    found
        .into_iter()
        .map(|found| found.locator.path())
        .collect()
}

/// Runs a check for every session, on all processors.
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
