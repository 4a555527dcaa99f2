//! A receiver in a separate process, started as a user starts it.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, ExitStatus};
use std::time::Duration;

use serde_json::Value;

use crate::receive::support::Client;
use crate::receive::support::client::Answer;
use crate::support::env::{Run, TestEnv};
use crate::support::posthog::PostHog;
use crate::support::stop::Stop;

/// Longer than a process takes to start or to stop on a busy machine.
pub(super) const SOON: Duration = Duration::from_secs(30);

/// A receiver, killed when it is dropped.
pub(super) struct Serving {
    child: Child,
    pub(super) ready: String,
    pub(super) address: SocketAddr,
    messages: PathBuf,
}

impl Serving {
    #[track_caller]
    pub(super) fn start(env: &TestEnv) -> Self {
        Self::start_with(env, &[])
    }

    #[track_caller]
    pub(super) fn start_with(env: &TestEnv, arguments: &[&str]) -> Self {
        let run = env.command(["serve", "--listen", "127.0.0.1:0"]);
        let run = arguments.iter().fold(run, Run::argument);
        Self::start_by(env, run)
    }

    /// Starts it with a limit on the size of files in kibibytes, as a quota sets one.
    #[cfg(unix)]
    #[track_caller]
    pub(super) fn start_limited(env: &TestEnv, kibibytes: usize) -> Self {
        let script = format!("ulimit -f {}; exec \"$@\"", 2 * kibibytes);
        let run = env.through_shell(&script, ["serve", "--listen", "127.0.0.1:0"]);
        Self::start_by(env, run)
    }

    #[track_caller]
    fn start_by(env: &TestEnv, run: Run) -> Self {
        let messages = env.root().join("messages of serve");
        let mut child = run.spawn_read(File::create(&messages).expect("it is ours"));
        let ready = first_line(child.stdout.take().expect("stdout is a pipe"));
        let Some(address) = ready.split(['/', ',']).nth(2) else {
            let said = fs::read_to_string(&messages).unwrap_or_default();
            panic!("not ready: {ready:?} {said}");
        };
        let address = address.parse().expect("an address");
        Self {
            child,
            ready,
            address,
            messages,
        }
    }

    pub(super) fn client(&self) -> Client {
        Client::connect(self.address)
    }

    /// Posts JSON and asserts an answer 200.
    #[track_caller]
    pub(super) fn take(&self, body: &[u8]) {
        let answer = self.client().post("/v1/traces", body);
        assert_eq!(answer.status, 200, "{}", answer.text());
    }

    /// Posts a request and returns the answer.
    #[track_caller]
    pub(super) fn ask(&self, headers: &[&str], body: &[u8]) -> Answer {
        self.client().ask("POST /v1/traces", headers, body)
    }

    /// Its messages to the person at the terminal so far.
    pub(super) fn said(&self) -> String {
        fs::read_to_string(&self.messages).unwrap_or_default()
    }

    /// Kills it at once.
    pub(super) fn kill(mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it was ours");
    }

    /// Stops it as a service manager does, or its user.
    #[track_caller]
    pub(super) fn stop(mut self, how: Stop) -> ExitStatus {
        how.end(&mut self.child)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Ids of events that arrived repeatedly with different bytes. The trace of a session has new sums
/// when something arrives late.
pub(super) fn changed(posthog: &PostHog) -> Vec<String> {
    let mut known: HashMap<String, Value> = HashMap::new();
    let mut changed = Vec::new();
    for event in posthog.events() {
        let id = event["uuid"].as_str().unwrap_or_default().to_owned();
        match known.get(&id) {
            Some(first) if *first != event && event["event"] != "$ai_trace" => changed.push(id),
            Some(_) => {}
            None => drop(known.insert(id, event)),
        }
    }
    changed
}

fn first_line(stdout: ChildStdout) -> String {
    let mut line = String::new();
    drop(BufReader::new(stdout).read_line(&mut line));
    line
}
