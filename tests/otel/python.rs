//! OpenLLMetry and OpenInference in Python.

use std::env;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Once;

use super::machine::{Machine, Omitted};
use crate::support::openai::Answered;

const SCENES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/otel/python/scenes.py");
/// Variable with a Python that has the libraries.
const PYTHON: &str = "POSTHOG_LLMA_OTEL_PYTHON";

fn python() -> Option<PathBuf> {
    static SAID: Once = Once::new();
    let python = env::var_os(PYTHON).map(PathBuf::from);
    if python.is_none() {
        // Written past the test harness, which hides the output of passing tests.
        SAID.call_once(|| {
            let said = format!("skipped: {PYTHON} names no Python with OpenLLMetry\n");
            let _ = io::stderr().write_all(said.as_bytes());
        });
    }
    python
}

/// Plays all scenes with an instrumentation and checks the events.
#[track_caller]
fn arrives_complete(kind: &str, omitted: impl Fn(&Answered) -> &'static [Omitted]) {
    let Some(python) = python() else {
        return;
    };
    let mut machine = Machine::new();
    let mut application = Command::new(python);
    application.arg(SCENES).arg(kind);
    let answered = machine.run(application);
    machine.balanced(&answered, omitted);
    machine.of_one_person_and_without_private_content();
}

#[test]
fn calls_through_openllmetry_arrive_as_the_model_answered_them() {
    arrives_complete("openllmetry", |answered| {
        if answered.is_stream {
            &[Omitted::Reasoning]
        } else {
            &[]
        }
    });
}

#[test]
fn calls_through_openinference_arrive_as_the_model_answered_them() {
    arrives_complete("openinference", |_| &[]);
}
