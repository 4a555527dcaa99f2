//! The key by reference: in a file or from a command instead of in the settings themselves.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::support::env::{API_KEY, Run, TestEnv};
use crate::support::posthog::PostHog;
use crate::support::scene::{CROWDED, SOON, Scene};
use crate::support::session::Session;
use crate::support::shell::Shell;

const OTHER_KEY: &str = "phc_of_somebody_else_entirely_0123456789abcdefg";

/// A machine that is switched on, with a host and without a key.
fn without_key() -> Scene {
    Scene::on(|env| env.without("POSTHOG_API_KEY"))
}

/// A file with the key, readable by its owner only.
fn key_file(env: &TestEnv, content: &str) -> PathBuf {
    env.write_private("home/secrets/key", content)
}

#[cfg(unix)]
fn set_mode(path: &std::path::Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("it is ours");
}

/// A file that does not exist, as text.
fn missing_file(env: &TestEnv) -> String {
    env.root().join("nowhere/key").display().to_string()
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

/// Ends a session whose key is in a file, and asserts that all of it arrives.
#[track_caller]
fn assert_sends_with_key_file(scene: &Scene, path: &str) {
    let session = Session::write(&scene.env, 1, 1);
    let end = hook(scene, &session, "POSTHOG_API_KEY_FILE", path).run();
    end.success().silent().within(CROWDED);
    scene.settle();
    assert_eq!(scene.posthog.events().len() as u64, session.events());
}

#[test]
fn a_session_is_sent_with_the_key_in_a_file() {
    let scene = without_key();
    let path = key_file(&scene.env, &format!("{API_KEY}\n"));
    let path = path.to_str().expect("it is text");
    assert_sends_with_key_file(&scene, path);
    let key = check(&scene.env, "key", "POSTHOG_API_KEY_FILE", path);
    assert_eq!(key["verdict"], "ok", "{key}");
    assert_eq!(key["details"]["source"], "file");
    assert_eq!(key["details"]["key"], "phc_…DEFG");
}

#[test]
fn a_session_is_sent_with_the_key_that_a_command_prints() {
    let scene = without_key();
    let path = key_file(&scene.env, API_KEY);
    let command = Shell::print(&path);
    let session = Session::write(&scene.env, 1, 1);
    let end = hook(&scene, &session, "POSTHOG_API_KEY_COMMAND", &command).run();
    end.success().silent().within(CROWDED);
    scene.settle();
    assert_eq!(scene.posthog.events().len() as u64, session.events());
    let key = check(&scene.env, "key", "POSTHOG_API_KEY_COMMAND", &command);
    assert_eq!(key["details"]["source"], "command", "{key}");
    // `status` runs often, and so runs no command.
    let witness = scene.env.root().join("was run");
    let command = Shell::make(&witness);
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
    let print = format!("echo {API_KEY}");
    let fail = Shell::both(&Shell::wait(3), "exit 44");
    let command = Shell::if_exists(&keychain, &print, &fail);
    let end = hook(&scene, &session, "POSTHOG_API_KEY_COMMAND", &command).run();
    end.success().silent().within(CROWDED);
    scene.settle();
    assert_eq!(scene.posthog.count(), 0);
    let status = scene.status();
    let error = status["runs"][0]["error"].as_str().expect("it failed");
    let expected = format!("POSTHOG_API_KEY_COMMAND ended with {}44", Shell::ENDED);
    assert!(error.contains(&expected), "{error}");

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

const START: &str = r#"{"session_id":"next","hook_event_name":"SessionStart","source":"startup"}"#;

/// Variables for the key, before and after a repair.
type Repair = [Vec<(&'static str, String)>; 2];

/// Keys that are broken in various ways, and their repairs.
fn repairs(env: &TestEnv) -> Vec<Repair> {
    const KEY: &str = "POSTHOG_API_KEY";
    const FILE: &str = "POSTHOG_API_KEY_FILE";
    const COMMAND: &str = "POSTHOG_API_KEY_COMMAND";
    let whole = key_file(env, API_KEY);
    let print = Shell::print(&whole);
    let whole = whole.display().to_string();
    let missing = missing_file(env);
    let one = |name, value: &str| vec![(name, value.to_owned())];
    #[cfg_attr(windows, expect(unused_mut, reason = "Unix has one more"))]
    let mut repairs = vec![
        [one(COMMAND, "exit 3"), one(COMMAND, &print)],
        [one(COMMAND, "exit 3"), one(FILE, &whole)],
        [one(COMMAND, "exit 3"), one(KEY, API_KEY)],
        [one(FILE, &missing), one(FILE, &whole)],
        [one(FILE, &missing), one(COMMAND, &print)],
        [one(KEY, "phx_personal"), one(KEY, API_KEY)],
    ];
    #[cfg(unix)]
    {
        let open = env.write("home/secrets/open", API_KEY);
        set_mode(&open, 0o666);
        let open = open.display().to_string();
        repairs.push([one(FILE, &open), one(FILE, &whole)]);
    }
    repairs
}

fn with(run: Run, variables: &[(&'static str, String)]) -> Run {
    variables
        .iter()
        .fold(run, |run, (name, value)| run.env(name, value))
}

#[test]
fn the_first_start_with_a_repaired_key_makes_up_for_the_sessions_before() {
    for index in 0..repairs(&TestEnv::new()).len() {
        let scene = without_key();
        let [broken, repaired] = repairs(&scene.env).swap_remove(index);
        let session = Session::write(&scene.env, 1, 1);
        let end = with(scene.hook(&session), &broken).run();
        end.success().silent().within(CROWDED);
        scene.settle();
        assert_eq!(scene.posthog.count(), 0, "{broken:?}");
        let status = with(scene.env.command(["status", "--json"]), &broken).run();
        let status: Value = serde_json::from_str(&status.stdout).expect("it is JSON");
        let expected = json!([{
            "agent": "claude-code",
            "id": session.id.as_str(),
            "for_another_destination": false,
        }]);
        assert_eq!(status["unstored"], expected, "{broken:?}");
        let error = status["runs"][0]["error"].as_str().expect("it failed");
        assert!(error.starts_with(broken[0].0), "{error}");

        let start = scene.env.command(["hook"]).stdin(START);
        with(start, &repaired).run().success().silent();
        scene.settle();
        assert_eq!(
            scene.posthog.events().len() as u64,
            session.events(),
            "{broken:?} {repaired:?}"
        );
        let status = with(scene.env.command(["status", "--json"]), &repaired).run();
        let status: Value = serde_json::from_str(&status.stdout).expect("it is JSON");
        assert_eq!(status["unstored"], json!([]));
    }
}

#[test]
fn a_session_of_a_broken_key_is_not_sent_to_another_host() {
    let scene = without_key();
    let session = Session::write(&scene.env, 1, 1);
    let end = hook(&scene, &session, "POSTHOG_API_KEY_COMMAND", "exit 3");
    let end = end.env("POSTHOG_HOST", "http://127.0.0.1:9").run();
    end.success().silent();
    scene.settle();
    let command = format!("echo {API_KEY}");
    let start = scene.env.command(["hook"]).stdin(START);
    let start = start.env("POSTHOG_API_KEY_COMMAND", &command).run();
    start.success().silent();
    scene.settle();
    assert_eq!(scene.posthog.count(), 0);
    let status = scene.env.command(["status"]);
    let status = status.env("POSTHOG_API_KEY_COMMAND", &command).run();
    status.says("ended under another destination; posthog-llma ingest");
    let ingest = scene.env.command(["ingest", &session.id]);
    ingest.env("POSTHOG_API_KEY", API_KEY).run().success();
    assert_eq!(scene.posthog.events().len() as u64, session.events());
    assert_eq!(scene.status()["unstored"], json!([]));
}

#[test]
fn a_session_that_ended_while_sending_was_off_is_not_made_up_for() {
    let scene = without_key();
    let off = Session::write(&scene.env, 1, 1);
    let end = hook(&scene, &off, "POSTHOG_LLMA_CC_ENABLED", "false");
    let missing = missing_file(&scene.env);
    let end = end.env("POSTHOG_API_KEY_FILE", missing).run();
    end.success().silent();
    // Without any source of a key it is off as well.
    let keyless = Session::write(&scene.env, 2, 1);
    scene.hook(&keyless).run().success().silent();
    scene.settle();
    assert!(!scene.env.state().join("endings").exists());
    let start = scene.env.command(["hook"]).stdin(START);
    start.env("POSTHOG_API_KEY", API_KEY).run().success();
    scene.settle();
    assert_eq!(scene.posthog.count(), 0);
}

#[test]
fn a_command_that_leaves_a_process_behind_gives_its_key_at_once() {
    let scene = without_key();
    let session = Session::write(&scene.env, 1, 1);
    let command = Shell::beside(&Shell::wait(60), &format!("echo {API_KEY}"));
    let end = hook(&scene, &session, "POSTHOG_API_KEY_COMMAND", &command).run();
    end.success().silent().within(CROWDED);
    scene
        .posthog
        .wait_until(SOON / 2, |events| events.len() as u64 == session.events());
}

#[test]
fn a_key_file_with_a_byte_order_mark_holds_the_key() {
    let scene = without_key();
    let path = key_file(&scene.env, &format!("\u{feff}{API_KEY}\r\n"));
    let path = path.to_str().expect("it is text");
    assert_sends_with_key_file(&scene, path);
}

#[test]
fn a_hook_waits_for_a_command_no_longer_than_for_sending() {
    let scene = without_key();
    let session = Session::write(&scene.env, 1, 1);
    let command = Shell::both(&Shell::wait(20), &format!("echo {API_KEY}"));
    for never in [false, true] {
        let end = hook(&scene, &session, "POSTHOG_API_KEY_COMMAND", &command);
        let end = if never {
            end.env("POSTHOG_LLMA_WAIT", "never")
        } else {
            end
        };
        end.run().success().silent().within(CROWDED);
    }
}

/// A file with a key in a project, and the faults of other files and commands.
fn mistakes(env: &TestEnv) -> Vec<(&'static str, String, &'static str)> {
    const FILE: &str = "POSTHOG_API_KEY_FILE";
    const COMMAND: &str = "POSTHOG_API_KEY_COMMAND";
    fs::create_dir(env.project().join(".git")).expect("it is ours");
    let file = |place: &str, content: &str| {
        let path = env.write_private(place, content);
        path.display().to_string()
    };
    let whole = Shell::print(&key_file(env, API_KEY));
    let empty = file("home/secrets/empty", "\n");
    let committed = file("project/key", API_KEY);
    let not_found = "no-such-program".to_owned();
    #[cfg_attr(windows, expect(unused_mut, reason = "Unix has one more"))]
    let mut mistakes = vec![
        (FILE, missing_file(env), "is not there; write it first"),
        (FILE, "key".to_owned(), "use an absolute path, or ~/"),
        (FILE, empty, "whose content is empty"),
        (FILE, committed, "is in a git repository"),
        (COMMAND, Shell::NOTHING.to_owned(), "printed nothing"),
        (COMMAND, Shell::both(&whole, &whole), "too long"),
        (COMMAND, not_found, Shell::ENDED),
    ];
    #[cfg(unix)]
    {
        let open = file("home/secrets/open", API_KEY);
        set_mode(open.as_ref(), 0o666);
        mistakes.push((FILE, open, "which others can write"));
    }
    mistakes
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

#[cfg(unix)]
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
    let command = ("POSTHOG_API_KEY_COMMAND", Shell::NOTHING);
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
        let command = Shell::both(&Shell::make(&witness), &format!("echo {OTHER_KEY}"));
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
    let command = Shell::print(&path);
    let by_command = ["setup", "--host", &url, "--key-command", &command];
    env.run(by_command).success().never_mentions(API_KEY);
    // One variable for the key remains.
    assert_eq!(read()["POSTHOG_API_KEY_COMMAND"], command.as_str());
    assert_eq!(read()["POSTHOG_API_KEY_FILE"], Value::Null);
    assert_eq!(posthog.named("$ai_trace").len(), 2);
    let missing = missing_file(&env);
    let missing = ["setup", "--host", &url, "--key-file", &missing];
    env.run(missing).code(2).complains("write it first");
    env.run(["setup", "--remove"]).success();
    assert!(!settings.exists());
}
