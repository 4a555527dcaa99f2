//! The messages of `ingest`.

use std::time::Duration;

use crate::support::env::TestEnv;
use crate::support::posthog::{Fault, PostHog};
use crate::support::session::Session;

#[test]
fn nothing_to_send_is_one_line_and_no_table() {
    let env = TestEnv::sending_to(&PostHog::start());
    for more in [&[][..], &["--dry-run"], &["--output", "-"]] {
        let arguments = ["ingest", "--all"].iter().chain(more);
        let outcome = env.run(arguments).success();
        let outcome = outcome.complains("no sessions were found");
        assert_eq!(outcome.stdout, "");
    }
}

/// Paths of temporary folders on Windows are longer than a line.
#[cfg(unix)]
#[test]
fn reasons_and_rows_fit_a_terminal_and_rows_of_zeros_are_left_out() {
    let env = TestEnv::sending_to(&PostHog::start());
    let folder = "project/.posthog-llma-ignore";
    Session::write(&env, 1, 1);
    Session::write(&env, 2, 1);
    let ignored = env.write(folder, "");
    let outcome = env.run(["ingest", "--all"]).success();
    let rows: Vec<&str> = outcome.stdout.lines().collect();
    assert!(rows[0].starts_with("sessions "), "{rows:?}");
    assert!(rows[1].trim().starts_with("2 left alone:"), "{rows:?}");
    assert!(rows.last().unwrap().starts_with("events "), "{rows:?}");
    let path = ignored.display().to_string();
    let is_short = |row: &&str| row.len() <= 80 || row.trim() == path;
    assert!(rows.iter().all(is_short), "{rows:?}");
}

#[test]
fn columns_are_explained_where_they_are_shown() {
    let env = TestEnv::new();
    Session::write(&env, 1, 1);
    let outcome = env.run(["ingest", "--all", "--dry-run"]).success();
    let columns = outcome.stdout.lines().next().expect("a first line");
    for column in ["turns", "calls", "in", "out", "cached", "totals"] {
        assert!(columns.contains(column), "{columns}");
        assert!(outcome.stderr.contains(column), "{}", outcome.stderr);
    }
    assert!(outcome.stderr.lines().all(|line| line.len() <= 80));
}

#[test]
fn what_is_left_out_of_a_running_session_is_told_whatever_is_done_with_it() {
    let posthog = PostHog::start();
    let env = TestEnv::sending_to(&posthog);
    let mut session = Session::write(&env, 1, 1);
    session.begin_turn();
    session.open_in_process(&env, std::process::id());
    let left_out = "still running: what may change is sent when it ends";
    for arguments in [
        &["show"][..],
        &["ingest", "--dry-run"],
        &["ingest", "--output", "-"],
    ] {
        env.run(arguments).success().complains(left_out);
    }
}

#[test]
fn a_server_that_does_not_answer_is_not_waited_for_in_silence() {
    let posthog = PostHog::start();
    let env = TestEnv::sending_to(&posthog);
    Session::write(&env, 1, 1);
    posthog.set(Fault::LateAnswer(Duration::from_millis(5_500)));
    let outcome = env.run(["ingest"]).success();
    outcome
        .complains("sending ")
        .complains("no answer for 5 s; Ctrl-C stops, and what waits is kept");
}

#[test]
fn help_has_two_lengths() {
    let env = TestEnv::new();
    for verb in [
        "", "setup", "show", "ingest", "doctor", "trust", "pause", "forget",
    ] {
        let help = |flag: &str| {
            let arguments = [verb, flag].into_iter().filter(|it| !it.is_empty());
            env.run(arguments).success().stdout
        };
        let (short, long) = (help("-h"), help("--help"));
        assert!(short.lines().count() <= 40, "{verb}: {short}");
        assert!(long.len() > short.len(), "{verb}: {long}");
        assert!(short.contains("see more with '--help'"), "{short}");
    }
}
