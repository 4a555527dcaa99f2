//! One call of a model: who answered, what it used, when and how it was asked.

use std::borrow::Cow;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Block, Circumstances, Message, Setup, ToolCall};

/// One response of a model, or one call that failed.
#[derive(Clone, Debug)]
pub struct Generation {
    /// The provider's id of the response, or what tells it apart where that does not: the identity
    /// over all files that hold a copy.
    pub id: String,
    /// Whether the agent says that another session ran it and this one began as a copy of that.
    pub is_copy: bool,
    /// Model of the response; `None` when no model answered.
    pub model: Option<String>,
    /// Who ran the model.
    pub provider: Cow<'static, str>,
    /// Tokens, as reported.
    pub usage: Usage,
    /// Its price, where the agent computed one.
    pub cost: Option<Cost>,
    /// When the request was sent, as well as it can be told: calls are put in order by it.
    pub started_at: DateTime<Utc>,
    /// Whether the time from `started_at` to `ended_at` is that of the call.
    pub timing: Timing,
    /// When the first token came, where it can be told.
    pub first_token_at: Option<DateTime<Utc>>,
    /// When the last part of the response was there.
    pub ended_at: DateTime<Utc>,
    /// Attempts at this call that failed before.
    pub retries: Retries,
    /// Why the model stopped, in the provider's words.
    pub stop_reason: Option<String>,
    /// The messages that this call added to the conversation.
    pub input: Vec<Message>,
    /// All that the model was given, where that is wanted and known.
    pub whole_input: Option<Vec<Arc<Message>>>,
    /// Whether what was said before was summed up for this call, and forgotten.
    pub begins_anew: bool,
    /// System prompt and tools, where they are known.
    pub setup: Option<Arc<Setup>>,
    /// The response, in the order in which the model wrote it.
    pub output: Vec<Block>,
    /// Request parameters that are known.
    pub parameters: Parameters,
    /// Set when the call failed.
    pub error: Option<CallError>,
    /// What it is, where it is no response of the conversation itself.
    pub label: Option<&'static str>,
    /// Whether the response told what it used.
    pub usage_report: UsageReport,
    /// False while the response may still be being written.
    pub complete: bool,
    /// Where and under what circumstances.
    pub circumstances: Arc<Circumstances>,
}

/// Token counts of one response. Input excludes what was read from or written to the cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Input tokens outside the cache.
    pub input: u64,
    /// Output tokens, thinking included.
    pub output: u64,
    /// Thinking tokens, where they are told apart.
    pub reasoning: Option<u64>,
    /// Input tokens read from the cache.
    pub cache_read: u64,
    /// Input tokens written to the cache, both lifetimes.
    pub cache_write: u64,
    /// Of these, kept for five minutes.
    pub cache_write_5m: u64,
    /// Of these, kept for one hour.
    pub cache_write_1h: u64,
    /// Web searches that the provider ran.
    pub web_searches: u64,
    /// Web pages that the provider fetched.
    #[serde(default)]
    pub web_fetches: u64,
}

/// Whether a call told what it used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsageReport {
    /// It did, or it failed and used nothing.
    Present,
    /// No part of the response did: its counts are not known.
    Missing,
}

/// What is known of how long a call took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timing {
    /// The agent recorded when the call was asked for and when the answer was there.
    Known,
    /// The agent recorded less: the call has no latency.
    Unknown,
}

/// The price of one call in dollars, as the agent computed it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cost {
    /// All of it.
    pub total: f64,
    /// The part for input, cached input included, where the agent splits the price.
    pub input: Option<f64>,
    /// The part for output, where the agent splits the price.
    pub output: Option<f64>,
}

/// What a request asked for, where the transcript tells.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parameters {
    /// The model that was asked for, where another one answered.
    pub requested_model: Option<String>,
    /// Upper limit of output tokens.
    pub max_tokens: Option<u64>,
    /// Effort level.
    pub effort: Option<String>,
    /// Thinking settings as sent.
    pub thinking: Option<Value>,
    /// Service tier the provider billed (`standard`, `priority`, `batch`).
    pub service_tier: Option<String>,
    /// Speed the provider billed (`standard`, `fast`).
    pub speed: Option<String>,
    /// Where the model ran (`us`, `global`), where the provider bills by it.
    pub inference_geo: Option<String>,
    /// Whatever else says how the model was asked, in the provider's words.
    pub others: Map<String, Value>,
}

/// Attempts that failed and were made again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retries {
    /// How many.
    pub count: u64,
    /// HTTP status of the last of them, where there was an answer.
    pub status: Option<u16>,
}

/// Why a call failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallError {
    /// Short kind (`rate_limit`, `invalid_request`, …), as the agent or the provider wrote it.
    pub kind: Option<String>,
    /// What the agent showed to the user.
    pub message: String,
    /// HTTP status of the provider's answer.
    pub status: Option<u16>,
}

impl Generation {
    /// Whether the count of output tokens is that of the response's first moments: some versions
    /// of agents, and responses that were broken off, never get the final one.
    #[must_use]
    pub fn has_placeholder(&self) -> bool {
        const LARGEST_PLACEHOLDER: u64 = 10;
        self.error.is_none()
            && self.stop_reason.is_none()
            && self.usage.output <= LARGEST_PLACEHOLDER
    }

    /// The usage with the searches that its tools ran on behalf of the model, which only the
    /// tools' results tell.
    #[must_use]
    pub fn billed(&self) -> Usage {
        let results = self.tool_calls().filter_map(|call| call.result.as_ref());
        let by_tools: u64 = results.map(|result| result.web_searches).sum();
        Usage {
            web_searches: self.usage.web_searches.max(by_tools),
            ..self.usage
        }
    }

    /// The tool calls of this response.
    pub fn tool_calls(&self) -> impl Iterator<Item = &ToolCall> {
        self.output.iter().filter_map(|block| match block {
            Block::ToolCall(call) => Some(call.as_ref()),
            _ => None,
        })
    }
}
