//! `posthog-llma self-check`: whether program, plugins and hooks have one version, and what to update.

use serde_json::{Value, json};

use crate::doctor::machine::{Machine, fits};
use crate::support::env::Outcome;
#[cfg(unix)]
use {crate::doctor::machine::PLUGIN, crate::support::env::TestEnv};

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A stand-in for a program of another version. On Windows no script is one, as programs there are
/// `.exe` files.
#[cfg(unix)]
fn program(env: &TestEnv, place: &str, version: &str) -> std::path::PathBuf {
    let script = format!("#!/bin/sh\necho \"posthog-llma {version}\"\n");
    env.write_executable(place, script)
}

/// The checks by their names.
#[track_caller]
fn checks(outcome: &Outcome) -> serde_json::Map<String, Value> {
    let report: Value = serde_json::from_str(&outcome.stdout).expect("it is JSON");
    assert_eq!(report["version"], VERSION);
    let checks = report["checks"].as_array().expect("a list").iter();
    let named = checks.map(|it| (it["check"].as_str().expect("a name").to_owned(), it.clone()));
    named.collect()
}

#[test]
fn what_has_one_version_needs_nothing() {
    let machine = Machine::before_any_session();
    let outcome = machine.scene.env.run(["self-check"]).success();
    fits(&outcome.stdout);
    outcome
        .says(&format!("version {VERSION}"))
        .says("nothing needs you");
}

#[test]
fn an_older_plugin_is_updated_by_a_literal_command() {
    let machine = Machine::before_any_session();
    machine.install("0.1.0");
    let env = &machine.scene.env;
    env.run(["self-check"])
        .code(1)
        .says("version 0.1.0, but this program is");
    let outcome = env.run(["self-check", "--json"]).code(1);
    let plugin = &checks(&outcome)["plugin"];
    assert_eq!(plugin["verdict"], "problem");
    assert_eq!(plugin["details"]["version"], "0.1.0");
    let update = "claude plugin marketplace update posthog-llma && claude plugin update \
                  posthog@posthog-llma";
    assert_eq!(plugin["fix"], update);
}

#[test]
fn a_marketplace_that_is_a_folder_counts_with_what_is_in_it_now() {
    let machine = Machine::before_any_session();
    let folder = machine.add_marketplace();
    let manifest = folder.join("plugin/.claude-plugin/plugin.json");
    let version = json!({ "name": "posthog", "version": "0.1.0" }).to_string();
    machine.scene.env.write(&manifest, version);
    let outcome = machine.scene.env.run(["self-check"]).code(1);
    outcome
        .says("version 0.1.0, but this program is")
        .says("bring the folder of the marketplace up to date");
}

#[test]
fn packages_of_the_other_agents_are_compared() {
    let machine = Machine::before_any_session();
    let env = &machine.scene.env;
    env.write(
        "home/.pi/agent/settings.json",
        r#"{"packages":["npm:posthog-llma-pi"]}"#,
    );
    let package = r#"{"name":"posthog-llma-pi","version":"0.1.0"}"#;
    let folder = "home/.pi/agent/npm/node_modules/posthog-llma-pi/package.json";
    env.write(folder, package);
    let settings = r#"{"plugin":["posthog-llma-opencode"]}"#;
    env.write("home/.config/opencode/opencode.json", settings);
    let package = json!({ "name": "posthog-llma-opencode", "version": VERSION }).to_string();
    let folder = "home/.cache/opencode/packages/posthog-llma-opencode@latest/node_modules/\
                  posthog-llma-opencode/package.json";
    env.write(folder, package);
    let outcome = env.run(["self-check", "--json"]).code(1);
    let checks = checks(&outcome);
    assert_eq!(
        checks["pi_extension"]["fix"],
        "pi install npm:posthog-llma-pi"
    );
    assert_eq!(checks["opencode_plugin"]["verdict"], "ok");
}

#[cfg(unix)]
#[test]
fn the_program_that_a_shell_would_start_is_another_part() {
    let machine = Machine::before_any_session();
    let env = &machine.scene.env;
    let old = program(env, "node_modules/posthog-llma/posthog-llma", "0.1.0");
    let folder = old.parent().expect("a folder").to_owned();
    // The launcher of a plugin comes first on the path and is skipped.
    let launcher = program(env, "plugin/bin/posthog-llma", "0.0.1");
    env.write("plugin/.claude-plugin/plugin.json", "{}");
    let launchers = launcher.parent().expect("a folder").display();
    let path = format!("{launchers}:{}:/usr/bin:/bin", folder.display());
    let check = env.command(["self-check", "--json"]).env("PATH", path);
    let outcome = check.run().code(1);
    let found = &checks(&outcome)["program_on_path"];
    assert_eq!(found["details"]["version"], "0.1.0");
    assert_eq!(found["fix"], "npm update --global posthog-llma");

    // With a newer program on the path, this one needs the update.
    program(env, "node_modules/posthog-llma/posthog-llma", "999.0.0");
    let check = env.command(["self-check"]).env("PATH", folder);
    check.run().code(1).says("install.sh | sh");
}

#[cfg(unix)]
#[test]
fn a_hook_that_names_another_program_is_found() {
    let machine = Machine::before_any_session();
    let env = &machine.scene.env;
    let set = |program: &str| {
        let hook = json!({ "type": "command", "command": program, "args": ["hook"] });
        machine.settings(&json!({
            "enabledPlugins": { PLUGIN: false },
            "hooks": { "SessionEnd": [{ "hooks": [hook] }] },
        }));
    };
    set("/nowhere/posthog-llma");
    let outcome = env.run(["self-check"]).code(1);
    outcome
        .says("/nowhere/posthog-llma is not there")
        .says("~/.claude/settings.json");
    machine
        .doctor()
        .code(1)
        .says("/nowhere/posthog-llma is not there");
    let same = program(env, "opt/posthog-llma", VERSION);
    set(same.to_str().expect("text"));
    env.run(["self-check"]).success();
    let old = program(env, "opt/posthog-llma", "0.1.0");
    set(old.to_str().expect("text"));
    env.run(["self-check"]).code(1).says("version 0.1.0");
}
