//! How fast transcripts are read.
//!
//! Made-up sessions by default; `POSTHOG_LLMA_BENCH_SESSIONS` may name a folder of real ones. Run
//! with `cargo bench --bench read`.

#[path = "../examples/make-sessions/generator.rs"]
#[allow(dead_code, reason = "the bench wants no tally")]
mod generator;

use std::path::PathBuf;
use std::sync::LazyLock;

use chrono::Utc;
use divan::Bencher;
use divan::counter::BytesCount;
use posthog_llma::host::Host;
use posthog_llma::session::{InputScope, Wanted};
use posthog_llma::sources::{self, claude_code};
use tempfile::TempDir;

fn main() {
    divan::main();
}

/// The sessions, and the folder they are in for as long as the bench runs.
static SESSIONS: LazyLock<(Vec<PathBuf>, u64, Option<TempDir>)> = LazyLock::new(|| {
    let named = std::env::var_os("POSTHOG_LLMA_BENCH_SESSIONS").map(PathBuf::from);
    let made = named.is_none().then(|| {
        let made = tempfile::tempdir().expect("a temporary folder can be made");
        generator::write(made.path(), 40, 20.0, 1).expect("it is writable");
        made
    });
    let folder = named.or_else(|| Some(made.as_ref()?.path().to_owned()));
    let folder = folder.expect("either named or made");
    let found = sources::below(&folder).found;
    let paths: Vec<PathBuf> = found.into_iter().map(|found| found.path).collect();
    let bytes = paths
        .iter()
        .filter_map(|path| claude_code::session_files(path, &Host::bare(Utc::now)).ok())
        .map(|files| {
            let main = files.transcript.metadata().map_or(0, |meta| meta.len());
            main + files.agents.iter().map(|agent| agent.bytes).sum::<u64>()
        })
        .sum();
    (paths, bytes, made)
});

#[divan::bench]
fn with_content(bencher: Bencher) {
    read(bencher, Wanted::Everything(InputScope::New));
}

#[divan::bench]
fn for_metrics(bencher: Bencher) {
    read(bencher, Wanted::Numbers);
}

fn read(bencher: Bencher, wanted: Wanted) {
    let (paths, bytes, _) = &*SESSIONS;
    bencher.counter(BytesCount::new(*bytes)).bench(|| {
        let mut turns = 0;
        for path in paths {
            let files =
                claude_code::session_files(path, &Host::bare(Utc::now)).expect("it is there");
            let (session, _) =
                claude_code::read(&files, None, wanted, u64::MAX).expect("it can be read");
            turns += session.map_or(0, |session| session.turns.len());
        }
        turns
    });
}
