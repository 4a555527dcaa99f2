//! Runs a check on inputs made at random until the time is up.
//!
//! Every case runs on a thread of its own, so that one that never ends is a failure like a panic.
//! An input that fails is reduced as far as possible and stored in the corpus of its target, from
//! where every later run tries it first.

use std::fs;
use std::io::{self, Write as _};
use std::panic;
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestError, TestRunner};

/// Running time of each target, in seconds.
const SECONDS: &str = "POSTHOG_LLMA_FUZZ_SECONDS";

/// Seed of the inputs.
const SEED: &str = "POSTHOG_LLMA_FUZZ_SEED";

/// Time limit of a case. Cases take milliseconds; a longer one has a loop that grows with its
/// square.
const PATIENCE: Duration = Duration::from_secs(5);

/// Name of the threads whose panics are reported once, for the smallest case.
const CASE: &str = "fuzz case";

/// Milliseconds to spend on reducing a failing input.
const SHRINKING: u32 = 60_000;

/// An input that can be stored on disk and tried again.
pub(crate) trait Input: Clone + Send + 'static {
    fn keep(&self, path: &Path);
    fn kept(path: &Path) -> Self;
}

/// Tries the stored inputs, then inputs made by `inputs` until the time is up.
pub(crate) fn fuzz<I: Input>(target: &str, inputs: &impl Strategy<Value = I>, check: fn(&I)) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fuzz/corpus")
        .join(target);
    silence_cases();
    for path in kept(&corpus) {
        if let Err(reason) = judge(I::kept(&path), check) {
            panic!("{}: {reason}", path.display());
        }
    }
    let mut runner = TestRunner::new(Config {
        rng_seed: RngSeed::Fixed(seed()),
        failure_persistence: None,
        max_shrink_time: SHRINKING,
        ..Config::default()
    });
    let started = Instant::now();
    let mut cases = 0_u32;
    while started.elapsed() < budget() {
        let case = inputs.new_tree(&mut runner).expect("no input is rejected");
        let outcome = runner.run_one(case, |input| {
            judge(input, check).map_err(TestCaseError::fail)
        });
        if let Err(TestError::Fail(reason, input)) = outcome {
            let path = corpus.join("unnamed");
            input.keep(&path);
            panic!(
                "{reason}\nkept in {}: name it after what is wrong",
                path.display()
            );
        }
        cases += 1;
    }
    let rate = f64::from(cases) / started.elapsed().as_secs_f64();
    // Written past the test harness, which hides the output of passing tests.
    let _ = writeln!(io::stderr(), "{target}: {cases} cases, {rate:.0} a second");
}

fn silence_cases() {
    static SILENCED: Once = Once::new();
    SILENCED.call_once(|| {
        let tell = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            if thread::current().name() != Some(CASE) {
                tell(panic);
            }
        }));
    });
}

fn kept(corpus: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(corpus).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

fn budget() -> Duration {
    let seconds = std::env::var(SECONDS).ok();
    let seconds = seconds.map(|text| text.parse().expect("a number of seconds"));
    Duration::from_secs(seconds.unwrap_or(1))
}

/// The seed: the same inputs in the same order, unless a variable sets another.
fn seed() -> u64 {
    let seed = std::env::var(SEED).ok();
    seed.map_or(1, |text| text.parse().expect("a whole number"))
}

fn judge<I: Input>(input: I, check: fn(&I)) -> Result<(), String> {
    let (done, is_done) = mpsc::channel();
    let case = move || {
        check(&input);
        // The receiver is gone if the case took too long.
        let _ = done.send(());
    };
    let worker = thread::Builder::new().name(CASE.to_owned()).spawn(case);
    let worker = worker.expect("there is room for a thread");
    match is_done.recv_timeout(PATIENCE) {
        Ok(()) => Ok(()),
        Err(RecvTimeoutError::Timeout) => Err(format!("takes longer than {PATIENCE:?}")),
        Err(RecvTimeoutError::Disconnected) => {
            let panic = worker.join().expect_err("it ended without an answer");
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
            Err(text.unwrap_or("a panic without words").to_owned())
        }
    }
}
