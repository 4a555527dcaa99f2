//! The harness itself, with a script in place of the program.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::Value;

use crate::e2e::balance::{answered, assert_equal};
use crate::e2e::claude::Claude;
use crate::e2e::cli_or_skip;
use crate::support::anthropic::{CALLS_OF_BACKGROUND, CALLS_OF_SUBAGENT, CALLS_OF_TOOLS};

/// Script that writes its stdin and its environment into files in HOME.
const STAND_IN: &str = r#"#!/bin/sh
case $1 in
  hook) { cat; echo; } >>"$HOME/hooks.jsonl"; env >>"$HOME/environment" ;;
  *) echo "the stand-in runs $*" ;;
esac
"#;

fn claude_with_stand_in(cli: &Path) -> (Claude, tempfile::TempDir) {
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    let script = directory.path().join("posthog-llma");
    fs::write(&script, STAND_IN).expect("the script is writable");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("it is ours");
    (Claude::with_program_in(cli, directory.path()), directory)
}

fn hooks(claude: &Claude) -> Vec<Value> {
    let text = fs::read_to_string(claude.home().join("hooks.jsonl")).expect("a hook has run");
    text.lines()
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_str(line).expect("a hook gets JSON"))
        .collect()
}

#[test]
fn both_hooks_of_the_installed_plugin_run_and_see_the_users_settings() {
    let Some(cli) = cli_or_skip() else { return };
    let (claude, _script) = claude_with_stand_in(&cli);
    let claude = claude.setting("POSTHOG_LLMA_CC_ENABLED", "true");
    claude.prompt("hello").success();
    let hooks = hooks(&claude);
    let names: Vec<_> = hooks.iter().map(|hook| &hook["hook_event_name"]).collect();
    assert_eq!(names, ["SessionStart", "SessionEnd"]);
    let path = hooks[1]["transcript_path"].as_str().expect("a path");
    assert_eq!(Path::new(path), claude.session().path);
    assert_eq!(hooks[1]["session_id"], claude.session().id().as_str());
    let environment = fs::read_to_string(claude.home().join("environment")).expect("a hook ran");
    assert!(environment.contains("POSTHOG_LLMA_CC_ENABLED=true"));
}

#[test]
fn the_commands_run_without_asking_and_their_words_reach_the_conversation() {
    let Some(cli) = cli_or_skip() else { return };
    let (claude, _script) = claude_with_stand_in(&cli);
    for (prompt, said) in [
        ("/posthog:llma-cc-status", "the stand-in runs status"),
        ("/posthog:llma-cc-setup", "the stand-in runs setup"),
        ("/posthog:llma-cc-pause", "the stand-in runs pause"),
        (
            "/posthog:llma-cc-ingest --list",
            "the stand-in runs ingest-project --list",
        ),
    ] {
        claude.claude(["-p", prompt]).run().success();
        let call = claude.api.calls().pop().expect("the model was called");
        assert!(call.to_string().contains(said), "{prompt}");
    }
}

#[test]
fn the_stand_in_api_and_claude_code_agree_on_the_totals() {
    let Some(cli) = cli_or_skip() else { return };
    for (prompt, calls) in [
        ("TOOLS", CALLS_OF_TOOLS),
        ("SUBAGENT", CALLS_OF_SUBAGENT),
        ("BACKGROUND", CALLS_OF_BACKGROUND),
    ] {
        let (claude, _script) = claude_with_stand_in(&cli);
        claude.prompt(prompt).success();
        assert_equal(&[
            ("Claude Code", claude.session().totals()),
            ("the API", answered(&claude.api.answered())),
        ]);
        assert_eq!(claude.api.calls().len(), calls, "{prompt}");
    }
}

#[test]
fn the_validator_of_claude_code_finds_nothing_in_plugin_and_marketplace() {
    let Some(cli) = cli_or_skip() else { return };
    let (claude, _script) = claude_with_stand_in(&cli);
    let repository = env!("CARGO_MANIFEST_DIR");
    let plugin = format!("{repository}/plugin");
    for arguments in [
        vec!["--strict", repository],
        vec!["--strict", "--profile", "directory", &plugin],
    ] {
        let command = ["plugin", "validate"].into_iter().chain(arguments);
        claude
            .claude(command)
            .run()
            .success()
            .never_mentions("warning");
    }
}
