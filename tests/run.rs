//! `posthog-llma run`: runs a command, and sends its sessions before it returns.

use std::fs;
use std::path::{Path, PathBuf};

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::Value;

use crate::support::env::{PROGRAM, Run, TestEnv};
use crate::support::scene::Scene;
use crate::support::session::Session;
use crate::support::shell::Shell;
use crate::support::stop::Stop;

/// A run of the commands of a shell, with arguments of `run` before it.
fn run(env: &TestEnv, arguments: &[&str], script: &[&str]) -> Run {
    let mut all = vec!["run"];
    all.extend(arguments);
    if cfg!(windows) {
        // The shell of Windows reads quotes otherwise than programs do.
        let file = env.write("script.cmd", format!("@{}\r\n", script.join("\r\n@")));
        let file = file.to_string_lossy().into_owned();
        return env.command(all).argument("--").argument(file);
    }
    all.extend(["--", "sh", "-c"]);
    env.command(all).argument(script.join("; "))
}

/// A session that a command will write: it is moved away, and the command moves it back.
fn to_be_written(env: &TestEnv, number: u64) -> (Session, String) {
    let (session, aside) = set_aside(env, number);
    let script = Shell::rename(&aside, &session.path);
    (session, script)
}

/// A session, and the file to which it is moved away. Its lines are dated an hour ahead, so that
/// none is from before the command, however slow the machine.
fn set_aside(env: &TestEnv, number: u64) -> (Session, PathBuf) {
    let session = Session::write(env, number, 2);
    let aside = env.root().join(format!("{number}.jsonl"));
    let text = fs::read_to_string(&session.path).expect("it is there");
    fs::remove_file(&session.path).expect("it is ours");
    let lines = text.lines().map(|line| {
        let mut line: Value = serde_json::from_str(line).expect("it is JSON");
        let at: Option<DateTime<Utc>> = line["timestamp"].as_str().and_then(|at| at.parse().ok());
        if let Some(at) = at {
            let later = at + TimeDelta::hours(1);
            line["timestamp"] = later.to_rfc3339_opts(SecondsFormat::Millis, true).into();
        }
        format!("{line}\n")
    });
    fs::write(&aside, lines.collect::<String>()).expect("it is ours");
    (session, aside)
}

fn usage(path: &Path) -> Value {
    let text = fs::read_to_string(path).expect("it was written");
    serde_json::from_str(&text).expect("it is JSON")
}

#[test]
fn a_session_is_sent_before_the_command_returns() {
    let scene = Scene::new();
    Session::write(&scene.env, 9, 1);
    let (session, script) = to_be_written(&scene.env, 1);
    let outcome = run(&scene.env, &[], &[&script, "echo done", "exit 7"]).run();
    let outcome = outcome.code(7).says("done");
    outcome.complains(&format!("{} events sent", session.events()));
    let sent = scene.posthog.of_session(&session.id);
    assert_eq!(sent.len() as u64, session.events());
    // Another session of the same folder is not the command's.
    assert_eq!(scene.posthog.events().len(), sent.len());
}

#[test]
fn what_was_used_is_in_the_file_that_is_named() {
    let scene = Scene::new();
    let file = scene.env.root().join("usage.json");
    let name = file.to_string_lossy().into_owned();
    let (session, script) = to_be_written(&scene.env, 1);
    let outcome = run(&scene.env, &["--usage-file", &name], &[&script]).run();
    outcome.success().silent();
    let usage = usage(&file);
    assert_eq!(usage["total"]["calls"], 4);
    assert_eq!(usage["total"]["tokens"]["output"], session.output_tokens());
    assert_eq!(usage["command"]["exit_status"], 0);
    assert_eq!(usage["command"]["sessions"][0], session.id);
    assert_eq!(usage["command"]["sent"]["events"], session.events());
}

#[test]
fn without_sending_the_usage_is_told_and_nothing_leaves() {
    let scene = Scene::on(|env| env.without("POSTHOG_LLMA_CC_ENABLED"));
    let (_, script) = to_be_written(&scene.env, 1);
    let outcome = run(&scene.env, &[], &[&script]).run().success();
    outcome
        .complains("4 calls, 4 tools")
        .complains("sending is off");
    assert_eq!(scene.posthog.events(), Vec::<Value>::new());
}

