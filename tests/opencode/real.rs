//! The real OpenCode with the plugin named in its settings, from the first prompt to the events at
//! the double.
//!
//! `npm ci --prefix tests/opencode/npm` installs it; without it these tests pass and say so.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write as _};
use std::net::TcpListener;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Once;
use std::time::Duration;

use rusqlite::Connection;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::anthropic::{CALLS_OF_SUBAGENT, CALLS_OF_TOOLS};
use crate::support::env::{Outcome, Run};
use crate::support::lab::Lab;
use crate::support::process::{Process, wait_for};
use crate::support::scene::SOON;

const NPM: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/opencode/npm/node_modules"
);
const PLUGIN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/plugin/opencode");
/// Time limit on a busy machine: OpenCode takes seconds to start and to retry.
const PATIENCE: Duration = Duration::from_mins(3);
/// Longest time for one answer of OpenCode's server.
const ANSWER: Duration = Duration::from_secs(20);
/// The model that makes up titles, whose calls are in no file.
const TITLES: &str = "stand-in-titles";

/// A machine with OpenCode on it, a model and PostHog.
struct Machine(Lab);

impl Deref for Machine {
    type Target = Lab;

    fn deref(&self) -> &Lab {
        &self.0
    }
}

fn opencode() -> PathBuf {
    Path::new(NPM).join("opencode-linux-x64/bin/opencode")
}

fn machine_or_skip() -> Option<Machine> {
    static SAID: Once = Once::new();
    if opencode().is_file() {
        return Some(Machine::new());
    }
    // Written past the test harness, which hides the output of passing tests.
    SAID.call_once(|| {
        let _ = io::stderr().write_all(
            b"skipped: OpenCode is not installed; run npm ci --prefix tests/opencode/npm\n",
        );
    });
    None
}

impl Machine {
    fn new() -> Self {
        let mut lab = Lab::new(Some(TITLES));
        lab.env = lab.env.with("OPENCODE_DISABLE_MODELS_FETCH", "1");
        let model = |name: &str| {
            json!({
                "name": name, "reasoning": true, "tool_call": true,
                "limit": { "context": 200_000, "output": 8_000 },
                "cost": { "input": 3, "output": 15, "cache_read": 0.3, "cache_write": 3.75 },
            })
        };
        let settings = json!({
            "autoupdate": false,
            "share": "disabled",
            "model": "stand-in/stand-in-1",
            "small_model": format!("stand-in/{TITLES}"),
            "plugin": [PLUGIN],
            "provider": { "stand-in": {
                "npm": "@ai-sdk/anthropic",
                "options": { "baseURL": format!("{}/v1", lab.api.url()), "apiKey": "sk-fake" },
                "models": { "stand-in-1": model("Stand-in"), TITLES: model("Titles") },
            } },
        });
        lab.env
            .write("home/.config/opencode/opencode.json", settings.to_string());
        Self(lab)
    }

    fn with_program(self) -> Self {
        self.install_program();
        self
    }

    fn opencode<const N: usize>(&self, arguments: [&str; N]) -> Run {
        let run = self.env.other(Command::new(opencode()));
        let run = run.patience(PATIENCE);
        arguments.iter().fold(run, Run::argument)
    }

    /// Runs one prompt to its end.
    #[track_caller]
    fn prompt<const N: usize>(&self, text: &str, more: [&str; N]) -> Outcome {
        let run = self.opencode(["run", text]);
        let outcome = more.iter().fold(run, Run::argument).run().success();
        self.settle();
        outcome
    }

    /// Number of tools that OpenCode recorded as completed.
    fn tools_in_database(&self) -> usize {
        let path = self.env.home().join(".local/share/opencode/opencode.db");
        let count = Connection::open(path).and_then(|database| {
            let question = "SELECT count(*) FROM part WHERE data LIKE '%\"type\":\"tool\"%'
                AND data NOT LIKE '%\"status\":\"running\"%'
                AND data NOT LIKE '%\"status\":\"pending\"%'";
            database.query_row(question, [], |row| row.get::<_, usize>(0))
        });
        count.unwrap_or(0)
    }

    fn sessions(&self) -> BTreeSet<String> {
        let events = self.posthog.events().into_iter();
        let sessions = events.map(|event| event["properties"]["$ai_session_id"].to_string());
        sessions.collect()
    }
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
    assert_eq!(call["$ai_framework"], "opencode");
    assert_eq!(call["$ai_model"], "stand-in-1");
    assert_eq!(call["$ai_cost_passthrough"], true);
    assert!(call["$ai_total_cost_usd"].as_f64() > Some(0.0));
    assert_eq!(call["team"], "shelves");

    machine.prompt("TOOLS", []);
    assert_eq!(machine.calls().len(), 1 + CALLS_OF_TOOLS);
    machine.balanced();
    machine.sent_tools_without_secret();
}

#[test]
fn a_call_that_is_made_again_is_paid_once() {
    let Some(machine) = machine_or_skip() else {
        return;
    };
    let machine = machine.with_program();
    machine.prompt("FLAKY", []);
    assert_eq!(machine.calls().len(), 1);
    machine.balanced();
    let run = machine.opencode(["run", "ERROR400"]).run();
    drop(run);
    machine.settle();
    let calls = machine.calls();
    assert_eq!(calls.len(), 2);
    assert_eq!(calls[1]["properties"]["$ai_is_error"], true);
    machine.balanced();
}

