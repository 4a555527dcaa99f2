//! The output of `doctor`: nothing needs the user on a healthy machine, and every problem is one
//! line with the next step.

mod machine;
mod overview;
mod self_check;
mod status;
#[cfg(target_os = "linux")]
mod troubles;

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::support::env::API_KEY;
use crate::support::posthog::Fault;
use crate::support::session::Session;
use machine::{DAY, Machine, PLUGIN, fits, merge};

#[test]
fn where_all_is_well_nothing_needs_the_user() {
    let machine = Machine::healthy();
    let before = machine.scene.posthog.count();
    let outcome = machine.doctor().success().says("nothing needs you");
    fits(&outcome.stdout);
    for line in outcome.stdout.lines().filter(|line| !line.is_empty()) {
        let is_fine =
            line.starts_with("ok ") || line.starts_with(' ') || line == "nothing needs you";
        assert!(is_fine, "{line}");
    }
    // `doctor` sent one request, with a batch of no events.
    let requests = machine.scene.posthog.requests();
    assert_eq!(requests.len(), before + 1);
    let body = requests.last().and_then(|last| last.body.as_ref());
    assert_eq!(body, Some(&json!({ "api_key": API_KEY, "batch": [] })));
}

/// The JSON contains paths, which differ on Windows.
#[cfg(unix)]
#[test]
fn the_json_keeps_its_form() {
    let machine = Machine::healthy();
    let mut checks = machine.checks();
    for check in &mut checks {
        // Texts are for people and may change.
        assert!(
            check["found"]
                .as_str()
                .is_some_and(|found| !found.is_empty())
        );
        check["found"] = "…".into();
        for name in ["host", "at", "duration_ms", "seconds", "version"] {
            if let Some(value) = check["details"].get_mut(name) {
                *value = "…".into();
            }
        }
    }
    insta::assert_json_snapshot!("doctor", checks);
}

#[test]
fn hooks_that_claude_code_has_not_loaded_are_noticed() {
    let machine = Machine::before_any_session();
    fs::create_dir(machine.scene.env.claude().join("sessions")).expect("it is ours");
    // The session ended before the hooks were set up.
    machine.session.age(DAY);
    assert_eq!(machine.check("last_hook")["verdict"], "note");
    Session::write(&machine.scene.env, 2, 1);
    assert_eq!(machine.check("last_hook")["verdict"], "problem");
    assert!(
        machine.check("last_hook")["fix"]
            .to_string()
            .contains("restart Claude Code")
    );
}

#[test]
fn sessions_from_before_it_was_switched_on_are_worth_a_note() {
    let machine = Machine::healthy();
    Session::write_ago(29 * DAY, &machine.scene.env, 2, 1);
    let unsent = machine.check("unsent");
    assert_eq!(unsent["verdict"], "note", "{unsent}");
    machine.settings(&json!({ "cleanupPeriodDays": 365 }));
    assert!(machine.checks().iter().all(|it| it["check"] != "unsent"));
}

#[test]
fn a_hook_of_the_user_s_own_needs_no_plugin() {
    let machine = Machine::healthy();
    fs::remove_dir_all(machine.plugins()).expect("it is ours");
    let command = json!({ "type": "command", "command": "posthog-llma", "args": ["hook"] });
    machine.settings(&json!({
        "enabledPlugins": { PLUGIN: false },
        "hooks": { "SessionEnd": [{ "hooks": [command] }] },
    }));
    machine.doctor().success().says("not needed");
}

#[test]
fn a_key_that_only_hooks_see_is_no_trouble_once_they_have_run() {
    let machine = Machine::before_any_session();
    let options = json!({ "host": machine.scene.posthog.url() });
    let settings = json!({
        "enabledPlugins": { PLUGIN: true },
        "pluginConfigs": { PLUGIN: { "options": options } },
    });
    let file = machine.scene.env.claude().join("settings.json");
    machine.scene.env.write(&file, settings.to_string());
    // One step is missing, and it is reported once.
    assert_eq!(machine.check("key")["verdict"], "note");
    assert_eq!(machine.check("switched_on")["fix"], "posthog-llma setup");
    machine.doctor().code(1).says("1 problem to solve");
    let status = machine.scene.env.run(["status"]).success();
    status.says("off, unless the plugin was given a key");

    // Written a while ago.
    let before = SystemTime::now() - Duration::from_mins(1);
    let written = File::options().write(true).open(&file);
    written
        .and_then(|file| file.set_modified(before))
        .expect("it is ours");
    let hook = machine.scene.hook(&machine.session);
    let hook = hook
        .env("CLAUDE_PLUGIN_OPTION_API_KEY", API_KEY)
        .env("CLAUDE_PLUGIN_OPTION_HOST", machine.scene.posthog.url());
    hook.run().success().silent();
    machine.scene.settle();
    machine
        .doctor()
        .success()
        .says("by the plugin's option host")
        .says("its hooks alone see")
        .says("commands in a terminal need posthog-llma setup");
    let status = machine.scene.env.run(["status"]).success();
    status
        .says("on, by the plugin's key")
        .says("commands here need posthog-llma setup");
    assert_eq!(machine.scene.status()["enabled"], true);
}

