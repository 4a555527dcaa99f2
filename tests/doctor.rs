//! What the doctor says: nothing needs the user on a machine where all is well, and every single
//! thing that can go wrong is told in one line, with what to do about it.
//!
//! Linux only: what the hook leaves in the background is looked up in `/proc`.
#![cfg(target_os = "linux")]

mod support;

use std::fs;
use std::os::unix::ffi::OsStringExt as _;
use std::path::PathBuf;
use std::time::Duration;

use rusqlite::Connection;
use serde_json::{Value, json};

use support::env::{API_KEY, Outcome};
use support::posthog::Fault;
use support::scene::Scene;
use support::session::Session;
use support::tls::TlsDoor;

const PLUGIN: &str = "posthog@posthog-llma";
const DAY: Duration = Duration::from_hours(24);

/// A machine on which Claude Code's settings switch everything on and one session has ended.
struct Machine {
    scene: Scene,
    session: Session,
}

impl Machine {
    fn healthy() -> Self {
        let machine = Self::before_any_session();
        machine.end(&machine.session);
        machine
    }

    fn before_any_session() -> Self {
        let names = ["POSTHOG_API_KEY", "POSTHOG_LLMA_CC_ENABLED", "POSTHOG_HOST"];
        let scene = Scene::on(|env| names.into_iter().fold(env, support::env::TestEnv::without));
        let session = Session::write(&scene.env, 1, 1);
        let machine = Self { scene, session };
        machine.settings(&json!({}));
        machine.install(env!("CARGO_PKG_VERSION"));
        machine
    }

    /// The user's settings: everything as it should be, but for these.
    fn settings(&self, special: &Value) {
        let mut settings = json!({
            "enabledPlugins": { PLUGIN: true },
            "env": {
                "POSTHOG_API_KEY": API_KEY,
                "POSTHOG_LLMA_CC_ENABLED": "true",
                "POSTHOG_HOST": self.scene.posthog.url(),
            },
        });
        merge(&mut settings, special);
        let file = self.scene.env.claude().join("settings.json");
        self.scene.env.write(file, settings.to_string());
    }

    fn variable(&self, name: &str, value: &str) {
        self.settings(&json!({ "env": { name: value } }));
    }

    fn install(&self, version: &str) {
        let list = json!({ "version": 2, "plugins": { PLUGIN: [{
            "scope": "user",
            "installPath": self.plugins().join(version),
            "version": version,
            "installedAt": "2026-01-01T10:00:00.000Z",
        }] } });
        let file = self.plugins().join("installed_plugins.json");
        self.scene.env.write(file, list.to_string());
    }

    fn plugins(&self) -> PathBuf {
        self.scene.env.claude().join("plugins")
    }

    /// A session ends, with what the settings say in the environment of the hook.
    fn end(&self, session: &Session) {
        let hook = self.scene.hook(session);
        let hook = hook
            .env("POSTHOG_API_KEY", API_KEY)
            .env("POSTHOG_LLMA_CC_ENABLED", "true")
            .env("POSTHOG_HOST", self.scene.posthog.url());
        hook.run().success().silent();
        self.scene.settle();
    }

    fn change_outbox(&self, change: &str) {
        let database = Connection::open(self.scene.env.state().join("outbox.db"));
        let changed = database.and_then(|database| database.execute_batch(change));
        changed.expect("the outbox is ours");
    }

    fn doctor(&self) -> Outcome {
        self.scene.env.run(["doctor"])
    }

    /// Every check, as its JSON shows it.
    fn checks(&self) -> Vec<Value> {
        let outcome = self.scene.env.run(["doctor", "--json"]);
        let report: Value = serde_json::from_str(&outcome.stdout).expect("it is JSON");
        let checks = report["checks"].as_array().expect("a list").clone();
        let problems = checks
            .iter()
            .filter(|it| it["verdict"] == "problem")
            .count();
        assert_eq!(report["problems"], problems, "{report:#}");
        outcome.code(i32::from(problems > 0));
        checks
    }

    /// The check of this name; panics when there is not exactly one.
    #[track_caller]
    fn check(&self, name: &str) -> Value {
        let mut checks = self.checks();
        checks.retain(|it| it["check"] == name);
        assert_eq!(checks.len(), 1, "{name}: {checks:#?}");
        checks.remove(0)
    }
}

fn merge(into: &mut Value, special: &Value) {
    match (into.as_object_mut(), special.as_object()) {
        (Some(fields), Some(special)) => {
            for (name, value) in special {
                merge(fields.entry(name).or_insert(Value::Null), value);
            }
        }
        _ => *into = special.clone(),
    }
}