#[test]
fn a_fork_sends_only_its_own_calls() {
    let Some(machine) = machine_or_skip() else {
        return;
    };
    let machine = machine.with_program();
    machine.prompt("hello", []);
    machine.prompt("and on", ["--continue"]);
    assert_eq!((machine.calls().len(), machine.sessions().len()), (2, 1));
    machine.prompt("another way", ["--continue", "--fork"]);
    assert_eq!((machine.calls().len(), machine.sessions().len()), (3, 2));
    machine.balanced();
}

#[test]
fn the_calls_of_a_subagent_hang_under_the_tool_that_started_it() {
    let Some(machine) = machine_or_skip() else {
        return;
    };
    let machine = machine.with_program();
    machine.prompt("SUBAGENT", []);
    let calls = machine.calls();
    assert_eq!(calls.len(), CALLS_OF_SUBAGENT);
    assert_eq!(machine.sessions().len(), 1);
    machine.balanced();
    let tools = machine.tools();
    let is_task = |it: &&Value| it["properties"]["$ai_span_name"] == "task";
    let task = tools.iter().find(is_task).expect("the tool");
    let below = calls
        .iter()
        .filter(|call| call["properties"]["$ai_parent_id"] == task["properties"]["$ai_span_id"]);
    assert_eq!(below.clone().count(), CALLS_OF_TOOLS);
    for call in below {
        assert_eq!(call["properties"]["$ai_agent_name"], "project/general");
    }
}

#[test]
fn a_session_that_was_killed_is_sent_as_far_as_it_came() {
    let Some(machine) = machine_or_skip() else {
        return;
    };
    let machine = machine.with_program();
    machine.prompt("hello", []);
    let before = machine.api.calls().len();
    let mut run = machine
        .opencode(["run", "TOOLS HANG"])
        .in_own_group()
        .spawn();
    // The title, the tools, the call that fails, and the one that hangs.
    machine.api.wait_for_calls(before + 3, PATIENCE);
    std::thread::sleep(Duration::from_secs(2));
    run.kill().expect("it runs");
    run.wait().expect("it ran");
    machine.settle();
    let database = machine.env.home().join(".local/share/opencode/opencode.db");
    let database = Connection::open(database).expect("a database");
    let unfinished: i64 = database
        .query_row("SELECT count(*) FROM session", [], |row| row.get(0))
        .expect("a count");
    assert_eq!(unfinished, 2);
    drop(database);
    machine.env.run(["ingest", "--all", "--yes"]).success();
    let tools = machine.tools();
    assert_eq!(tools.len(), 3, "{tools:#?}");
    assert_eq!(machine.sessions().len(), 2);
    machine.balanced();
}

#[test]
fn a_run_that_a_signal_ends_is_sent_at_once() {
    let Some(machine) = machine_or_skip() else {
        return;
    };
    let machine = machine.with_program();
    for (number, signal) in [(1, Signal::TERM), (2, Signal::HUP)] {
        let before = machine.api.calls().len();
        let run = machine.opencode(["run", "TOOLS HANG"]).in_own_group();
        let mut run = run.spawn();
        machine.api.wait_for_calls(before + 3, PATIENCE);
        wait_for("the tools are in the database", PATIENCE, || {
            (machine.tools_in_database() == 3 * number).then_some(())
        });
        Process(run.id()).signal(signal);
        run.wait().expect("it ran");
        wait_for("the tools are sent", SOON, || {
            (machine.tools().len() == 3 * number).then_some(())
        });
        machine.settle();
        assert_eq!(machine.sessions().len(), number, "{signal:?}");
        machine.balanced();
    }
}

#[test]
fn a_session_of_the_http_interface_is_sent_when_it_rests() {
    let Some(machine) = machine_or_skip() else {
        return;
    };
    let machine = machine.with_program();
    let port = TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr());
    let port = port.expect("a free port").port().to_string();
    let serve = machine.opencode(["serve", "--hostname", "127.0.0.1", "--port", &port]);
    let mut serve = serve.in_own_group().spawn();
    let ask = |path: &str, body: &Value| -> Option<Value> {
        let url = format!("http://127.0.0.1:{port}{path}");
        let answer = ureq::post(url).header("content-type", "application/json");
        // Requests during the start of the server may never be answered.
        let answer = answer.config().timeout_global(Some(ANSWER)).build();
        let text = answer.send(body.to_string()).ok()?;
        serde_json::from_str(&text.into_body().read_to_string().ok()?).ok()
    };
    let session = wait_for("the server answers", PATIENCE, || {
        ask("/session", &json!({}))
    });
    let session = session["id"].as_str().expect("an id").to_owned();
    let prompt = json!({"parts": [{"type": "text", "text": "hello"}]});
    ask(&format!("/session/{session}/message"), &prompt).expect("an answer");
    wait_for("the answer is sent", SOON, || {
        (machine.calls().len() == 1).then_some(())
    });
    assert_eq!(machine.calls()[0]["properties"]["$ai_session_id"], session);
    Process(serve.id()).signal(Signal::TERM);
    serve.wait().expect("it ran");
    machine.settle();
    machine.balanced();
}

#[test]
fn opencode_works_as_ever_without_the_program_and_when_it_is_switched_off() {
    let Some(machine) = machine_or_skip() else {
        return;
    };
    machine.prompt("hello", []).says("Done after 0 rounds");
    let machine = machine.with_program();
    for (name, value) in [("POSTHOG_ENABLED", "false"), ("POSTHOG_API_KEY", "")] {
        let run = machine.opencode(["run", "hello"]);
        let outcome = run.env(name, value).run().success();
        outcome.says("Done after 0 rounds");
    }
    machine.settle();
    assert!(machine.posthog.requests().is_empty());
    let state = fs::read_dir(machine.env.state()).expect("it is there");
    assert_eq!(state.count(), 0, "nothing is stored");
}
