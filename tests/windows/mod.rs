//! Differences of Windows. Wine shows only a part of them; a test says so if it needs the real
//! system.
//!
//! `privacy::spelling` covers the spellings of paths.
#![cfg(windows)]

mod files;
mod launchers;

use std::fs::{self, File, OpenOptions};
use std::os::windows::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;

use crate::support::env::{API_KEY, TestEnv, is_wine};
use crate::support::posthog::Fault;
use crate::support::scene::{CROWDED, SOON, Scene};
use crate::support::session::Session;

/// Lets other programs read and write a file, but not remove it (`FILE_SHARE_READ | FILE_SHARE_WRITE`).
const SHARED: u32 = 3;

/// Characters of the longest path that programs without a manifest may use.
const LONGEST_PATH: usize = 260;

/// The hook's caller waits for the end of its pipes: no process may hold them longer.
#[test]
fn the_hook_returns_while_the_detached_process_sends() {
    let scene = Scene::new();
    scene.posthog.set(Fault::LateAnswer(SOON));
    let session = Session::write(&scene.env, 1, 1);
    // The run ends when every process has closed both of its outputs.
    let hook = scene.hook(&session).run();
    hook.success().silent().within(CROWDED);
    scene.posthog.wait_for_more_than(0, SOON);
}

#[test]
fn a_session_is_read_while_claude_code_writes_it() {
    let scene = Scene::new();
    let session = Session::write(&scene.env, 1, 2);
    let mut options = OpenOptions::new();
    let writer = options.append(true).share_mode(SHARED).open(&session.path);
    let writer = writer.expect("it is ours");
    scene.end(&session);
    scene.settle();
    drop(writer);
    scene.complete(&[&session]);
}

#[test]
fn settings_are_changed_while_another_program_reads_them() {
    // Wine cannot replace a file that is open.
    if is_wine() {
        return;
    }
    let scene = Scene::new();
    let settings = scene.env.claude().join("settings.json");
    let before = "{\r\n  \"model\": \"opus\"\r\n}\r\n";
    scene.env.write(&settings, before);
    let reader = File::open(&settings).expect("it is there");
    let url = scene.posthog.url();
    let setup = scene.env.command(["setup", "--host", &url, "--key", "-"]);
    setup.stdin(API_KEY).run().success();
    drop(reader);
    let text = fs::read_to_string(settings).expect("it is there");
    assert!(text.contains(API_KEY), "{text}");
    // Every line keeps its line end.
    assert_eq!(text.matches('\n').count(), text.matches("\r\n").count());
}

#[test]
fn paths_may_be_longer_than_old_programs_allow() {
    let scene = Scene::on(|env| {
        let state = env.state().join("s".repeat(100)).join("t".repeat(100));
        env.with("POSTHOG_LLMA_STATE_DIR", state)
    });
    let mut session = Session::write(&scene.env, 1, 1);
    let long = scene.env.claude().join("projects").join("p".repeat(200));
    let name = session.path.file_name().expect("a name");
    let path = long.join(name);
    assert!(path.as_os_str().len() > LONGEST_PATH);
    fs::create_dir_all(&long).expect("it is ours");
    fs::rename(&session.path, &path).expect("it is ours");
    session.path = path;
    scene.env.run(["ingest", "--all", "--yes"]).success();
    scene.complete(&[&session]);
}

#[test]
fn names_of_every_script_are_arguments_and_are_printed() {
    let env = TestEnv::new();
    let session = Session::write(&env, 1, 1);
    for name in ["bücher.jsonl", "日本語 \u{1f4da}.jsonl"] {
        let path = env.root().join(name);
        fs::copy(&session.path, &path).expect("it is ours");
        let outcome = env.run(["ingest".as_ref(), "--dry-run".as_ref(), path.as_os_str()]);
        outcome.success();
        let missing = env.root().join(format!("no-{name}"));
        let outcome = env.run(["ingest".as_ref(), missing.as_os_str()]);
        outcome.code(2).complains(&format!("no-{name}"));
    }
}

#[test]
fn a_pipe_is_no_transcript() {
    let scene = Scene::new();
    let mut session = Session::write(&scene.env, 1, 1);
    let own = session.path.clone();
    for pipe in [r"\\.\pipe\posthog-llma-nobody", "NUL", "CON"] {
        session.path = PathBuf::from(pipe);
        let input = json!({ "transcript_path": pipe, "hook_event_name": "SessionEnd" });
        let hook = scene.env.command(["hook"]).stdin(input.to_string());
        hook.run().success().silent().within(CROWDED);
        scene.settle();
        assert_eq!(scene.posthog.events().len(), 0, "{pipe}");
    }
    session.path = own;
    scene.end(&session);
    scene.settle();
    scene.complete(&[&session]);
}

/// The folders for state and configuration are the user's own, as variables name them.
#[test]
fn state_and_confirmations_are_in_the_folders_of_the_user() {
    let scene = Scene::on(|env| env.without("POSTHOG_LLMA_STATE_DIR"));
    let session = Session::write(&scene.env, 1, 1);
    scene.env.run(["ingest", "--all", "--yes"]).success();
    scene.complete(&[&session]);
    let user = scene.env.home().join("AppData");
    assert!(user.join("Local/posthog-llma/outbox.db").is_file());
    let host = "https://posthog.example.com";
    scene.env.run(["trust", host]).success();
    assert!(user.join("Roaming/posthog-llma/trust.json").is_file());
}

/// A drive can stand for a folder (`subst`), which then has two paths.
#[test]
fn a_project_is_left_alone_by_the_path_of_another_drive() {
    let scene = Scene::new();
    let project = scene.env.project();
    scene.env.write(project.join(".posthog-llma-ignore"), "");
    let drive = r"Q:";
    let mut subst = std::process::Command::new("subst");
    let made = subst.arg(drive).arg(&project).status();
    if !made.is_ok_and(|it| it.success()) || !Path::new(r"Q:\").is_dir() {
        // Wine has no such program.
        return;
    }
    let outcome = scene.env.command(["status", "--json"]);
    let outcome = outcome.directory(r"Q:\").run();
    let removed = std::process::Command::new("subst")
        .args([drive, "/d"])
        .status();
    assert!(removed.is_ok_and(|it| it.success()));
    let outcome = outcome.success();
    outcome
        .says("posthog-llma-ignore")
        .within(Duration::from_mins(1));
}
