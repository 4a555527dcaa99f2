//! One call of a model: response, usage, time and request parameters.

use std::borrow::Cow;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Block, Circumstances, Message, Setup, ToolCall};

/// One response of a model, or one failed call.
#[derive(Clone, Debug)]
pub struct Generation {
    /// The provider's id of the response, or a substitute that is unique without one. It identifies
    /// the response in all files that hold a copy.
    pub id: String,
    /// Whether the agent says that this is a copy of another session's generation.
    pub is_copy: bool,
    /// The model of the response; `None` if no model answered.
    pub model: Option<String>,
    /// The provider that ran the model.
    pub provider: Cow<'static, str>,
    /// Token counts as reported.
    pub usage: Usage,
    /// Cost, if the agent computed one.
    pub cost: Option<Cost>,
    /// When the request was sent, as precisely as known. Calls are sorted by it.
    pub started_at: DateTime<Utc>,
    /// Whether `started_at` to `ended_at` is the duration of the call.
    pub timing: Timing,
    /// When the first token arrived, if known.
    pub first_token_at: Option<DateTime<Utc>>,
    /// When the last part of the response arrived.
    pub ended_at: DateTime<Utc>,
    /// Failed attempts before this call.
    pub retries: Retries,
    /// The stop reason, in the provider's terms.
    pub stop_reason: Option<String>,
    /// The messages that this call added to the conversation.
    pub input: Vec<Message>,
    /// The complete input of the call, if requested and known.
    pub whole_input: Option<Vec<Arc<Message>>>,
    /// Whether earlier messages were summarised and dropped before this call.
    pub begins_anew: bool,
    /// System prompt and tools, if known.
    pub setup: Option<Arc<Setup>>,
    /// The response, in the order in which it was written.
    pub output: Vec<Block>,
    /// Known request parameters.
    pub parameters: Parameters,
    /// Set when the call failed.
    pub error: Option<CallError>,
    /// A label for a response outside the conversation itself.
    pub label: Option<&'static str>,
    /// Whether the response reported its usage.
    pub usage_report: UsageReport,
    /// False while the response may still be written.
    pub complete: bool,
    /// The circumstances of the call.
    pub circumstances: Arc<Circumstances>,
}

/// Token counts of one response. `input` excludes cache reads and cache writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Input tokens outside the cache.
    pub input: u64,
    /// Output tokens, including thinking.
    pub output: u64,
    /// Thinking tokens, if reported separately.
    pub reasoning: Option<u64>,
    /// Input tokens read from the cache.
    pub cache_read: u64,
    /// Input tokens written to the cache, for all lifetimes.
    pub cache_write: u64,
    /// The part of `cache_write` kept for five minutes.
    pub cache_write_5m: u64,
    /// The part of `cache_write` kept for one hour.
    pub cache_write_1h: u64,
    /// Web searches that the provider ran.
    pub web_searches: u64,
    /// Web pages that the provider fetched.
    #[serde(default)]
    pub web_fetches: u64,
}

/// Whether a call reported its usage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsageReport {
    /// Usage was reported, or the call failed and used nothing.
    Present,
    /// No part of the response reported usage: its counts are unknown.
    Missing,
}

/// Whether the duration of a call is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timing {
    /// The agent recorded both the request time and the response time.
    Known,
    /// The agent recorded less: the call has no latency.
    Unknown,
}

/// Cost of one call in dollars, as computed by the agent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cost {
    /// Total.
    pub total: f64,
    /// Cost of input, including cached input, if the agent splits the cost.
    pub input: Option<f64>,
    /// Cost of output, if the agent splits the cost.
    pub output: Option<f64>,
}

/// Request parameters, as far as the transcript records them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parameters {
    /// The requested model, if another one answered.
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
    /// Region in which the model ran (`us`, `global`), if the provider bills by it.
    pub inference_geo: Option<String>,
    /// Other parameters, by the provider's names.
    pub others: Map<String, Value>,
}

/// Failed attempts that were repeated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retries {
    /// Number of failed attempts.
    pub count: u64,
    /// HTTP status of the last failed attempt, if there was an answer.
    pub status: Option<u16>,
}

/// The error of a failed call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallError {
    /// Error kind (`rate_limit`, `invalid_request`, …), as written by the agent or the provider.
    pub kind: Option<String>,
    /// The message that the agent showed to the user.
    pub message: String,
    /// HTTP status of the provider's answer.
    pub status: Option<u16>,
}

impl Generation {
    /// Whether the output token count is only the initial value of a stream: some agent versions,
    /// and aborted responses, never record the final one.
    #[must_use]
    pub fn has_placeholder(&self) -> bool {
        const LARGEST_PLACEHOLDER: u64 = 10;
        self.error.is_none()
            && self.stop_reason.is_none()
            && self.usage.output <= LARGEST_PLACEHOLDER
    }

    /// The usage plus the web searches run by its tools for the model, which only tool results
    /// report.
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
