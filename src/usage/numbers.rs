//! Numbers that are summed.

use std::ops::AddAssign;

use serde::{Serialize, Serializer, ser::SerializeStruct};

use super::properties::value;
use crate::posthog::{self, Event};
use crate::session::{Agent, Usage};

/// Token counts of calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tokens {
    /// Input tokens outside the cache.
    pub input: u64,
    /// Output tokens.
    pub output: u64,
    /// Input tokens read from the cache.
    pub cache_read: u64,
    /// Input tokens written to the cache.
    pub cache_write: u64,
    /// The part of `cache_write` with the longer lifetime of an hour.
    pub cache_write_1h: u64,
    /// The part of `output` that is thinking, as far as calls report it.
    pub reasoning: u64,
}

impl Tokens {
    /// The token counts in the event of a call.
    #[must_use]
    pub fn of(event: &Event<'_>) -> Self {
        posthog::usage_of(&|name| value(event, name)).into()
    }

    /// All tokens, each counted once.
    #[must_use]
    pub const fn sum(&self) -> u64 {
        self.input + self.output + self.cache_read + self.cache_write
    }
}

impl From<Usage> for Tokens {
    fn from(usage: Usage) -> Self {
        Self {
            input: usage.input,
            output: usage.output,
            cache_read: usage.cache_read,
            cache_write: usage.cache_write,
            cache_write_1h: usage.cache_write_long,
            reasoning: usage.reasoning.unwrap_or(0),
        }
    }
}

impl AddAssign for Tokens {
    fn add_assign(&mut self, other: Self) {
        self.input += other.input;
        self.output += other.output;
        self.cache_read += other.cache_read;
        self.cache_write += other.cache_write;
        self.cache_write_1h += other.cache_write_1h;
        self.reasoning += other.reasoning;
    }
}

/// The origin of a call's cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CostSource {
    /// A list price.
    List,
    /// A cost that the agent stated.
    Agent,
}

impl CostSource {
    /// The origin of a cost on an event of that agent.
    #[must_use]
    pub const fn of(agent: Agent) -> Self {
        match agent {
            // Claude Code states no costs: those on its events are list prices.
            Agent::ClaudeCode => Self::List,
            Agent::Pi | Agent::OpenCode | Agent::Otlp => Self::Agent,
        }
    }
}

/// Costs of calls.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cost {
    /// Cost of the calls with a known cost, in USD.
    pub usd: f64,
    /// Number of calls with a list price.
    pub listed: u64,
    /// Number of calls with a cost that the agent stated.
    pub stated: u64,
    /// Number of calls with an unknown cost.
    pub unknown: u64,
    /// Number of calls with unknown token counts.
    pub unmeasured: u64,
}

impl Cost {
    /// The cost of one call in USD; `None` is unknown. `is_measured` says whether its tokens are
    /// known.
    #[must_use]
    pub fn of_call(cost: Option<(f64, CostSource)>, is_measured: bool) -> Self {
        let (listed, stated) = match cost {
            Some((_, CostSource::List)) => (1, 0),
            Some((_, CostSource::Agent)) => (0, 1),
            None => (0, 0),
        };
        Self {
            usd: cost.map_or(0.0, |(usd, _)| usd),
            listed,
            stated,
            unknown: u64::from(cost.is_none()),
            unmeasured: u64::from(!is_measured),
        }
    }
}

impl AddAssign for Cost {
    fn add_assign(&mut self, other: Self) {
        self.usd += other.usd;
        self.listed += other.listed;
        self.stated += other.stated;
        self.unknown += other.unknown;
        self.unmeasured += other.unmeasured;
    }
}

/// `usd` is `null` when no cost is known. It is rounded, so that sums do not depend on their order.
impl Serialize for Cost {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let known = self.listed + self.stated;
        let rounded = (self.usd * 1e9).round() / 1e9;
        let source = match (self.listed, self.stated) {
            (0, 1..) => "agent",
            (1.., 1..) => "mixed",
            _ => "list",
        };
        let mut fields = serializer.serialize_struct("Cost", 3)?;
        fields.serialize_field("usd", &(known > 0).then_some(rounded))?;
        fields.serialize_field("source", source)?;
        fields.serialize_field("unknown_calls", &self.unknown)?;
        fields.end()
    }
}

/// Sums over one session. Times are in seconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Facts {
    /// Time worked, in seconds: the sum of the turns, without waiting for the next prompt.
    pub worked: f64,
    /// Time that tools waited for a person, in seconds.
    pub waited: f64,
    /// Number of prompts.
    pub turns: u64,
    /// Number of model calls.
    pub calls: u64,
    /// Number of tool calls.
    pub tools: u64,
    /// Number of failed model calls.
    pub failed_calls: u64,
    /// Number of failed tool calls.
    pub failed_tools: u64,
    /// Tokens of the model calls.
    pub tokens: Tokens,
    /// Costs of the model calls.
    pub cost: Cost,
    /// Lines added to files by the agent's tools.
    pub lines_added: u64,
    /// Lines removed by them.
    pub lines_removed: u64,
    /// Number of commits.
    pub commits: u64,
    /// Addresses of pull requests.
    pub pull_requests: Vec<String>,
    /// Number of compactions of the conversation.
    pub compactions: u64,
    /// Number of secrets replaced; `None` if the content was not read.
    pub secrets: Option<u64>,
}

/// Sums over a group of sessions, or over parts of sessions. Times are in seconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Numbers {
    /// Number of sessions with work in the group.
    pub sessions: u64,
    /// Time worked, in seconds: of turns; for a model, of its calls; for a tool, of its own runs.
    pub worked: f64,
    /// Time that tools waited for a person, in seconds.
    pub waited: f64,
    /// Number of model calls.
    pub calls: u64,
    /// Number of failed model calls.
    pub failed_calls: u64,
    /// Number of tool calls.
    pub tools: u64,
    /// Number of failed tool calls.
    pub failed_tools: u64,
    /// Tokens of the model calls.
    pub tokens: Tokens,
    /// Costs of the model calls.
    pub cost: Cost,
    /// Lines added to files.
    pub lines_added: u64,
    /// Lines removed.
    pub lines_removed: u64,
    /// Number of commits.
    pub commits: u64,
    /// Number of different pull requests.
    pub pull_requests: u64,
}