#[test]
fn a_command_keeps_its_exit_status_and_its_streams() {
    let env = TestEnv::new();
    for (script, code) in [("exit 0", 0), ("exit 42", 42)] {
        run(&env, &[], &[script]).run().code(code);
    }
    let repeats = if cfg!(windows) {
        ["set /p said=", "echo %said%", "echo aside >&2"]
    } else {
        ["read said", "echo $said", "echo aside >&2"]
    };
    let outcome = run(&env, &[], &repeats).stdin("hello\n").run();
    let outcome = outcome.success().complains("aside");
    assert_eq!(outcome.stdout.trim_end(), "hello");
    env.run(["run", "--", "no-such-command"])
        .code(127)
        .complains("cannot start no-such-command");
    env.run(["run"]).code(2);
}

#[cfg(unix)]
#[test]
fn a_command_that_a_signal_ends_has_the_exit_status_of_shells() {
    let env = TestEnv::new();
    for (script, code) in [("kill -TERM $$", 143), ("kill -KILL $$", 137)] {
        run(&env, &[], &[script]).run().code(code);
    }
}

#[test]
fn a_budget_fails_a_command_that_succeeded() {
    let env = TestEnv::new();
    for (number, script, budget, code) in [
        (1, "exit 0", "10tokens", 3),
        (2, "exit 5", "10tokens", 5),
        (3, "exit 0", "10M", 0),
    ] {
        let (_, writes) = to_be_written(&env, number);
        let outcome = run(&env, &["--fail-over", budget], &[&writes, script]).run();
        let outcome = outcome.code(code);
        if budget == "10tokens" {
            outcome.complains("over the budget");
        }
    }
}

#[test]
fn settings_that_cannot_be_used_do_not_keep_the_command_from_running() {
    let env = TestEnv::new()
        .with("POSTHOG_LLMA_CC_ENABLED", "true")
        .with("POSTHOG_API_KEY", "no key");
    let outcome = run(&env, &[], &["echo ran", "exit 4"]).run().code(4);
    outcome.says("ran").complains("POSTHOG_API_KEY");
}

/// The command is this program, which stops at Ctrl-C by itself.
#[test]
fn ctrl_c_ends_the_command_and_its_session_is_sent() {
    let scene = Scene::new();
    let (session, aside) = set_aside(&scene.env, 1);
    let command = ["run", "--", PROGRAM, "view", "--no-open"];
    let (mut child, ready) = scene.env.command(command).spawn_until_ready();
    assert!(ready.starts_with("http://"), "{ready}");
    fs::rename(aside, &session.path).expect("it is ours");
    let status = Stop::Interrupt.end(&mut child);
    assert_eq!(status.code(), Some(0));
    let sent = scene.posthog.of_session(&session.id);
    assert_eq!(sent.len() as u64, session.events());
}

#[cfg(unix)]
#[test]
fn a_signal_to_end_reaches_the_command() {
    use rustix::process::{Pid, Signal, kill_process};

    use crate::support::process::wait_for;
    use crate::support::scene::SOON;

    let env = TestEnv::new();
    // A scheduler warns of its time limit with USR1.
    for (signal, name) in [(Signal::TERM, "TERM"), (Signal::USR1, "USR1")] {
        let mark = env.root().join(name);
        let script = format!(
            "trap 'exit 9' {name}; touch '{}'; while :; do sleep 0.05; done",
            mark.display()
        );
        let mut child = run(&env, &[], &[&script]).spawn();
        wait_for("the command runs", SOON, || mark.exists().then_some(()));
        kill_process(Pid::from_child(&child), signal).expect("it runs");
        let status = child.wait().expect("it is ours");
        assert_eq!(status.code(), Some(9), "{name}");
    }
}

/// A command that `nohup` is to protect goes on when its terminal is closed.
#[cfg(target_os = "linux")]
#[test]
fn a_signal_that_was_ignored_stays_ignored() {
    let env = TestEnv::new();
    let command = ["run", "--", "sh", "-c", "kill -HUP $PPID $$; echo alive"];
    let outcome = env.through_shell("trap '' HUP; exec \"$@\"", command).run();
    outcome.success().says("alive");
}

#[cfg(unix)]
#[test]
fn a_command_is_waited_for_where_the_end_of_processes_is_ignored() {
    let env = TestEnv::new();
    let run = env.through_shell(
        "trap '' CHLD; exec \"$@\"",
        ["run", "--", "sh", "-c", "exit 3"],
    );
    run.run().code(3);
}