#[test]
fn neither_the_key_nor_anything_of_a_session_is_printed() {
    let machine = Machine::healthy();
    let word = "xylophone";
    let line = |kind: &str, fields: &Value| {
        let mut line = json!({ "type": kind, "timestamp": "2026-05-01T10:00:00Z", "cwd": "/x" });
        merge(&mut line, fields);
        line.to_string()
    };
    let lines = [
        line(
            "user",
            &json!({ "uuid": "u", "message": { "content": word } }),
        ),
        line(
            "turbo",
            &json!({ "note": word, "by": { word: word }, "version": word }),
        ),
        line(
            &format!("{word} {word}"),
            &json!({ format!("a {word}"): 1 }),
        ),
        line(
            "assistant",
            &json!({ "message": { "id": "m", "content": [
            { "type": "hologram", "text": word, "data": [word] },
        ] } }),
        ),
    ];
    let mut session = lines.join("\n");
    session.push('\n');
    fs::write(&machine.session.path, session).expect("it is ours");
    machine.scene.posthog.set(Fault::status(401));
    let format = machine.check("format");
    assert_eq!(
        format["details"].as_array().map(Vec::len),
        Some(3),
        "{format}"
    );
    for arguments in [vec!["doctor"], vec!["doctor", "--json"], vec!["status"]] {
        let outcome = machine.scene.env.run(arguments);
        outcome.never_mentions(word).never_mentions(API_KEY);
    }
}

#[test]
fn colours_are_for_terminals_that_want_them() {
    let machine = Machine::healthy();
    let colour = "\u{1b}[";
    machine.doctor().never_mentions(colour);
    let doctor = || machine.scene.env.command(["doctor"]);
    doctor().env("CLICOLOR_FORCE", "1").run().says(colour);
    let outcome = doctor().env("NO_COLOR", "1").run();
    outcome.never_mentions(colour);
}

#[cfg(unix)]
#[test]
fn folders_with_spaces_and_names_that_are_no_text_are_no_trouble() {
    use std::os::unix::ffi::OsStringExt as _;
    let machine = Machine::healthy();
    let name = std::ffi::OsString::from_vec(b"my b\xfccher".to_vec());
    let folder = machine.scene.env.root().join(name);
    fs::create_dir_all(folder.join("projects/-p")).expect("it is ours");
    fs::rename(
        &machine.session.path,
        folder.join("projects/-p/s \u{fc}.jsonl"),
    )
    .expect("ours");
    let settings = machine.scene.env.claude().join("settings.json");
    fs::copy(settings, folder.join("settings.json")).expect("ours");
    for (command, expected) in [("doctor", "1 session in"), ("status", "on, by")] {
        for json in [false, true] {
            let mut run = machine.scene.env.command([command]);
            run = if json { run.argument("--json") } else { run };
            let outcome = run
                .env("CLAUDE_CONFIG_DIR", &folder)
                .env("POSTHOG_LLMA_STATE_DIR", folder.join("state"))
                .run();
            assert!(outcome.stderr.is_empty(), "{}", outcome.report());
            if !json {
                outcome.says(expected);
            }
        }
    }
}

#[test]
fn a_count_beyond_claude_code_s_own_books_is_told_everywhere() {
    let machine = Machine::before_any_session();
    let books = json!({
        "type": "cost-state",
        "sessionId": machine.session.id,
        "timestamp": "2099-01-01T10:00:00.000Z",
        "modelUsage": { "claude-sonnet-5": { "inputTokens": 1, "outputTokens": 1 } },
    });
    let mut text = fs::read_to_string(&machine.session.path).expect("it is ours");
    text += &books.to_string();
    text.push('\n');
    fs::write(&machine.session.path, text).expect("it is ours");
    machine.end(&machine.session);
    let warning = "session 00000000: its lines show more tokens than Claude Code's own totals";
    assert_eq!(machine.scene.status()["warnings"], json!([warning]));
    machine
        .scene
        .env
        .run(["status"])
        .success()
        .says("more tokens than");
    let check = machine.check("warnings");
    assert_eq!(
        (&check["verdict"], &check["details"]),
        (&json!("note"), &json!([warning]))
    );
}

#[test]
fn in_a_terminal_commands_see_the_settings_of_claude_code() {
    let machine = Machine::before_any_session();
    let status = machine.scene.env.run(["status"]).success();
    let settings = Path::new("~").join(".claude").join("settings.json");
    let status = status.says(&format!("on, by {}", settings.display()));
    fits(&status.stdout);
    assert!(status.stdout.lines().count() <= 10, "{}", status.stdout);
    machine.scene.env.run(["ingest"]).success();
    assert_eq!(
        machine.scene.posthog.events().len() as u64,
        machine.session.events()
    );
}
