//! The key by reference: in a file or from a command instead of in the settings themselves.
#![cfg(unix)]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::env::{API_KEY, Run, TestEnv};
use crate::support::posthog::PostHog;
use crate::support::scene::{CROWDED, SOON, Scene};
use crate::support::session::Session;

const OTHER_KEY: &str = "phc_of_somebody_else_entirely_0123456789abcdefg";

/// A machine that is switched on, with a host and without a key.
fn without_key() -> Scene {
    Scene::on(|env| env.without("POSTHOG_API_KEY"))
}

/// A file with the key, readable by its owner only.
fn key_file(env: &TestEnv, content: &str) -> PathBuf {
    let path = env.write("home/secrets/key", content);
    set_mode(&path, 0o600);
    path
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("it is ours");
}

/// The hook at a session's end, with one more variable.
fn hook(scene: &Scene, session: &Session, name: &str, value: &str) -> Run {
    scene.hook(session).env(name, value)
}

/// The finding of a check of `doctor`, with one more variable.
fn check(env: &TestEnv, check: &str, name: &str, value: &str) -> Value {
    let outcome = env.command(["doctor", "--json"]).env(name, value).run();
    let outcome = outcome.never_mentions(API_KEY);
    let report: Value = serde_json::from_str(&outcome.stdout).expect("it is JSON");
    let checks = report["checks"].as_array().expect("a list");
    let found = checks.iter().find(|it| it["check"] == check);
    found
        .cloned()
        .unwrap_or_else(|| panic!("no {check}: {report:#}"))
}

#[test]
fn a_session_is_sent_with_the_key_in_a_file() {
    let scene = without_key();
    let path = key_file(&scene.env, &format!("{API_KEY}\n"));
    let path = path.to_str().expect("it is text");
    let session = Session::write(&scene.env, 1, 1);
    let end = hook(&scene, &session, "POSTHOG_API_KEY_FILE", path).run();
    end.success().silent().within(CROWDED);
    scene.settle();
    assert_eq!(scene.posthog.events().len() as u64, session.events());
    let key = check(&scene.env, "key", "POSTHOG_API_KEY_FILE", path);
    assert_eq!(key["verdict"], "ok", "{key}");
    assert_eq!(key["details"]["source"], "file");
    assert_eq!(key["details"]["key"], "phc_…DEFG");
}

#[test]
fn a_session_is_sent_with_the_key_that_a_command_prints() {
    let scene = without_key();
    let path = key_file(&scene.env, API_KEY);
    let command = format!("cat '{}'", path.display());
    let session = Session::write(&scene.env, 1, 1);
    let end = hook(&scene, &session, "POSTHOG_API_KEY_COMMAND", &command).run();
    end.success().silent().within(CROWDED);
    scene.settle();
    assert_eq!(scene.posthog.events().len() as u64, session.events());
    let key = check(&scene.env, "key", "POSTHOG_API_KEY_COMMAND", &command);
    assert_eq!(key["details"]["source"], "command", "{key}");
    // `status` runs often, and so runs no command.
    let witness = scene.env.root().join("was run");
    let command = format!("touch '{}'", witness.display());
    let status = scene.env.command(["status"]);
    let status = status.env("POSTHOG_API_KEY_COMMAND", command);
    status
        .run()
        .success()
        .says("the key of POSTHOG_API_KEY_COMMAND");
    assert!(!witness.exists());
}

#[test]
fn the_hook_does_not_wait_for_a_command_and_a_failure_is_made_good() {
    let scene = without_key();
    let session = Session::write(&scene.env, 1, 1);
    let keychain = scene.env.root().join("open keychain");
    let command = format!(
        "if [ -e '{}' ]; then echo {API_KEY}; else sleep 3; exit 44; fi",
        keychain.display()
    );
    let end = hook(&scene, &session, "POSTHOG_API_KEY_COMMAND", &command).run();
    end.success().silent().within(CROWDED);
    scene.settle();
    assert_eq!(scene.posthog.count(), 0);
    let status = scene.status();
    let error = status["runs"][0]["error"].as_str().expect("it failed");
    assert!(
        error.contains("POSTHOG_API_KEY_COMMAND ended with exit status: 44"),
        "{error}"
    );

    // The keychain is open again when the next session starts.
    fs::write(keychain, "").expect("it is ours");
    let input = r#"{"session_id":"next","hook_event_name":"SessionStart","source":"startup"}"#;
    let start = scene.env.command(["hook"]).stdin(input);
    start
        .env("POSTHOG_API_KEY_COMMAND", command)
        .run()
        .success();
    scene
        .posthog
        .wait_until(SOON, |events| events.len() as u64 == session.events());
}

/// A file with a key in a project, and the faults of other files and commands.
fn mistakes(env: &TestEnv) -> Vec<(&'static str, String, &'static str)> {
    const FILE: &str = "POSTHOG_API_KEY_FILE";
    const COMMAND: &str = "POSTHOG_API_KEY_COMMAND";
    fs::create_dir(env.project().join(".git")).expect("it is ours");
    let file = |place: &str, content: &str, mode: u32| {
        let path = env.write(place, content);
        set_mode(&path, mode);
        path.display().to_string()
    };
    let whole = key_file(env, API_KEY).display().to_string();
    let empty = file("home/secrets/empty", "\n", 0o600);
    let open = file("home/secrets/open", API_KEY, 0o666);
    let committed = file("project/key", API_KEY, 0o600);
    vec![
        (
            FILE,
            "/nowhere/key".to_owned(),
            "is not there; write it first",
        ),
        (FILE, "key".to_owned(), "use an absolute path, or ~/"),
        (FILE, empty, "whose content is empty"),
        (FILE, open, "which others can write"),
        (FILE, committed, "is in a git repository"),
        (COMMAND, "true".to_owned(), "printed nothing"),
        (COMMAND, "no-such-program".to_owned(), "exit status: 127"),
        (COMMAND, format!("cat {whole} {whole}"), "too long"),
    ]
}