/// No line is wider than a terminal, but for words that cannot be broken.
#[track_caller]
fn fits(text: &str) {
    for line in text.lines() {
        let is_one_word = line.split_whitespace().count() == 1;
        assert!(line.chars().count() <= 80 || is_one_word, "{line}");
    }
}

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
    // It asked once, with a batch of no events.
    let requests = machine.scene.posthog.requests();
    assert_eq!(requests.len(), before + 1);
    let body = requests.last().and_then(|last| last.body.as_ref());
    assert_eq!(body, Some(&json!({ "api_key": API_KEY, "batch": [] })));
}

#[test]
fn the_json_keeps_its_form() {
    let machine = Machine::healthy();
    let mut checks = machine.checks();
    for check in &mut checks {
        // Words are for people and may change.
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

/// Something that goes wrong, what the doctor says of it, and what to do.
struct Trouble {
    what: &'static str,
    make: fn(&Machine),
    check: &'static str,
    found: &'static str,
    fix: &'static str,
}

const TROUBLES: &[Trouble] = &[
    Trouble {
        what: "a settings file that is no JSON",
        make: |machine| {
            let file = machine
                .scene
                .env
                .project()
                .join(".claude/settings.local.json");
            machine.scene.env.write(file, "{");
        },
        check: "settings",
        found: "line 1, column 1",
        fix: "settings.local.json",
    },
    Trouble {
        what: "a value that cannot be read",
        make: |machine| machine.variable("POSTHOG_LLMA_TRACE_GROUPING", "hourly"),
        check: "settings",
        found: "POSTHOG_LLMA_TRACE_GROUPING",
        fix: "change POSTHOG_LLMA_TRACE_GROUPING in ~/.claude/settings.json",
    },
    Trouble {
        what: "switched off",
        make: |machine| machine.variable("POSTHOG_LLMA_CC_ENABLED", "false"),
        check: "switched_on",
        found: "no: ~/.claude/settings.json",
        fix: "set POSTHOG_LLMA_CC_ENABLED to \"true\"",
    },
    Trouble {
        what: "no key",
        make: |machine| machine.variable("POSTHOG_API_KEY", ""),
        check: "key",
        found: "there is none",
        fix: "~/.claude/settings.json",
    },
    Trouble {
        what: "a key that is cut off",
        make: |machine| machine.variable("POSTHOG_API_KEY", "phc_abc"),
        check: "key",
        found: "is cut off",
        fix: "PostHog's project settings",
    },
    Trouble {
        what: "a host that nobody confirmed",
        make: |machine| machine.variable("POSTHOG_HOST", "https://posthog.invalid"),
        check: "host",
        found: "https://posthog.invalid is not one of PostHog's own hosts",
        fix: "posthog-llma trust https://posthog.invalid",
    },
    Trouble {
        what: "a host without an address",
        make: |machine| {
            machine
                .scene
                .env
                .run(["trust", "posthog.invalid"])
                .success();
            machine.variable("POSTHOG_HOST", "https://posthog.invalid");
        },
        check: "network",
        found: "cannot find the host posthog.invalid",
        fix: "whether there is a network",
    },
    Trouble {
        what: "nobody listens",
        make: |machine| machine.variable("POSTHOG_HOST", "http://127.0.0.1:9"),
        check: "network",
        found: "the connection failed",
        fix: "firewall",
    },
    Trouble {
        what: "a login page",
        make: |machine| machine.scene.posthog.set(Fault::LoginPage),
        check: "network",
        found: "no PostHog's but a page of another server",
        fix: "log in to the network",
    },
    Trouble {
        what: "another path",
        make: |machine| machine.scene.posthog.set(Fault::status(404)),
        check: "network",
        found: "answers 404",
        fix: "check POSTHOG_HOST",
    },
    Trouble {
        what: "a key that the server refuses",
        make: |machine| machine.scene.posthog.set(Fault::status(401)),
        check: "network",
        found: "refuses: 401",
        fix: "copy the project API key",
    },
    Trouble {
        what: "a certificate that nobody signed",
        make: |machine| {
            let door = TlsDoor::to(&machine.scene.posthog.url());
            machine.variable("POSTHOG_HOST", &door.url());
        },
        check: "network",
        found: "certificate is not trusted",
        fix: "SSL_CERT_FILE",
    },
    Trouble {
        what: "a clock that is wrong",
        make: |machine| {
            let date = ("date", "Thu, 01 Jan 2026 10:00:00 GMT".to_owned());
            let words = "request holds no event".to_owned();
            machine
                .scene
                .posthog
                .set(Fault::Status(400, vec![date], words));
        },
        check: "clock",
        found: "ahead of the server's",
        fix: "set the clock",
    },
    Trouble {
        what: "no plugin",
        make: |machine| fs::remove_dir_all(machine.plugins()).expect("it is ours"),
        check: "plugin",
        found: "not installed",
        fix: "claude plugin install posthog@posthog-llma",
    },
    Trouble {
        what: "a plugin of another version",
        make: |machine| machine.install("0.0.9"),
        check: "plugin",
        found: "version 0.0.9, but this program is",
        fix: "claude plugin update",
    },
    Trouble {
        what: "a plugin that is disabled",
        make: |machine| machine.settings(&json!({ "enabledPlugins": { PLUGIN: false } })),
        check: "hooks",
        found: "disabled in ~/.claude/settings.json",
        fix: "claude plugin enable",
    },
    Trouble {
        what: "hooks that are disabled in the project",
        make: |machine| {
            let file = machine.scene.env.project().join(".claude/settings.json");
            machine.scene.env.write(file, r#"{"disableAllHooks":true}"#);
        },
        check: "hooks",
        found: "disableAllHooks is set in",
        fix: "remove it there",
    },
    Trouble {
        what: "no folder of transcripts",
        make: |machine| {
            fs::remove_dir_all(machine.scene.env.claude().join("projects")).expect("it is ours");
        },
        check: "transcripts",
        found: "~/.claude/projects",
        fix: "CLAUDE_CONFIG_DIR",
    },
    Trouble {
        what: "a session that was missed and will be deleted",
        make: |machine| {
            machine.change_outbox(
                "UPDATE meta SET value = x'0000000000000000' WHERE name = 'enabled_since'",
            );
            Session::write_ago(27 * DAY, &machine.scene.env, 2, 1);
        },
        check: "unsent",
        found: "1 session not sent, and Claude Code deletes sessions after 30 days: the first in 2 days",
        fix: "posthog-llma ingest --all",
    },
    Trouble {
        what: "a refusal that holds events back",
        make: |machine| {
            machine.scene.posthog.set(Fault::status(401));
            machine.end(&Session::write(&machine.scene.env, 2, 1));
            machine.scene.posthog.heal();
        },
        check: "outbox",
        found: "401",
        fix: "posthog-llma flush",
    },
    Trouble {
        what: "an outbox that is damaged",
        make: |machine| {
            let file = machine.scene.env.state().join("outbox.db");
            fs::write(file, "no database at all").expect("it is ours");
        },
        check: "outbox",
        found: "outbox.db is damaged",
        fix: "sets it aside",
    },
    Trouble {
        what: "a ledger that does not add up",
        make: |machine| machine.change_outbox("UPDATE tallies SET events = events + 1"),
        check: "ledger",
        found: "sums that do not agree",
        fix: "report this line",
    },
    Trouble {
        what: "a hook that failed",
        make: |machine| {
            let gone = Session::write(&machine.scene.env, 2, 1);
            fs::remove_file(&gone.path).expect("it is ours");
            machine.end(&gone);
        },
        check: "last_hook",
        found: "is not there",
        fix: "posthog-llma ingest",
    },
];

#[test]
fn every_single_trouble_is_told_with_what_to_do() {
    for trouble in TROUBLES {
        let machine = Machine::healthy();
        (trouble.make)(&machine);
        let checks = machine.checks();
        let problems: Vec<_> = checks
            .iter()
            .filter(|it| it["verdict"] == "problem")
            .collect();
        let names: Vec<_> = problems.iter().map(|it| &it["check"]).collect();
        assert_eq!(names, [trouble.check], "{}: {problems:#?}", trouble.what);
        for (field, expected) in [("found", trouble.found), ("fix", trouble.fix)] {
            let said = problems[0][field].as_str().expect("a text");
            assert!(said.contains(expected), "{}: {said}", trouble.what);
        }
        let text = machine.doctor().code(1).says("1 problem to solve");
        fits(&text.stdout);
    }
}

#[test]
fn hooks_that_claude_code_has_not_loaded_are_noticed() {
    let machine = Machine::before_any_session();
    fs::create_dir(machine.scene.env.claude().join("sessions")).expect("it is ours");
    // It was over before the hooks were set up.
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

#[test]
fn folders_with_spaces_and_names_that_are_no_text_are_no_trouble() {
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
    let warning = "session 00000000: its lines show more tokens than Claude Code's own books";
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
    let status = status.says("on, by ~/.claude/settings.json");
    fits(&status.stdout);
    assert!(status.stdout.lines().count() <= 10, "{}", status.stdout);
    machine.scene.env.run(["ingest"]).success();
    assert_eq!(
        machine.scene.posthog.events().len() as u64,
        machine.session.events()
    );
}
