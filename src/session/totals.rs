//! Sums over a session.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::books::Unlisted;
use super::findings::Findings;
use super::operation::OperationKind;
use super::tree::Generation;
use super::turn::{Turn, Waits};
use super::usage::{CacheCounts, OutputCount, Usage, UsageReport};
use super::work::Work;

/// Sums over the generations of a session, each response counted once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Number of turns.
    pub turns: u64,
    /// Number of responses, including failed calls.
    pub generations: u64,
    /// Number of tool calls.
    pub tool_calls: u64,
    /// Number of tool calls that failed or were refused.
    pub tool_errors: u64,
    /// Number of failed calls of a model.
    pub errors: u64,
    /// Number of tool calls without a result.
    pub unfinished_tool_calls: u64,
    /// Number of responses whose output token count is a placeholder.
    pub placeholders: u64,
    /// Number of responses without reported usage.
    pub without_usage: u64,
    /// Number of interruptions of the agent by the user.
    pub interruptions: u64,
    /// Number of compactions of the conversation.
    pub compactions: u64,
    /// Milliseconds of waiting for a person.
    pub waited_ms: u64,
    /// Milliseconds that are not known to be either waiting or tool work.
    pub unattributed_ms: u64,
    /// Input tokens, as reported: outside the cache, or all.
    pub input: u64,
    /// Output tokens.
    pub output: u64,
    /// The thinking tokens among the output tokens, by model.
    pub reasoning: BTreeMap<String, u64>,
    /// Tokens read from the cache.
    pub cache_read: u64,
    /// Tokens written to the cache.
    pub cache_write: u64,
    /// Names of the called tools.
    pub tools: BTreeSet<String>,
    /// Changes to files and repository.
    pub work: Work,
    /// Work that bought nothing.
    #[serde(default)]
    pub findings: Findings,
}

impl Totals {
    /// Adds a turn, counting only the generations that `ours` accepts.
    pub fn add_turn(&mut self, turn: &Turn, ours: &dyn Fn(&Generation) -> bool) {
        self.turns += 1;
        self.interruptions += turn.incidents.interruptions;
        self.compactions += turn.incidents.compactions;
        self.work.link(&turn.incidents);
        self.findings.add_turn(turn, ours);
        let waits = turn.waits(ours);
        self.waited_ms += milliseconds(waits.waited);
        self.unattributed_ms += milliseconds(waits.unattributed);
        for generation in turn.all_generations() {
            if ours(generation) {
                self.add_generation(generation);
            }
        }
        let tools = turn.operations.iter();
        for tool in tools.filter(|it| it.kind == OperationKind::Tool) {
            self.tool_calls += 1;
            self.tool_errors += u64::from(tool.error.is_some());
            self.tools.extend(tool.traced.name.clone());
        }
    }

    /// The waits of all turns.
    #[must_use]
    pub fn waits(&self) -> Waits {
        Waits {
            waited: time(self.waited_ms),
            unattributed: time(self.unattributed_ms),
        }
    }

    /// Adds calls that are only in the agent's books.
    pub fn add_unlisted(&mut self, unlisted: &Unlisted) {
        self.generations += 1;
        self.add_usage(unlisted.usage, CacheCounts::Apart, Some(&unlisted.model));
    }

    fn add_generation(&mut self, generation: &Generation) {
        self.generations += 1;
        self.errors += u64::from(generation.error.is_some());
        self.placeholders += u64::from(generation.output_count == OutputCount::Placeholder);
        self.without_usage += u64::from(generation.usage_report == UsageReport::Missing);
        let counts = generation.cache_counts;
        self.add_usage(generation.usage, counts, generation.model.as_deref());
        for call in generation.tool_calls() {
            self.tool_calls += 1;
            self.tools.insert(call.name.clone());
            match &call.result {
                Some(result) => {
                    self.tool_errors += u64::from(result.is_error);
                    self.work.add(&result.work);
                }
                None if call.is_unreported() => {}
                None => self.unfinished_tool_calls += 1,
            }
        }
    }

    fn add_usage(&mut self, usage: Usage, counts: CacheCounts, model: Option<&str>) {
        self.input += usage.input_as(counts);
        self.output += usage.output;
        if let (Some(model), Some(reasoning)) = (model, usage.reasoning) {
            let sum = self.reasoning.entry(model.to_owned()).or_default();
            *sum += reasoning.min(usage.output);
        }
        self.cache_read += usage.cache_read;
        self.cache_write += usage.cache_write;
    }
}

fn milliseconds(time: TimeDelta) -> u64 {
    u64::try_from(time.num_milliseconds()).unwrap_or(0)
}

fn time(milliseconds: u64) -> TimeDelta {
    let milliseconds = i64::try_from(milliseconds).ok();
    let time = milliseconds.and_then(TimeDelta::try_milliseconds);
    time.unwrap_or(TimeDelta::MAX)
}
