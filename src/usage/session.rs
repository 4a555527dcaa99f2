//! Sums over the events of one session.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{Local, NaiveDate, Timelike};
use serde_json::Value;
use uuid::Uuid;

use super::numbers::{Cost, CostSource, Facts, Tokens};
use super::properties::{is_failed, number, property, seconds, text};
use crate::posthog::{Event, EventName, names};
use crate::session::Agent;

/// A local hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Hour {
    pub(super) day: NaiveDate,
    pub(super) hour: u8,
}

/// Calls of one model on one branch in an hour.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct CallsOf {
    pub(super) hour: Hour,
    pub(super) model: Option<String>,
    pub(super) branch: Option<String>,
}

/// Sums over calls.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct CallSums {
    pub(super) calls: u64,
    pub(super) failed: u64,
    pub(super) tokens: Tokens,
    pub(super) cost: Cost,
    /// Seconds.
    pub(super) worked: f64,
}

/// Sums over the calls of one tool in an hour.
#[derive(Clone, Debug, Default)]
pub(super) struct Tools {
    pub(super) calls: u64,
    pub(super) failed: u64,
    /// Seconds that they waited for a person.
    pub(super) waited: f64,
    /// Own times in seconds, where they are known.
    pub(super) times: Vec<f64>,
}

/// What a trace states about its session, or about its part of it.
#[derive(Clone, Debug, Default)]
struct Stated {
    worked: f64,
    waited: f64,
    lines_added: u64,
    lines_removed: u64,
    commits: u64,
    compactions: u64,
    pull_requests: Vec<String>,
}

/// Sums over the events of one session.
#[derive(Clone, Debug)]
pub struct SessionUsage {
    agent: Agent,
    project: Option<String>,
    work_tree: Option<String>,
    version: Option<String>,
    branch: Option<String>,
    facts: Facts,
    traces: HashMap<Uuid, Stated>,
    output: HashMap<String, u64>,
    calls: BTreeMap<CallsOf, CallSums>,
    tools: BTreeMap<(Hour, String), Tools>,
}

impl SessionUsage {
    /// Sums over no events.
    #[must_use]
    pub fn new(agent: Agent) -> Self {
        Self {
            agent,
            project: None,
            work_tree: None,
            version: None,
            branch: None,
            facts: Facts::default(),
            traces: HashMap::new(),
            output: HashMap::new(),
            calls: BTreeMap::new(),
            tools: BTreeMap::new(),
        }
    }

    /// Adds an event. Each is added once, except a trace: the last one of an identity counts.
    pub fn add(&mut self, event: &Event<'_>) {
        self.circumstances(event);
        match event.name {
            EventName::Trace => {
                self.traces.insert(event.uuid, Stated::of(event));
            }
            EventName::Generation | EventName::Embedding => self.call(event),
            EventName::Span if event.is_turn() => {
                self.facts.turns += 1;
                self.facts.worked += seconds(event, names::LATENCY).unwrap_or(0.0);
            }
            EventName::Span => self.tool(event),
        }
    }

    /// Sets the number of secrets that were replaced.
    pub const fn set_secrets(&mut self, secrets: u64) {
        self.facts.secrets = Some(secrets);
    }

    /// The sums.
    #[must_use]
    pub fn facts(&self) -> Facts {
        let mut facts = self.facts.clone();
        let has_turns = facts.turns > 0;
        let mut pull_requests = BTreeSet::new();
        for trace in self.traces.values() {
            // Without spans of turns, the trace alone says how long they took.
            facts.worked += if has_turns { 0.0 } else { trace.worked };
            facts.waited += trace.waited;
            facts.lines_added += trace.lines_added;
            facts.lines_removed += trace.lines_removed;
            facts.commits += trace.commits;
            facts.compactions += trace.compactions;
            pull_requests.extend(trace.pull_requests.iter().cloned());
        }
        facts.pull_requests = pull_requests.into_iter().collect();
        facts
    }

    /// The agent.
    #[must_use]
    pub const fn agent(&self) -> Agent {
        self.agent
    }

    /// Name of the project.
    #[must_use]
    pub fn project(&self) -> Option<&str> {
        self.project.as_deref()
    }

    /// Name of the linked work tree, if it is not the main one.
    #[must_use]
    pub fn work_tree(&self) -> Option<&str> {
        self.work_tree.as_deref()
    }

