//! Speed of reading transcripts.
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
use posthog_llma::sources::{self, SessionRef};
use tempfile::TempDir;

fn main() {
    divan::main();
}

/// The sessions, and the folder they are in for as long as the bench runs.
static SESSIONS: LazyLock<(Vec<SessionRef>, u64, Option<TempDir>)> = LazyLock::new(|| {
    let named = std::env::var_os("POSTHOG_LLMA_BENCH_SESSIONS").map(PathBuf::from);
    let made = named.is_none().then(|| {
        let made = tempfile::tempdir().expect("a temporary folder can be made");
        generator::write(made.path(), 40, 20.0, 1).expect("it is writable");
        made
    });
    let folder = named.or_else(|| Some(made.as_ref()?.path().to_owned()));
    let folder = folder.expect("either named or made");
    let found = sources::below(&folder).found;
    let files = found
        .iter()
        .filter_map(|found| found.files(&Host::bare(Utc::now)).ok());
    let bytes = files.flat_map(|files| files.looks()).map(|look| look.bytes);
    let bytes = bytes.sum();
    (found, bytes, made)
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
    let (sessions, bytes, _) = &*SESSIONS;
    bencher.counter(BytesCount::new(*bytes)).bench(|| {
        let mut turns = 0;
        for session in sessions {
            let files = session.files(&Host::bare(Utc::now)).expect("it is there");
            let (session, _) = files.read(None, wanted, u64::MAX).expect("it can be read");
            turns += session.map_or(0, |session| session.turns.len());
        }
        turns
    });
}
