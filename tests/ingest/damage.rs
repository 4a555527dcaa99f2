//! Transcripts of which a part cannot be read: the rest is sent, and the messages tell.

use std::fs;

use crate::support::env::TestEnv;
use crate::support::posthog::PostHog;
use crate::support::session::Session;

/// Ways to read sessions.
const WAYS: [&[&str]; 3] = [
    &["ingest", "--all"],
    &["ingest", "--all", "--dry-run"],
    &["ingest", "--all", "--output", "-"],
];

/// A machine with a session whose lines were changed.
fn with(posthog: &PostHog, change: impl Fn(&mut Vec<String>)) -> TestEnv {
    let env = TestEnv::sending_to(posthog);
    let session = Session::write(&env, 1, 3);
    let text = fs::read_to_string(&session.path).expect("it was written");
    let mut lines: Vec<String> = text.lines().map(|line| format!("{line}\n")).collect();
    change(&mut lines);
    fs::write(&session.path, lines.concat()).expect("it is ours");
    env
}

#[test]
fn a_line_that_cannot_be_read_is_told_and_costs_nothing_else() {
    let posthog = PostHog::start();
    for way in WAYS {
        let cut = with(&posthog, |lines| {
            let half = lines[4].len() / 2;
            lines[4] = format!("{}\n", &lines[4][..half]);
        });
        let outcome = cut.run(way).success();
        let outcome = outcome.complains("1 line could not be read");
        assert!(!outcome.stderr.contains("reported no usage"), "{way:?}");
        let lost = with(&posthog, |lines| {
            lines[4] = "\0".repeat(lines[4].len()) + "\n";
        });
        lost.run(way)
            .success()
            .complains("1 line could not be read");
    }
}

#[test]
fn a_last_line_that_is_still_being_written_is_no_damage() {
    let posthog = PostHog::start();
    for way in WAYS {
        let written = with(&posthog, |lines| {
            let next = lines[4].len() / 2;
            lines.push(lines[4][..next].to_owned());
        });
        let outcome = written.run(way).success();
        assert!(!outcome.stderr.contains("could not be read"), "{way:?}");
    }
}
