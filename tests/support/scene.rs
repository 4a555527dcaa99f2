//! Claude Code, the program and PostHog together: sessions end, faults occur, and in the end the
//! double has every event once.

use std::collections::{BTreeMap, BTreeSet};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use super::env::{Outcome, Run, TestEnv};
use super::posthog::PostHog;
use super::process::{Process, kill_all, wait_for};
use super::session::{Session, label};

/// Time that Claude Code gives all `SessionEnd` hooks together.
pub(crate) const BUDGET: Duration = Duration::from_millis(1_500);
/// Time limit of a hook on a machine that runs all tests at once.
pub(crate) const CROWDED: Duration = Duration::from_secs(if cfg!(windows) { 20 } else { 4 });
/// Time limit of a detached process on a busy machine.
pub(crate) const SOON: Duration = Duration::from_secs(30);

/// A user's machine and the PostHog it sends to.
pub(crate) struct Scene {
    pub(crate) env: TestEnv,
    pub(crate) posthog: PostHog,
}

impl Scene {
    pub(crate) fn new() -> Self {
        Self::on(|env| env)
    }

    /// A scene on a machine with something special about it.
    pub(crate) fn on(special: impl FnOnce(TestEnv) -> TestEnv) -> Self {
        let posthog = PostHog::start();
        Self {
            env: special(TestEnv::sending_to(&posthog)),
            posthog,
        }
    }

    /// The hook at the end of a session, as Claude Code runs it.
    pub(crate) fn hook(&self, session: &Session) -> Run {
        let input = session.hook_input("SessionEnd");
        self.env.command(["hook"]).stdin(input)
    }

    /// Runs the hook of a session's end.
    #[track_caller]
    pub(crate) fn end(&self, session: &Session) -> Outcome {
        let outcome = self.hook(session).run();
        outcome.success().silent().within(CROWDED)
    }

    /// Starts a session, which sends missed ones, and waits for the detached process.
    #[track_caller]
    pub(crate) fn start(&self) {
        let input = r#"{"session_id":"next","hook_event_name":"SessionStart","source":"startup"}"#;
        let outcome = self.env.command(["hook"]).stdin(input).run();
        outcome.success().silent().within(CROWDED);
        self.settle();
    }

    /// Waits until no process works in the background.
    #[track_caller]
    pub(crate) fn settle(&self) {
        wait_for("nothing runs in the background", SOON, || {
            Process::none(&self.env.state()).then_some(())
        });
    }

    pub(crate) fn flush(&self) -> Outcome {
        self.env.run(["flush"])
    }

    pub(crate) fn status(&self) -> Value {
        let outcome = self.env.run(["status", "--json"]).success();
        serde_json::from_str(&outcome.stdout).expect("it is JSON")
    }

    /// The receipt of a session: events, acknowledged, waiting, refused. They add up.
    #[track_caller]
    pub(crate) fn receipt(&self, session: &Session) -> [u64; 4] {
        let status = self.status();
        let sessions = status["sessions"].as_array().expect("a list");
        let Some(of_session) = sessions.iter().find(|one| one["id"] == session.id.as_str()) else {
            return [0; 4];
        };
        let number = |name: &str| of_session[name].as_u64().expect("a number");
        let receipt = ["events", "acknowledged", "waiting", "refused"].map(number);
        let [events, parts @ ..] = receipt;
        assert_eq!(events, parts.iter().sum::<u64>(), "{of_session}");
        receipt
    }

    /// Waits until all of a session is stored.
    #[track_caller]
    pub(crate) fn wait_until_stored(&self, session: &Session) {
        wait_for("the session is stored", SOON, || {
            (self.receipt(session)[0] == session.events()).then_some(())
        });
    }

    /// Asserts that the double has the events of the sessions, each once, and that the status
    /// agrees.
    #[track_caller]
    pub(crate) fn complete(&self, sessions: &[&Session]) {
        self.complete_but_for_traces(sessions);
        let traces = self.posthog.named("$ai_trace").len();
        assert_eq!(traces, sessions.len(), "a trace for each");
        let status = self.status();
        let sum = |name: &str| -> u64 {
            let sessions = status["sessions"].as_array().expect("a list");
            sessions.iter().filter_map(|one| one[name].as_u64()).sum()
        };
        let held = self.posthog.events().len() as u64;
        assert_eq!(sum("acknowledged"), held, "{status:#}");
        assert_eq!((sum("waiting"), sum("refused")), (0, 0), "{status:#}");
    }

    /// As `complete`, except that traces may have arrived again with new totals, and the status,
    /// which shows only some sessions, is not checked.
    #[track_caller]
    pub(crate) fn complete_but_for_traces(&self, sessions: &[&Session]) {
        self.holds(sessions);
        let mut copies = self.copies();
        copies.retain(|label, number| *number > 1 && !label.starts_with("trace "));
        assert_eq!(copies, BTreeMap::new(), "sent more than once");
    }

    /// As `complete`, except that an event may have arrived repeatedly, always with the same bytes.
    #[track_caller]
    pub(crate) fn complete_with_copies(&self, sessions: &[&Session]) {
        self.holds(sessions);
        let mut first: BTreeMap<String, Value> = BTreeMap::new();
        for event in self.posthog.events() {
            let known = first.entry(label(&event)).or_insert_with(|| event.clone());
            // A trace has the totals of its time.
            let is_trace = event["event"] == "$ai_trace";
            let same = is_trace && known["uuid"] == event["uuid"] || *known == event;
            assert!(same, "two versions:\n{known:#}\n{event:#}");
        }
    }

    #[track_caller]
    fn holds(&self, sessions: &[&Session]) {
        let mut expected = BTreeSet::new();
        for session in sessions {
            expected.extend(session.labels().iter().cloned());
        }
        let held: BTreeSet<String> = self.copies().into_keys().collect();
        let missing: Vec<_> = expected.difference(&held).collect();
        let strange: Vec<_> = held.difference(&expected).collect();
        assert!(
            missing.is_empty() && strange.is_empty(),
            "missing: {missing:?}\nnot expected: {strange:?}\n{:#}",
            self.status()
        );
    }

    /// Number of arrivals of each event.
    fn copies(&self) -> BTreeMap<String, usize> {
        let mut copies = BTreeMap::new();
        for event in self.posthog.events() {
            *copies.entry(label(&event)).or_default() += 1;
        }
        copies
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        if thread::panicking() {
            // A second panic would end all other tests.
            for process in Process::all(&self.env.state()) {
                process.kill();
            }
        } else {
            kill_all(&self.env.state());
        }
    }
}
