//! The sessions that `--since`, `--until` and `--project` choose.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::time::Duration;

use serde_json::Value;

use crate::support::env::TestEnv;
use crate::support::session::Session;

const DAY: Duration = Duration::from_hours(24);

/// The sessions that a choice of arguments reads, by the last digits of their ids.
fn chosen(env: &TestEnv, arguments: &[&OsStr]) -> BTreeSet<u32> {
    let mut run = env.command(["ingest", "--output", "-"]);
    for argument in arguments {
        run = run.argument(argument);
    }
    let events = run.run().success().stdout;
    let events = events.lines().map(serde_json::from_str::<Value>);
    let numbers = events.map(|event| {
        let event = event.expect("it is JSON");
        let id = event["properties"]["$ai_session_id"].as_str();
        let digits = id.and_then(|id| id.get(id.len() - 4..));
        digits
            .and_then(|digits| digits.parse().ok())
            .expect("an id")
    });
    numbers.collect()
}

#[test]
fn sessions_are_chosen_by_their_own_times_not_by_those_of_their_files() {
    let env = TestEnv::new();
    for (number, days) in [(1, 1), (2, 10), (3, 40)] {
        let session = Session::write_ago(days * DAY, &env, number, 1);
        // After a restore, all files have today's time.
        session.age(Duration::ZERO);
    }
    for (arguments, expected) in [
        (&["--all"][..], &[1, 2, 3][..]),
        (&["--since", "7d"], &[1]),
        (&["--since", "36h"], &[1]),
        (&["--since", "2w"], &[1, 2]),
        (&["--since", "2020-01-01"], &[1, 2, 3]),
        (&["--until", "5d"], &[2, 3]),
        (&["--until", "2020-01-01T14:30"], &[]),
        (&["--since", "20d", "--until", "5d"], &[2]),
        (&["--all", "--since", "20d"], &[1, 2]),
        (
            &["00000000-0000-4000-8000-000000000003", "--since", "20d"],
            &[],
        ),
    ] {
        let typed: Vec<&OsStr> = arguments.iter().map(OsStr::new).collect();
        let expected = expected.iter().copied().collect();
        assert_eq!(chosen(&env, &typed), expected, "{arguments:?}");
    }
}

/// Elsewhere, these folders have other names.
#[cfg(unix)]
#[test]
fn sessions_are_chosen_by_the_folder_they_were_started_in() {
    use serde_json::json;
    use std::os::unix::ffi::OsStrExt as _;
    let env = TestEnv::new();
    Session::write(&env, 1, 1);
    for (number, cwd) in [(2, "/home/ada/book shop/api"), (3, "/home/ada/caf\u{fffd}")] {
        let id = format!("00000000-0000-4000-8000-{number:012}");
        let prompt = json!({
            "type": "user", "uuid": id, "sessionId": id, "cwd": cwd, "isSidechain": false,
            "timestamp": "2026-03-02T09:00:00Z",
            "message": { "role": "user", "content": "count the books" },
        });
        let path = format!("home/.claude/projects/p/{id}.jsonl");
        env.write(path, format!("{prompt}\n"));
    }
    let project = env.project();
    let no_text = OsStr::from_bytes(b"/home/ada/caf\xe9");
    for (folder, expected) in [
        (OsStr::new("."), &[1][..]),
        (project.as_os_str(), &[1]),
        (OsStr::new("../project/"), &[1]),
        (OsStr::new("/home/ada/book shop"), &[2]),
        (OsStr::new("/home/ada/book shop/api/"), &[2]),
        (OsStr::new("/home/ada/book"), &[]),
        (no_text, &[3]),
        (OsStr::new("/home/ada"), &[2, 3]),
        (OsStr::new("/"), &[1, 2, 3]),
    ] {
        let expected = expected.iter().copied().collect();
        assert_eq!(
            chosen(&env, &[OsStr::new("--project"), folder]),
            expected,
            "{}",
            folder.display()
        );
    }
}

#[test]
fn a_choice_that_cannot_be_meant_is_wrong_use_and_one_that_finds_nothing_is_not() {
    let env = TestEnv::new();
    Session::write(&env, 1, 1);
    for (arguments, said) in [
        (&["--since", "yesterday"][..], "use 7d, 24h, 2w, 2026-03-01"),
        (
            &["--since", "1d", "--until", "2d"],
            "--since is later than --until",
        ),
    ] {
        let outcome = env.run(["ingest"].iter().chain(arguments));
        outcome.code(2).complains(said);
    }
    let nothing = env.run(["ingest", "--until", "2020-01-01"]).success();
    nothing.complains("no session matches");
    env.run(["ingest", "--list", "--until", "2020-01-01"])
        .success()
        .complains("no session matches");
    env.run(["igest"]).code(2).complains("'ingest'");
}