#[test]
fn what_is_wrong_with_a_file_or_command_is_told_with_the_next_step() {
    let scene = without_key();
    let env = &scene.env;
    for (name, value, found) in mistakes(env) {
        let setting = check(env, "settings", name, &value);
        assert_eq!(setting["verdict"], "problem", "{value}: {setting}");
        let text = setting["found"].as_str().expect("words");
        assert!(
            text.starts_with(name) && text.contains(found),
            "{value}: {text}"
        );
        let ingest = env.command(["ingest", "--all", "--yes"]);
        let outcome = ingest.env(name, &value).run();
        outcome.code(2).complains(found).never_mentions(API_KEY);
    }
    assert_eq!(scene.posthog.count(), 0);
}

#[test]
fn a_file_that_others_can_read_is_used_and_told() {
    let scene = without_key();
    let path = key_file(&scene.env, API_KEY);
    set_mode(&path, 0o644);
    let key = check(
        &scene.env,
        "key",
        "POSTHOG_API_KEY_FILE",
        path.to_str().expect("text"),
    );
    assert_eq!(key["verdict"], "note", "{key}");
    assert_eq!(key["fix"], "chmod 600 ~/secrets/key");
}

#[test]
fn a_key_in_the_settings_comes_before_a_file_and_that_before_a_command() {
    let scene = Scene::new();
    let path = key_file(&scene.env, OTHER_KEY);
    let path = path.to_str().expect("text");
    let source = |env: &TestEnv, variables: &[(&str, &str)]| {
        let status = env.command(["status", "--json"]);
        let status = variables
            .iter()
            .fold(status, |run, (name, value)| run.env(name, value));
        let status: Value = serde_json::from_str(&status.run().stdout).expect("it is JSON");
        status["api_key_source"].clone()
    };
    let file = ("POSTHOG_API_KEY_FILE", path);
    let command = ("POSTHOG_API_KEY_COMMAND", "true");
    assert_eq!(source(&scene.env, &[file, command]), "variable");
    let keyless = [("POSTHOG_API_KEY", ""), file, command];
    assert_eq!(source(&scene.env, &keyless), "file");
    assert_eq!(
        source(&scene.env, &[("POSTHOG_API_KEY", ""), command]),
        "command"
    );
}

#[test]
fn a_repository_chooses_neither_file_nor_command() {
    for has_own_key in [true, false] {
        let scene = if has_own_key {
            Scene::new()
        } else {
            without_key()
        };
        let foreign = PostHog::start();
        let witness = scene.env.root().join("was run");
        let command = format!("touch '{}'; echo {OTHER_KEY}", witness.display());
        let file = key_file(&scene.env, OTHER_KEY);
        let committed = json!({
            "POSTHOG_API_KEY_COMMAND": command,
            "POSTHOG_API_KEY_FILE": file,
        });
        let settings = json!({ "env": committed }).to_string();
        scene.env.write("project/.claude/settings.json", settings);
        let session = Session::write(&scene.env, 1, 1);
        let end = hook(&scene, &session, "POSTHOG_API_KEY_COMMAND", &command);
        let end = end.env("POSTHOG_API_KEY_FILE", &file);
        end.run().success().silent();
        scene.settle();
        scene.env.run(["ingest", "--all", "--yes"]);
        scene.env.run(["doctor"]);
        assert!(!witness.exists(), "a command of the repository was run");
        let bodies = format!(
            "{:?}",
            scene
                .posthog
                .requests()
                .iter()
                .map(|it| it.body.clone())
                .collect::<Vec<_>>()
        );
        assert!(!bodies.contains(OTHER_KEY));
        assert_eq!(foreign.count(), 0);
        let sent = if has_own_key { session.events() } else { 0 };
        assert_eq!(scene.posthog.events().len() as u64, sent);
    }
}

#[test]
fn setup_writes_the_reference_and_never_the_key() {
    let posthog = PostHog::start();
    let env = TestEnv::new();
    let path = key_file(&env, API_KEY);
    let settings = env.claude().join("settings.json");
    let read = || -> Value {
        let text = fs::read_to_string(&settings).expect("it was written");
        assert!(!text.contains(API_KEY), "{text}");
        serde_json::from_str::<Value>(&text).expect("it is JSON")["env"].clone()
    };
    let url = posthog.url();
    let file = path.to_str().expect("text");
    let by_file = ["setup", "--host", &url, "--key-file", file];
    env.run(by_file).success().never_mentions(API_KEY);
    assert_eq!(read()["POSTHOG_API_KEY_FILE"], file);
    let command = format!("cat '{file}'");
    let by_command = ["setup", "--host", &url, "--key-command", &command];
    env.run(by_command).success().never_mentions(API_KEY);
    // One variable for the key remains.
    assert_eq!(read()["POSTHOG_API_KEY_COMMAND"], command.as_str());
    assert_eq!(read()["POSTHOG_API_KEY_FILE"], Value::Null);
    assert_eq!(posthog.named("$ai_trace").len(), 2);
    let missing = ["setup", "--host", &url, "--key-file", "/nowhere/key"];
    env.run(missing).code(2).complains("write it first");
    env.run(["setup", "--remove"]).success();
    assert!(!settings.exists());
}
