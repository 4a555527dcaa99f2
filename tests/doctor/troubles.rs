//! Every fault that can occur without the user's doing.
//! Some cases concern permissions, or folders of Linux.

use std::fs;

use serde_json::{Value, json};

use crate::doctor::machine::{DAY, Machine, PLUGIN, fits};
use crate::support::posthog::Fault;
use crate::support::session::Session;
use crate::support::tls::TlsDoor;

/// A fault, the finding of `doctor`, and the remedy.
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
        fix: "posthog-llma setup",
    },
    Trouble {
        what: "an option of the plugin that cannot be read",
        make: |machine| {
            let options = json!({ "trace_grouping": "hourly" });
            machine.settings(&json!({ "pluginConfigs": { PLUGIN: { "options": options } } }));
        },
        check: "settings",
        found: "the plugin's option trace_grouping is \"hourly\"",
        fix: "/plugin configure posthog@posthog-llma",
    },
    Trouble {
        what: "a key that is cut off",
        make: |machine| machine.variable("POSTHOG_API_KEY", "phc_abc"),
        check: "key",
        found: "is cut off",
        fix: "posthog-llma setup, with the project API key",
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
        fix: "check the network",
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
        found: "not from PostHog but from another server",
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
        what: "a folder of the marketplace that was moved",
        make: |machine| {
            let checkout = machine.add_marketplace();
            fs::rename(&checkout, checkout.with_extension("moved")).expect("it is ours");
        },
        check: "plugin",
        found: "Claude Code cannot load it: no marketplace in",
        fix: "claude plugin marketplace add FOLDER",
    },
    Trouble {
        what: "a marketplace without the files of the plugin",
        make: |machine| {
            let checkout = machine.add_marketplace();
            fs::remove_dir(checkout.join("plugin")).expect("it is ours");
        },
        check: "plugin",
        found: "plugin is missing",
        fix: "bring that folder up to date",
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
        fix: "sets it aside under another name",
    },
    Trouble {
        what: "a file in the place of the state directory",
        make: |machine| {
            let state = machine.scene.env.state();
            fs::remove_dir_all(&state).expect("it is ours");
            fs::write(state, "a file").expect("it is ours");
        },
        check: "outbox",
        found: "cannot use",
        fix: "make it writable or set POSTHOG_LLMA_STATE_DIR",
    },
    Trouble {
        what: "confirmed hosts that cannot be read",
        make: |machine| {
            let file = machine
                .scene
                .env
                .home()
                .join(".config/posthog-llma/trust.json");
            machine.scene.env.write(file, "{");
        },
        check: "host",
        found: "trust.json: EOF",
        fix: "remove it and confirm again with posthog-llma trust",
    },
    Trouble {
        what: "an exclusion that cannot be read",
        make: |machine| {
            let file = machine.scene.env.state().join("excluded/0.json");
            machine.scene.env.write(file, "{");
        },
        check: "excluded",
        found: "where sessions are excluded: EOF",
        fix: "mend it, or remove it",
    },
    Trouble {
        what: "a ledger that does not add up",
        make: |machine| machine.change_outbox("UPDATE tallies SET events = events + 1"),
        check: "ledger",
        found: "sums that do not agree",
        fix: "report this line",
    },
    Trouble {
        what: "an event that was damaged in the outbox",
        make: |machine| {
            machine.scene.posthog.set(Fault::status(401));
            machine.end(&Session::write(&machine.scene.env, 2, 1));
            machine.scene.posthog.heal();
            machine.change_outbox(
                "DELETE FROM batches
                 WHERE id = (SELECT min(batch) FROM events WHERE state = 0)",
            );
            machine.scene.flush().code(1);
        },
        check: "damaged",
        found: "its stored text is missing",
        fix: "posthog-llma ingest --all",
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

/// Asserts that `found` repeats no cause, and that the next step is in its own field.
#[track_caller]
fn says_everything_once(check: &Value) {
    let found = check["found"].as_str().expect("a text");
    let causes = found.split(": ").flat_map(|part| part.split("; "));
    let mut causes: Vec<&str> = causes.collect();
    let all = causes.len();
    causes.sort_unstable();
    causes.dedup();
    assert_eq!(causes.len(), all, "a cause twice: {found}");
    if let Some(fix) = check["fix"].as_str() {
        let is_told = found.contains(fix) || found.contains("posthog-llma trust");
        assert!(!is_told, "the fix in the words: {check}");
    }
}

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
        checks.iter().for_each(says_everything_once);
        let text = machine.doctor().code(1).says("1 problem to solve");
        fits(&text.stdout);
    }
}
