//! Parameters and outcome of one call of a model.

use serde_json::{Map, Value};

/// The kind of a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum CallKind {
    /// A model writes a response.
    #[default]
    Chat,
    /// A model turns texts into vectors, which are never kept.
    Embedding,
}

/// Whether the duration of a call is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timing {
    /// The agent recorded both the request time and the response time.
    Known,
    /// The agent recorded less: the call has no latency.
    Unknown,
}

/// Why a model stopped writing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// The response is complete.
    Finished,
    /// The model waits for the results of tool calls.
    ToolCalls,
    /// The response reached the limit of output tokens.
    Length,
    /// The user stopped the call.
    Aborted,
    /// Any other reason, in the provider's words.
    Other(String),
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
    pub region: Option<String>,
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