    /// The last branch.
    #[must_use]
    pub fn branch(&self) -> Option<&str> {
        self.branch.as_deref()
    }

    /// Version of the agent.
    #[must_use]
    pub fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }

    /// Models, the one with most output first.
    #[must_use]
    pub fn models(&self) -> Vec<&str> {
        let mut models: Vec<(&str, u64)> = self.output.iter().map(|(it, n)| (&**it, *n)).collect();
        models.sort_by_key(|(model, output)| (std::cmp::Reverse(*output), *model));
        models.into_iter().map(|(model, _)| model).collect()
    }

    pub(super) fn calls(&self) -> impl Iterator<Item = (&CallsOf, &CallSums)> {
        self.calls.iter()
    }

    pub(super) fn tools(&self) -> impl Iterator<Item = (Hour, &str, &Tools)> {
        let tools = self.tools.iter();
        tools.map(|((hour, name), tools)| (*hour, name.as_str(), tools))
    }

    fn circumstances(&mut self, event: &Event<'_>) {
        let [version, ..] = names::of_agent(self.agent);
        for (known, name) in [
            (&mut self.project, names::PROJECT_NAME),
            (&mut self.work_tree, names::WORK_TREE),
            (&mut self.version, version),
            (&mut self.branch, names::GIT_BRANCH),
        ] {
            let is_last = name == names::GIT_BRANCH && event.name != EventName::Trace;
            if known.is_none() || is_last {
                *known = text(event, name).or(known.take());
            }
        }
    }

    fn call(&mut self, event: &Event<'_>) {
        let tokens = Tokens::of(event);
        let model = text(event, names::MODEL);
        let failed = u64::from(is_failed(event));
        // What used nothing cost nothing.
        let cost = if tokens.sum() == 0 {
            Cost::default()
        } else {
            Cost::of_call(cost(event, self.agent))
        };
        self.facts.calls += 1;
        self.facts.failed_calls += failed;
        self.facts.tokens += tokens;
        self.facts.cost += cost;
        if let Some(model) = &model {
            *self.output.entry(model.clone()).or_default() += tokens.output;
        }
        let calls = self.calls.entry(CallsOf {
            hour: hour(event),
            model,
            branch: text(event, names::GIT_BRANCH),
        });
        let calls = calls.or_default();
        calls.calls += 1;
        calls.failed += failed;
        calls.tokens += tokens;
        calls.cost += cost;
        calls.worked += seconds(event, names::LATENCY).unwrap_or(0.0);
    }

    fn tool(&mut self, event: &Event<'_>) {
        let failed = u64::from(is_failed(event));
        self.facts.tools += 1;
        self.facts.failed_tools += failed;
        let name = text(event, names::SPAN_NAME).unwrap_or_default();
        let tools = self.tools.entry((hour(event), name)).or_default();
        tools.calls += 1;
        tools.failed += failed;
        tools.waited += seconds(event, names::PERMISSION_WAIT).unwrap_or(0.0);
        tools.times.extend(seconds(event, names::LATENCY));
    }
}

impl Stated {
    fn of(event: &Event<'_>) -> Self {
        let pull_requests = property(event, names::PULL_REQUESTS).map(|it| it.clone().into_value());
        let pull_requests = pull_requests.iter().filter_map(Value::as_array).flatten();
        let addresses = pull_requests.filter_map(|it| it.as_str().map(str::to_owned));
        Self {
            worked: seconds(event, names::LATENCY).unwrap_or(0.0),
            waited: seconds(event, names::WAITED).unwrap_or(0.0),
            lines_added: number(event, names::LINES_ADDED),
            lines_removed: number(event, names::LINES_REMOVED),
            commits: number(event, names::COMMIT_COUNT),
            compactions: number(event, names::COMPACTION_COUNT),
            pull_requests: addresses.collect(),
        }
    }
}

/// The cost of a call that its event states.
fn cost(event: &Event<'_>, agent: Agent) -> Option<(f64, CostSource)> {
    let usd = seconds(event, names::TOTAL_COST)?;
    Some((usd, CostSource::of(agent)))
}

fn hour(event: &Event<'_>) -> Hour {
    let local = event.timestamp.with_timezone(&Local);
    Hour {
        day: local.date_naive(),
        hour: u8::try_from(local.hour()).unwrap_or(0),
    }
}
