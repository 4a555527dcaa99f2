//! Sums over the events of one session.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{Local, NaiveDate, Timelike};
use uuid::Uuid;

use super::cost::cost_of;
use super::numbers::{Cost, Facts, Tokens};
use super::properties::{is_failed, list, number, property, seconds, text, value};
use crate::posthog::{Event, EventName, names};
use crate::session::{Agent, FindingKind, Found};

/// A local hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Hour {
    pub(super) day: NaiveDate,
    pub(super) hour: u8,
}

/// The key of sums: hour, branch, person and model.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Of {
    pub(super) hour: Hour,
    pub(super) branch: Option<String>,
    /// The person, if known.
    pub(super) user: Option<String>,
    /// The model of a call, or of the call that asked for a tool. `None` for turns.
    pub(super) model: Option<String>,
}

/// Sums over calls.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct CallSums {
    pub(super) calls: u64,
    pub(super) failed: u64,
    pub(super) tokens: Tokens,
    pub(super) cost: Cost,
    /// Seconds worked.
    pub(super) worked: f64,
}

/// Sums over the calls of one tool.
#[derive(Clone, Debug, Default)]
pub(super) struct ToolSums {
    pub(super) calls: u64,
    pub(super) failed: u64,
    /// Seconds that the tool waited for a person.
    pub(super) waited: f64,
    /// The tool's own times in seconds, where known.
    pub(super) times: Vec<f64>,
    pub(super) lines_added: u64,
    pub(super) lines_removed: u64,
    pub(super) commits: u64,
    pub(super) pull_requests: BTreeSet<String>,
}

/// Sums over turns, or totals that a trace states about its session.
#[derive(Clone, Debug, Default)]
pub(super) struct TurnSums {
    /// Seconds worked.
    pub(super) worked: f64,
    /// Seconds that tools waited for a person.
    pub(super) waited: f64,
    pub(super) lines_added: u64,
    pub(super) lines_removed: u64,
    pub(super) commits: u64,
    pub(super) compactions: u64,
    pub(super) pull_requests: BTreeSet<String>,
    /// Findings that a trace states, by kind.
    pub(super) found: [Found; FindingKind::ALL.len()],
}

/// Sums over a part of a session.
pub(super) enum Record<'a> {
    Calls(&'a Of, &'a CallSums),
    /// Sums of one tool, with its name.
    Tools(&'a Of, &'a str, &'a ToolSums),
    Turns(&'a Of, &'a TurnSums),
}

impl<'a> Record<'a> {
    pub(super) const fn of(&self) -> &'a Of {
        match self {
            Self::Calls(of, _) | Self::Tools(of, ..) | Self::Turns(of, _) => of,
        }
    }
}

/// Sums over the events of one session.
#[derive(Clone, Debug)]
pub struct SessionUsage {
    agent: Agent,
    id: Option<String>,
    project: Option<String>,
    work_tree: Option<String>,
    version: Option<String>,
    branch: Option<String>,
    facts: Facts,
    traces: HashMap<Uuid, (Of, TurnSums)>,
    trace_ids: BTreeSet<String>,
    output: HashMap<String, u64>,
    calls: BTreeMap<Of, CallSums>,
    tools: BTreeMap<(Of, String), ToolSums>,
    turns: BTreeMap<Of, TurnSums>,
    /// The current turn. It counts for the branch on which it ends, since work often begins on
    /// another.
    current: Option<(Of, TurnSums)>,
    /// The last branch named in the current turn.
    carried: Option<String>,
    /// The models of the current turn's calls, by the span of the call.
    callers: HashMap<String, Option<String>>,
}

impl SessionUsage {
    /// Sums over no events.
    #[must_use]
    pub fn new(agent: Agent) -> Self {
        Self {
            agent,
            id: None,
            project: None,
            work_tree: None,
            version: None,
            branch: None,
            facts: Facts::default(),
            traces: HashMap::new(),
            trace_ids: BTreeSet::new(),
            output: HashMap::new(),
            calls: BTreeMap::new(),
            tools: BTreeMap::new(),
            turns: BTreeMap::new(),
            current: None,
            carried: None,
            callers: HashMap::new(),
        }
    }

