//! `posthog-llma` without a command: five lines and the next step, whatever the state of the machine.

use std::fs;
use std::process::Child;

use serde_json::json;

use crate::doctor::machine::{Machine, fits};
use crate::support::env::{API_KEY, Outcome, TestEnv, in_home};
use crate::support::posthog::PostHog;
use crate::support::session::Session;

/// Runs the program without a command, and checks the form of its output. Returns its next step.
#[track_caller]
fn next(outcome: &Outcome) -> String {
    fits(&outcome.stdout);
    let lines: Vec<&str> = outcome.stdout.lines().collect();
    let labels = [
        "Claude Code",
        "OpenCode",
        "Pi",
        "receiver",
        "PostHog",
        "",
        "next",
    ];
    assert_eq!(lines.len(), labels.len(), "{}", outcome.report());
    for (line, label) in lines.iter().zip(labels) {
        assert!(line.starts_with(label), "{}", outcome.report());
    }
    lines[6].trim_start_matches("next").trim().to_owned()
}

#[track_caller]
fn run(env: &TestEnv) -> Outcome {
    let nothing: [&str; 0] = [];
    env.run(nothing).success()
}

/// `serve` in a process that ends when this is dropped.
struct Receiver(Child);

impl Receiver {
    fn start(env: &TestEnv) -> Self {
        let serve = env.command(["serve", "--listen", "127.0.0.1:0"]);
        Self(serve.spawn_until_ready().0)
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_fresh_home_is_told_to_begin_with_setup() {
    let outcome = run(&TestEnv::new());
    assert_eq!(next(&outcome), "posthog-llma setup");
    outcome
        .says("Claude Code  off")
        .says("OpenCode     not used here")
        .says("Pi           not used here")
        .says("receiver     not used here")
        .says("PostHog      https://us.i.posthog.com (no key)");
}

#[test]
fn a_machine_where_all_is_well_is_told_how_to_look() {
    let machine = Machine::healthy();
    let outcome = run(&machine.scene.env).never_mentions(API_KEY);
    assert_eq!(next(&outcome), "posthog-llma status");
    outcome
        .says(&format!(
            "Claude Code  on, by {}",
            in_home(".claude/settings.json")
        ))
        .says("(key phc_…DEFG)");
}

#[test]
fn before_the_first_session_was_sent_past_ones_are_offered() {
    let machine = Machine::before_any_session();
    let outcome = run(&machine.scene.env);
    assert_eq!(next(&outcome), "posthog-llma ingest --since 7d");
}

#[test]
fn a_plugin_that_is_missing_is_the_next_step() {
    let machine = Machine::before_any_session();
    fs::remove_dir_all(machine.plugins()).expect("it is ours");
    let outcome = run(&machine.scene.env);
    let add = "claude plugin marketplace add posthog-llma/posthog-llma";
    assert_eq!(next(&outcome), add);
    outcome.says("Claude Code  off: its plugin is not installed");

    let known = json!({ "posthog-llma": { "source": { "source": "github" } } });
    let file = machine.plugins().join("known_marketplaces.json");
    machine.scene.env.write(file, known.to_string());
    let install = "claude plugin install posthog@posthog-llma";
    assert_eq!(next(&run(&machine.scene.env)), install);
}

#[test]
fn what_is_broken_comes_first() {
    let machine = Machine::healthy();
    let file = machine.scene.env.claude().join("settings.json");
    machine.scene.env.write(file, "{");
    let outcome = run(&machine.scene.env);
    assert_eq!(next(&outcome), "posthog-llma doctor");
    outcome.says("Claude Code  stopped: nothing is sent while");

    let machine = Machine::healthy();
    machine.variable("POSTHOG_HOST", "https://posthog.invalid");
    let outcome = run(&machine.scene.env);
    let confirm = "posthog-llma trust https://posthog.invalid";
    assert_eq!(next(&outcome), confirm);
}

#[test]
fn without_a_place_for_its_state_it_still_answers() {
    let env = TestEnv::new();
    let nothing: [&str; 0] = [];
    let run = env.command(nothing).env("POSTHOG_LLMA_STATE_DIR", "");
    let run = run.env("HOME", "/nowhere").env("USERPROFILE", "/nowhere");
    next(&run.run().success());
    let file = env.write("a file", "");
    let run = env.command(nothing).env("POSTHOG_LLMA_STATE_DIR", file);
    assert_eq!(next(&run.run().success()), "posthog-llma doctor");
}

#[test]
fn a_machine_that_only_receives_is_not_told_of_agents() {
    let posthog = PostHog::start();
    let env = TestEnv::new().with("POSTHOG_HOST", posthog.url());
    drop(Receiver::start(&env));
    let outcome = run(&env);
    // Without a key, received data stay here.
    assert_eq!(next(&outcome), "posthog-llma doctor");
    outcome
        .says("Claude Code  not used here")
        .says("receiver     does not run");

    let env = env.with("POSTHOG_API_KEY", API_KEY);
    assert_eq!(next(&run(&env)), "posthog-llma serve");
    let receiver = Receiver::start(&env);
    let outcome = run(&env);
    assert_eq!(next(&outcome), "posthog-llma status");
    outcome.says("receiver     receives");
    drop(receiver);
}

#[test]
fn an_agent_without_its_plugin_is_a_step_of_its_own() {
    let machine = Machine::healthy();
    let env = &machine.scene.env;
    fs::create_dir_all(env.home().join(".pi/agent/sessions")).expect("it is ours");
    let outcome = run(env);
    assert_eq!(next(&outcome), "pi install npm:posthog-llma-pi");
    outcome.says("Pi           off: its plugin is not installed");
    // With the plugin, the key of the shell is missing.
    let settings = r#"{"packages":["npm:posthog-llma-pi"]}"#;
    env.write("home/.pi/agent/settings.json", settings);
    let outcome = run(env);
    assert_eq!(next(&outcome), "posthog-llma doctor");
    outcome.says("Pi           off: POSTHOG_API_KEY is not set in this shell");
    let nothing: [&str; 0] = [];
    let keyed = env.command(nothing).env("POSTHOG_API_KEY", API_KEY).run();
    assert_eq!(next(&keyed), "posthog-llma status");
    keyed.says(&format!(
        "Pi           on, by {}",
        in_home(".pi/agent/settings.json")
    ));
}

#[test]
fn long_paths_are_cut_and_help_is_as_it_was() {
    let machine = Machine::healthy();
    let session = Session::write(&machine.scene.env, 2, 1);
    drop(session);
    let deep = machine.scene.env.root().join("folder/".repeat(20));
    fs::create_dir_all(&deep).expect("it is ours");
    let settings = fs::read(machine.scene.env.claude().join("settings.json")).expect("it is there");
    fs::write(deep.join("settings.json"), settings).expect("it is ours");
    let nothing: [&str; 0] = [];
    let run = machine.scene.env.command(nothing);
    next(&run.env("CLAUDE_CONFIG_DIR", &deep).run().success());
    let help = machine.scene.env.run(["--help"]).success();
    help.says("Usage: posthog-llma [COMMAND]");
}