    /// Adds an event. Each is added once, except for a trace, of which the last version counts. A
    /// turn comes before its calls, and a call before its tools.
    pub fn add(&mut self, event: &Event<'_>) {
        self.circumstances(event);
        match event.name {
            EventName::Trace => {
                let of = self.begin(event);
                self.traces.insert(event.uuid, (of, TurnSums::of(event)));
                self.trace_ids.extend(text(event, names::TRACE_ID));
            }
            EventName::Generation | EventName::Embedding => self.call(event),
            EventName::Span if event.is_turn() => {
                let of = self.begin(event);
                let turn = TurnSums::of(event);
                self.facts.turns += 1;
                self.facts.worked += turn.worked;
                self.current = Some((of, turn));
            }
            EventName::Span => self.tool(event),
        }
    }

    /// Whether a version of this trace was added.
    #[must_use]
    pub fn has_trace(&self, uuid: Uuid) -> bool {
        self.traces.contains_key(&uuid)
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
        for (_, trace) in self.traces.values() {
            // Without events of turns, only the trace states how long they took.
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

    /// Adds a pull request to the turns on its branch, and to those without a branch: a checked out
    /// commit has none.
    pub fn link(&mut self, branch: &str, pull_request: &str) {
        let turns = self.turns.iter_mut();
        let current = self.current.iter_mut().map(|(of, turn)| (&*of, turn));
        let traces = self.traces.values_mut().map(|(of, turn)| (&*of, turn));
        for (of, turn) in turns.chain(current).chain(traces) {
            if of.branch.as_deref().is_none_or(|it| it == branch) {
                turn.pull_requests.insert(pull_request.to_owned());
            }
        }
    }

    /// The findings of a kind.
    pub(super) fn found(&self, kind: FindingKind) -> Found {
        let at = FindingKind::ALL.iter().position(|it| *it == kind);
        let of_kind = |(_, trace): &(Of, TurnSums)| at.and_then(|at| trace.found.get(at).copied());
        let mut sum = Found::default();
        for found in self.traces.values().filter_map(of_kind) {
            sum.count += found.count;
            sum.tokens += found.tokens;
        }
        sum
    }

    /// Id of the session, as on its events.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// `$ai_trace_id` of its trace; `None` if each turn is a trace of its own.
    pub(super) fn trace(&self) -> Option<&str> {
        let mut ids = self.trace_ids.iter();
        ids.next()
            .filter(|_| ids.next().is_none())
            .map(String::as_str)
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

    /// All records. Without events of turns, records of traces replace them.
    pub(super) fn records(&self) -> impl Iterator<Item = Record<'_>> {
        let calls = self
            .calls
            .iter()
            .map(|(of, calls)| Record::Calls(of, calls));
        let tools = self.tools.iter();
        let tools = tools.map(|((of, name), tools)| Record::Tools(of, name, tools));
        let turns = self
            .turns
            .iter()
            .map(|(of, turns)| Record::Turns(of, turns));
        let has_turns = self.facts.turns > 0;
        let traces = self.traces.values().filter(move |_| !has_turns);
        let others = self.current.iter().chain(traces);
        let others = others.map(|(of, turn)| Record::Turns(of, turn));
        calls.chain(tools).chain(turns).chain(others)
    }

    fn circumstances(&mut self, event: &Event<'_>) {
        let [version, ..] = names::of_agent(self.agent);
        for (known, name) in [
            (&mut self.id, names::SESSION_ID),
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

    /// Begins a turn, or a trace.
    fn begin(&mut self, event: &Event<'_>) -> Of {
        if let Some((of, turn)) = self.current.take() {
            self.turns.entry(of).or_default().add(turn);
        }
        self.callers.clear();
        self.carried = text(event, names::GIT_BRANCH);
        self.of(event, None)
    }

    /// The key of an event's sums. An event without a branch has the last one of its turn.
    fn of(&mut self, event: &Event<'_>, model: Option<String>) -> Of {
        let branch = text(event, names::GIT_BRANCH);
        if branch.is_some() {
            self.carried.clone_from(&branch);
            if let Some((turn, _)) = &mut self.current {
                turn.branch.clone_from(&branch);
            }
        }
        let has_person = property(event, names::PERSON_PROFILE).is_none();
        Of {
            hour: hour(event),
            branch: branch.or_else(|| self.carried.clone()),
            user: has_person.then(|| event.distinct_id.clone()),
            model,
        }
    }

    fn call(&mut self, event: &Event<'_>) {
        let tokens = Tokens::of(event);
        let model = text(event, names::MODEL);
        let failed = u64::from(is_failed(event));
        // A call without tokens is free, unless its usage is unknown.
        let is_measured = property(event, names::IS_USAGE_KNOWN).is_none();
        let is_free = tokens.sum() == 0 && is_measured;
        let cost = if is_free {
            Cost::default()
        } else {
            let value = |name: &str| value(event, name);
            Cost::of_call(cost_of(&value, self.agent, event.timestamp), is_measured)
        };
        self.facts.calls += 1;
        self.facts.failed_calls += failed;
        self.facts.tokens += tokens;
        self.facts.cost += cost;
        if let Some(model) = &model {
            *self.output.entry(model.clone()).or_default() += tokens.output;
        }
        if let Some(span) = text(event, names::SPAN_ID) {
            self.callers.insert(span, model.clone());
        }
        let of = self.of(event, model);
        let calls = self.calls.entry(of).or_default();
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
        let caller = text(event, names::PARENT_ID);
        let model = caller.and_then(|caller| self.callers.get(&caller).cloned());
        let of = self.of(event, model.flatten());
        let tools = self.tools.entry((of, name)).or_default();
        tools.calls += 1;
        tools.failed += failed;
        tools.waited += seconds(event, names::PERMISSION_WAIT).unwrap_or(0.0);
        tools.times.extend(seconds(event, names::LATENCY));
        tools.lines_added += number(event, names::LINES_ADDED);
        tools.lines_removed += number(event, names::LINES_REMOVED);
        tools.commits += list(event, names::COMMITS).count() as u64;
        tools
            .pull_requests
            .extend(list(event, names::PULL_REQUESTS));
    }
}

impl TurnSums {
    fn of(event: &Event<'_>) -> Self {
        Self {
            worked: worked(event),
            waited: seconds(event, names::WAITED).unwrap_or(0.0),
            lines_added: number(event, names::LINES_ADDED),
            lines_removed: number(event, names::LINES_REMOVED),
            commits: list(event, names::COMMITS).count() as u64,
            compactions: number(event, names::COMPACTION_COUNT),
            pull_requests: list(event, names::PULL_REQUESTS).collect(),
            found: FindingKind::ALL.map(|kind| {
                let [count, tokens] = names::of_finding(kind).map(|name| number(event, name));
                Found { count, tokens }
            }),
        }
    }

    fn add(&mut self, other: Self) {
        self.worked += other.worked;
        self.waited += other.waited;
        self.lines_added += other.lines_added;
        self.lines_removed += other.lines_removed;
        self.commits += other.commits;
        self.compactions += other.compactions;
        self.pull_requests.extend(other.pull_requests);
    }
}

/// Seconds worked in a turn or trace. The trace of a whole session only states how long it was
/// open; the trace of one prompt, or of an application, states how long the work took.
fn worked(event: &Event<'_>) -> f64 {
    let is_of_session = text(event, names::TRACE_ID) == text(event, names::SESSION_ID);
    let name = match event.name {
        EventName::Trace if is_of_session => return 0.0,
        EventName::Trace => names::ELAPSED,
        _ => names::LATENCY,
    };
    seconds(event, name).unwrap_or(0.0)
}

fn hour(event: &Event<'_>) -> Hour {
    let local = event.timestamp.with_timezone(&Local);
    Hour {
        day: local.date_naive(),
        hour: u8::try_from(local.hour()).unwrap_or(0),
    }
}
